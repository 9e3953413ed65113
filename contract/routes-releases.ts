/** Routes of releases: keys that are trusted, packages, and how one is rolled out. */
import { z } from 'zod'
import { slug } from './primitives.ts'
import { releaseVersion, signedRelease } from './release.ts'
import { define, list, ok } from './route.ts'

export const releaseSummary = z.object({
  sha256: z.string(),
  version: releaseVersion,
  role: z.string(),
  platform: z.string(),
  sequence: z.number().int(),
  size: z.number(),
  key: z.string(),
  importedAt: z.number(),
  importedBy: z.string(),
})
export type ReleaseSummary = z.infer<typeof releaseSummary>

/** `waiting`: the canaries are healthy and a person is to say go on. `halted`: something went wrong; nobody further is offered it. */
export const rolloutState = z.enum(['running', 'waiting', 'halted', 'stopped', 'done'])
export const rolloutSensorState = z.enum(['pending', 'offered', 'updating', 'healthy', 'failed'])
export const rolloutSummary = z.object({
  id: z.string(),
  release: releaseSummary,
  state: rolloutState,
  stage: z.enum(['canary', 'rest']),
  /** Minutes without a problem after which the others follow; null waits for a person. */
  waitMinutes: z.number().nullable(),
  startedAt: z.number(),
  startedBy: z.string(),
  /** Since when all canaries are healthy. */
  healthyAt: z.number().nullable(),
  reason: z.string(),
  sensors: z.array(z.object({ sensor: z.string(), name: z.string(), stage: z.enum(['canary', 'rest']), state: rolloutSensorState, detail: z.string() })),
})
export type RolloutSummary = z.infer<typeof rolloutSummary>

export const releasesRoutes = define({
  releases: {
    method: 'GET',
    path: '/releases',
    permission: 'sensor.read',
    summary: 'Releases of sensors that this core has, newest first.',
    answer: list(releaseSummary),
  },
  importRelease: {
    method: 'POST',
    path: '/releases',
    permission: 'sensor.manage',
    summary: 'Take a signed release whose package was put into the folder of releases; refused unless a trusted key signed it.',
    body: signedRelease,
    answer: releaseSummary,
  },
  releaseKeys: {
    method: 'GET',
    path: '/release-keys',
    permission: 'sensor.read',
    summary: 'Public keys whose releases this core takes. Sensors have their own list.',
    answer: list(z.object({ id: z.string(), name: z.string(), addedAt: z.number(), addedBy: z.string() })),
  },
  trustReleaseKey: {
    method: 'POST',
    path: '/release-keys',
    permission: 'sensor.manage',
    summary: 'Trust a public key (Ed25519, PEM) for releases.',
    body: z.strictObject({ name: z.string().min(1).max(100), pem: z.string().max(4096) }),
    answer: z.object({ id: z.string() }),
  },
  distrustReleaseKey: {
    method: 'DELETE',
    path: '/release-keys/:id',
    permission: 'sensor.manage',
    summary: 'Trust a key no longer; roll-outs of its releases stop.',
    answer: ok,
  },
  rollouts: {
    method: 'GET',
    path: '/rollouts',
    permission: 'sensor.read',
    summary: 'Roll-outs, newest first, with how each sensor fares.',
    answer: list(rolloutSummary),
  },
  startRollout: {
    method: 'POST',
    path: '/rollouts',
    permission: 'sensor.manage',
    summary: 'Offer a release to sensors: first to those of an update channel or a share of all, then to the others.',
    body: z.strictObject({
      release: z.string().length(64),
      /** Sensors whose setting `updateChannel` is this, or so many percent of all, at least one. */
      canary: z.union([z.strictObject({ channel: slug }), z.strictObject({ share: z.number().int().min(1).max(100) })]),
      waitMinutes: z.number().min(0).max(43_200).nullable(),
    }),
    answer: z.object({ id: z.string() }),
  },
  stepRollout: {
    method: 'POST',
    path: '/rollouts/:id/step',
    permission: 'sensor.manage',
    summary: 'Let the others follow now, or stop: nobody further is offered it.',
    body: z.strictObject({ action: z.enum(['continue', 'stop']) }),
    answer: ok,
  },
})

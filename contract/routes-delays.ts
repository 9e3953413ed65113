/** Routes of delay: whose connections are held, by whom and until when, what it took and what it cost. */
import { z } from 'zod'
import { delayKinds } from './delay.ts'
import { severity } from './primitives.ts'
import { define, ok } from './route.ts'

export const delaySum = z.object({
  /** Connections that were held or are; `now` those that are. */
  connections: z.number().int(),
  now: z.number().int(),
  /** Time taken from the attacker: of connections that are held, until now. */
  heldMs: z.number(),
  bytesOut: z.number(),
  cpuMs: z.number(),
})
export type DelaySum = z.infer<typeof delaySum>

export const delayRecord = z.object({
  id: z.string(),
  scope: z.string(),
  source: z.string(),
  kinds: z.array(z.enum(delayKinds)),
  at: z.number(),
  until: z.number(),
  reason: z.string(),
  by: z.string(),
  session: z.string().nullable(),
  incident: z.string().nullable(),
  active: z.boolean(),
  endedAt: z.number().nullable(),
  endedBy: z.string().nullable(),
  sum: delaySum,
})
export type DelayRecord = z.infer<typeof delayRecord>

/** What delays by itself: off unless somebody turns it on. */
export const delaySettings = z.object({
  on: z.boolean(),
  /** A finding from this severity on. */
  severity: severity.nullable(),
  /** A scan that touched so many addresses or ports. */
  scan: z.number().int().min(2).max(65_536).nullable(),
  minutes: z.number().int().min(1).max(1440),
})
export type DelaySettings = z.infer<typeof delaySettings>

const about = { session: z.string().max(64).optional(), incident: z.string().max(64).optional(), source: z.string().max(64).optional() }

export const delaysRoutes = define({
  delays: {
    method: 'GET',
    path: '/delays',
    permission: 'session.read',
    summary: 'Delays of a session, an incident, a source, or all; the newest first, with what they took and cost.',
    query: z.object(about),
    answer: z.object({ items: z.array(delayRecord), sum: delaySum }),
  },
  startDelay: {
    method: 'POST',
    path: '/delays',
    permission: 'delay.manage',
    summary: 'Hold the connections of the source of a session, or of the sources of an incident, for a time.',
    body: z.object({
      session: z.string().max(64).optional(),
      incident: z.string().max(64).optional(),
      kinds: z.array(z.enum(delayKinds)).min(1).max(3),
      minutes: z.number().int().min(1).max(1440),
      reason: z.string().min(1).max(500),
    }),
    answer: z.object({ items: z.array(z.string()), known: z.array(z.string()) }),
  },
  endDelay: {
    method: 'POST',
    path: '/delays/:id/end',
    permission: 'delay.manage',
    summary: 'Let go of everything that a delay holds, at once.',
    body: z.object({ reason: z.string().min(1).max(500) }),
    answer: ok,
  },
  delaySettings: { method: 'GET', path: '/delay-settings', permission: 'session.read', summary: 'What delays by itself.', answer: delaySettings },
  saveDelaySettings: {
    method: 'PUT',
    path: '/delay-settings',
    permission: 'delay.manage',
    summary: 'Say what delays by itself.',
    body: delaySettings,
    answer: ok,
  },
})

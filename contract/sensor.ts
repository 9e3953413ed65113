/**
 * What a sensor (relay or decoy host) and the core say to each other at the sensors' door (mutual TLS).
 *
 *   POST /enrol           without a client certificate: token and CSR in, certificate out
 *   POST /renew           with one (an expired one may only do this): CSR in, certificate out
 *   GET  /config          desired state, pulled at start and whenever the channel says `config`
 *   PUT  /blobs/SHA256    a range of a captured file (Content-Range), answered {received}
 *   GET  /releases/SHA256/FROM   a range of a release's package, answered {from, total, bytes}
 *   WS   /channel         hello, batches, acknowledgements, heartbeat, revocations, proof touches
 *
 * A proof touch shows that a relay sees: the core asks another relay (or the same one) to connect to an address that it answers.
 * prove -> proof-bound -> (the core keeps what it will see) -> prove-go -> connect, wait, close -> proof-done.
 * Only a sensor that says `networks` in its health is asked; nothing in the touch itself tells it from another connection.
 */
import { z } from 'zod'
import { delayEntry } from './delay.ts'
import { personaTemplate } from './persona.ts'
import { plantTemplate } from './plant.ts'
import { placement } from './placement.ts'
import { role, scopePath, sha256, uuid } from './primitives.ts'
import { signedRelease, updateReport } from './release.ts'
import { idleHost, segment, segmentHealth } from './segment.ts'
import { organisation } from './template.ts'
import { tuning } from './tuning.ts'

/** An enrolment token as it is given to a person: base64url of this JSON, at most one hour old, good once. */
export const enrolmentToken = z.object({
  id: uuid,
  secret: z.string().length(43),
  door: z.string().max(255),
  caKeyHash: sha256,
  role,
  name: z.string().max(64),
  expires: z.number(),
})
export type EnrolmentToken = z.infer<typeof enrolmentToken>

export const enrolRequest = z.object({ token: uuid, secret: z.string().length(43), csr: z.string().max(8192) })
export const renewRequest = z.object({ csr: z.string().max(8192) })
/** PEM texts; `fingerprint` is the SHA-256 of the certificate's public key, which a person confirms. */
export const enrolAnswer = z.object({ sensor: uuid, certificate: z.string(), ca: z.string(), fingerprint: sha256, confirmed: z.boolean() })

export type EnrolRequest = z.infer<typeof enrolRequest>
export type EnrolAnswer = z.infer<typeof enrolAnswer>

/**
 * A batch settles every seq from `first` to `last` at once: the core commits that whole interval. Events ascend by their own
 * `seq`; one that is missing inside was summarised, and a `journal.summarised` event of the same or a later batch counts it.
 * An event's raw JSON could be invalid, so a batch carries events unparsed; the core checks each by itself.
 */
export const batch = z.object({
  type: z.literal('batch'),
  epoch: uuid,
  first: z.number().int().min(1),
  last: z.number().int().min(1),
  events: z.array(z.unknown()).min(1).max(2000),
})

/** What a decoy host drew from a decoy's seed and people need to know of it. */
export const decoyIdentity = z.object({ decoy: z.string().max(64), hostname: z.string().max(255), mac: z.string().max(17), serial: z.string().max(100) })
export type DecoyIdentity = z.infer<typeof decoyIdentity>

export const health = z.object({
  version: z.string().max(64),
  uptimeMs: z.number(),
  rssBytes: z.number(),
  queueEvents: z.number(),
  queueBytes: z.number(),
  journalBytes: z.number(),
  /** Sensor clock in milliseconds since 1970 UTC when it was sent. */
  clock: z.number(),
  sessions: z.number().int(),
  streams: z.number().int(),
  contained: z.boolean().optional(),
  configVersion: z.number().int(),
  /** Who some of the decoys on this host were drawn as; the host says all of them in turn. */
  identities: z.array(decoyIdentity).max(50).optional(),
  /** Of a relay that answers for idle addresses. */
  segments: z.array(segmentHealth).max(64).optional(),
  /** Addresses of its interfaces with their prefix. A sensor that says them makes proof touches when asked. */
  networks: z.array(z.string().max(49)).max(64).optional(),
  /** Of a relay. */
  update: updateReport.optional(),
  /** What does not work, each a short sentence key with its subject: `listen-failed 127.0.0.1:2222 EADDRINUSE`. */
  problems: z.array(z.string().max(300)).max(50),
})
export type SensorHealth = z.infer<typeof health>

/** What became of a proof touch, as its prober saw it. `unreachable`: it has no way there; `failed`: it could not begin. */
export const proofOutcome = z.enum(['connected', 'refused', 'timeout', 'unreachable', 'failed'])
export type ProofOutcome = z.infer<typeof proofOutcome>
const address = z.union([z.ipv4(), z.ipv6()])
const port = z.number().int().min(1).max(65535)

export const sensorSays = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), contract: z.number().int(), epoch: uuid, nextSeq: z.number().int().min(1), version: z.string().max(64) }),
  batch,
  z.object({ type: z.literal('health'), health }),
  z.object({ type: z.literal('blob'), sha256, size: z.number().int().min(0) }),
  /** The address and port that the touch will come from. */
  z.object({ type: z.literal('proof-bound'), id: uuid, source: address, port }),
  z.object({ type: z.literal('proof-done'), id: uuid, outcome: proofOutcome, ms: z.number().min(0) }),
])
export type SensorSays = z.infer<typeof sensorSays>

export const coreSays = z.discriminatedUnion('type', [
  /** `committed` is the highest seq below which everything of that epoch is committed. */
  z.object({ type: z.literal('welcome'), sensor: uuid, confirmed: z.boolean(), committed: z.number().int().min(0), configVersion: z.number().int() }),
  z.object({ type: z.literal('ack'), epoch: uuid, committed: z.number().int().min(0) }),
  z.object({ type: z.literal('config'), version: z.number().int() }),
  /** Serials (hexadecimal) of revoked certificates; tunnels with them close within 2 s. */
  z.object({ type: z.literal('revoked'), serials: z.array(z.string().max(64)).max(10_000) }),
  z.object({ type: z.literal('blob-wanted'), sha256, from: z.number().int().min(0) }),
  z.object({ type: z.literal('prove'), id: uuid, address, port, transport: z.enum(['tcp']) }),
  z.object({ type: z.literal('prove-go'), id: uuid }),
  z.object({ type: z.literal('refused'), reason: z.enum(['cloned', 'revoked', 'contract', 'unknown', 'expired']) }),
])
export type CoreSays = z.infer<typeof coreSays>

/** Desired state of a relay. */
export const relayConfig = z.object({
  version: z.number().int(),
  role: z.literal('relay'),
  sensor: uuid,
  name: z.string(),
  scope: scopePath,
  /** Where the tunnels go: gate addresses `host:port` and the sensor id the certificate there must carry. */
  gates: z.array(z.object({ sensor: uuid, address: z.string().max(255) })),
  placements: z.array(placement),
  /** Segments whose idle addresses this relay answers for, and the hosts that it is there. A placement at such an address is served there, and nowhere else. */
  segments: z.array(segment).max(64).optional(),
  hosts: z.array(idleHost).max(65_536).optional(),
  /** A release that it is to take, if a key on its own disk signed it. */
  update: signedRelease.optional(),
  tuning: tuning.optional(),
  revoked: z.array(z.string()),
})
export type RelayConfig = z.infer<typeof relayConfig>

const decoyOf = <P extends z.ZodType, O extends z.ZodType>(persona: P, organisationOf: O) =>
  z.object({
    id: z.string().max(64),
    persona,
    organisation: organisationOf,
    /** 32 bytes, hexadecimal: HKDF of the site secret and the decoy. */
    seed: sha256,
    /** Where it stepped aside for another host of its segment: MAC address and name. */
    steps: z.object({ mac: z.number().int().min(0), name: z.number().int().min(0) }).optional(),
    /** PEM texts drawn once by the core: `rsa` (SSH host key and TLS key), `tlsCertificate`. */
    secrets: z.record(z.string(), z.string()),
    /** `listens` is the service's own port, whatever port a trial placed it on. */
    services: z.array(
      z.object({
        service: z.string().max(32),
        listens: z.object({ transport: z.enum(['tcp', 'udp']), port: z.number().int() }).optional(),
        settings: z.record(z.string(), z.unknown()),
      }),
    ),
    plant: z.object({ id: z.string().max(64), units: z.record(z.string().max(16), z.string().max(16)) }).optional(),
  })

/** Desired state of a decoy host: only the decoys placed there, each with its own seed and drawn secrets. */
export const decoysConfig = z.object({
  version: z.number().int(),
  role: z.literal('decoys'),
  sensor: uuid,
  name: z.string(),
  scope: scopePath,
  /** Where the gate listens for tunnels. */
  tunnel: z.string().max(255),
  relays: z.array(uuid),
  /** Scope of each relay, where it is not the decoy host's own: one private address may be another host at another site. */
  sites: z.record(uuid, scopePath).optional(),
  placements: z.array(placement),
  /** Plants of the decoys below; `seed` is an HKDF of the site secret and the plant. */
  plants: z.array(z.object({ id: z.string().max(64), template: plantTemplate, seed: sha256 })).optional(),
  decoys: z.array(decoyOf(personaTemplate, organisation)),
  tuning: tuning.optional(),
  /** Sources whose connections are to be held; a host of the former version holds none. */
  delays: z.array(delayEntry).max(1000).optional(),
  revoked: z.array(z.string()),
})
export type DecoysConfig = z.infer<typeof decoysConfig>
/**
 * The same as it is sent: thousands of hosts share a few personas and one organisation, so each is sent once and named by its key. A core of the former
 * version writes them out.
 */
export const sentDecoysConfig = decoysConfig.extend({
  personas: z.record(z.string(), personaTemplate).optional(),
  organisations: z.record(z.string(), organisation).optional(),
  decoys: z.array(decoyOf(z.union([z.string(), personaTemplate]), z.union([z.string(), organisation]))),
})
export type SentDecoysConfig = z.infer<typeof sentDecoysConfig>

/** What was sent, with the shared parts put in: hosts of one persona hold one object. Throws when a name leads nowhere. */
export function unfoldDecoys({ personas = {}, organisations = {}, decoys, ...rest }: SentDecoysConfig): DecoysConfig {
  const named = <T>(of: Record<string, T>, value: T | string, what: string): T => {
    if (typeof value !== 'string') return value
    const found = Object.hasOwn(of, value) ? of[value] : undefined
    if (found === undefined) throw new Error(`the desired state names ${what} '${value}' and does not hold it`)
    return found
  }
  return {
    ...rest,
    decoys: decoys.map((decoy) => ({
      ...decoy,
      persona: named(personas, decoy.persona, 'persona'),
      organisation: named(organisations, decoy.organisation, 'organisation'),
    })),
  }
}
export type DecoyConfig = DecoysConfig['decoys'][number]
export type PlantConfig = NonNullable<DecoysConfig['plants']>[number]

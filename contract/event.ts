/** The event: one observed action, immutable. The envelope that every kind shares; bodies are in event-kinds.ts. */
import { z } from 'zod'
import { type EventKind, eventKinds } from './event-kinds.ts'
import { endpoint, uuid } from './primitives.ts'

/** The version of this contract that a sensor says in its hello; the core takes this one and the former. */
export const contractVersion = 1

/** Relay and address that stand between the source and the decoy; the addresses are then 'as asserted by relay X'. */
export const via = z.object({
  relay: uuid,
  /** The claimed address and port that was touched. */
  address: z.string().max(45),
  port: z.number().int().min(0).max(65535),
})

/** What every event carries, whoever made it. Times are milliseconds since 1970 UTC, with fraction where known. */
export const eventEnvelope = z.object({
  id: uuid,
  time: z.number().positive(),
  connection: uuid.optional(),
  session: uuid.optional(),
  decoy: z.string().max(64).optional(),
  service: z.string().max(32).optional(),
  source: endpoint.optional(),
  destination: endpoint.optional(),
  via: via.optional(),
  kind: z.string().max(64),
  body: z.record(z.string(), z.unknown()),
})

/** An event as its maker says it, before the gate or relay stamps it with a sequence number. */
export type EventDraft = {
  [K in EventKind]: Omit<z.infer<typeof eventEnvelope>, 'kind' | 'body'> & { kind: K; body: z.infer<(typeof eventKinds)[K]['body']> }
}[EventKind]

/** An event as it crosses the uplink: the draft with its place in the sensor's gapless sequence. */
export const sensorEvent = eventEnvelope.extend({ seq: z.number().int().min(1) })
export type SensorEvent = z.infer<typeof sensorEvent>

/** An event as the core has committed it. `position` is its place in commit order. */
export const storedEvent = eventEnvelope.extend({
  position: z.number().int().min(1),
  received: z.number(),
  sensor: uuid,
  epoch: uuid,
  seq: z.number().int().min(1),
  scope: z.string(),
  /** The proof touch that this belongs to: a connection of our own that shows that the relay sees. */
  proof: uuid.optional(),
})
export type StoredEvent = z.infer<typeof storedEvent>

/** Checks a body against its kind. Unknown kinds are kept raw by the core, so they are not refused here. */
export function checkBody(kind: string, body: unknown): { ok: true; known: boolean } | { ok: false; reason: string } {
  const entry = Object.hasOwn(eventKinds, kind) ? eventKinds[kind as EventKind] : undefined
  if (!entry) return { ok: true, known: false }
  const result = entry.body.safeParse(body)
  if (result.success) return { ok: true, known: true }
  const issue = result.error.issues[0]
  return { ok: false, reason: `${kind}: ${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'invalid'}` }
}

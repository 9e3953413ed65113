/** Judges one event as a sensor sent it: is it what the contract says, and may this sensor say it. */
import { checkBody, eventEnvelope, type SensorEvent } from '@shenlou/contract/event'
import { type EventKind, eventKinds } from '@shenlou/contract/event-kinds'
import { z } from 'zod'

/** The envelope without its body, which `checkBody` reads by kind and unknown kinds keep raw. */
const envelope = eventEnvelope.omit({ body: true }).extend({ seq: z.number().int(), body: z.unknown() })

/** `pending`: a sensor that nobody confirmed yet; it may only speak of itself. */
export type SensorRole = 'relay' | 'decoys' | 'source' | 'pending'

const sayers: Record<(typeof eventKinds)[EventKind]['emitter'], SensorRole[]> = {
  relay: ['relay'],
  sensor: ['relay', 'decoys', 'pending'],
  decoy: ['decoys'],
  core: ['source'],
}

/** Text that PostgreSQL refuses: NUL and halves of surrogate pairs. Looked for in the JSON text, before the costly walk. */
const suspicious = /\\u(?:0000|d[89a-f])/i

function unsound(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed()
  if (Array.isArray(value)) return value.some(unsound)
  if (typeof value === 'object' && value !== null) return Object.entries(value).some(([key, each]) => unsound(key) || unsound(each))
  return false
}

/** Deepest nesting of a body; no kind of ours comes near it. */
const maxDepth = 64

const tooDeep = (value: unknown, left = maxDepth): boolean =>
  typeof value === 'object' && value !== null && (left === 0 || Object.values(value).some((each) => tooDeep(each, left - 1)))

/** The event, or why it is rejected. `seq` is its place in the batch, which the event must agree with. */
export function checkEvent(value: unknown, seq: number, role: SensorRole | undefined): { event: SensorEvent } | { reason: string } {
  const parsed = envelope.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return { reason: `envelope: ${issue?.path.join('.') || 'event'}: ${issue?.message ?? 'invalid'}` }
  }
  const event = parsed.data
  if (event.seq !== seq) return { reason: `envelope: seq: is ${event.seq} at the place of ${seq}` }
  if (typeof event.body !== 'object' || event.body === null || Array.isArray(event.body)) return { reason: 'envelope: body: is not an object' }
  if (tooDeep(event.body)) return { reason: `envelope: body: is nested deeper than ${maxDepth}` }
  const body = checkBody(event.kind, event.body)
  if (!body.ok) return { reason: body.reason.slice(0, 1000) }
  const may = body.known ? sayers[eventKinds[event.kind as EventKind].emitter].includes(role as SensorRole) : role !== 'pending'
  if (role && !may) return { reason: `${event.kind}: ${role === 'pending' ? 'a sensor that is not confirmed' : `a sensor of role ${role}`} may not say this` }
  return { event: event as SensorEvent }
}

/** Whether an event holds text that the database would refuse. `json` is the JSON text of what it has nested. */
export const refusedByDatabase = ({ kind, decoy = '', service = '', via, body }: SensorEvent, json: string): boolean =>
  unsound(kind + decoy + service) || (suspicious.test(json) && unsound([via, body]))

/** Milliseconds since 1970 UTC inside a version 7 UUID (RFC 9562 section 5.7); undefined for other versions. */
export const timeOfUuid = (id: string): number | undefined => (id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined)

const day = 86_400_000

/** The time that decides the partition: the event's own, unless it is over a day away from the time inside its id. */
export function partitionTime(event: { id: string; time: number }): number {
  const inside = timeOfUuid(event.id)
  return inside !== undefined && Math.abs(event.time - inside) > day ? inside : event.time
}

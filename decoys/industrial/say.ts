/** One decoded request of an industrial protocol as an event: what was asked, what it was answered, and the bytes of both. */
import type { EventBody } from '@shenlou/contract/event-kinds'
import { escapeText } from '@shenlou/contract/bytes'
import type { Session } from '../decoy.ts'
import type { Device } from './device.ts'

type Body = EventBody<'industrial.requested'>
export type Point = Body['points'][number]
export interface Asked extends Omit<Body, 'request' | 'response' | 'points' | 'count' | 'changed'> {
  points?: Point[]
  /** How many points there were, when they are more than are listed. */
  count?: number
  changed?: boolean
  request: Buffer
  response?: Buffer
}

const maxPoints = 64
/** Base64 of it stays within the event's 8,192. */
const maxBytes = 6000

/** Says it. Strings that came from the client are escaped here; `function` and `address` are ours. */
export function sayRequest(session: Session, { points = [], count, changed = false, request, response = Buffer.alloc(0), reason, ...rest }: Asked): void {
  session.emit('industrial.requested', {
    ...rest,
    ...(reason === undefined ? {} : { reason: escapeText(reason).slice(0, 100) }),
    points: points.slice(0, maxPoints),
    count: count ?? points.length,
    changed,
    request: request.subarray(0, maxBytes).toString('base64'),
    response: response.subarray(0, maxBytes).toString('base64'),
  })
}

/** What a write comes to, by what its points are: a command, an alarm limit, or a parameter. */
export function operationOfWrite(points: readonly Point[]): Body['operation'] {
  if (points.some((point) => point.class === 'CMD')) return 'command'
  return points.some((point) => point.class === 'LIM') ? 'alarm' : 'write'
}

/** What a write came to: its points with what was asked for, and whether any value of the plant is another than it was. */
export interface Wrote {
  points: Point[]
  changed: boolean
}
/** Joins what the parts of a write came to. */
export const joinWrites = (parts: readonly Wrote[]): Wrote => ({ points: parts.flatMap(({ points }) => points), changed: parts.some(({ changed }) => changed) })

/** A point of a map as an operator would name it; only an address where the map has nothing. A value that is no number is left out. */
export function pointOf(device: Device, address: string, from: string | undefined, values: { before?: number; value?: number } = {}): Point {
  const id = from === undefined ? undefined : device.tagOf(from)
  const tag = id === undefined ? undefined : device.plant.tag(id)
  const short = Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => Number.isFinite(value))
      .map(([name, value]) => [name, Number(value.toPrecision(7))]),
  )
  return { address, ...(tag ? { tag: tag.id, name: tag.title, class: tag.class, unit: tag.unit } : {}), ...short }
}

/** UUID version 7 (RFC 9562 section 5.7): time-ordered, rising within this process. */
import { randomFillSync } from 'node:crypto'

const pool = Buffer.alloc(8 * 512)
let poolAt = pool.length
type Sequence = { asked: number; ms: number; counter: number }
const clock: Sequence = { asked: -1, ms: -1, counter: 0 }
const given: Sequence = { asked: -1, ms: -1, counter: 0 }

/**
 * A new UUIDv7. Those made without a time ascend as text even when the clock steps back; those made for one same time
 * (milliseconds since 1970 UTC) ascend too. 18 bits of counter follow the millisecond (section 6.2, method 1), 56 are random.
 */
export function uuidv7(timeMs?: number): string {
  if (poolAt + 8 > pool.length) {
    randomFillSync(pool)
    poolAt = 0
  }
  const sequence = timeMs === undefined ? clock : given
  const asked = timeMs === undefined ? Math.max(Date.now(), clock.asked) : Math.max(0, Math.floor(timeMs))
  if (asked === sequence.asked || (timeMs === undefined && asked < sequence.ms)) sequence.counter += 1
  else {
    sequence.ms = asked
    sequence.counter = pool.readUInt16BE(poolAt)
  }
  sequence.asked = asked
  if (sequence.counter > 0x3ffff) {
    // Counter spent: the next millisecond is borrowed, as section 6.2 allows.
    sequence.ms += 1
    sequence.counter = 0
  }
  const time = sequence.ms.toString(16).padStart(12, '0')
  const high = (sequence.counter >> 6).toString(16).padStart(3, '0')
  const low = (0x80 | (sequence.counter & 0x3f)).toString(16)
  const random = pool.toString('hex', poolAt + 1, poolAt + 8)
  poolAt += 8
  return `${time.slice(0, 8)}-${time.slice(8)}-7${high}-${low}${random.slice(0, 2)}-${random.slice(2)}`
}

/** The time inside a UUIDv7, in milliseconds since 1970 UTC. Throws a RangeError for any other text. */
export function timeOf(uuid: string): number {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(uuid)) throw new RangeError(`${uuid} is not a UUIDv7`)
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16)
}

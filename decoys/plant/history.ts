/** The historian: logged tags by the second for an hour and by the minute for 90 days, as 16-bit parts of their range. */
import type { Layout, TagPlan } from './layout.ts'
import { stepMs } from './engine.ts'

const secondsKept = 3600
const minutesADay = 1440
const dayMs = 86_400_000
const absent = 65_535
export const daysKept = 90

export interface History {
  /** Called once a second; keeps the second, and the minute when one begins. */
  record(f: Float64Array, step: number): void
  /** The value nearest before `time`, undefined where nothing was kept. */
  at(plan: TagPlan, time: number): number | undefined
  /** Minutes of a local-free UTC day, tag after tag; for reference days. */
  day(number: number): Uint16Array | undefined
  /** The latest days as bytes, newest first, at most so many. */
  encode(most: number): Uint8Array
  /** Takes back what `encode` gave; other bytes are passed over. */
  decode(bytes: Uint8Array): void
}

/** `seconds: false` leaves the seconds out. */
export function openHistory(layout: Layout, seconds = true): History {
  const { logged } = layout
  const width = logged.length
  const column = new Map(logged.map((plan, i) => [plan.index, i]))
  const days = new Map<number, Uint16Array>()
  let ring: Uint16Array | undefined
  const stamps = seconds ? new Float64Array(secondsKept) : undefined
  const toCode = (plan: TagPlan, value: number): number => {
    const [low, high] = plan.tag.range
    return Math.max(0, Math.min(absent - 1, Math.round(((value - low) / (high - low)) * (absent - 1))))
  }
  const fromCode = (plan: TagPlan, code: number): number | undefined => {
    if (code === absent) return undefined
    const [low, high] = plan.tag.range
    return low + (code / (absent - 1)) * (high - low)
  }
  return {
    record(f, step) {
      const second = (step * stepMs) / 1000
      if (stamps) {
        ring ??= new Uint16Array(secondsKept * width)
        const row = second % secondsKept
        stamps[row] = second
        for (let i = 0; i < width; i++) ring[row * width + i] = toCode(logged[i]!, f[logged[i]!.value]!)
      }
      if (second % 60 !== 0) return
      const number = Math.floor(second / 86_400)
      let day = days.get(number)
      if (!day) {
        day = new Uint16Array(minutesADay * width).fill(absent)
        days.set(number, day)
        for (const old of days.keys()) if (old <= number - daysKept) days.delete(old)
      }
      const row = (second / 60) % minutesADay
      for (let i = 0; i < width; i++) day[row * width + i] = toCode(logged[i]!, f[logged[i]!.value]!)
    },
    at(plan, time) {
      const i = column.get(plan.index)
      if (i === undefined) return undefined
      const second = Math.floor(time / 1000)
      const row = ((second % secondsKept) + secondsKept) % secondsKept
      if (ring && stamps?.[row] === second) return fromCode(plan, ring[row * width + i]!)
      const day = days.get(Math.floor(time / dayMs))
      return day && fromCode(plan, day[(Math.floor(second / 60) % minutesADay) * width + i]!)
    },
    day: (number) => days.get(number),
    encode(most) {
      const each = 8 + minutesADay * width * 2
      const kept = [...days.keys()].sort((a, b) => b - a).slice(0, Math.floor(most / each))
      const bytes = new Uint8Array(kept.length * each)
      const view = new DataView(bytes.buffer)
      for (const [k, number] of kept.entries()) {
        view.setFloat64(k * each, number, true)
        const day = days.get(number)!
        for (let i = 0; i < day.length; i++) view.setUint16(k * each + 8 + i * 2, day[i]!, true)
      }
      return bytes
    },
    decode(bytes) {
      const each = 8 + minutesADay * width * 2
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      for (let at = 0; at + each <= bytes.length && days.size < daysKept; at += each) {
        const number = view.getFloat64(at, true)
        if (!Number.isSafeInteger(number)) return
        const day = new Uint16Array(minutesADay * width)
        for (let i = 0; i < day.length; i++) day[i] = view.getUint16(at + 8 + i * 2, true)
        days.set(number, day)
      }
    },
  }
}

/** The clock of a SIMATIC controller and how its time of day is written: eight bytes of BCD, the last nibble the day of the week (1 is Sunday). */
import type { Device } from '../device.ts'
import type { Registers } from './memory.ts'

const bcd = (value: number): number => ((Math.floor(value / 10) % 10) << 4) | (value % 10)
const fromBcd = (byte: number): number => (byte >> 4) * 10 + (byte & 15)
/** Controllers are set to the plant's wall clock, UTC+8. */
const offsetMs = 8 * 3_600_000

/** Year, month, day, hour, minute, second, milliseconds with the day of the week. `at` in ms since 1970 UTC. */
export function bcdTime(at: number): Buffer {
  const time = new Date(at + offsetMs)
  const ms = time.getUTCMilliseconds()
  return Buffer.from([
    bcd(time.getUTCFullYear() % 100),
    bcd(time.getUTCMonth() + 1),
    bcd(time.getUTCDate()),
    bcd(time.getUTCHours()),
    bcd(time.getUTCMinutes()),
    bcd(time.getUTCSeconds()),
    bcd(Math.floor(ms / 10)),
    ((ms % 10) << 4) | (time.getUTCDay() + 1),
  ])
}

/** The same back, in ms since 1970 UTC; undefined for what is no time. */
export function parseBcdTime(bytes: Buffer): number | undefined {
  if (bytes.length < 7) return undefined
  const [year, month, day, hour, minute, second] = [...bytes.subarray(0, 6)].map(fromBcd) as [number, number, number, number, number, number]
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) return undefined
  return Date.UTC(year < 90 ? 2000 + year : 1900 + year, month - 1, day, hour, minute, second) - offsetMs
}

/** The controller's clock as one adversary has set it. */
export interface Clock {
  /** ms since 1970 UTC. */
  now(): number
  set(to: number): void
  /** The program is being stopped now. */
  stopped(): void
  /** When the program was stopped, by this clock. */
  readonly stoppedAt: number
}

export function openClock(device: Pick<Device, 'plantTime'>, registers: Registers): Clock {
  const ahead = (): number => registers.get('s7 clock', 0) ?? 0
  const now = (): number => device.plantTime() + ahead()
  return {
    now,
    set: (to) => registers.set('s7 clock', 0, to - device.plantTime()),
    stopped: () => registers.set('s7 stopped', 0, now()),
    get stoppedAt() {
      const known = registers.get('s7 stopped', 0)
      if (known !== undefined) return known
      // Stopped by another way than this protocol: it is noticed now.
      const seen = now()
      registers.set('s7 stopped', 0, seen)
      return seen
    },
  }
}

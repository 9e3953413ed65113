/** Times, sizes and counts as people read them, in the language shown. */
import { m } from '../paraglide/messages.js'
import { tag } from './locale.svelte.ts'

const formats = new Map<string, Intl.DateTimeFormat>()
function format(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${tag()} ${name}`
  let found = formats.get(key)
  if (!found) {
    found = new Intl.DateTimeFormat(tag(), options)
    formats.set(key, found)
  }
  return found
}

const pad = (value: number, length = 2): string => String(Math.trunc(value)).padStart(length, '0')

/** `2026-11-23 14:05:09` in this device's time zone. */
export function dateTime(ms: number): string {
  const date = new Date(ms)
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${clock(ms)}`
}
/** `11-23 14:05` in this device's time zone. */
export function shortDate(ms: number): string {
  const date = new Date(ms)
  return `${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}`
}
/** `14:05:09` in this device's time zone. */
export function clock(ms: number): string {
  const date = new Date(ms)
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
}
/** `14:05:09.123`. */
export const preciseClock = (ms: number): string => `${clock(ms)}.${pad(new Date(ms).getMilliseconds(), 3)}`
/** `2026-11-23T14:05:09.123Z`. */
export const utc = (ms: number): string => new Date(ms).toISOString()

/** What a hover over a time says: local with its zone, UTC, and how much later the core received it. */
export function timeTitle(ms: number, received?: number): string {
  const zone =
    format('zone', { timeZoneName: 'longOffset', hour: '2-digit' })
      .formatToParts(ms)
      .find((part) => part.type === 'timeZoneName')?.value ?? ''
  const lines = [`${dateTime(ms)}.${pad(new Date(ms).getMilliseconds(), 3)} ${zone}`, `UTC ${utc(ms)}`]
  if (received !== undefined) lines.push(m.time_sensor({ sensor: utc(ms), late: duration(Math.max(0, received - ms)) }))
  return lines.join('\n')
}

/** `12 s`, `3 min`, and the date when it is more than an hour ago. */
export function ago(ms: number, now: number): string {
  const seconds = Math.round((now - ms) / 1000)
  if (seconds < 5) return m.time_now()
  if (seconds < 60) return m.time_seconds_ago({ n: seconds })
  if (seconds < 3600) return m.time_minutes_ago({ n: Math.floor(seconds / 60) })
  return shortDate(ms)
}

/** A length of time: `850 ms`, `12.4 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  const size = Math.abs(ms)
  if (size < 1000) return `${Math.round(size)} ms`
  if (size < 60_000) return `${(size / 1000).toFixed(1)} s`
  if (size < 3_600_000) return `${Math.floor(size / 60_000)} min ${pad((size % 60_000) / 1000)} s`
  if (size < 86_400_000) return `${Math.floor(size / 3_600_000)} h ${pad((size % 3_600_000) / 60_000)} min`
  return `${Math.floor(size / 86_400_000)} d ${Math.floor((size % 86_400_000) / 3_600_000)} h`
}

/** `1,284`. */
export const number = (value: number): string => new Intl.NumberFormat(tag()).format(value)

/** A mean: one decimal, below one two of what counts. */
export const few = (value: number): string =>
  new Intl.NumberFormat(tag(), value < 1 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 1 }).format(value)

/** `1.4 MiB`. */
export function bytes(size: number): string {
  if (size < 1024) return `${size} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let value = size / 1024
  let at = 0
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024
    at++
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[at]}`
}

/** A path inside the console, or its first page when a record carries anything else. */
export const inside = (link: string): string => (/^\/(?![/\\])/.test(link) ? link : '/overview')

/** `a` or `a:22`, with brackets around IPv6. */
export function address(ip: string, port?: number | null): string {
  if (port === undefined || port === null) return ip
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}

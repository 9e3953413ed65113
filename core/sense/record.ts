/** What reading one record of another tool gives, and the small steps that every format shares. */
import { isIP, SocketAddress } from 'node:net'
import { escapeText } from '@shenlou/contract/bytes'
import type { EventBody } from '@shenlou/contract/event-kinds'
import type { Endpoint, Severity } from '@shenlou/contract/primitives'

export type AlertBody = EventBody<'alert.received'>

/** An alert; a record that is none (flow, statistics); or a line that cannot be read, with the reason. */
export type Reading =
  | { kind: 'alert'; body: AlertBody; time: number; source?: Endpoint; destination?: Endpoint }
  | { kind: 'ignored'; what: string }
  | { kind: 'rejected'; reason: string }

/** Longest record that is read, in bytes and characters. */
export const recordLimit = 262_144

/** Text of a tool made safe to keep: escaped, at most `max` characters, never cut inside an escape. */
export function kept(value: unknown, max: number): string {
  if (value === undefined || value === null) return ''
  const source = typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value)
  const escaped = escapeText(source.slice(0, max))
  if (escaped.length <= max) return escaped
  let end = max
  // An escape is at most four characters; a run of backslashes before the cut is even when it is whole.
  for (let at = Math.max(0, max - 4); at < max; at++)
    if (escaped[at] === '\\' && !backslashed(escaped, at) && at + (escaped[at + 1] === 'x' ? 4 : 2) > max) {
      end = at
      break
    }
  const part = escaped.slice(0, end)
  return part.isWellFormed() ? part : part.slice(0, -1)
}

/** Whether the backslash at `at` is the second half of an escaped one. */
function backslashed(text: string, at: number): boolean {
  let run = 0
  while (text[at - 1 - run] === '\\') run++
  return run % 2 === 1
}

/** An address in its one canonical form, IPv4 in IPv6 form as IPv4; undefined for what is none. */
export function address(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = value.trim().replace(/^\[(.*)\]$/, '$1')
  const family = isIP(text)
  if (family === 4) return text
  if (family !== 6 || text.includes('%')) return undefined
  const canonical = new SocketAddress({ address: text, family: 'ipv6' }).address
  const mapped = /^::ffff:([0-9.]+)$/i.exec(canonical)?.[1]
  return mapped ?? canonical
}

/** Address and port where they are known; undefined without an address. */
export function endpoint(ip: unknown, port: unknown): Endpoint | undefined {
  const known = address(ip)
  if (!known) return undefined
  const number = typeof port === 'number' ? port : typeof port === 'string' && /^\d{1,5}$/.test(port) ? Number(port) : undefined
  return number !== undefined && Number.isInteger(number) && number >= 0 && number <= 65_535 ? { ip: known, port: number } : { ip: known }
}

/** ATT&CK ids named in a text, at most 20. */
export const techniquesIn = (text: string): string[] => [...new Set(text.match(/\bT\d{4}(?:\.\d{3})?\b/g) ?? [])].slice(0, 20)

const farthest = 86_400_000

/**
 * The tool's own time where it can be right: not more than a day from `received` (milliseconds since 1970 UTC). A clock that is further off, or a
 * zone that got lost, would keep the alert from the attack it belongs to; its words stay in `originalTime`.
 */
export const plausible = (said: number, received: number): number => (Number.isFinite(said) && Math.abs(said - received) <= farthest ? said : received)

export const isSeverity = (text: string): text is Severity => ['info', 'low', 'medium', 'high', 'critical'].includes(text)

/** What a rule sees of an event: its fields by name, and a few that are read out of them. All of it is an attacker's text, bounded. */
import { unescapeBytes } from '@shenlou/contract/bytes'
import type { StoredEvent } from '@shenlou/contract/event'
import type { EventBody } from '@shenlou/contract/event-kinds'
import { addressIn } from '@shenlou/contract/industrial-fields'
import { operatorSays, pointLine, writes } from './operator.ts'
import { simpleCommands } from './shell-line.ts'

export type FieldValue = string | number | boolean | null | undefined | readonly (string | number)[]
export type View = (field: string) => FieldValue

/** Characters of one field that rules look at. */
export const fieldLimit = 32_768

const bounded = (text: string): string => (text.length > fieldLimit ? text.slice(0, fieldLimit) : text)

/** The bytes behind an escaped text, read as UTF-8; text that is not of that form stays. */
function raw(text: unknown): string {
  if (typeof text !== 'string') return ''
  const part = bounded(text)
  if (!part.includes('\\')) return part
  try {
    return Buffer.from(unescapeBytes(part)).toString('utf8')
  } catch {
    // Cut inside an escape, or never escaped.
    return part
  }
}

/** Percent encoding undone up to twice, with the overlong forms of `.`, `/` and `\` that old servers accepted; what is not valid stays. */
export function decodeUrl(text: string): string {
  let now = text
  for (let turn = 0; turn < 2 && now.includes('%'); turn++)
    now = now
      .replace(/%c0%ae/gi, '.')
      .replace(/%c0%af|%e0%80%af/gi, '/')
      .replace(/%c1%9c/gi, '\\')
      .replace(/%u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      .replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'))
  return now
}

const headerNamed = (headers: unknown, name: string): string | undefined => {
  if (!Array.isArray(headers)) return undefined
  const found = headers.find((pair) => Array.isArray(pair) && typeof pair[0] === 'string' && pair[0].toLowerCase() === name)
  return found ? raw(found[1]) : undefined
}

/** The points of an industrial request that are looked at one by one. */
const pointsOf = (event: StoredEvent): EventBody<'industrial.requested'>['points'] =>
  Array.isArray(event.body.points) ? (event.body as EventBody<'industrial.requested'>).points.slice(0, 16) : []

const derived: Record<string, (event: StoredEvent) => FieldValue> = {
  'source.ip': (event) => event.source?.ip,
  'destination.ip': (event) => event.destination?.ip,
  'destination.port': (event) => event.destination?.port,
  decoy: (event) => event.decoy,
  service: (event) => event.service,
  session: (event) => event.session,
  scope: (event) => event.scope,
  sensor: (event) => event.sensor,
  // A command of FTP is no shell's, whatever its word means there.
  'command.line': (event) => (event.body.mode === 'ftp' ? undefined : raw(event.body.input)),
  'command.simple': (event) => (event.body.mode === 'ftp' ? undefined : simpleCommands(raw(event.body.input))),
  'http.path': (event) => decodeUrl(raw(event.body.target).split('?', 1)[0] ?? ''),
  'http.query': (event) => {
    const target = raw(event.body.target)
    const at = target.indexOf('?')
    return at < 0 ? '' : decodeUrl(target.slice(at + 1).replaceAll('+', ' '))
  },
  'http.target': (event) => decodeUrl(raw(event.body.target)),
  'http.agent': (event) => headerNamed(event.body.headers, 'user-agent'),
  'http.body': (event) => {
    const text = raw(event.body.body)
    return /urlencoded/i.test(headerNamed(event.body.headers, 'content-type') ?? '') ? decodeUrl(text.replaceAll('+', ' ')) : text
  },
  'http.headers': (event) =>
    Array.isArray(event.body.headers)
      ? event.body.headers.slice(0, 100).map((pair: unknown) => (Array.isArray(pair) ? `${raw(pair[0])}: ${raw(pair[1])}` : ''))
      : [],
  // What an operator would say, in English; the finding's reason has both languages.
  'industrial.said': (event) => operatorSays(event)?.en,
  'industrial.points': (event) => pointsOf(event).map((point) => pointLine(point, writes(event.body.operation))),
  // Where a request goes to: its first point, or the address in its bytes where the device has none there.
  'industrial.target': (event) => {
    const [first] = pointsOf(event)
    if (first) return first.tag ?? first.address
    const { protocol, request } = event.body as EventBody<'industrial.requested'>
    return typeof request === 'string' ? addressIn(protocol, Buffer.from(request.slice(0, 400), 'base64')) : undefined
  },
  // An output or a bit, not a number: what can be toggled.
  'industrial.switch': (event) => {
    const [first] = pointsOf(event)
    return first !== undefined && (first.class === 'CMD' || [first.before, first.value].every((value) => value === 0 || value === 1))
  },
  // Roles of what the adversary left defeated when its write had its consequence.
  'plant.defeated': (event) =>
    Array.isArray(event.body.defeated) ? (event.body as EventBody<'plant.affected'>).defeated?.slice(0, 16).map(({ role }) => role) : undefined,
  'file.name': (event) => {
    const path = raw(event.body.path)
    return path.slice(path.lastIndexOf('/') + 1)
  },
}

/** A field of the body by its dotted path. Arrays of texts and numbers are taken as they are; other objects are nothing. */
function bodyField(event: StoredEvent, path: string): FieldValue {
  let at: unknown = event.body
  for (const name of path.split('.')) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, name)) return undefined
    at = (at as Record<string, unknown>)[name]
  }
  if (typeof at === 'string') return bounded(at)
  if (typeof at === 'number' || typeof at === 'boolean') return at
  if (Array.isArray(at)) return at.filter((item): item is string | number => typeof item === 'string' || typeof item === 'number').slice(0, 1024)
  return undefined
}

/** Opens an event for rules; each field is read once. */
export function viewOf(event: StoredEvent): View {
  const seen = new Map<string, FieldValue>()
  return (field) => {
    if (!seen.has(field))
      seen.set(field, Object.hasOwn(derived, field) ? derived[field]?.(event) : field.startsWith('body.') ? bodyField(event, field.slice(5)) : undefined)
    return seen.get(field)
  }
}

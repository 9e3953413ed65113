/** A session with a controller as people read it: its requests in order with the same reads folded, its consequences, the plant's values over time. */
import type { StoredEvent } from '@shenlou/contract/event'
import type { EventBody } from '@shenlou/contract/event-kinds'
import type { PlantPicture } from '@shenlou/contract/records'
import { m } from '../paraglide/messages.js'
import { number } from './format.ts'
import { say } from './locale.svelte.ts'
import { classWords, consequenceWords, operationWords, word } from './words.ts'

export type Request = EventBody<'industrial.requested'>
export type Point = Request['points'][number]
export type Affected = EventBody<'plant.affected'>
/** One line of the conversation. A folded read has the first event and how often it came until `last`. */
export type Row =
  | { type: 'request'; event: StoredEvent; body: Request; at: number; count: number; last: number }
  | { type: 'affected'; event: StoredEvent; body: Affected; at: number; cause: string | undefined }
  | { type: 'other'; event: StoredEvent; at: number; count: number; last: number }
/** `seen` is when the plant itself was last sampled; between samples writes are added. `alarms` is missing where the sample does not say. */
export type Sample = {
  at: number
  seen: number
  branched: boolean
  values: Readonly<Record<string, number>>
  alarms?: readonly { id: string; tag: string; priority: number }[] | undefined
  bad?: readonly string[] | undefined
  omitted?: number | undefined
}

const quiet = new Set<Request['operation']>(['read', 'connect', 'identify', 'diagnose', 'browse', 'other'])
const orders = new Set<Request['operation']>(['write', 'alarm', 'command', 'start', 'stop', 'restart', 'download', 'delete'])
const beside = new Set(['protocol.violated', 'login.attempted', 'file.uploaded', 'file.downloaded', 'file.changed', 'command.executed', 'http.exchanged'])
/** How many different requests a client that polls asks in turn. */
const pollRound = 6

/** What the conversation with a device is made of, its FTP included. */
export const isIndustrial = (event: StoredEvent): boolean =>
  event.kind === 'industrial.requested' || event.kind.startsWith('plant.') || (event.kind === 'command.executed' && event.body.mode === 'ftp')
/** Whether a request is to change something. */
export const isOrder = (body: Request): boolean => orders.has(body.operation)
/** What changed the values of points: parameters, limits, outputs. */
export const isWrite = (body: Request): boolean => body.operation === 'write' || body.operation === 'alarm' || body.operation === 'command'

/** Whether an event only looks: a poll is made of these. */
function isQuiet({ kind, body }: StoredEvent): boolean {
  if (kind === 'industrial.requested') return quiet.has((body as Request).operation)
  return kind === 'http.exchanged' && body.method === 'GET'
}

/** What makes two quiet events the same one again. The query of a page that polls holds its clock. */
function foldKey({ kind, body }: StoredEvent): string {
  if (kind === 'http.exchanged') return [kind, body.method, String(body.target).split('?', 1)[0], body.status].join('\n')
  const { protocol, operation, function: name, unit, points, count, outcome } = body as Request
  return [kind, protocol, operation, name, unit, points[0]?.address, count, outcome].join('\n')
}

/** The conversation, oldest first; `at` in ms since `startedAt`. */
export function conversation(events: readonly StoredEvent[], startedAt: number): Row[] {
  const rows: Row[] = []
  const writes: { tag: string; value: number; id: string; time: number }[] = []
  for (const event of events) {
    const at = Math.max(0, event.time - startedAt)
    if (event.kind === 'industrial.requested') {
      const body = event.body as Request
      if (quiet.has(body.operation) && foldInto(rows, foldKey(event), at)) continue
      rows.push({ type: 'request', event, body, at, count: 1, last: at })
      if (isWrite(body))
        for (const point of body.points)
          if (point.tag && point.value !== undefined) writes.push({ tag: point.tag, value: point.value, id: event.id, time: event.time })
    } else if (event.kind === 'plant.affected') {
      const body = event.body as Affected
      rows.push({ type: 'affected', event, body, at, cause: causeOf(writes, body) })
    } else if (beside.has(event.kind)) {
      if (isQuiet(event) && foldInto(rows, foldKey(event), at)) continue
      rows.push({ type: 'other', event, at, count: 1, last: at })
    }
  }
  return rows
}

/** Counts a repeated quiet event into its row: one of the last few, with nothing but quiet events since. False when there is none. */
function foldInto(rows: readonly Row[], key: string, at: number): boolean {
  for (let index = rows.length - 1; index >= Math.max(0, rows.length - pollRound); index--) {
    const row = rows[index]
    if (!row || row.type === 'affected' || !isQuiet(row.event)) return false
    if (foldKey(row.event) !== key) continue
    row.count += 1
    row.last = at
    return true
  }
  return false
}

/** The event of the write that a consequence is put down to: that tag, nearest to the time named. */
function causeOf(writes: readonly { tag: string; time: number; id: string }[], { after }: Affected): string | undefined {
  const own = writes.filter(({ tag }) => tag === after.tag)
  return own.reduce<(typeof own)[number] | undefined>(
    (best, each) => (!best || Math.abs(each.time - after.time) < Math.abs(best.time - after.time) ? each : best),
    undefined,
  )?.id
}

/** The plant over time: its samples, and between them what a write is known to have set. */
export function samplesOf(events: readonly StoredEvent[], startedAt: number): Sample[] {
  const known: Sample[] = []
  const ordered = events.filter((event) => event.kind === 'plant.sampled' || event.kind === 'industrial.requested').sort((a, b) => a.time - b.time)
  for (const event of ordered) {
    const at = Math.max(0, event.time - startedAt)
    if (event.kind === 'plant.sampled') {
      const { branched, values, alarms, bad, omitted } = event.body as EventBody<'plant.sampled'>
      known.push({ at, seen: at, branched, values, alarms, bad, omitted })
      continue
    }
    const body = event.body as Request
    const before = known.at(-1)
    if (!before || !body.changed || !isWrite(body)) continue
    const set = body.points.flatMap(({ tag, value }) => (tag && value !== undefined ? [[tag, value] as const] : []))
    if (set.length > 0) known.push({ ...before, at, branched: true, values: { ...before.values, ...Object.fromEntries(set) } })
  }
  return known
}

/** The last sample at or before a time; the first when there is none before. */
export function sampleAt(samples: readonly Sample[], at: number): Sample | undefined {
  let found = samples[0]
  for (const sample of samples) {
    if (sample.at > at) break
    found = sample
  }
  return found
}

export type Tag = { id: string; title: string; class: string; unit: string; range: readonly [number, number] | undefined }
export type Machine = { id: string; title: string; tags: Tag[] }
/** An alarm that stands; `priority` 1 is the highest, undefined when nobody says. */
export type Alarm = { id: string; title: string; tag: string; priority: number | undefined }

const standing = new Set<Affected['consequence']>(['alarm', 'trip', 'damage', 'quality'])
/** The alarms that stand at a time: those of the sample, and what is said of alarms between it and that time. Undefined when nothing says. */
export function alarmsAt(sample: Sample, rows: readonly Row[], at: number, picture: PlantPicture | undefined): Alarm[] | undefined {
  const known = new Map(picture?.units.flatMap((unit) => unit.alarms.map((alarm) => [alarm.id, alarm] as const)) ?? [])
  const found = new Map<string, Alarm>()
  const raise = (id: string, tag: string, priority: number | undefined): void => {
    const alarm = known.get(id)
    found.set(id, { id, tag, title: alarm ? say(alarm.title) : id, priority: priority ?? alarm?.priority })
  }
  for (const { id, tag, priority } of sample.alarms ?? []) raise(id, tag, priority)
  let said = sample.alarms !== undefined
  for (const row of rows) {
    if (row.type !== 'affected' || row.at > at || (sample.alarms && row.at <= sample.seen)) continue
    said = true
    // A process that came back is no alarm that returned, whatever its tag is called.
    if (row.body.otherwise !== undefined) continue
    if (row.body.consequence === 'recovered') found.delete(row.body.id)
    else if (standing.has(row.body.consequence)) raise(row.body.id, row.body.tag, undefined)
  }
  return said ? [...found.values()].sort((a, b) => (a.priority ?? 5) - (b.priority ?? 5)) : undefined
}
/** In the order that an operator looks at them. */
export const classOrder = ['PV', 'SP', 'CMD', 'STAT', 'LIM', 'ALM', 'TRIP', 'CNT']

/** The machines that samples and requests speak of, named by the plant's template where the core still has it, else by what the requests say. */
export function machinesOf(samples: readonly Sample[], rows: readonly Row[], picture: PlantPicture | undefined): Machine[] {
  const known = new Map<string, Tag>()
  for (const unit of picture?.units ?? [])
    for (const tag of unit.tags) known.set(tag.id, { id: tag.id, title: say(tag.title), class: tag.class, unit: tag.unit, range: tag.range })
  for (const row of rows)
    if (row.type === 'request')
      for (const { tag, name, class: kind, unit } of row.body.points)
        if (tag && !known.has(tag)) known.set(tag, { id: tag, title: name ? say(name) : tag, class: kind ?? '', unit: unit ?? '', range: undefined })
  const seen = new Set(samples.flatMap(({ values }) => Object.keys(values)))
  const machines = new Map<string, Machine>()
  for (const id of seen) {
    const unit = id.split('.', 1)[0] as string
    const title = picture?.units.find((each) => each.id === unit)?.title
    const machine = machines.get(unit) ?? { id: unit, title: title ? say(title) : unit, tags: [] }
    machines.set(unit, machine)
    machine.tags.push(known.get(id) ?? { id, title: id, class: '', unit: '', range: undefined })
  }
  return [...machines.values()]
}

const bits = new Set(['CMD', 'STAT', 'ALM', 'TRIP'])
/** A number as an operator reads it: at most five digits, switches as words. */
export function reading(value: number, tag: { class?: string | undefined; unit?: string | undefined }): string {
  if (bits.has(tag.class ?? '') && !tag.unit && (value === 0 || value === 1)) return value === 1 ? m.switch_on() : m.switch_off()
  const size = Math.abs(value)
  return number(Number(value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3)))
}
export const withUnit = (value: number, tag: { class?: string | undefined; unit?: string | undefined }): string =>
  `${reading(value, tag)}${tag.unit ? ` ${tag.unit}` : ''}`

const nameOf = (point: Point): string => (point.name ? `${point.tag ? `${point.tag.split('.', 1)[0]} ` : ''}${say(point.name)}` : (point.tag ?? point.address))

/** `OV2 Zone 1 setpoint 180 → 260 °C`. */
export function pointSaid(point: Point, body: Request): string {
  const { before, value } = point
  if (value === undefined) return nameOf(point)
  if (!isWrite(body) || before === undefined) return `${nameOf(point)} ${withUnit(value, point)}`
  return `${nameOf(point)} ${reading(before, point)} → ${withUnit(value, point)}`
}

/** What was asked, in an operator's words; without points, what the protocol calls it. */
export function requestSaid(body: Request): string {
  const shown = body.points.slice(0, 3).map((point) => (body.operation === 'read' || body.operation === 'browse' ? nameOf(point) : pointSaid(point, body)))
  const more = Math.max(body.count, body.points.length) - shown.length
  const what = shown.length > 0 ? shown.join(m.list_comma()) + (more > 0 ? ` ${m.and_n_more({ n: number(more) })}` : '') : body.function
  return `${word(operationWords, body.operation)}${m.colon()}${what}`
}

/** `OV2.Z1.HH: Zone 1 temperature 206 °C (limit 205 °C)`. */
export function affectedSaid(body: Affected): string {
  const name = body.name ? `${body.tag.split('.', 1)[0]} ${say(body.name)}` : body.tag
  const limit = body.limit === undefined ? '' : ` (${m.limit_of({ value: withUnit(body.limit, body) })})`
  if (body.otherwise === undefined) return `${word(consequenceWords, body.consequence)} ${body.id}${m.colon()}${name} ${withUnit(body.value, body)}${limit}`
  // What the process is about is its tag: no alarm has another name for it.
  const undisturbed = ` (${m.undisturbed_value({ value: withUnit(body.otherwise, body) })})`
  return `${word(consequenceWords, body.consequence)}${m.colon()}${name} ${withUnit(body.value, body)}${undisturbed}`
}

export const classWord = (kind: string): string => word(classWords, kind)

/** The picture of a machine at one moment: what its symbols show and say of the values then known. */
import type { Picture, PictureLine, PictureSymbol } from '@shenlou/contract/plant-picture'
import { pictureTags, pictureUnit, symbolKinds } from '@shenlou/contract/plant-symbols'
import { m } from '../paraglide/messages.js'
import { type Alarm, reading, type Sample, type Tag } from './industrial.ts'
import { say } from './locale.svelte.ts'
import { fitted, type Placed, place, route, textWidth } from './mimic-geometry.ts'

/** One tag of a symbol as it is now. `value` is undefined when it is not known; `before` is what a write found. */
export type Seen = {
  slot: string
  id: string
  tag: Tag | undefined
  value: number | undefined
  before: number | undefined
  written: boolean
  bad: boolean
  alarm: Alarm | undefined
}
export type Tone = 'plain' | 'changed' | 'unknown' | 'alarm'
export type SymbolNow = {
  symbol: PictureSymbol
  placed: Placed
  title: string
  seen: Seen[]
  alarm: Alarm | undefined
  changed: boolean
  unknown: boolean
  bad: boolean
}
export type LineNow = { d: string; kind: PictureLine['kind']; arrow: boolean; flow: boolean | undefined }
export type MimicNow = { width: number; height: number; symbols: SymbolNow[]; lines: LineNow[] }

/** What is known of a machine at the moment shown. */
export type Moment = {
  tags: ReadonlyMap<string, Tag>
  sample: Sample
  /** Tags that were written up to then, with the value before the first write. */
  written: ReadonlyMap<string, number | undefined>
  alarms: readonly Alarm[] | undefined
}

/** A picture as it is at one moment. */
export function mimicNow(picture: Picture, moment: Moment): MimicNow {
  const { tags, sample, written, alarms } = moment
  const symbols = picture.symbols.map((symbol): SymbolNow => {
    const seen = Object.keys(symbolKinds[symbol.kind].slots).flatMap((slot): Seen[] => {
      const id = Object.hasOwn(symbol.tags, slot) ? symbol.tags[slot] : undefined
      if (id === undefined) return []
      return [
        {
          ...{ slot, id, tag: tags.get(id), value: sample.values[id], before: written.get(id), written: written.has(id) },
          ...{ bad: sample.bad?.includes(id) ?? false, alarm: alarms?.find((alarm) => alarm.tag === id) },
        },
      ]
    })
    const alarm = seen.reduce<Alarm | undefined>(
      (worst, each) => (each.alarm && (!worst || (each.alarm.priority ?? 5) < (worst.priority ?? 5)) ? each.alarm : worst),
      undefined,
    )
    return {
      ...{ symbol, seen, alarm, placed: place(symbol) },
      title: symbol.title ? say(symbol.title) : seen.length > 0 ? (seen[0]?.tag?.title ?? seen[0]?.id ?? '') : '',
      changed: seen.some((each) => each.written),
      unknown: seen.length > 0 && seen.every(({ value }) => value === undefined),
      bad: seen.some((each) => each.bad),
    }
  })
  const lines = picture.lines.flatMap((line): LineNow[] => {
    const points = route(line, picture.symbols)
    const flow = line.flow === undefined ? 1 : sample.values[line.flow]
    // A transmitter's noise is no flow.
    const [low, high] = (line.flow === undefined ? undefined : tags.get(line.flow)?.range) ?? [0, 1]
    if (!points) return []
    return [
      {
        ...{ d: `M${points.map(([x, y]) => `${x} ${y}`).join('L')}`, kind: line.kind, arrow: line.arrow },
        flow: flow === undefined ? undefined : Math.abs(flow) > (high - low) / 100,
      },
    ]
  })
  return { width: picture.size[0] * pictureUnit, height: picture.size[1] * pictureUnit, symbols, lines }
}

const labels: Record<string, () => string> = {
  ...{ setpoint: m.mimic_setpoint, high: m.mimic_high, low: m.mimic_low, output: m.mimic_output, command: m.mimic_command, load: m.mimic_load },
  ...{ height: m.mimic_height, sway: m.mimic_sway, from: m.mimic_from, to: m.mimic_to, pitch: m.mimic_pitch },
}
/** What a slot's value is called in a symbol; nothing for the one that the symbol is about. */
export const labelOf = ({ slot }: Seen): string => (Object.hasOwn(labels, slot) ? (labels[slot] as () => string)() : '')

/**
 * A reading as it is written in the picture, within a room in pixels: `160 → 260 °C` where an attacker wrote, a dash where nothing is known. Where there is no
 * room, first the unit goes, then the label: the drawing says both.
 */
export function readingSaid(seen: Seen, room = Infinity, size = 12): { label: string; text: string; tone: Tone } {
  const { value, before, tag, written, alarm } = seen
  const label = labelOf(seen)
  if (value === undefined) return { label, text: '—', tone: 'unknown' }
  const now = reading(value, tag ?? {})
  const text = written && before !== undefined ? `${reading(before, tag ?? {})} → ${now}` : now
  const whole = tag?.unit ? `${text} ${tag.unit}` : text
  const choices = [
    { label, text: whole },
    { label, text },
    { label: '', text: whole },
    { label: '', text },
  ]
  const fits = choices.find((choice) => textWidth(choice.label ? `${choice.label} ${choice.text}` : choice.text, size) <= room)
  const tone = written ? 'changed' : alarm || stands(seen) ? 'alarm' : 'plain'
  return { ...(fits ?? { label: '', text: fitted(text, room, size) }), tone }
}
/** An alarm or trip bit that is on says so itself, whatever is known of alarms. */
export const stands = ({ tag, value }: Seen): boolean => (tag?.class === 'ALM' || tag?.class === 'TRIP') && value === 1

/** The picture in words, for who does not see it: what is wrong, what was changed, what is not known. */
export function mimicSaid(machine: string, now: MimicNow, alarms: readonly Alarm[] | undefined): string {
  const all = new Map(now.symbols.flatMap(({ seen }) => seen).map((seen) => [seen.id, seen]))
  const names = (list: readonly Seen[]): string => list.map((seen) => seen.tag?.title ?? seen.id).join(m.list_comma())
  const changed = [...all.values()].filter((seen) => seen.written)
  const unknown = [...all.values()].filter((seen) => seen.value === undefined)
  const bad = [...all.values()].filter((seen) => seen.bad)
  return [
    m.mimic_of({ machine }),
    alarms === undefined
      ? m.mimic_alarms_unknown()
      : alarms.length === 0
        ? m.mimic_no_alarms()
        : m.mimic_alarms({ list: alarms.map(({ title, priority }) => (priority ? `${title} (${priority})` : title)).join(m.list_comma()) }),
    ...(changed.length > 0
      ? [m.mimic_changed({ list: changed.map((seen) => `${seen.tag?.title ?? seen.id} ${readingSaid(seen).text}`).join(m.list_comma()) })]
      : []),
    ...(bad.length > 0 ? [m.mimic_bad({ list: names(bad) })] : []),
    ...(unknown.length > 0 ? [m.mimic_unknown({ list: names(unknown) })] : []),
    m.mimic_table(),
  ].join(' ')
}

/** How many tags of a machine its picture does not draw. */
export const undrawn = (picture: Picture, tags: readonly Tag[]): number => {
  const drawn = new Set(pictureTags(picture))
  return tags.filter(({ id }) => !drawn.has(id)).length
}

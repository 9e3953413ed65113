/** The values of a page: what each is called there, how it is written, and what a poll of the page's script gets. */
import type { HmiTemplate, HmiValue } from '@shenlou/contract/hmi'
import type { Device } from '../device.ts'
import { type Language, say, type Word } from './words.ts'

export interface Item extends HmiValue {
  /** Name of the value in polls and forms, in this site's spelling. */
  key: string
  label: Readonly<Record<Language, string>>
  unit: string
  bool: boolean
  /** What its sensor can show; undefined where that is not known. */
  range: readonly [number, number] | undefined
  /** Words for on and off. */
  words: readonly [on: Word, off: Word]
  /** Something that is wrong while it is on. */
  warns: boolean
}

const states: Record<string, [zh: string, en: string]> = {
  '@mode': ['控制器运行', 'Controller in RUN'],
  '@alarms': ['报警数', 'Active alarms'],
  '@heartbeat': ['心跳', 'Heartbeat'],
  '@uptime': ['运行秒数', 'Seconds since start'],
}

/** The items of a device; `spelling` is how its engineer writes names. */
export function itemsOf(template: HmiTemplate, device: Device, spelling: (name: string) => string): Item[] {
  const seen = new Set<string>()
  return template.values.map((value): Item => {
    const id = device.tagOf(value.from)
    const tag = id === undefined ? undefined : device.plant.tag(id)
    const state = states[value.from]
    const several = Object.keys(device.template.units).length > 1
    const local = value.from.replace(/^[@=]/, '')
    const name = spelling(tag && !several ? local.slice(local.indexOf('.') + 1) : local)
    let key = name
    for (let nth = 2; seen.has(key); nth++) key = `${name}${nth}`
    seen.add(key)
    const warns = tag?.class === 'TRIP' || tag?.class === 'ALM' || value.from.startsWith('@alarm.')
    const title = value.title ?? tag?.title ?? (state ? { zh: state[0], en: state[1] } : { zh: name, en: name })
    return {
      ...value,
      key,
      label: title,
      unit: tag?.unit ?? '',
      bool: tag?.type === 'bool' || value.from === '@mode' || value.from.startsWith('@alarm.'),
      range: tag?.type === 'real' ? tag.range : undefined,
      words: warns ? ['yes', 'no'] : tag?.class === 'STAT' ? ['true', 'false'] : ['on', 'off'],
      warns,
    }
  })
}

export interface Shown {
  text: string
  /** 0 to 1000: how far up its range, or off and on. */
  level: number
}

/** An item as the page shows it now. A broken sensor shows no number. */
export function show(item: Item, device: Device, language: Language): Shown {
  const tag = device.tagOf(item.from)
  const value = device.read(item.from)
  if ((tag !== undefined && !device.plant.snapshot.good(tag)) || !Number.isFinite(value)) return { text: say(language, 'bad'), level: 0 }
  if (item.bool) return { text: say(language, item.words[value ? 0 : 1]), level: value ? 1000 : 0 }
  const [low, high] = item.range ?? [0, 0]
  const level = high > low ? Math.max(0, Math.min(1000, Math.round(((value - low) / (high - low)) * 1000))) : 0
  return { text: value.toFixed(item.range === undefined ? 0 : item.decimals), level }
}

/** What an operator would say of a captured request or of its consequence, in both languages, from the event's own points. Names are template text. */
import type { StoredEvent } from '@shenlou/contract/event'
import type { EventBody } from '@shenlou/contract/event-kinds'

export interface Said {
  zh: string
  en: string
}
type Request = EventBody<'industrial.requested'>
type Point = Request['points'][number]

const shownPoints = 3
const bits = new Set(['CMD', 'STAT', 'ALM', 'TRIP'])
const says = new Set(['write', 'alarm', 'command'])

/** A number as people write it: no noise behind the comma. */
const plain = (value: number): string => String(Number(value.toPrecision(6)))
const isSwitch = ({ class: kind, before, value, unit }: Point): boolean =>
  bits.has(kind ?? '') && !unit && [before, value].every((each) => each === undefined || each === 0 || each === 1)

function valuesOf(point: Point, language: 'zh' | 'en'): string {
  const word = (value: number): string => (isSwitch(point) ? (language === 'zh' ? (value ? '开' : '关') : value ? 'on' : 'off') : plain(value))
  const { before, value, unit } = point
  if (value === undefined) return ''
  const text = before === undefined ? word(value) : `${word(before)} → ${word(value)}`
  return unit ? `${text} ${unit}` : text
}

/** `OV2 Zone 1 setpoint 180 → 230 °C`. */
function pointSaid(point: Point, language: 'zh' | 'en', withValues: boolean): string {
  const machine = point.tag?.split('.', 1)[0]
  const name = point.name ? `${machine ? `${machine} ` : ''}${point.name[language]}` : (point.tag ?? point.address)
  const values = withValues ? valuesOf(point, language) : ''
  return values ? `${name} ${values}` : name
}

/** `OV2.Z1.SP 180 → 230 °C`: a point in no language, for evidence. */
export const pointLine = (point: Point, withValues = true): string => {
  const values = withValues ? valuesOf(point, 'en') : ''
  return values ? `${point.tag ?? point.address} ${values}` : (point.tag ?? point.address)
}
export const writes = (operation: unknown): boolean => says.has(String(operation))

/** Services that are the device's own screen: what is done there is done as an operator does it. */
export const screens: readonly string[] = ['hmi', 'hmi-https']

function requestSaid(body: Request, service: string | undefined): Said {
  const written = writes(body.operation)
  const many = Math.max(body.count, body.points.length)
  const text = (language: 'zh' | 'en'): string => {
    const points = body.points.slice(0, shownPoints).map((point) => pointSaid(point, language, written))
    if (points.length === 0) return body.function
    const more = many - points.length
    const rest = more > 0 ? (language === 'zh' ? ` 等 ${many} 点` : ` and ${more} more`) : ''
    return `${points.join(language === 'zh' ? '、' : ', ')}${rest}`
  }
  const onScreen = screens.includes(service ?? '') || body.protocol === 'hmi'
  const selected = / select$/.test(body.function)
  const outcome: Said =
    body.outcome === 'refused'
      ? { zh: `;设备拒绝(${body.reason ?? body.function})`, en: `; the device refused it (${body.reason ?? body.function})` }
      : body.outcome === 'ignored'
        ? { zh: ';设备未应答', en: '; the device did not answer' }
        : selected
          ? { zh: ';仅选择,未执行', en: '; selected only, not carried out' }
          : { zh: '', en: '' }
  return {
    zh: `${text('zh')},${onScreen ? '在其操作屏上操作' : '由并非操作屏的客户端发出'}${outcome.zh}`,
    en: `${text('en')}, ${onScreen ? 'on its own screen' : 'by a client that is not the HMI'}${outcome.en}`,
  }
}

function consequenceSaid(body: EventBody<'plant.affected'>, time: number): Said {
  const machine = body.tag.split('.', 1)[0]
  const unit = body.unit ? ` ${body.unit}` : ''
  const later = Math.max(0, Math.round((time - body.after.time) / 1000))
  const name = (language: 'zh' | 'en'): string => (body.name ? `${machine} ${body.name[language]}` : body.tag)
  const limit: Said = body.limit === undefined ? { zh: '', en: '' } : { zh: `(限值 ${plain(body.limit)}${unit})`, en: ` (limit ${plain(body.limit)}${unit})` }
  const otherwise: Said =
    body.otherwise === undefined
      ? { zh: '', en: '' }
      : { zh: `(未受扰动时 ${plain(body.otherwise)}${unit})`, en: ` (undisturbed ${plain(body.otherwise)}${unit})` }
  const lost = (body.defeated ?? []).slice(0, shownPoints).map(({ tag, value }) => `${tag} = ${plain(value)}`)
  return {
    zh: `${body.id}:${name('zh')} ${plain(body.value)}${unit}${limit.zh}${otherwise.zh},在把 ${body.after.tag} 写为 ${plain(body.after.value)} 之后 ${later} 秒${lost.length === 0 ? '' : `;当时 ${lost.join('、')}`}`,
    en: `${body.id}: ${name('en')} ${plain(body.value)}${unit}${limit.en}${otherwise.en}, ${later} s after ${body.after.tag} was set to ${plain(body.after.value)}${lost.length === 0 ? '' : `, with ${lost.join(', ')}`}`,
  }
}

/** What an event of an industrial device comes to; undefined for any other. */
export function operatorSays(event: StoredEvent): Said | undefined {
  if (event.kind === 'industrial.requested') return requestSaid(event.body as Request, event.service)
  if (event.kind === 'plant.affected') return consequenceSaid(event.body as EventBody<'plant.affected'>, event.time)
  return undefined
}

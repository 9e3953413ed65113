/** One site's page as a whole: its style, its handwriting in markup, its colours, its script. Drawn once a persona. */
import { createHash } from 'node:crypto'
import type { HmiTemplate } from '@shenlou/contract/hmi'
import type { Dialect, StaticFile } from '../../http/answer.ts'
import { embeddedDialect } from '../../http/embedded.ts'
import type { Persona } from '../../persona.ts'
import { drawMarkup, type Markup } from '../../portal/markup.ts'
import { type Random, randomFor } from '../../portal/random.ts'
import { type DeviceIdentity, deviceIdentity } from '../device.ts'
import { makeHost } from '../../world/host.ts'
import { pageScript } from './script.ts'
import { drawStyle, type Style } from './styles.ts'
import { styleSheet } from './sheet.ts'

export interface Skin {
  template: HmiTemplate
  style: Style
  markup: Markup
  identity: DeviceIdentity
  dialect: Dialect
  /** Files by path. */
  files: ReadonlyMap<string, StaticFile>
  css: string
  js: string
  /** What the script asks for. */
  at: Readonly<Record<'values' | 'history' | 'alarms' | 'write' | 'acknowledge', string>>
  /** Milliseconds that its clock is east of UTC. */
  offsetMs: number
  /** Names of the fields of a poll. */
  field: Readonly<Record<'time' | 'mode' | 'alarms' | 'values', string>>
  /** How the engineer of this site writes the name of a value. */
  spelling(name: string): string
}

const attributes =
  'class id href rel src lang charset name content value type method action enctype size inputmode autocomplete style colspan viewBox data-s data-w data-k'.split(
    ' ',
  )
const made = new WeakMap<Persona, Skin>()

/** The skin of a persona. Throws when it has no hmi section. */
export function skinOf(persona: Persona): Skin {
  const held = made.get(persona)
  if (held) return held
  const { hmi: template, device, id } = persona.template
  if (!template || !device) throw new Error(`persona ${id} has no hmi section; give it one or place no hmi on it`)
  const style = drawStyle(persona, template)
  const random = randomFor(persona, 'hmi')
  const markup = drawMarkup(randomFor(persona, 'hmi markup'))
  // The order of attributes is drawn as they are met: all of them here, so that it is no matter of which page is asked for first.
  markup.el('p', Object.fromEntries(attributes.map((name) => [name, name])))
  const taken = new Set<string>()
  const name = (from: readonly string[]): string => {
    const free = from.filter((one) => !taken.has(one))
    const drawn = random.pick(free.length > 0 ? free : [random.word(2)])
    taken.add(drawn)
    return drawn
  }
  const end = random.chance(0.4) ? String(random.int(1, 9)) : ''
  const at = (from: readonly string[]): string => `${style.data.folder}${name(from)}${end}${style.data.ending}`
  const skin: Omit<Skin, 'files' | 'css' | 'js'> = {
    template,
    style,
    markup,
    identity: deviceIdentity(persona),
    offsetMs: makeHost(persona).offsetMinutes * 60_000,
    dialect: embeddedDialect(style.server),
    at: {
      values: at(['values', 'live', 'rtdata', 'poll', 'tags', 'refresh', 'monitor', 'getval', 'readvar']),
      history: at(['hist', 'curve', 'trenddata', 'samples', 'log', 'series', 'gethist']),
      alarms: at(['alm', 'almlist', 'activealarms', 'events', 'msglist', 'getalm']),
      write: at(['set', 'setval', 'writevar', 'put', 'apply', 'cmd', 'modify']),
      acknowledge: at(['ack', 'almack', 'confirm', 'quit', 'ackmsg']),
    },
    field: {
      time: name(['t', 'ts', 'time', 'clk', 'now', 'dt']),
      mode: name(['m', 'md', 'mode', 'cpu', 'op', 'run']),
      alarms: name(['a', 'al', 'alm', 'n', 'na', 'cnt']),
      values: name(['v', 'vals', 'd', 'dat', 'tags', 'x']),
    },
    spelling: spellings(random),
  }
  const firmware = Math.floor(Date.parse(device.firmwareReleased) / 1000) - random.int(3, 40) * 86_400 + random.int(0, 80_000)
  const css = `/${name(['css', 'style', 'skin', 'res', 'static'])}/${name(['main', 'page', 'base', 'hmi', 'web'])}.css`
  const js = `/${name(['js', 'script', 'lib', 'src'])}/${name(['app', 'live', 'core', 'func', 'common'])}.js`
  /** Of another content it is another file, so a browser that has the old one asks anew. */
  const file = (text: string, type: string): StaticFile => {
    const body = Buffer.from(text)
    return { body, type, modified: firmware + (createHash('sha256').update(body).digest().readUInt16BE(0) % 3600) }
  }
  const files = new Map<string, StaticFile>([
    [css, file(styleSheet(markup, style, random), 'text/css')],
    [js, file(pageScript(skin, random), random.pick(['application/javascript', 'text/javascript', 'application/x-javascript']))],
  ])
  const whole: Skin = { ...skin, files, css, js }
  made.set(persona, whole)
  return whole
}

function spellings(random: Random): (name: string) => string {
  const joint = random.pick(['_', '.', '-', ''])
  const raise = random.pick([(text: string) => text, (text: string) => text.toUpperCase(), (text: string) => text])
  return (name) => raise(name.split('.').join(joint))
}

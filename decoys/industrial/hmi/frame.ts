/** What all pages of a device have in common: the bar with its state, the menu, tables, values that the script keeps up to date. */
import type { AlarmState } from '../../plant/plant.ts'
import type { Device } from '../device.ts'
import type { Child } from '../../portal/markup.ts'
import { type Item, show } from './items.ts'
import type { Skin } from './skin.ts'
import type { Page } from './styles.ts'
import { pageNames } from './styles.ts'
import { type Language, say } from './words.ts'

export type Role = 'operator' | 'engineer'
/** What a page is made for. */
export interface View {
  skin: Skin
  device: Device
  items: readonly Item[]
  language: Language
  /** Who is logged in, and what that user may. */
  user: { name: string; role: Role } | undefined
  /** As the client reached it. */
  address: string
}

/** `2026-11-23 16:05:09` as the device's own clock has it. */
export const clockText = ({ offsetMs }: Skin, ms: number): string => new Date(ms + offsetMs).toISOString().slice(0, 19).replace('T', ' ')

/** A link to a page, in the language that is spoken. */
export function linkTo({ skin, language }: Pick<View, 'skin' | 'language'>, path: string): string {
  if (language === skin.template.languages[0]) return path
  return `${path}${path.includes('?') ? '&' : '?'}lang=${language}`
}

/** A whole page. */
export function framed(view: View, page: Page, content: Child): string {
  const { skin, device, language, user } = view
  const { markup, style, identity, template } = skin
  const { el, cls, id, text } = markup
  const led = (role: string, state: number): string => el('span', { class: cls('led'), id: id(`hmi ${role}`), 'data-s': String(state) })
  const entries = pageNames.filter((name) => style.pages[name] !== undefined && name !== 'login')
  const other = template.languages.find((one) => one !== language)
  // A page that shows nothing before somebody logged in says nothing of the plant either.
  const closed = !template.open && !user
  const alarms = closed ? 0 : activeAlarms(device).length
  const login = style.login
  const bar = el(
    'div',
    { class: cls('bar') },
    el('b', {}, text(template.title[language])),
    el('span', {}, text(`${identity.stationName} / ${device.template.product}`)),
    el('span', { class: cls('gap') }),
    closed
      ? undefined
      : [
          el('span', {}, led('cpuled', device.mode === 'run' ? 1 : 2), el('span', { id: id('hmi cpu') }, device.mode === 'run' ? 'RUN' : 'STOP')),
          el('span', {}, led('countled', alarms > 0 ? 3 : 0), `${say(language, 'alarms')} `, el('span', { id: id('hmi count') }, String(alarms))),
          el('span', { id: id('hmi clock') }, clockText(skin, device.plantTime())),
        ],
    user
      ? el(
          'span',
          {},
          text(user.name.slice(0, 40)),
          login.kind === 'form' ? [' ', el('a', { href: linkTo(view, login.logout) }, say(language, 'logout'))] : undefined,
        )
      : login.kind === 'form' && style.pages.login
        ? el('a', { href: linkTo(view, style.pages.login) }, say(language, 'login'))
        : undefined,
    other ? el('a', { href: `${style.pages[page]}${style.pages[page]?.includes('?') ? '&' : '?'}lang=${other}` }, say(language, 'language')) : undefined,
  )
  const nav = closed
    ? undefined
    : el(
        'div',
        { class: cls('nav') },
        entries.map((name) =>
          el('a', { href: linkTo(view, style.pages[name] as string), class: name === page ? cls('here') : undefined }, say(language, name)),
        ),
      )
  const title = `${identity.stationName} - ${say(language, page)}`
  return `<!DOCTYPE html>${markup.newline}${el(
    'html',
    { lang: language === 'zh' ? 'zh-CN' : 'en' },
    el(
      'head',
      {},
      el('meta', { charset: 'utf-8' }),
      el('meta', { name: 'viewport', content: 'width=device-width,initial-scale=1' }),
      el('title', {}, text(title)),
      el('link', { rel: 'stylesheet', href: skin.css }),
    ),
    el(
      'body',
      {},
      bar,
      el('div', { class: cls('frame') }, nav, el('div', { class: cls('body') }, el('h2', {}, say(language, page)), content)),
      closed ? undefined : el('script', { src: skin.js }),
    ),
  )}`
}

export const note = ({ skin }: View, message: string, fine = false): string =>
  skin.markup.el('div', { class: fine ? `${skin.markup.cls('note')} ${skin.markup.cls('fine')}` : skin.markup.cls('note') }, skin.markup.text(message))

/** The items of a page by its groups. */
export const grouped = (view: View): { title: string; items: Item[] }[] =>
  view.skin.template.groups
    .map(({ id, title }) => ({ title: title[view.language], items: view.items.filter((item) => item.group === id) }))
    .filter(({ items }) => items.length > 0)

/** A table whose columns `numbers` stand to the right. */
export function table({ skin }: View, head: string[], rows: Child[][], numbers: readonly number[] = []): string {
  const { el, cls } = skin.markup
  const cell =
    (tag: string) =>
    (child: Child, at: number): string =>
      el(tag, { class: numbers.includes(at) ? cls('num') : undefined }, child)
  return el(
    'div',
    { class: cls('wide') },
    el(
      'table',
      {},
      head.length > 0 ? el('tr', {}, head.map(cell('th'))) : undefined,
      rows.map((row) => el('tr', {}, row.map(cell('td')))),
    ),
  )
}

/** The value of an item where the script finds it. */
export const live = ({ skin, device, language }: View, item: Item): string =>
  skin.markup.el('span', { id: skin.markup.id('hmi pre') + item.key }, show(item, device, language).text)
/** Its lamp. */
export const lamp = ({ skin, device, language }: View, item: Item): string => {
  const on = show(item, device, language).level > 0
  return skin.markup.el('span', {
    class: skin.markup.cls('led'),
    id: skin.markup.id('hmi lamp') + item.key,
    'data-w': item.warns ? '1' : undefined,
    'data-s': on ? (item.warns ? '3' : '1') : '0',
  })
}

/** Alarms of the device's own units that stand or wait for somebody, the newest first. */
export function activeAlarms(device: Device): AlarmState[] {
  const own = unitsOf(device)
  return device.plant
    .alarms()
    .filter(({ id, state }) => state !== 'normal' && own.has(id.slice(0, id.indexOf('.'))))
    .sort((a, b) => b.since - a.since)
}
const unitsOf = (device: Device): Set<string> =>
  new Set(Object.keys(device.template.units).map((alias) => (device.tagOf(`${alias}.x`) ?? '').split('.')[0] as string))

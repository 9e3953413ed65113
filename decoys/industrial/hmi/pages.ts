/** The pages themselves: frame, overview, curves, alarms, operation, diagnostics. Text of the client only goes in escaped. */
import type { AlarmState } from '../../plant/plant.ts'
import type { Device } from '../device.ts'
import type { Child } from '../../portal/markup.ts'
import { type Item, show } from './items.ts'
import type { Skin } from './skin.ts'
import type { Page } from './styles.ts'
import { pageNames } from './styles.ts'
import { type Language, say, type Word } from './words.ts'

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
  const nav = el(
    'div',
    { class: cls('nav') },
    closed
      ? undefined
      : entries.map((name) =>
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

const grouped = (view: View): { title: string; items: Item[] }[] =>
  view.skin.template.groups
    .map(({ id, title }) => ({ title: title[view.language], items: view.items.filter((item) => item.group === id) }))
    .filter(({ items }) => items.length > 0)

function table({ skin }: View, head: string[], rows: Child[][], numbers: readonly number[] = []): string {
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

const live = ({ skin, device, language }: View, item: Item): string =>
  skin.markup.el('span', { id: skin.markup.id('hmi pre') + item.key }, show(item, device, language).text)
const lamp = ({ skin, device, language }: View, item: Item): string => {
  const on = show(item, device, language).level > 0
  return skin.markup.el('span', {
    class: skin.markup.cls('led'),
    id: skin.markup.id('hmi lamp') + item.key,
    'data-w': item.warns ? '1' : undefined,
    'data-s': on ? (item.warns ? '3' : '1') : '0',
  })
}

/** Values by group: tiles with gauges on a panel, tables elsewhere. */
export function overview(view: View): Child {
  const { skin, device, language } = view
  const { el, cls, id, text } = skin.markup
  if (skin.style.look !== 'screens') {
    const sets = grouped(view).map(({ title, items }) =>
      el(
        'div',
        {},
        el('h3', {}, text(title)),
        table(
          view,
          [say(language, 'name'), say(language, 'value'), say(language, 'unit')],
          items.map((item) => [[item.bool ? lamp(view, item) : '', text(item.label[language])], live(view, item), text(item.unit)]),
          [1],
        ),
      ),
    )
    return el('div', { class: cls('sets') }, sets)
  }
  return el(
    'div',
    { class: cls('tiles') },
    grouped(view).map(({ title, items }) => {
      const first = items.find(({ range, bool }) => range !== undefined && !bool)
      const level = first ? show(first, device, language).level : 0
      return el(
        'div',
        { class: cls('tile') },
        el('h3', {}, text(title)),
        first
          ? el(
              'div',
              { class: cls('head') },
              el('div', { class: cls('gauge') }, el('div', { class: cls('fill'), id: id('hmi bar') + first.key, style: `height:${level / 10}%` })),
              el('div', {}, text(first.label[language]), el('div', { class: cls('big') }, live(view, first), ` ${text(first.unit)}`)),
            )
          : undefined,
        items
          .filter((item) => item !== first)
          .map((item) =>
            el(
              'div',
              { class: cls('row') },
              item.bool ? lamp(view, item) : undefined,
              el('span', { class: cls('label') }, text(item.label[language])),
              live(view, item),
              item.bool ? undefined : ` ${text(item.unit)}`,
            ),
          ),
      )
    }),
  )
}

/** Curves of the last hours; the script draws them. */
export function trends(view: View): Child {
  const { el, cls, id, text } = view.skin.markup
  const shown = view.skin.template.trends.map(({ from }) => view.items.find((item) => item.from === from)).filter((item) => item !== undefined)
  return [
    el(
      'div',
      { class: cls('row') },
      el(
        'select',
        { id: id('hmi span') },
        [1, 8, 24, 168].map((hours) => el('option', { value: String(hours) }, `${hours} ${say(view.language, 'hours')}`)),
      ),
    ),
    shown.map((item) => [
      el('h3', {}, text(`${item.label[view.language]}${item.unit === '' ? '' : ` (${item.unit})`}`), ' ', live(view, item)),
      el('svg', { class: cls('chart'), 'data-k': item.key }),
    ]),
  ]
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

/** Rows of the alarm list, as the page and a poll of it have them. */
export function alarmRows(view: View): string {
  const { skin, device, language, user } = view
  const { el, cls, text } = skin.markup
  const alarms = activeAlarms(device)
  if (alarms.length === 0) return el('tr', {}, el('td', { colspan: '7' }, say(language, 'none')))
  return alarms
    .slice(0, 60)
    .map(({ id, title, priority, state, since, value, limit, tag }) => {
      const waits = state === 'unacknowledged' || state === 'returned'
      const analog = device.plant.tag(tag)?.type === 'real'
      return el(
        'tr',
        { class: waits ? cls('live') : undefined },
        el('td', {}, clockText(skin, since)),
        el('td', {}, String(priority)),
        el('td', {}, text(`${id} ${title[language]}`)),
        el('td', {}, say(language, state as Word)),
        el('td', { class: cls('num') }, analog ? value.toFixed(1) : '-'),
        el('td', { class: cls('num') }, analog ? limit.toFixed(1) : '-'),
        el(
          'td',
          {},
          waits && user
            ? el(
                'form',
                { method: 'post', action: linkTo(view, skin.at.acknowledge) },
                el('input', { type: 'hidden', name: 'id', value: id }),
                el('button', { type: 'submit' }, say(language, 'acknowledge')),
              )
            : undefined,
        ),
      )
    })
    .join('')
}

export function alarms(view: View): Child {
  const { el, cls, id } = view.skin.markup
  const words: (Word | undefined)[] = ['time', 'priority', 'message', 'state', 'value', 'limit', undefined]
  return el(
    'div',
    { class: cls('wide') },
    el(
      'table',
      {},
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          words.map((word) => el('th', {}, word ? say(view.language, word) : '')),
        ),
      ),
      el('tbody', { id: id('hmi table') }, alarmRows(view)),
    ),
  )
}

/** Everything that may be set, for who is logged in. */
export function control(view: View): Child {
  const { skin, language, user } = view
  const { el, text, cls } = skin.markup
  if (!user) return note(view, say(language, 'needed'))
  const form = (item: Item, content: Child): string =>
    el('form', { method: 'post', action: linkTo(view, skin.at.write) }, el('input', { type: 'hidden', name: 'k', value: item.key }), content)
  const row = (item: Item): Child[] => {
    const allowed = item.write === 'operator' || user.role === 'engineer'
    const input = !allowed
      ? '-'
      : item.bool
        ? el(
            'div',
            { class: cls('row') },
            form(item, [el('input', { type: 'hidden', name: 'v', value: '1' }), el('button', { type: 'submit' }, say(language, 'on'))]),
            form(item, [el('input', { type: 'hidden', name: 'v', value: '0' }), el('button', { type: 'submit' }, say(language, 'off'))]),
          )
        : form(item, [el('input', { name: 'v', size: '8', inputmode: 'decimal' }), ' ', el('button', { type: 'submit' }, say(language, 'set'))])
    return [text(item.label[language]), live(view, item), text(item.unit), input]
  }
  const sets = grouped(view)
    .map(({ title, items }) => ({ title, items: items.filter(({ write }) => write !== 'no') }))
    .filter(({ items }) => items.length > 0)
    .map(({ title, items }) =>
      el(
        'div',
        {},
        el('h3', {}, text(title)),
        table(view, [say(language, 'name'), say(language, 'value'), say(language, 'unit'), say(language, 'set')], items.map(row), [1]),
      ),
    )
  return [
    el('div', { class: cls('sets') }, sets),
    skin.style.cpu && user.role === 'engineer'
      ? [
          el('h3', {}, say(language, 'mode')),
          el(
            'div',
            { class: cls('row') },
            (
              [
                ['run', skin.style.cpu.run],
                ['stop', skin.style.cpu.stop],
              ] as const
            ).map(([word, field]) =>
              el(
                'form',
                { method: 'post', action: (skin.style.cpu as { path: string }).path },
                el('input', { type: 'hidden', name: field, value: '1' }),
                el('button', { type: 'submit' }, say(language, word)),
              ),
            ),
          ),
        ]
      : undefined,
  ]
}

/** Plate, state and modules. */
export function diagnostics(view: View): Child {
  const { skin, device, language } = view
  const { el, text } = skin.markup
  const { template, persona } = device
  const up = Math.floor(device.uptimeMs() / 1000)
  const plate: [Word, string][] = [
    ['plant', skin.identity.plantName],
    ['station', skin.identity.stationName],
    ['product', template.product],
    ['order', template.orderNumber],
    ['serial', persona.serial],
    ['hardware', template.hardware],
    ['firmware', template.firmware],
    ['mode', device.mode === 'run' ? 'RUN' : 'STOP'],
    ['clock', clockText(skin, device.plantTime())],
    ['uptime', `${Math.floor(up / 86_400)} ${say(language, 'days')} ${new Date((up % 86_400) * 1000).toISOString().slice(11, 19)}`],
    ['cycle', `${template.cycleMs[0]} - ${template.cycleMs[1]} ms`],
  ]
  const rows = template.class === 'gateway' ? plate.filter(([word]) => word !== 'mode' && word !== 'cycle') : plate
  return [
    table(
      view,
      [],
      rows.map(([word, value]) => [say(language, word), text(value)]),
    ),
    skin.identity.modules.length > 0
      ? [
          el('h3', {}, say(language, 'modules')),
          table(
            view,
            (['slot', 'module', 'order', 'serial', 'firmware', 'state'] as Word[]).map((word) => say(language, word)),
            skin.identity.modules.map(({ slot, name, orderNumber, serial, firmware }) =>
              [String(slot), name, orderNumber, serial || '-', firmware || '-', say(language, 'good')].map((one) => text(one)),
            ),
          ),
        ]
      : undefined,
  ]
}

export function network(view: View): Child {
  const { device, address, language, skin } = view
  const parts = address.split('.')
  const rows: [Word, string][] = [
    ['host', device.persona.hostname],
    ['mac', device.persona.mac.toUpperCase().replaceAll(':', skin.style.look === 'side' ? '-' : ':')],
    ['address', address],
    ['mask', '255.255.255.0'],
    ['gateway', parts.length === 4 ? [...parts.slice(0, 3), parts[3] === '254' ? '253' : '254'].join('.') : '-'],
  ]
  return table(
    view,
    [],
    rows.map(([word, value]) => [say(language, word), skin.markup.text(value)]),
  )
}

/** Where firmware is loaded; for engineers only. */
export function update(view: View): Child {
  const { skin, device, language, user } = view
  const { el, text } = skin.markup
  if (user?.role !== 'engineer') return note(view, say(language, user ? 'denied' : 'needed'))
  return [
    table(view, [], [[say(language, 'firmware'), text(device.template.firmware)]]),
    el(
      'form',
      { method: 'post', action: linkTo(view, skin.style.pages.update as string), enctype: 'multipart/form-data' },
      el('input', { type: 'file', name: 'file' }),
      ' ',
      el('button', { type: 'submit' }, say(language, 'send')),
    ),
  ]
}

export function login(view: View, user = ''): Child {
  const { skin, language } = view
  const { el, cls, text } = skin.markup
  const { login: how } = skin.style
  if (how.kind !== 'form') return undefined
  return el(
    'form',
    { class: cls('panel'), method: 'post', action: linkTo(view, how.path) },
    el('label', {}, say(language, 'user'), el('input', { name: how.user, value: text(user) === '' ? undefined : user, autocomplete: 'off' })),
    el('label', {}, say(language, 'password'), el('input', { name: how.password, type: 'password', autocomplete: 'off' })),
    el('button', { type: 'submit' }, say(language, 'login')),
  )
}

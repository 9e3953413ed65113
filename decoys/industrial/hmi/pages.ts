/** The pages themselves: overview, curves, alarms, operation, diagnostics. Text of the client only goes in escaped. */
import type { Child } from '../../portal/markup.ts'
import { activeAlarms, clockText, grouped, lamp, linkTo, live, note, table, type View } from './frame.ts'
import { type Item, show } from './items.ts'
import { say, type Word } from './words.ts'

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
    ['cycle', `${(persona.number('device cycle', Math.round(template.cycleMs[0] * 100), Math.round(template.cycleMs[1] * 100)) / 100).toFixed(1)} ms`],
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

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Persona } from '../../persona.ts'
import { serveDecoy, type TestDecoy } from '../../test-harness.ts'
import { modbus } from '../modbus/modbus.ts'
import { rawClient } from '../client-fixture.ts'
import { testDevice, testPlant } from '../plant-fixture.ts'
import { hmi } from './hmi.ts'
import { skinOf } from './skin.ts'

const section = (style: string, more: object = {}): object => ({
  style,
  title: { zh: '烘干炉', en: 'Oven' },
  languages: ['en', 'zh'],
  groups: [{ id: 'zone', title: { zh: '一区', en: 'Zone 1' } }],
  values: [
    { from: 'oven.Z1.PV', group: 'zone' },
    { from: 'oven.Z1.SP', group: 'zone', write: 'operator' },
    { from: 'oven.Burner.Cmd', group: 'zone', write: 'operator' },
    { from: 'oven.TripLim', group: 'zone', write: 'engineer' },
  ],
  trends: [{ from: 'oven.Z1.PV' }],
  ...more,
})
const login = {
  accounts: [
    { user: 'operator', password: 'op', origin: 'given' as const },
    { user: 'admin', password: 'ad', origin: 'given' as const },
  ],
}
const settings = { login, engineers: ['admin'] }
const styles = ['simatic-1200', 'simatic-300', 'factorycast', 'console', 'rtu', 'panel']

interface Page {
  served: TestDecoy
  plant: ReturnType<typeof testPlant>
  persona: Persona
  get(path: string, init?: RequestInit): Promise<Response>
  /** The cookie of somebody who logged in. */
  enter(user: string, password: string): Promise<Record<string, string>>
  post(path: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Response>
}

async function page(style: string, work: (page: Page) => Promise<void>, more: object = {}): Promise<void> {
  const plant = testPlant()
  const persona = testDevice({ hmi: section(style, more) })
  const served = await serveDecoy(hmi, persona, settings, { plant, units: { oven: 'OV2' } })
  const get = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`http://127.0.0.1:${served.port}${path}`, { redirect: 'manual', ...init })
  const post = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> =>
    get(path, { method: 'POST', body: new URLSearchParams(fields), headers })
  const enter = async (user: string, password: string): Promise<Record<string, string>> => {
    const how = skinOf(persona).style.login
    if (how.kind === 'basic') return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
    const answer = await post(how.path, { [how.user]: user, [how.password]: password })
    await answer.text()
    return { cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] as string }
  }
  try {
    await work({ served, plant, persona, get, post, enter })
    assert.deepEqual(served.faults, [])
  } finally {
    await served.close()
  }
}

for (const style of styles)
  test(`the pages of ${style} show the plant's values, and each page that its menu names is there`, () =>
    page(style, async ({ get, enter, persona }) => {
      const skin = skinOf(persona)
      const headers = await enter('admin', 'ad')
      const overview = await (await get(skin.style.pages.overview as string, { headers })).text()
      assert.match(overview, />179\.6</)
      const links = [...overview.matchAll(/href="([^"]+)"/g)].map(([, path]) => (path as string).replaceAll('&amp;', '&'))
      assert.ok(links.length >= 6, `${links.length} links`)
      for (const path of links) assert.ok([200, 302].includes((await get(path, { headers })).status), `${style} ${path}`)
      const script = await (await get(skin.js, { headers })).text()
      assert.doesNotThrow(() => new Function(script), script)
      assert.doesNotMatch(script, /@[a-z]/)
      const zh = await (await get(`${skin.style.pages.overview}${skin.style.pages.overview?.includes('?') ? '&' : '?'}lang=zh`, { headers })).text()
      assert.match(zh, /一区/)
    }))

test('a write of an operator changes the plant for every protocol, is said as what it means, and shows at once', () =>
  page('panel', async ({ served, plant, persona, get, post, enter }) => {
    const skin = skinOf(persona)
    const headers = await enter('operator', 'op')
    const [key] = Object.keys(await values(get, persona)).filter((name) => /SP/i.test(name))
    const answer = await post(skin.at.write, { k: key as string, v: '200' }, headers)
    assert.equal(answer.status, 200)
    assert.deepEqual(plant.written, ['OV2.Z1.SP=200'])
    const [said] = served.of('industrial.requested')
    assert.equal(said?.protocol, 'hmi')
    assert.equal(said?.operation, 'write')
    assert.equal(said?.changed, true)
    assert.deepEqual(
      { ...said?.points[0], name: undefined },
      { address: key, tag: 'OV2.Z1.SP', name: undefined, class: 'SP', before: 180, value: 200, unit: '°C' },
    )
    assert.equal((await values(get, persona))[key as string], '200.0')

    const bus = await serveDecoy(modbus, persona, {}, { plant, units: { oven: 'OV2' } })
    const client = await rawClient(bus.port)
    assert.equal(await client.ask('0001 0000 0006 01 03 0000 0001', 11), '00010000000501030207d0')
    await client.ask('0002 0000 0006 01 06 0000 06e0', 12)
    assert.equal((await values(get, persona))[key as string], '176.0')
    client.close()
    await bus.close()
  }))

async function values(get: Page['get'], persona: Persona): Promise<Record<string, string>> {
  const skin = skinOf(persona)
  const answer = (await (await get(skin.at.values)).json()) as Record<string, Record<string, [string, number]>>
  return Object.fromEntries(Object.entries(answer[skin.field.values] as object).map(([key, [text]]) => [key, text]))
}

test('nobody writes without a login, an operator no limits, nobody out of range, and each refusal is said', () =>
  page('panel', async ({ served, plant, persona, get, post, enter }) => {
    const skin = skinOf(persona)
    const names = Object.keys(await values(get, persona))
    const setpoint = names.find((name) => /SP/i.test(name)) as string
    const limit = names.find((name) => /Lim/i.test(name)) as string
    const measured = names.find((name) => /PV/i.test(name)) as string
    const operator = await enter('operator', 'op')
    assert.equal((await post(skin.at.write, { k: setpoint, v: '200' })).status, 403)
    for (const [k, v] of [
      [limit, '300'],
      [setpoint, '4000'],
      [setpoint, '1e9'],
      [setpoint, ''],
      [measured, '10'],
    ])
      await (await post(skin.at.write, { k: k as string, v: v as string }, operator)).text()
    assert.deepEqual(plant.written, [])
    assert.deepEqual(
      served.of('industrial.requested').map(({ outcome, reason, changed }) => [outcome, reason, changed]),
      [
        ['refused', 'not logged in', false],
        ['refused', 'user may not', false],
        ['refused', 'range', false],
        ['refused', 'no number', false],
        ['refused', 'no number', false],
        ['refused', 'read-only', false],
      ],
    )
    await (await post(skin.at.write, { k: limit, v: '300' }, await enter('admin', 'ad'))).text()
    assert.deepEqual(plant.written, ['OV2.TripLim=300'])
    assert.equal(served.of('industrial.requested').at(-1)?.operation, 'alarm')
  }))

test('the controller is stopped and started from the page by an engineer only, and the page shows it', () =>
  page('simatic-1200', async ({ served, plant, persona, get, post, enter }) => {
    const overview = skinOf(persona).style.pages.overview as string
    await (await post('/CPUCommands', { PriNav: 'Start', Stop: '1' }, await enter('operator', 'op'))).text()
    assert.equal(plant.mode('OV2'), 'run')
    const headers = await enter('admin', 'ad')
    await (await post('/CPUCommands', { PriNav: 'Start', Stop: '1' }, headers)).text()
    assert.equal(plant.mode('OV2'), 'stop')
    assert.match(await (await get(overview)).text(), />STOP</)
    await (await post('/CPUCommands', { PriNav: 'Start', Run: '1' }, headers)).text()
    assert.match(await (await get(overview)).text(), />RUN</)
    assert.deepEqual(
      served.of('industrial.requested').map(({ operation, outcome, changed }) => [operation, outcome, changed]),
      [
        ['stop', 'refused', false],
        ['stop', 'done', true],
        ['start', 'done', true],
      ],
    )
  }))

test('every attempt to log in is said with what was typed, and guessing is locked out after a while', () =>
  page('rtu', async ({ served, persona, post }) => {
    const how = skinOf(persona).style.login
    assert.ok(how.kind === 'form')
    const texts: string[] = []
    for (let i = 0; i < 10; i++) texts.push(await (await post(how.path, { [how.user]: 'admin', [how.password]: `guess ${i} <b>` })).text())
    const said = served.of('login.attempted')
    assert.deepEqual(
      said.map(({ method, user, password, outcome }) => [method, user, password, outcome]),
      texts.map((_, i) => ['form', 'admin', `guess ${i} <b>`, 'refused']),
    )
    assert.match(texts.at(-1) as string, /Too many attempts/)
  }))

test('a page behind Basic asks for it, takes the right one once, and says one attempt for many requests', () =>
  page(
    'factorycast',
    async ({ served, persona, get, enter }) => {
      const { overview } = skinOf(persona).style.pages
      const bare = await get(overview as string)
      assert.equal(bare.status, 401)
      assert.match(bare.headers.get('www-authenticate') ?? '', /^Basic realm="/)
      for (let i = 0; i < 4; i++) assert.equal((await get(overview as string, { headers: await enter('operator', 'op') })).status, 200)
      assert.equal((await get(overview as string, { headers: await enter('operator', 'no') })).status, 401)
      assert.deepEqual(
        served.of('login.attempted').map(({ outcome }) => outcome),
        ['accepted', 'refused'],
      )
    },
    { open: false },
  ))

test('a firmware image that is loaded on the page is kept as a file', () =>
  page('panel', async ({ served, persona, get, enter }) => {
    const form = new FormData()
    form.set('file', new Blob([Buffer.alloc(300_000, 7)]), 'cmt_fw.bin')
    const answer = await get(skinOf(persona).style.pages.update as string, { method: 'POST', body: form, headers: await enter('admin', 'ad') })
    assert.match(await answer.text(), /Firmware file check failed/)
    const [kept] = served.of('file.uploaded')
    assert.equal(kept?.path, 'cmt_fw.bin')
    assert.equal(kept?.file.size, 300_000)
  }))

test('what a client types comes back escaped or not at all', () =>
  page('panel', async ({ persona, get, post, enter }) => {
    const { style, at } = skinOf(persona)
    const evil = '"><script>alert(1)</script>'
    assert.ok(style.login.kind === 'form')
    for (const answer of [
      await post(style.login.path, { [style.login.user]: evil, [style.login.password]: evil }),
      await post(at.write, { k: evil, v: evil }, await enter('operator', 'op')),
      await get(`${style.pages.overview}?lang=${encodeURIComponent(evil)}`),
      await get(`/${encodeURIComponent(evil)}`),
    ])
      assert.ok(!(await answer.text()).includes('<script>alert'))
  }))

test('the servers answer as nmap knows those of their makers', async () => {
  const known: [style: string, request: string, answer: RegExp][] = [
    [
      'simatic-1200',
      'GET / HTTP/1.0',
      /^HTTP\/1\.0 302 Object Moved\r\nContent-Type:text\/html\r\nContent-Length: 0\r\nConnection: close\r\nLocation: \/Default\.mwsl\r\n\r\n$/,
    ],
    [
      'simatic-300',
      'GET / HTTP/1.0',
      /^HTTP\/1\.0 302\r\nLocation: \/Portal0000\.htm\r\n[\s\S]*<HTML><HEAD><TITLE>Error<\/TITLE><\/HEAD>\r\n<BODY><CENTER><H2>\/<BR><BR>302 : MOVED TEMPORARILY<\/H2><\/CENTER><\/BODY><\/HTML>$/,
    ],
    [
      'factorycast',
      'OPTIONS / HTTP/1.0',
      /^HTTP\/1\.1 400 Page not found\r\nServer: Schneider-WEB\/V2\.1\.4\r\nDate: [A-Z]+ [A-Z]+ \d+ \d+:\d+:\d+ \d+\r\nPragma: no-cache\r\nCache-Control: no-cache\r\nContent-length: 154\r\nContent-Type: text\/html\r\n\r\n/,
    ],
    ['console', 'GET / HTTP/1.0', /^HTTP\/1\.1 \d\d\d (?:[^\r\n]*\r\n(?!\r\n))*?Server: MoxaHttp\/2\.2\r\n/],
  ]
  for (const [style, request, answer] of known)
    await page(style, async ({ served }) => {
      const client = await rawClient(served.port)
      client.send(Buffer.from(`${request}\r\n\r\n`).toString('hex'))
      assert.match(Buffer.from(await client.rest(1_000_000), 'hex').toString('latin1'), answer, style)
      client.close()
    })
})

test('connections beyond the few that a device has wait for a place, and every request is answered', () =>
  page(
    'panel',
    async ({ served, get, persona }) => {
      const path = skinOf(persona).at.values
      const answers = await Promise.all(Array.from({ length: 9 }, () => get(path, { headers: { connection: 'close' } })))
      assert.deepEqual(
        answers.map(({ status }) => status),
        answers.map(() => 200),
      )
      await Promise.all(answers.map((answer) => answer.text()))
      assert.deepEqual(served.of('protocol.violated'), [])
    },
    { connections: 2 },
  ))

test('two devices of one kind share no class, no script and no names of what the script asks for', () => {
  const one = skinOf(testDevice({ hmi: section('panel') }))
  const other = skinOf({ ...testDevice({ hmi: section('panel') }), draw: (purpose, bytes) => Buffer.alloc(bytes, purpose.length * 7 + 3) })
  assert.notEqual(one.files.get(one.js)?.body.toString(), other.files.get(other.js)?.body.toString())
  const classes = (skin: typeof one): Set<string> =>
    new Set([...String(skin.files.get(skin.css)?.body).matchAll(/\.([A-Za-z][\w-]+)\{/g)].map(([, name]) => name as string))
  assert.deepEqual(
    [...classes(one)].filter((name) => classes(other).has(name)),
    [],
  )
})

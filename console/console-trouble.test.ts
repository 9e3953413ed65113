import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answers } from './dev/answers.ts'
import { settled, violations } from './dev/browser.ts'
import { incidents, tickets } from './dev/cases.ts'
import { until, useBrowser, visit } from './dev/harness.ts'
import { event, sessions, uuid } from './dev/records.ts'

useBrowser()

/** An answer of a core whose database is away. */
const away = (): never =>
  new Response(JSON.stringify({ error: { code: 'unavailable', message: 'The database is away.' } }), {
    status: 503,
    headers: { 'content-type': 'application/json' },
  }) as never
const allow = /503|401/

test('what the navigation, the palette and a session could not fetch is said where it is missing, with what to do', async () => {
  let findings: () => never = away
  const some = answers.findings
  await visit(
    { allow, answers: { overview: away, tickets: away, findings: (input) => (findings === away ? away() : some(input)) } },
    async ({ page, open }) => {
      await open(`/sessions/${sessions[0]?.id}`)
      await settled(page)
      await page
        .getByRole('navigation')
        .getByText(/These counts may be out of date: The database is away/)
        .waitFor()
      const alert = page.getByRole('alert').filter({ hasText: 'These findings may be out of date: The database is away.' })
      await alert.waitFor()
      assert.deepEqual(await violations(page), [])
      findings = undefined as never
      await alert.getByRole('button', { name: 'Try again' }).click()
      await alert.waitFor({ state: 'detached' })

      await page.keyboard.press('Control+k')
      await page.getByText(/Tickets or incidents could not be listed: The database is away\..*open it again/).waitFor()
      await page.keyboard.type(incidents[0]?.title.en.slice(0, 8) ?? '')
      await page.getByRole('option', { name: /^I-/ }).first().waitFor()
    },
  )
})

test('a sign-out that failed says so and leaves the person signed in; settings that could not be kept are said', async () => {
  await visit({ allow, answers: { signOut: away, setPreferences: away } }, async ({ page, open }) => {
    await open('/decoys')
    await settled(page)
    await page.getByRole('button', { name: '中文' }).click()
    await page
      .getByRole('status')
      .getByText(/您的设置未能保存.*数据库无应答/)
      .waitFor()
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('button', { name: /Lin Wei/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByText(/Signing out failed: The database is away\. You are still signed in/).waitFor()
    assert.ok(await page.getByRole('heading', { name: 'Decoys' }).isVisible())
  })
})

test('language, colours and the order of lists are kept for the person and shown on another machine', async () => {
  let kept: Record<string, unknown> = { other: 1 }
  const own = {
    preferences: () => ({ preferences: kept }),
    setPreferences: ({ body }: { body: { preferences: Record<string, unknown> } }) => {
      kept = body.preferences
      return { ok: true as const }
    },
  } as never
  await visit({ answers: own }, async ({ page, open }) => {
    await open('/tickets')
    await settled(page)
    await page.getByRole('button', { name: 'Severity' }).click()
    await page.getByRole('button', { name: 'Theme' }).click()
    await page.getByRole('menuitem', { name: 'Dark' }).click()
    await page.getByRole('button', { name: '中文' }).click()
    await until(() => kept.locale === 'zh', 'the settings are kept')
    assert.deepEqual(kept, { other: 1, locale: 'zh', theme: 'dark', 'table.tickets.order': '-severity' })
  })
  await visit({ answers: own, locale: 'en-GB' }, async ({ page, open }) => {
    await open('/tickets')
    await page.getByRole('heading', { name: '工单' }).waitFor()
    assert.ok(await page.evaluate(() => document.documentElement.classList.contains('dark')))
    await page.locator('th[aria-sort=descending]', { hasText: '严重程度' }).waitFor()
  })
})

test('a live channel that is lost before any event goes on from where the core stood', async () => {
  await visit({}, async ({ page, open, mock }) => {
    await open('/events')
    await settled(page)
    await until(() => mock.asks.some((ask) => ask.type === 'events'), 'the console asks for events')
    const asked = mock.asks.length
    mock.dropSockets()
    await until(() => mock.asks.slice(asked).some((ask) => ask.type === 'events'), 'it asks again')
    const ask = mock.asks.slice(asked).find((entry) => entry.type === 'events')
    assert.deepEqual(ask, { type: 'events', after: 1_000_000 })
  })
})

test('a sign-in that ended asks for a new one over the page, and what was typed stays', async () => {
  await visit({ allow }, async ({ page, open, mock }) => {
    await open(`/tickets/${tickets[0]?.id}`)
    await settled(page)
    await page.getByRole('textbox', { name: 'Comment' }).fill('half a thought')
    await page.evaluate(() => fetch('/api/v1/sign-out', { method: 'POST' }))
    await page.getByRole('button', { name: 'Comment' }).click()
    await page.getByText(/Your sign-in has ended/).waitFor()
    assert.deepEqual(await violations(page), [])
    assert.equal(await page.getByLabel('User name').inputValue(), 'lin.wei')
    await page.getByLabel('Password').fill('a password')
    await page.keyboard.press('Enter')
    await page.getByText(/Your sign-in has ended/).waitFor({ state: 'detached' })
    assert.equal(await page.getByRole('textbox', { name: 'Comment' }).inputValue(), 'half a thought')
    const calls = mock.calls.length
    await page.getByRole('button', { name: 'Comment' }).click()
    await until(() => mock.calls.slice(calls).some((entry) => entry.name === 'stepTicket'), 'the comment is sent')
  })
})

test('a viewer sees everything and is offered nothing that the server would refuse', async () => {
  const permissions = ['session.read', 'event.read', 'incident.read', 'ticket.read', 'sensor.read']
  const me = { ...answers.me({} as never), role: 'viewer', permissions }
  const ticket = answers.ticket({ params: { id: tickets[0]?.id ?? '' }, query: {}, body: {} as never })
  assert.ok(!(ticket instanceof Response))
  const quiet = { ...ticket, ticket: { ...ticket.ticket, actions: [] } }
  await visit({ answers: { me: () => me as never, ticket: () => quiet } }, async ({ page, open }) => {
    await open(`/tickets/${tickets[0]?.id}`)
    await settled(page)
    await page.getByText('Nothing you can do here now').waitFor()
    assert.equal(await page.getByRole('textbox').count(), 0)
    await page.keyboard.press('1')
    assert.equal(await page.getByRole('dialog').count(), 0)
    await open(`/incidents/${incidents[0]?.id}`)
    await settled(page)
    assert.equal(await page.getByRole('button', { name: /Merge|Split/ }).count(), 0)
    assert.equal(await page.getByRole('link', { name: 'Templates' }).count(), 0)
    await open('/settings?tab=people')
    await settled(page)
    assert.equal(await page.getByRole('tab').count(), 1)
  })
})

test('a technique that is concluded while a session is watched gets its mark on the time line', async () => {
  const session = sessions[0]?.id as string
  const whole = answers.recording({ params: { id: session }, query: {}, body: {} as never })
  const all = answers.findings({ params: {}, query: {}, body: {} as never })
  assert.ok(!(whole instanceof Response) && !(all instanceof Response))
  const found = all.items.slice(0, 1).map((finding) => ({
    ...finding,
    techniques: [{ id: 'T1496', name: 'Resource Hijacking', matrix: 'enterprise' as const }],
    evidence: [{ event: uuid(41, 1), session, time: (sessions[0]?.startedAt ?? 0) + 2000, field: 'body.input', value: 'xmrig', why: '' }],
  }))
  let items: typeof found = []
  await visit(
    { answers: { recording: () => ({ ...whole, marks: [] }), findings: () => ({ items, next: null, total: null }) } },
    async ({ page, open, mock }) => {
      await open(`/sessions/${session}`)
      await settled(page)
      await until(() => mock.asks.some((ask) => ask.type === 'session'), 'the console follows the session')
      await page.getByRole('slider').waitFor()
      assert.equal(await page.getByRole('button', { name: /T1496/ }).count(), 0)
      items = found
      mock.send({
        type: 'session-events',
        session,
        events: [{ ...event('command.executed', 1, 0, { mode: 'shell', input: 'xmrig', user: 'ops', directory: '/' }), position: 5_000_000 }],
      })
      await page.getByRole('button', { name: /T1496 Resource Hijacking/ }).waitFor()
    },
  )
})

test('a decoy shows who it was drawn as, or the pattern until its host has said so', async () => {
  await visit({}, async ({ page, open }) => {
    await open('/decoys')
    await settled(page)
    const row = page.getByRole('row', { name: /jump-01/ })
    for (const text of ['jump-01.haishan-group.example', '00:16:3e:4a:10:7c', 'CN7031K0Q']) await row.getByText(text, { exact: true }).waitFor()
    await page
      .getByRole('row', { name: /portal-hq/ })
      .getByText('the pattern; the decoy host has not yet said what it drew')
      .waitFor()
  })
})

test('keys take a ticket\'s actions, select rows and show where "g" leads', async () => {
  await visit({}, async ({ page, open }) => {
    await open(`/tickets/${tickets[0]?.id}`)
    await settled(page)
    await page.keyboard.press('2')
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Put on hold').first().waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('c')
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'TEXTAREA')
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await page.keyboard.press('g')
    await page.getByRole('link', { name: 'Incidents' }).getByText('i', { exact: true }).waitFor()
    await page.keyboard.press('i')
    await page.waitForURL('**/incidents')
    await page.locator('[data-row]').first().waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await page.getByText('1 selected').waitFor()
  })
})

test('an error of the core is told in Chinese where the console is', async () => {
  const refused = (): never =>
    new Response(JSON.stringify({ error: { code: 'too-much', message: 'the search took over 15 seconds' } }), { status: 503 }) as never
  await visit({ allow, locale: 'zh-CN', answers: { events: refused } }, async ({ page, open }) => {
    await open('/events')
    await page.getByText('查询超过 15 秒：请缩小时间范围或增加筛选。').first().waitFor()
  })
})

test('many requests of one session are drawn in part, and the rest is reached', async () => {
  const session = sessions[1]?.id as string
  const request = answers.sessionEvents({ params: { id: session }, query: {}, body: {} as never })
  assert.ok(!(request instanceof Response))
  const one = request.events.find((event) => event.kind === 'http.exchanged')
  assert.ok(one)
  const many = Array.from({ length: 3000 }, (_, at) => ({ ...one, id: uuid(40, at), position: at + 1, body: { ...one.body, target: `/page-${at}` } }))
  const page1 = { events: many, more: false }
  await visit({ answers: { sessionEvents: ({ query }) => (Number(query.after) > 0 ? { events: [], more: false } : page1) } }, async ({ page, open }) => {
    await open(`/sessions/${session}`)
    await page.getByRole('button', { name: '/page-1 ' }).first().waitFor()
    assert.ok((await page.locator('[data-row]').count()) < 100)
    await page.locator('[data-row]').first().focus()
    for (let step = 0; step < 40; step++) await page.keyboard.press('j')
    await page.getByText('GET /page-40 HTTP/1.1').waitFor()
  })
})

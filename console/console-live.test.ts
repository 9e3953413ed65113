import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { settled, violations } from './dev/browser.ts'
import { incidents, tickets } from './dev/cases.ts'
import { until, useBrowser, visit } from './dev/harness.ts'
import { hostile, hostileTerminal } from './dev/hostile.ts'
import type { Mock } from './dev/mock.ts'
import { event, sessions, uuid } from './dev/records.ts'

useBrowser()

let position = 2_000_000
const committed = (): ReturnType<typeof event> => {
  position += 1
  return { ...event('command.executed', 1, 0, { mode: 'shell', input: `echo ${position}`, user: 'ops', directory: '/' }), id: uuid(30, position), position }
}
const send = (mock: Mock, rows = [committed()]): void => mock.send({ type: 'events', events: rows, position: rows.at(-1)?.position ?? 0, skipped: 0 })

test('events show as they come, wait while the pointer rests on the list, and resume after a lost connection from where they were', async () => {
  await visit({}, async ({ page, open, mock }) => {
    await open('/events')
    await settled(page)
    await until(() => mock.asks.some((ask) => ask.type === 'events'), 'the console asks for events')
    const first = committed()
    send(mock, [first])
    await page.getByText(`echo ${first.position}`).waitFor()

    await page.getByRole('table', { name: 'Events' }).hover()
    send(mock, [committed(), committed()])
    await page.getByRole('button', { name: '2 new' }).click()
    await page.getByText(`echo ${position}`).waitFor()

    const asked = mock.asks.length
    mock.dropSockets()
    await until(() => mock.asks.slice(asked).some((ask) => ask.type === 'events' && ask.after === position), 'the feed resumes after the last position')
  })
})

test('a live session draws what the attacker sees, and a command jumps there', async () => {
  await visit({}, async ({ page, open, mock }) => {
    const session = sessions[0]?.id as string
    await open(`/sessions/${session}`)
    const screen = page.locator('.xterm-rows')
    await screen.getByText('no crontab for ops').waitFor()
    await until(() => mock.asks.some((ask) => ask.type === 'session' && ask.session === session), 'the console follows the session')
    const row = { ...event('terminal.data', 1, 0, { stream: 'output', data: Buffer.from('whoami\r\nops-live\r\n').toString('base64') }), position: 3_000_000 }
    mock.send({ type: 'session-events', session, events: [row] })
    await screen.getByText('ops-live').waitFor()
    mock.send({ type: 'session-events', session, events: [row] })

    await page.getByRole('button', { name: /uname -a/ }).click()
    await screen.getByText('no crontab for ops').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Follow live' }).click()
    await screen.getByText('ops-live').waitFor()
    assert.equal(await screen.getByText('ops-live').count(), 1, 'an event that came twice is drawn once')
    await page.getByRole('button', { name: /T1105/ }).first().click()
  })
})

test('an HTTP exchange is readable: head, decoded form, raw', async () => {
  await visit({}, async ({ page, open }) => {
    await open(`/sessions/${sessions[1]?.id}`)
    await page.getByRole('button', { name: /POST/ }).click()
    await page
      .getByRole('row', { name: /password/ })
      .getByText("' or '1'='1")
      .waitFor()
    await page.getByLabel('Raw').check()
    await page.getByText('username=admin&password=%27%20or%20%271%27%3D%271&next=%2F').waitFor()
  })
})

test('signing in: a wrong password is said, TOTP is asked for, a one-time password must be changed', async () => {
  await visit({ signedOut: true, allow: /401/ }, async ({ page, open, mock }) => {
    await open('/tickets')
    const button = page.getByRole('button', { name: 'Sign in' })
    await button.waitFor()
    assert.deepEqual(await violations(page), [])
    await page.getByLabel('User name').fill('lin.wei')
    await page.getByLabel('Password').fill('wrong')
    await button.click()
    await page.getByRole('alert').getByText('User name or password is wrong.').waitFor()
    await page.getByLabel('Password').fill('with-totp')
    await button.click()
    await page.getByLabel('Code').fill('123 456')
    await button.click()
    await page.getByRole('heading', { name: 'Tickets' }).waitFor()
    assert.deepEqual(mock.calls.findLast((entry) => entry.name === 'signIn')?.body, { username: 'lin.wei', password: 'with-totp', totp: '123456' })
  })
  await visit({ signedOut: true, allow: /401/ }, async ({ page, open, mock }) => {
    await open('/sign-in')
    await page.getByLabel('User name').fill('admin')
    await page.getByLabel('Password').fill('one-time-password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByLabel('New password', { exact: true }).fill('a long new password')
    await page.getByLabel('New password again').fill('a long new password')
    await page.getByRole('button', { name: 'Change password' }).click()
    await until(() => mock.calls.some((entry) => entry.name === 'changePassword'), 'the password is changed')
    assert.deepEqual(mock.calls.find((entry) => entry.name === 'changePassword')?.body, { current: 'one-time-password', next: 'a long new password' })
  })
})

test('a ticket offers what the server allows and asks for what the action needs', async () => {
  await visit({}, async ({ page, open, mock }) => {
    await open(`/tickets/${tickets[0]?.id}`)
    await settled(page)
    assert.equal(await page.getByRole('button', { name: 'Triage' }).count(), 0)
    await page.getByRole('button', { name: 'Put on hold' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('On hold until').fill('2026-12-01T09:00')
    assert.deepEqual(await violations(page), [])
    await dialog.getByRole('button', { name: 'Put on hold' }).click()
    assert.equal(mock.calls.filter((entry) => entry.name === 'stepTicket').length, 0, 'the reason is required')
    await dialog.getByLabel('Reason').fill('waits for the park')
    await dialog.getByRole('button', { name: 'Put on hold' }).click()
    await dialog.waitFor({ state: 'hidden' })
    assert.deepEqual(mock.calls.find((entry) => entry.name === 'stepTicket')?.body, {
      action: 'hold',
      version: 3,
      reason: 'waits for the park',
      until: new Date('2026-12-01T09:00').getTime(),
    })
  })
})

test('a faulty template shows line and column, a good one its plan, and apply asks first', async () => {
  await visit({ allow: /400/ }, async ({ page, open, mock }) => {
    await open('/templates')
    const editor = page.getByRole('textbox', { name: 'Template (YAML)' })
    await page.waitForFunction(() => document.querySelector('textarea')?.value.startsWith('kind: scenario'))
    const good = await editor.inputValue()
    await editor.fill('name: Bad Name')
    await page.getByRole('button', { name: 'Plan' }).click()
    await page.getByRole('button', { name: /3:7 name/ }).waitFor()
    await page.getByText('Nothing was changed.', { exact: true }).waitFor()
    assert.ok(await page.getByRole('button', { name: 'Apply' }).isDisabled())
    await editor.fill(good)
    await page.getByRole('button', { name: 'Plan' }).click()
    await page.getByRole('cell', { name: 'nas-02' }).waitFor()
    await page.getByRole('button', { name: 'Apply' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click()
    await until(() => mock.calls.some((entry) => entry.name === 'applyTemplate'), 'the template is applied')
    assert.deepEqual(mock.calls.find((entry) => entry.name === 'applyTemplate')?.body, { text: good, base: 'b1' })
  })
})

const harmless = async (page: Page, path: string): Promise<void> => {
  const state = await page.evaluate(() => {
    const scripts = [...document.scripts].filter((script) => !script.src).length
    const links = [...document.querySelectorAll('a')].filter((link) => /^\s*javascript:/i.test(link.getAttribute('href') ?? '')).length
    for (const screen of document.querySelectorAll('.xterm')) screen.remove() // the screen shows bytes as a terminal does
    return {
      pwned: 'pwned' in window,
      images: document.querySelectorAll('img').length,
      scripts,
      links,
      raw: /[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069]/.test(document.body.innerText),
      title: document.title,
    }
  })
  assert.deepEqual({ ...state, title: '' }, { pwned: false, images: 0, scripts: 0, links: 0, raw: false, title: '' }, path)
  assert.doesNotMatch(state.title, /^pwned/)
}

test('script, escapes and bidi marks in every field run nothing, ask nobody and show as text', async () => {
  await visit({ twist: hostile, liveMs: 200 }, async ({ page, open }) => {
    const paths = [
      '/overview',
      '/sessions',
      `/sessions/${sessions[0]?.id}`,
      `/sessions/${sessions[1]?.id}`,
      '/events',
      '/events?view=rejected',
      '/incidents',
      '/incidents?view=findings',
      `/incidents/${incidents[0]?.id}`,
      '/tickets',
      `/tickets/${tickets[0]?.id}`,
      '/sensors',
      '/sensors?tab=sources',
      '/sensors?tab=scanners',
      '/decoys',
      '/templates',
      '/settings?tab=people',
      '/settings?tab=tokens',
      '/settings?tab=audit',
      '/notices',
    ]
    for (const path of paths) {
      await open(path)
      await settled(page)
      if (path.includes(sessions[0]?.id as string)) {
        await page.locator('.xterm-rows').getByText('<script>window.pwned=5</script>').first().waitFor()
        await page.getByRole('tab', { name: /Events/ }).click()
        await page.locator('[data-row]').last().click()
      }
      if (path === '/events') {
        await page.keyboard.press('j')
        await page.getByRole('button', { name: 'Raw JSON' }).click()
      }
      await harmless(page, path)
    }
    assert.ok(hostileTerminal.includes('\x1b]52'))
  })
})

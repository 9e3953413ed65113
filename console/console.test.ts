import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { buildConsole } from './build.ts'
import { settled, startBrowser, violations, watchedPage } from './dev/browser.ts'
import { incidents, tickets } from './dev/cases.ts'
import { type Mock, startMock } from './dev/mock.ts'
import { events, sessions } from './dev/records.ts'

let browser: Browser
let mock: Mock
const pages = [
  '/overview',
  '/sessions',
  `/sessions/${sessions[0]?.id}`,
  `/sessions/${sessions[1]?.id}`,
  '/events',
  `/events?open=${events.at(-1)?.id}&source=203.0.113.39`,
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
  '/settings',
  '/settings?tab=people',
  '/settings?tab=tokens',
  '/settings?tab=audit',
  '/notices',
  '/nowhere',
]

before(async () => {
  await buildConsole({ log: () => {} })
  mock = await startMock()
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  await mock?.close()
})

for (const [language, dark] of [
  ['zh-CN', true],
  ['en-GB', false],
] as const) {
  test(`every page in ${language}, ${dark ? 'dark' : 'light'}, keeps the policy, asks nobody else and has no axe violation`, async () => {
    const { page, context, complaints } = await watchedPage(browser, mock.url, { locale: language, dark })
    const found: string[] = []
    for (const path of pages) {
      await page.goto(mock.url + path)
      await settled(page)
      found.push(...(await violations(page)).map((line) => `${path}: ${line}`))
      assert.equal(await page.evaluate(() => document.documentElement.lang), language)
    }
    assert.deepEqual(found, [])
    assert.deepEqual(complaints, [])
    await context.close()
  })
}

test('at 390 px nothing runs off the side and the navigation is a drawer', async () => {
  const { page, context, complaints } = await watchedPage(browser, mock.url, { width: 390, dark: true })
  for (const path of pages) {
    await page.goto(mock.url + path)
    await settled(page)
    const wide = await page.evaluate(() => {
      const main = document.querySelector('main')
      return document.documentElement.scrollWidth > innerWidth || (main !== null && main.scrollWidth > main.clientWidth)
    })
    assert.ok(!wide, `${path} is wider than the screen`)
  }
  await page.goto(`${mock.url}/overview`)
  await settled(page)
  await page.getByRole('button', { name: 'Open navigation' }).click()
  const drawer = page.getByRole('dialog')
  await drawer.waitFor()
  assert.deepEqual(await violations(page), [])
  await drawer.getByRole('link', { name: /^Tickets/ }).click()
  await page.waitForURL('**/tickets')
  await drawer.waitFor({ state: 'hidden' })
  assert.deepEqual(complaints, [])
  await context.close()
})

test('the keyboard alone reaches every page, row, panel and dialog', async () => {
  const { page, context, complaints } = await watchedPage(browser, mock.url)
  await page.goto(`${mock.url}/overview`)
  await settled(page)
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Skip to content')
  const reached = new Set<string>()
  for (let step = 0; step < 40; step++) {
    await page.keyboard.press('Tab')
    reached.add(await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim() ?? ''))
  }
  for (const name of ['Search', '中文', 'Theme', 'Lin Wei', 'Events', 'Pause'])
    assert.ok(
      [...reached].some((label) => label.startsWith(name)),
      `Tab does not reach ${name}: ${[...reached].join(' | ')}`,
    )

  await page.keyboard.press('Escape')
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
  await page.keyboard.press('g')
  await page.keyboard.press('t')
  await page.waitForURL('**/tickets')
  await page.locator('[data-row]').first().waitFor()
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.waitForURL(`**/tickets/${tickets[1]?.id}`)

  await page.keyboard.press('?')
  const dialog = page.getByRole('dialog')
  await dialog.waitFor()
  assert.deepEqual(await violations(page), [])
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'hidden' })

  await page.keyboard.press('Control+k')
  await dialog.waitFor()
  assert.deepEqual(await violations(page), [])
  await page.keyboard.type('sensors')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/sensors')

  await page.keyboard.press('g')
  await page.keyboard.press('e')
  await page.waitForURL('**/events')
  await page.locator('[data-event]').first().waitFor()
  await page.keyboard.press('j')
  const panel = page.getByRole('complementary', { name: 'Event detail' })
  await panel.waitFor()
  const opened = new URL(page.url()).searchParams.get('open')
  await page.keyboard.press('j')
  await page.waitForFunction((before) => new URL(location.href).searchParams.get('open') !== before, opened)
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'hidden' })
  assert.deepEqual(complaints, [])
  await context.close()
})

test('filters live in the address bar, and a link opens the same view', async () => {
  const { page, context, complaints } = await watchedPage(browser, mock.url)
  await page.goto(`${mock.url}/events`)
  await settled(page)
  await page.getByRole('button', { name: 'http.exchanged' }).click()
  await page.waitForURL('**/events?kind=http.exchanged')
  await page.waitForFunction(() => document.querySelectorAll('[data-event]').length === 5)
  await page.reload()
  await settled(page)
  await page.waitForFunction(() => document.querySelectorAll('[data-event]').length === 5)
  await page.goto(`${mock.url}/events?kind=!login.attempted`)
  await settled(page)
  assert.equal(await page.getByRole('cell', { name: 'login.attempted' }).count(), 0)
  await page.getByRole('button', { name: 'Remove filter Kind' }).click()
  await page.waitForURL('**/events')
  assert.deepEqual(complaints, [])
  await context.close()
})

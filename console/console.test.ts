import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settled, violations } from './dev/browser.ts'
import { tickets } from './dev/cases.ts'
import { useBrowser, visit } from './dev/harness.ts'

useBrowser()

test('the keyboard alone reaches every page, row, panel and dialog', async () => {
  await visit({}, async ({ page, open }) => {
    await open('/overview')
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
  })
})

test('filters live in the address bar, and a link opens the same view', async () => {
  await visit({}, async ({ page, open }) => {
    await open('/events?decoy=portal-hq')
    await settled(page)
    await page.getByRole('button', { name: 'http.exchanged' }).click()
    await page.waitForURL((url) => url.searchParams.get('kind') === 'http.exchanged' && url.searchParams.get('decoy') === 'portal-hq')
    await page.waitForFunction(() => document.querySelectorAll('[data-event]').length === 5)
    await page.reload()
    await settled(page)
    await page.waitForFunction(() => document.querySelectorAll('[data-event]').length === 5)
    await open('/events?kind=!login.attempted')
    await settled(page)
    assert.equal(await page.getByRole('cell', { name: 'login.attempted' }).count(), 0)
    await page.getByRole('button', { name: 'Remove filter Kind' }).click()
    await page.waitForURL('**/events')
  })
})

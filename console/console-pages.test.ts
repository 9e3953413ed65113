import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settled, violations } from './dev/browser.ts'
import { fitsWidth, pages, useBrowser, visit } from './dev/harness.ts'

useBrowser()

for (const [locale, dark] of [
  ['zh-CN', true],
  ['en-GB', false],
] as const) {
  test(`every page in ${locale}, ${dark ? 'dark' : 'light'}, keeps the policy, asks nobody else and has no axe violation`, async () => {
    await visit({ locale, dark }, async ({ page, open }) => {
      const found: string[] = []
      for (const path of pages) {
        await open(path)
        await settled(page)
        found.push(...(await violations(page)).map((line) => `${path}: ${line}`))
        assert.equal(await page.evaluate(() => document.documentElement.lang), locale)
      }
      assert.deepEqual(found, [])
    })
  })
}

test('at 390 px nothing runs off the side and the navigation is a drawer', async () => {
  await visit({ width: 390, dark: true }, async ({ page, open }) => {
    for (const path of pages) {
      await open(path)
      await settled(page)
      assert.ok(await fitsWidth(page), `${path} is wider than the screen`)
    }
    await open('/overview')
    await settled(page)
    await page.getByRole('button', { name: 'Open navigation' }).click()
    const drawer = page.getByRole('dialog')
    await drawer.waitFor()
    assert.deepEqual(await violations(page), [])
    await drawer.getByRole('link', { name: /^Tickets/ }).click()
    await page.waitForURL('**/tickets')
    await drawer.waitFor({ state: 'hidden' })
  })
})

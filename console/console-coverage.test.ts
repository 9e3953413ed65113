import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settled, violations } from './dev/browser.ts'
import { until, useBrowser, visit } from './dev/harness.ts'
import { segments } from './dev/segments.ts'

useBrowser()
const [office, , yard] = segments
assert.ok(office && yard)

test('figures of a segment open the addresses behind them', async () => {
  await visit({ locale: 'en-GB' }, async ({ page, open }) => {
    await open('/coverage')
    await settled(page)
    const table = page.getByRole('table', { name: 'Addresses' })
    await page.getByRole('button', { name: /^Claimed \d+$/ }).click()
    await page.waitForURL(/segment=office&state=claimed/)
    await page.getByText(`Claimed: ${office.cells.claimed} addresses`).waitFor()
    const rows = await table.getByRole('row').count()
    assert.equal(rows - 1, office.cells.claimed)
    await page.getByRole('button', { name: /^22\/tcp ssh/ }).click()
    await page.waitForURL(/port=22%2Ftcp/)
    await page.getByRole('button', { name: 'Yard segment', exact: true }).click()
    await page.waitForURL(/segment=yard/)
    await page.getByText('Other VLANs are not seen').waitFor()
  })
})

test('a map of 65,536 addresses is drawn quickly and walked by keyboard', async () => {
  await visit({ locale: 'en-GB', dark: true }, async ({ page, open }) => {
    await open('/coverage?segment=yard')
    await settled(page)
    const map = page.getByRole('button', { name: /^Addresses of 10\.40\.0\.0\/16/ })
    await map.focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowRight')
    await page.getByRole('status').getByText('10.40.2.1', { exact: true }).waitFor()
    const drawn = await page.evaluate(() => {
      const canvas = document.querySelector('main canvas') as HTMLCanvasElement
      const data = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? new Uint8ClampedArray()
      const colours = new Set<string>()
      for (let at = 0; at < data.length; at += 4) colours.add(`${data[at]},${data[at + 1]},${data[at + 2]}`)
      return { width: canvas.width, colours: colours.size }
    })
    assert.ok(drawn.width >= 256 && drawn.colours >= 6, JSON.stringify(drawn))
    await page.keyboard.press('Enter')
    await page.waitForURL(/from=10\.40\.2\.1/)
    const steps = await page.evaluate(async () => {
      const began = performance.now()
      const button = document.querySelector('main button:has(canvas)') as HTMLButtonElement
      for (let step = 0; step < 20; step++) {
        button.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }))
        await new Promise((resolve) => requestAnimationFrame(resolve))
      }
      return (performance.now() - began) / 20
    })
    assert.ok(steps < 250, `a step took ${steps} ms`)
    assert.deepEqual(await violations(page), [])
  })
})

test('letting go asks first, wants a reason, and says what it did', async () => {
  await visit({ locale: 'en-GB' }, async ({ page, open, mock }) => {
    await open('/coverage')
    await settled(page)
    await page.getByRole('button', { name: 'Let go: Office segment' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('The relay stops answering for every address here at once').waitFor()
    assert.deepEqual(await violations(page), [])
    await dialog.getByLabel('Reason').fill('works on the switch')
    await dialog.getByRole('button', { name: 'Let go' }).click()
    await dialog.waitFor({ state: 'hidden' })
    await page.getByText('Office segment was let go of').waitFor()
    await until(
      () => mock.calls.some(({ name, body }) => name === 'releaseSegment' && JSON.stringify(body) === '{"released":true,"reason":"works on the switch"}'),
      'the release was asked for',
    )
    await page.getByRole('button', { name: 'Answer again: Production segment' }).click()
    await page.getByRole('dialog').getByText('Answer in segment Production segment again?').waitFor()
  })
})

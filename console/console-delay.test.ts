/** The rules of delay: what is in force is shown, what is wrong is said beside it and not sent, what the core refuses is said. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settled } from './dev/browser.ts'
import { until, useBrowser, visit } from './dev/harness.ts'

useBrowser()

test('the rules of delay are shown, a wrong one is said and not sent, a right one is sent as it was written', async () => {
  await visit({ locale: 'en-GB' }, async ({ page, open, mock }) => {
    await open('/settings?tab=delay')
    await settled(page)
    const [on, severity, scan, minutes] = [
      page.getByLabel('Delay adversaries without asking'),
      page.getByLabel('A finding from this severity on'),
      page.getByLabel('A scan of at least so many addresses or ports'),
      page.getByLabel('Each delay lasts (minutes)'),
    ]
    const save = page.getByRole('button', { name: 'Save' })
    assert.deepEqual([await on.isChecked(), await severity.inputValue(), await scan.inputValue(), await minutes.inputValue()], [false, 'high', '', '30'])
    await scan.fill('1')
    await page.getByText('Must be a whole number from 2 to 65536.').waitFor()
    await minutes.fill('1441')
    await page.getByText('Must be a whole number from 1 to 1440.').waitFor()
    await save.click()
    await scan.fill('')
    await minutes.fill('45')
    await on.check()
    await severity.selectOption({ label: 'No finding delays' })
    await page.getByText('Name a severity or a size of scan, or nothing is delayed.').waitFor()
    await save.click()
    assert.ok(!mock.calls.some(({ name }) => name === 'saveDelaySettings'), 'nothing wrong is sent')
    await scan.fill('200')
    await save.click()
    await until(() => mock.calls.some(({ name }) => name === 'saveDelaySettings'), 'the rules are sent')
    assert.deepEqual(mock.calls.find(({ name }) => name === 'saveDelaySettings')?.body, { on: true, severity: null, scan: 200, minutes: 45 })
    await page.getByText('The rules of delay were saved.').waitFor()
  })
})

test('who does not see every place is told why the rules of delay were not saved, in Chinese too', async () => {
  const refused = (): Response => Response.json({ error: { code: 'forbidden', message: 'these settings hold in every place' } }, { status: 403 })
  await visit({ locale: 'zh-CN', width: 390, allow: /403/, answers: { saveDelaySettings: refused as never } }, async ({ page, open }) => {
    await open('/settings?tab=delay')
    await settled(page)
    await page.getByRole('button', { name: '保存' }).click()
    await page.getByRole('alert').getByText('这些设置对所有位置生效').waitFor()
  })
})

/** The fleet page: the worst first, filters in the address bar, keyboard, where a setting's value comes from, a hundred relays. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settled } from './dev/browser.ts'
import { sensorList } from './dev/fleet.ts'
import { until, useBrowser, visit } from './dev/harness.ts'

useBrowser()

test('a blind relay stands first with its reason, and its panel shows which path, by whom, and what was proved from inside only', async () => {
  await visit({ locale: 'en-GB' }, async ({ page, open }) => {
    await open('/sensors')
    const first = page.locator('tbody tr').first()
    await first.waitFor()
    assert.match(await first.innerText(), /relay-park-3[\s\S]*Blind[\s\S]*segment yard timeout/)
    assert.match(await page.locator('tbody tr', { hasText: 'relay-park-5' }).innerText(), /proved from inside only/)
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    const panel = page.getByRole('dialog')
    await panel.getByText('segment yard', { exact: true }).waitFor()
    assert.match(await panel.innerText(), /by relay-park-3b from 10\.31\.8\.9/)
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'hidden' })
    assert.equal(new URL(page.url()).search, '')
  })
})

test('filters live in the address bar and in the list alike', async () => {
  await visit({ locale: 'en-GB' }, async ({ page, open }) => {
    await open('/sensors?problem=any&role=relay')
    await page.locator('tbody tr').first().waitFor()
    const shown = sensorList.filter(({ role, problems }) => role === 'relay' && problems.length > 0).length
    assert.equal(await page.locator('tbody tr').count(), shown)
    await page.getByRole('textbox', { name: /^Name, place/ }).fill('blind')
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1)
    assert.match(page.url(), /text=blind/)
  })
})

test('a setting says where its value comes from, a wrong one what is right, and saving sends what was written', async () => {
  await visit({ locale: 'en-GB' }, async ({ page, open, mock }) => {
    await open(`/sensors?open=${sensorList[0]?.id}`)
    const panel = page.getByRole('dialog')
    await panel.getByText('in force: 2 (from the group)').waitFor()
    await panel.getByText('in force: 60 (of this sensor)').waitFor()
    const beat = panel.getByLabel('Heartbeat every (s)')
    await beat.fill('99')
    await panel.getByText('Must be a whole number from 1 to 15.').waitFor()
    await panel.getByRole('button', { name: 'Save' }).click()
    assert.ok(!mock.calls.some(({ name }) => name === 'configureSensor'), 'nothing wrong is sent')
    await beat.fill('3')
    await panel.getByRole('button', { name: 'Save' }).click()
    await until(() => mock.calls.some(({ name }) => name === 'configureSensor'), 'the settings are sent')
    assert.deepEqual(mock.calls.find(({ name }) => name === 'configureSensor')?.body, { group: 'halls', settings: { proofIntervalS: 60, heartbeatS: 3 } })
  })
})

test('a hundred relays are drawn, filtered and kept up to date at once', async () => {
  const many = Array.from({ length: 100 }, (_, i) => ({
    ...(sensorList[i % 2] as (typeof sensorList)[number]),
    id: `00000000-0000-7000-8000-${String(i).padStart(12, '0')}`,
    name: `relay-${i}`,
  }))
  await visit({ locale: 'en-GB', answers: { sensors: () => ({ items: many, next: null, total: many.length }) } }, async ({ page, open, mock }) => {
    await open('/sensors')
    await page.locator('tbody tr').nth(99).waitFor()
    await settled(page)
    const began = performance.now()
    await page.locator('[data-search]').fill('relay-77')
    await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1)
    assert.ok(performance.now() - began < 1500, `${performance.now() - began} ms`)
    mock.send({ type: 'sensor', sensor: { ...(many[77] as (typeof many)[number]), problems: [{ key: 'silent', detail: '61' }] } })
    await page.locator('tbody tr', { hasText: 'Silent' }).waitFor()
  })
})

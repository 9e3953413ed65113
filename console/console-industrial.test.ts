import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settled, violations } from './dev/browser.ts'
import { until, useBrowser, visit } from './dev/harness.ts'
import { ovenPicture } from './dev/oven.ts'
import { event, sessions, uuid } from './dev/records.ts'

useBrowser()

const oven = sessions[5]?.id as string
const path = `/sessions/${oven}`

test('a session with a controller reads as an operator would say it, long polls folded, consequences beside their write', async () => {
  await visit({}, async ({ page, open }) => {
    await open(path)
    await settled(page)
    const list = page.getByRole('list', { name: 'Conversation' })
    await list.getByText('Set: OV2 Zone 1 setpoint 160 → 260 °C').waitFor()
    await list.getByText(/unit 1 · 30 times, until/).waitFor()
    await list.getByText('Alarm limit: OV2 High alarm limit 205 → 280 °C').waitFor()
    await list.getByText('Alarm OV2.Z1.HH: OV2 Zone 1 temperature 214.2 °C (limit 205 °C)').waitFor()
    await list.getByText('put down to OV2.Z1.SP = 260').waitFor()
    // What the finding says stands at the line, at the scrub bar, and in the finding in the language shown.
    await list.getByRole('button', { name: /Zone 1 setpoint 160.*T0836 T0855/ }).waitFor()
    await page.getByRole('button', { name: /^Jump to T0836 T0855/ }).waitFor()
    await page.getByText('Modify Parameter').waitFor()
    assert.ok((await list.getByRole('listitem').count()) < 12, 'ninety reads are a few lines')

    await page.getByRole('button', { name: 'Go to the write' }).click()
    const write = list.getByRole('button', { name: /Zone 1 setpoint 160/ })
    assert.equal(await write.getAttribute('aria-current'), 'true')
    assert.equal(await write.getAttribute('aria-expanded'), 'true')
  })
})

test('a request opens to its bytes with a name for each field', async () => {
  await visit({}, async ({ page, open }) => {
    await open(path)
    await page.getByRole('button', { name: /Zone 1 setpoint 160/ }).click()
    const request = page.getByRole('region', { name: /^Request/ })
    await request
      .getByRole('row', { name: /function code/ })
      .getByText('0x06 Write Single Register')
      .waitFor()
    await request.getByRole('row', { name: '10 0a 28 value 2600' }).waitFor()
    await page.getByRole('region', { name: /^Answer/ }).waitFor()
    await page.getByRole('cell', { name: '160 → 260 °C' }).waitFor()
    assert.deepEqual(await violations(page), [])
  })
})

test('the plant is shown as it was at the place of the scrub bar, undisturbed before the writes', async () => {
  await visit({}, async ({ page, open }) => {
    await open(path)
    const plant = page.getByRole('region', { name: 'OV2 Topcoat oven' })
    await plant.getByText('Changed by this adversary').waitFor()
    await plant.getByRole('button', { name: /^Zone 1 setpoint 260 °C Written · was 160/ }).waitFor()
    await page
      .getByRole('slider', { name: /replay/i })
      .or(page.getByRole('slider'))
      .first()
      .fill('10000')
    await plant.getByText('Undisturbed').waitFor()
    await plant.getByRole('button', { name: /^Zone 1 setpoint 160 °C$/ }).waitFor()
    assert.equal(await plant.getByText(/^Written/).count(), 0)

    const trend = page.getByRole('img', { name: /^Trend of Zone 1 temperature, Zone 1 setpoint/ })
    await trend.waitFor()
    await plant.getByRole('button', { name: /^Solvent vapour/ }).press('Enter')
    await page.getByRole('img', { name: /Solvent vapour$/ }).waitFor()
  })
})

test('the picture of the plant follows the scrub bar: what was written is marked, alarms have their priority, what is not known is no value', async () => {
  await visit({}, async ({ page, open, mock }) => {
    await open(path)
    await until(() => mock.asks.some((ask) => ask.type === 'session' && ask.session === oven), 'the console follows the session')
    const picture = page.getByRole('img', { name: /^Picture of Topcoat oven/ })
    await picture.waitFor()
    const said = async (): Promise<string> => (await picture.getAttribute('aria-label')) ?? ''
    assert.match(await said(), /In alarm, with priority: Zone 1 high \(2\)\./)
    assert.match(await said(), /Written by this adversary: Zone 1 setpoint 160 → 260 °C/)
    assert.equal(await picture.locator('text.reading.changed').filter({ hasText: '160 → 260' }).count(), 1)
    assert.equal(await picture.locator('text.badge').innerHTML(), '2')
    assert.equal(await picture.locator('text.reading').filter({ hasText: '4.2 %LEL' }).count(), 1)

    const slider = page.getByRole('slider').first()
    await slider.fill('10000')
    await page.getByRole('img', { name: /^Picture of Topcoat oven\. Alarms are not known\. All values/ }).waitFor()
    assert.equal(await picture.locator('.changed, .badge, .changed-mark').count(), 0)

    // A symbol that is pressed is in the trend; a sample without a value, with a broken sensor and an alarm, shows as such.
    await picture.locator('text.title', { hasText: 'Solvent vapour' }).click()
    await page.getByRole('img', { name: /^Trend of .*Solvent vapour/ }).waitFor()
    await page.getByRole('button', { name: 'Follow live' }).click()
    const sample = event('plant.sampled', 6, -2000, {
      ...{ plant: 'paint', branched: true, values: { 'OV2.Z1.PV': 350, 'OV2.Exh.Fan': 1 }, bad: ['OV2.Z1.PV'], omitted: 3 },
      alarms: [{ id: 'OV2.FIRE', tag: 'OV2.Z1.PV', priority: 1 }],
    })
    mock.send({ type: 'session-events', session: oven, events: [{ ...sample, id: uuid(31, 9), position: 3_000_009 }] })
    await page
      .getByRole('img', { name: /In alarm, with priority: OV2\.FIRE \(1\)\..*Broken sensor: Zone 1 temperature\..*Not known: .*Solvent vapour/ })
      .waitFor()
    assert.equal(await picture.locator('text.reading.unknown').filter({ hasText: '—' }).first().count(), 1)
    await page.getByText('3 values of this device are not sampled.').waitFor()
    assert.deepEqual(await violations(page), [])
  })
})

test('a plant whose template draws nothing, or is gone, has a picture laid out from its tags', async () => {
  const undrawn = { ...ovenPicture, units: ovenPicture.units.map(({ picture: _, ...unit }) => unit) }
  const gone = (): Response => Response.json({ error: { code: 'not-found', message: 'gone' } }, { status: 404 })
  for (const [answer, name] of [
    [() => undrawn, /^面漆烘干炉工艺画面。/],
    [gone, /^OV2工艺画面。/],
  ] as const)
    await visit({ locale: 'zh-CN', width: 390, allow: /404/, answers: { sessionPlant: answer } }, async ({ page, open }) => {
      await open(path)
      await page.getByRole('img', { name }).waitFor()
      await page.getByText('按变量自动排布，模板未绘制画面。').waitFor()
      const scroll = page.getByRole('group', { name: /工艺画面。$/ })
      await scroll.focus()
      assert.ok(await scroll.evaluate((node) => node.scrollWidth > node.clientWidth && node.matches(':focus')))
      assert.deepEqual(await violations(page), [])
    })
})

test('a session that lives goes on: a new write shows in the list and at once in the plant, then a sample', async () => {
  await visit({ locale: 'zh-CN' }, async ({ page, open, mock }) => {
    await open(path)
    const list = page.getByRole('list', { name: '会话内容' })
    await list.getByText('设定：OV2 一区设定 160 → 260 °C').waitFor()
    await page.getByText('修改参数').waitFor()
    await until(() => mock.asks.some((ask) => ask.type === 'session' && ask.session === oven), 'the console follows the session')
    const point = { address: '2', tag: 'OV2.Exh.Fan', name: { zh: '排风机启动', en: 'Exhaust fan command' }, class: 'CMD', unit: '', before: 1, value: 0 }
    const write = event('industrial.requested', 6, 0, {
      ...{ protocol: 'modbus', operation: 'command', function: 'Write Single Coil', unit: 1, points: [point], count: 1, outcome: 'done', changed: true },
      ...{ request: '', response: '' },
    })
    mock.send({ type: 'session-events', session: oven, events: [{ ...write, id: uuid(31, 1), position: 3_000_001 }] })
    await list.getByText('命令：OV2 排风机启动 开 → 关').waitFor()
    await page.getByRole('button', { name: /^排风机启动 关 已写入 · 原为 开/ }).waitFor()
    const sample = event('plant.sampled', 6, -1000, { plant: 'paint', branched: true, values: { 'OV2.Exh.Fan': 0, 'OV2.Z1.PV': 251.4 } })
    mock.send({ type: 'session-events', session: oven, events: [{ ...sample, id: uuid(31, 2), position: 3_000_002 }] })
    await page.getByRole('button', { name: /^一区温度 251.4/ }).waitFor()
  })
})

test('a session on the FTP of a device is its commands and files in order, without a terminal', async () => {
  await visit({}, async ({ page, open }) => {
    await open(`/sessions/${sessions[6]?.id}`)
    const list = page.getByRole('list', { name: 'Conversation' })
    await list.getByText('STOR /project/oven.cxob').waitFor()
    await list.getByText(/^ftp \/project\/oven\.cxob/).waitFor()
    assert.equal(await page.getByRole('tab', { name: 'Terminal' }).count(), 0)
    await list.getByRole('button', { name: /LIST/ }).press('Enter')
    assert.equal(await list.getByRole('button', { name: /LIST/ }).getAttribute('aria-current'), 'true')
  })
})

test('at 390 px a session with a controller is one column, its rows and bytes included', async () => {
  await visit({ width: 390, dark: true }, async ({ page, open }) => {
    await open(path)
    await page.getByRole('button', { name: /Zone 1 setpoint 160/ }).click()
    await page.getByRole('region', { name: /^Request/ }).waitFor()
    assert.ok(
      await page.evaluate(() => {
        const main = document.querySelector('main')
        return document.documentElement.scrollWidth <= innerWidth && (main === null || main.scrollWidth <= main.clientWidth)
      }),
    )
    assert.deepEqual(await violations(page), [])
  })
})

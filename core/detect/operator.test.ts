import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredEvent } from '@shenlou/contract/event'
import { operatorSays, pointLine } from './operator.ts'

const point = {
  address: '40001',
  tag: 'OV2.Z1.SP',
  name: { zh: '一区设定', en: 'Zone 1 setpoint' },
  class: 'SP',
  before: 180,
  value: 230,
  unit: '°C',
}
const asked = (body: Record<string, unknown>, service = 'modbus'): StoredEvent =>
  ({
    kind: 'industrial.requested',
    service,
    time: 1_800_000_000_000,
    body: { protocol: 'modbus', operation: 'write', function: 'Write Single Register', points: [point], count: 1, outcome: 'done', changed: true, ...body },
  }) as unknown as StoredEvent

test('a write is said with machine, name, both values and who gave the order', () => {
  assert.deepEqual(operatorSays(asked({})), {
    en: 'OV2 Zone 1 setpoint 180 → 230 °C, by a client that is not the HMI',
    zh: 'OV2 一区设定 180 → 230 °C,由并非操作屏的客户端发出',
  })
  for (const screen of ['hmi', 'hmi-https']) assert.match(operatorSays(asked({}, screen))?.en ?? '', /°C, on its own screen$/)
})

test('a switch is said as on and off, a refusal with its reason, a select as no more than that', () => {
  const fan = { address: '2', tag: 'OV2.Exh.Fan', name: { zh: '排风机启动', en: 'Exhaust fan command' }, class: 'CMD', unit: '', before: 1, value: 0 }
  const command = { operation: 'command', points: [fan] }
  assert.match(operatorSays(asked(command))?.en ?? '', /^OV2 Exhaust fan command on → off, by/)
  assert.match(operatorSays(asked(command))?.zh ?? '', /^OV2 排风机启动 开 → 关,由/)
  assert.match(operatorSays(asked({ ...command, outcome: 'refused', reason: 'exception 2' }))?.en ?? '', /; the device refused it \(exception 2\)$/)
  assert.match(operatorSays(asked({ ...command, function: 'C_SC_NA_1 select' }))?.en ?? '', /; selected only, not carried out$/)
  assert.equal(pointLine(fan), 'OV2.Exh.Fan on → off')
})

test('of many points the first three are said, of none the function, of a read no values', () => {
  const read = asked({ operation: 'read', points: [point, point, point, point], count: 12 })
  assert.match(operatorSays(read)?.en ?? '', /^OV2 Zone 1 setpoint, OV2 Zone 1 setpoint, OV2 Zone 1 setpoint and 9 more, by/)
  assert.match(operatorSays(asked({ operation: 'stop', function: 'PLC Stop', points: [], count: 0 }))?.en ?? '', /^PLC Stop, by/)
})

test('a consequence is said with its limit and the write that it is put down to', () => {
  const body = {
    ...{
      plant: 'paint',
      consequence: 'alarm',
      id: 'OV2.Z1.HH',
      tag: 'OV2.Z1.PV',
      name: { zh: '一区温度', en: 'Zone 1 temperature' },
      value: 206.1,
      limit: 205,
    },
    ...{ unit: '°C', after: { tag: 'OV2.Z1.SP', value: 230, time: 1_799_999_958_000 } },
  }
  const event = { kind: 'plant.affected', time: 1_800_000_000_000, body } as unknown as StoredEvent
  assert.equal(operatorSays(event)?.en, 'OV2.Z1.HH: OV2 Zone 1 temperature 206.1 °C (limit 205 °C), 42 s after OV2.Z1.SP was set to 230')
  const { limit: _, ...measured } = body
  const moved = { ...event, body: { ...measured, consequence: 'process', id: 'OV2.Z1.PV', otherwise: 181.2 } } as unknown as StoredEvent
  assert.equal(operatorSays(moved)?.en, 'OV2.Z1.PV: OV2 Zone 1 temperature 206.1 °C (undisturbed 181.2 °C), 42 s after OV2.Z1.SP was set to 230')
  assert.match(operatorSays(moved)?.zh ?? '', /206\.1 °C.未受扰动时 181\.2 °C.,在把/)
  const defeated = [
    { tag: 'OV2.TripBypass', value: 1, role: 'safety' },
    { tag: 'OV2.TripLim', value: 350, role: 'safety' },
  ]
  const guarded = { ...event, body: { ...body, consequence: 'damage', defeated } } as unknown as StoredEvent
  assert.match(operatorSays(guarded)?.en ?? '', /was set to 230, with OV2\.TripBypass = 1, OV2\.TripLim = 350$/)
  assert.match(operatorSays(guarded)?.zh ?? '', /;当时 OV2\.TripBypass = 1、OV2\.TripLim = 350$/)
  assert.equal(operatorSays({ ...event, kind: 'login.attempted' } as StoredEvent), undefined)
})

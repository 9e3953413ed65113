import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { serveDecoy, type TestDecoy, testPersona } from '../../test-harness.ts'
import { type RawClient, rawClient } from '../client-fixture.ts'
import { testPlant } from '../plant-fixture.ts'
import { s7comm } from './s7comm.ts'

const plant = testPlant()
let decoy: TestDecoy
let client: RawClient

async function frame(): Promise<string> {
  const head = await client.rest(4)
  return head + (await client.rest(Number.parseInt(head.slice(4, 8), 16) - 4))
}
const pdu = (head: string, parameters: string, data: string): string => {
  const [p, d] = [parameters.replaceAll(' ', ''), data.replaceAll(' ', '')]
  const length = (text: string): string => (text.length / 2).toString(16).padStart(4, '0')
  return `${head} ${length(p)} ${length(d)} ${p} ${d}`.replaceAll(' ', '')
}
async function s7(bytes: string): Promise<string> {
  client.send(`0300 ${(bytes.length / 2 + 7).toString(16).padStart(4, '0')} 02f080 ${bytes}`)
  return (await frame()).slice(14)
}
const job = (parameters: string, data = ''): Promise<string> => s7(pdu('3201 0000 0001', parameters, data))
const userData = (group: string, sub: string, data: string): Promise<string> => s7(pdu('3207 0000 0002', `000112 0411 4${group} ${sub} 00`, data))
const list = (id: string, index = '0000'): Promise<string> => userData('4', '01', `ff09 0004 ${id} ${index}`)

before(async () => {
  decoy = await serveDecoy(s7comm, testPersona('siemens-s7-1200'), {}, { plant, units: { oven: 'OV2' } })
  client = await rawClient(decoy.port)
  client.send('0300 0016 11 e0 0000 0014 00 c1 02 0100 c2 02 0101 c0 01 0a')
  await frame()
  assert.match(await job('f0 00 0001 0001 00f0'), /00f0$/)
})
after(async () => {
  client.close()
  await decoy.close()
  assert.deepEqual(decoy.faults, [])
})

test('an S7-1200 has the four lists of its family, and says its order number as they do', async () => {
  assert.match(await list('0000'), /00000000000200060000001101110f1104240131$/)
  const record = Buffer.from('6ES7 214-1AG40-0XB0 ').toString('hex')
  assert.match(await list('0111', '0006'), new RegExp(`0006${record}000000082020$`))
  assert.match(await list('0011'), new RegExp(`0003.*0007${record}000056040201$`))
  assert.match(await list('0424'), /ff08/)
  for (const id of ['001c', '0132', '0232', '00a0', '0074']) assert.match(await list(id, '0004'), /d4010a000000$/, id)
})

test('what a programming device asks in the older protocol is no function of an S7-1200, and changes nothing', async () => {
  for (const asked of [
    '29 0000000000 09 505f50524f4752414d',
    '28 000000000000 fd 0000 09 505f50524f4752414d',
    '1a 00 0000 00000000 09 5f30383030303031 50 0d 31303030303030303030303030',
    '1d 00 0000 00000000 09 5f30413030303130 41',
  ])
    assert.match(await job(asked), /8104$/, asked)
  for (const [group, sub, data] of [
    ['3', '01', '0a00 0000'],
    ['3', '02', 'ff09 0002 3041'],
    ['3', '03', 'ff09 0008 3041 3030303130 41'],
    ['5', '01', 'ff09 0008 2535563750345237'],
    ['7', '01', '0a00 0000'],
    ['7', '02', 'ff09 000a 0019 2611230830150002'],
  ] as const)
    assert.match(await userData(group, sub, data), /81040a000000$/, `${group}/${sub}`)
  assert.equal(plant.mode('OV2'), 'run')
  const said = decoy.of('industrial.requested').filter(({ outcome }) => outcome === 'refused')
  for (const operation of ['stop', 'download', 'upload', 'browse', 'authenticate', 'clock'])
    assert.ok(
      said.some((each) => each.operation === operation && !each.changed),
      operation,
    )
  assert.equal(decoy.of('login.attempted').at(-1)?.outcome, 'refused')
})

test('variables of an S7-1200 are read and written as a panel does; it has no area of timers', async () => {
  assert.match(await job('04 01 120a 1008 0001 000a 84 000000'), /ff070004[0-9a-f]{8}$/)
  assert.match(await job('05 01 120a 1008 0001 000a 84 0000a0', '00 07 0004 43660000'), /0501ff$/)
  assert.equal(plant.values.get('OV2.Z1.SP'), 230)
  assert.match(await job('04 01 120a 101d 0001 0000 1d 000000'), /040105000000$/)
})

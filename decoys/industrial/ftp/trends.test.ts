/** Files that a device writes as its plant runs, held against what its other protocols said at that time. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { type Bed, openBed, templateOf } from '../../plant/plant-fixture.ts'
import type { PlantView } from '../../plant/plant.ts'
import { serveDecoy, type TestDecoy, testPersona } from '../../test-harness.ts'
import { rawClient } from '../client-fixture.ts'
import { modbus } from '../modbus/modbus.ts'
import { ftp, ftpData } from './ftp.ts'

const execute = promisify(execFile)
const login = { accounts: [{ user: 'USER', password: 'USER', origin: 'given' as const }] }

describe("a panel's curves over FTP", () => {
  let bed: Bed
  let plant: PlantView
  let served: TestDecoy[]
  let port: number
  before(async () => {
    bed = openBed(templateOf('paint-line'))
    plant = await bed.plants.open('paint-line', 'somebody')
    const persona = testPersona('weintek-oven-hmi')
    const options = { plant, units: { oven: 'OV2' } }
    const data = await serveDecoy(ftpData, persona, {})
    const control = await serveDecoy(ftp, persona, { login, dataPort: data.port }, options)
    served = [data, control, await serveDecoy(modbus, persona, {}, options)]
    port = control.port
  })
  after(async () => {
    for (const each of served) {
      assert.deepEqual(each.faults, [])
      await each.close()
    }
    plant.release()
    await bed.plants.close()
  })
  const curl = async (...args: string[]): Promise<string> => (await execute('curl', ['-sS', '-m', '15', '--user', 'USER:USER', ...args])).stdout
  const file = (path: string): string => `ftp://127.0.0.1:${port}${path}`

  test('have at each minute what Modbus said then, of an adversary who changed it too', async () => {
    const read = async (): Promise<{ at: number; values: number[] }> => {
      const client = await rawClient(served[2]?.port as number)
      const [measured, set] = [await client.ask('0001 0000 0006 01 04 0000 0001', 11), await client.ask('0002 0000 0006 01 03 0000 0001', 11)]
      client.close()
      return { at: plant.snapshot.at, values: [measured, set].map((answer) => Number.parseInt(answer.slice(-4), 16) / 10) }
    }
    const seen: Awaited<ReturnType<typeof read>>[] = []
    for (let minute = 0; minute < 6; minute++) {
      bed.pass(plant, 60 - ((plant.snapshot.at / 1000) % 60))
      seen.push(await read())
      if (minute === 2) assert.ok(plant.write('OV2.Z1.SP', 201, { access: 'operator', note: 'test' }).accepted)
    }
    const rows = (await curl(file('/datalog/zones.csv'))).trimEnd().split('\r\n')
    assert.equal(rows[0], 'time,Z1.PV,Z1.SP,Z2.PV,Z2.SP,Z3.PV,Z3.SP')
    assert.ok(rows.length > 1000, `${rows.length} rows`)
    for (const { at, values } of seen) {
      const stamp = new Date(at + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ')
      const row = rows.find((line) => line.startsWith(stamp))?.split(',')
      assert.ok(row, stamp)
      // The historian keeps 16 bits of 350 °C, Modbus tenths.
      for (const [nth, value] of values.entries()) assert.ok(Math.abs(Number(row[nth + 1]) - value) <= 0.11, `${stamp}: ${row[nth + 1]} and ${value}`)
    }
    assert.equal(seen.at(-1)?.values[1], 201)
    assert.ok(seen[0] && seen[0].values[1] !== 201)
  })

  test('grow with the plant, and are listed with the size and the minute that they have', async () => {
    const before = await curl(file('/datalog/zones.csv'))
    bed.pass(plant, 120)
    const list = await curl(file('/datalog/'))
    const body = await curl(file('/datalog/zones.csv'))
    assert.notEqual(body, before)
    assert.match(list, new RegExp(` ${Buffer.byteLength(body)} `))
    const last = body.trimEnd().split('\r\n').at(-1)?.slice(11, 16) as string
    const { stderr } = await execute('curl', ['-sSvI', '-m', '15', '--user', 'USER:USER', file('/datalog/zones.csv')])
    assert.match(stderr, new RegExp(`< 213 \\d{8}\\d\\d${last.slice(3)}00`))
  })

  test('an alarm that stands is in the list of alarms', async () => {
    assert.ok(plant.write('OV2.HH', 50, { access: 'engineer', note: 'test' }).accepted)
    bed.pass(plant, 5)
    assert.match(await curl(file('/eventlog/events.csv')), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,Z1\.HH,unacknowledged,2\r$/m)
  })

  test('what a visitor moved stays as it was then, and what it wrote over is its own', async () => {
    const [was] = (await curl(file('/datalog/zones.csv'))).split('\r\n').slice(-2)
    await curl('-Q', 'RNFR /datalog/zones.csv', '-Q', 'RNTO /datalog/old.csv', file('/'))
    bed.pass(plant, 180)
    assert.equal((await curl(file('/datalog/old.csv'))).split('\r\n').at(-2), was)
    await assert.rejects(curl(file('/datalog/zones.csv')))
  })
})

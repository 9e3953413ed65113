/** A decoy host that is killed in the middle of an attack, beside one that is not. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { type DecoyHost, startDecoyHost } from '../bench/decoy-host.ts'
import { personaTemplate } from '../contract/persona.ts'
import { plantTemplate } from '../contract/plant.ts'
import { root, until } from './installation.ts'

const read = (path: string): unknown => parse(readFileSync(join(root, path), 'utf8'))
const attacker = '198.51.100.7'

/** An oven controller of a line that works around the clock, so that the hour of the test does not matter; two hosts of it are twins. */
function start(): Promise<DecoyHost> {
  const line = plantTemplate.parse(read('templates/plants/paint-line.yaml'))
  const oven = line.equipment.oven!
  const template = plantTemplate.parse({
    ...line,
    calendar: { holidays: 'none', weekend: [], startup: 0, shifts: [{ id: 'all', days: 'every', from: '00:00', to: '00:00' }] },
    equipment: { oven: { ...oven, events: [], trims: {}, recipes: oven.recipes.slice(0, 1) } },
    units: line.units.slice(0, 1),
  })
  return startDecoyHost({
    service: 'modbus',
    port: 502,
    plants: [{ id: 'paint-line', template, seed: '5a'.repeat(32) }],
    decoys: [
      {
        id: 'oven',
        persona: personaTemplate.parse(read('templates/personas/weintek-oven-hmi.yaml')),
        organisation: { name: { zh: '远山重工', en: 'Yuanshan Heavy Industry' }, domain: 'yuanshan-group.cn' },
        seed: '6b'.repeat(32),
        secrets: {},
        services: [{ service: 'modbus', settings: {} }],
        plant: { id: 'paint-line', units: { oven: 'OV1' } },
      },
    ],
  })
}

/** The data of the answer to one request, on a connection of its own. */
const ask = (host: DecoyHost, pdu: string, source = attacker): Promise<Buffer> =>
  until(
    'an answer',
    () =>
      new Promise<Buffer | undefined>((resolve) => {
        const stream = host.connect(source, 'oven')
        const timer = setTimeout(() => stream.destroy(), 15_000)
        stream.once('data', (bytes: Buffer) => {
          clearTimeout(timer)
          resolve(bytes.subarray(7))
          stream.destroy()
        })
        stream.on('error', () => undefined)
        stream.once('close', () => resolve(undefined))
        stream.write(Buffer.from(`00010000${(pdu.length / 2 + 1).toString(16).padStart(4, '0')}01${pdu}`, 'hex'))
      }),
    60_000,
  ) as Promise<Buffer>
/** Writes registers 0 to 2, the setpoints of the zones, in tenths; without an answer it does not come back. */
const write = async (host: DecoyHost, at: number, tenths: number): Promise<void> => {
  const word = (value: number): string => value.toString(16).padStart(4, '0')
  assert.equal((await ask(host, `06${word(at)}${word(tenths)}`)).toString('hex'), `06${word(at)}${word(tenths)}`)
}
const setpoints = async (host: DecoyHost, source?: string): Promise<number[]> => {
  const data = await ask(host, '0300000003', source)
  return [2, 4, 6].map((at) => data.readUInt16BE(at) / 10)
}
/** Of zone 2; the device sends the low word of a float first. */
const temperature = async (host: DecoyHost, source?: string): Promise<number> => {
  const data = await ask(host, '0300660002', source)
  return Buffer.concat([data.subarray(4, 6), data.subarray(2, 4)]).readFloatBE()
}

test('a host that is killed goes on with the curve that its twin shows, and with the write that it answered last', async () => {
  const hosts = await Promise.all([start(), start()])
  const [victim, twin] = hosts as [DecoyHost, DecoyHost]
  try {
    // One exchange each, so that both plants have caught up with the clock.
    const [before] = await Promise.all(hosts.map((host) => temperature(host)))
    await Promise.all(hosts.map((host) => write(host, 1, 2400)))
    await until('the oven to follow', async () => (await temperature(victim)) > (before as number) + 2, 30_000)
    await Promise.all(hosts.map((host) => write(host, 0, 1230)))
    await victim.kill()
    const last = await temperature(twin)
    await victim.restart()
    assert.deepEqual(await setpoints(victim), [123, 240, 170])
    for (let i = 0; i < 5; i++) {
      const [one, other] = (await Promise.all(hosts.map((host) => temperature(host)))) as [number, number]
      assert.ok(one >= last - 0.5 && Math.abs(one - other) < 1, `${one} after the kill, ${other} without; ${last} before it`)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    // Somebody else sees nothing of it, before and after.
    assert.deepEqual(await setpoints(victim, '198.51.100.8'), [160, 180, 170])
    assert.ok((await temperature(victim, '198.51.100.8')) < 184)
  } finally {
    await Promise.all(hosts.map((host) => host.close()))
  }
})

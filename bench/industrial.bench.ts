/**
 * What the requests of industrial protocols cost with everything recorded (relay, gate, worker, journal), beside independent servers that record nothing;
 * and the memory of a thousand Modbus devices on one host. Devices answer at their own pace, so processor time a request is what compares.
 */
import { execFile, type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { personaTemplate } from '../contract/persona.ts'
import { plantTemplate } from '../contract/plant.ts'
import { startPark } from '../test/industrial/park.ts'
import { freePorts, root, until } from '../test/installation.ts'
import { below } from '../test/processes.ts'
import { type Served, startDecoyHost } from './decoy-host.ts'
import { type Asked, type IndustrialLoad, openIndustrialLoad, type Target } from './industrial-load.ts'
import { cpuMs, treeMemoryMib } from './process-cost.ts'
import type { Row } from './row.ts'

const execute = promisify(execFile)
const measuredMs = 5000
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

interface Measured {
  perSecond: number
  /** µs of processor time a request, of all the processes given, beyond what they use at rest. */
  each: number
}

const spentBy = (pids: () => number[]): number => pids().reduce((sum, pid) => sum + cpuMs(pid), 0)

/** Milliseconds of processor time a second that the processes use while nobody asks: plants run on. */
async function atRest(pids: () => number[]): Promise<number> {
  const before = spentBy(pids)
  await wait(4000)
  return (spentBy(pids) - before) / 4
}

async function measure(load: IndustrialLoad, pids: () => number[], rest = 0): Promise<Measured> {
  await wait(1500)
  const spent = (): number => spentBy(pids)
  const [answers, cpu, begun] = [load.answers, spent(), performance.now()]
  await wait(measuredMs)
  const [asked, used, seconds] = [load.answers - answers, spent() - cpu, (performance.now() - begun) / 1000]
  await load.stop()
  if (asked === 0) throw new Error('no request was answered')
  return { perSecond: asked / seconds, each: ((used - rest * seconds) * 1000) / asked }
}

/** The same load on a server of others; undefined where there is none. */
async function reference(kind: Asked, connections: number): Promise<Measured | undefined> {
  if (kind !== 'modbus' && kind !== 'snmp') return undefined
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-reference-'))
  let server: ChildProcess | undefined
  try {
    const [port] = (await freePorts(1)) as [number]
    if (kind === 'modbus') {
      const program = join(folder, 'modbus-server')
      await execute('gcc', ['-O2', '-o', program, join(import.meta.dirname, 'modbus-server.c'), '-lmodbus'])
      server = spawn(program, [String(port)], { stdio: ['ignore', 'pipe', 'ignore'] })
      await once(server.stdout as NodeJS.ReadableStream, 'data')
    } else {
      writeFileSync(join(folder, 'snmpd.conf'), 'rocommunity public\nsysdescr a device\n')
      server = spawn('/usr/sbin/snmpd', ['-f', '-Ln', '-C', '-c', join(folder, 'snmpd.conf'), '-p', join(folder, 'pid'), `udp:127.0.0.1:${port}`], {
        stdio: 'ignore',
        env: { ...process.env, SNMP_PERSISTENT_DIR: folder },
      })
    }
    const target: Target = { host: '127.0.0.1', port }
    const load = await until('the reference', () => openIndustrialLoad(kind, target, connections, '127.0.77'))
    return await measure(load, () => [server?.pid as number])
  } finally {
    if (server && server.exitCode === null) {
      server.kill('SIGKILL')
      await once(server, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  }
}

async function requests(): Promise<Row[]> {
  const park = await startPark()
  try {
    // Those that carry and record a request; the core's work on what was recorded is measured by the bench of ingest.
    const pids = (): number[] =>
      below(park.site.process.pid as number)
        .filter(({ command }) => /shenlou\.js (decoys|relay) |worker/.test(command))
        .map(({ pid }) => pid)
    const asked: [Asked, string, number, string, string][] = [
      ['modbus', 'batching', 16, 'Modbus, 20 registers', 'libmodbus'],
      ['s7comm', 'test-bench', 8, 'S7comm, 40 bytes of a block', ''],
      ['iec104', 'wind-rtu', 4, 'IEC 104, a point', ''],
      ['snmp', 'meters', 16, 'SNMP, one object', 'snmpd'],
    ]
    const rows: Row[] = []
    const rest = await atRest(pids)
    for (const [kind, decoy, connections, what, name] of asked) {
      const here = await measure(
        await openIndustrialLoad(kind, { host: park.address(decoy), port: park.port(decoy, kind) }, connections, `127.0.${80 + rows.length}`),
        pids,
        rest,
      )
      const other = await reference(kind, connections)
      rows.push({
        what: `${what}, ${connections} clients`,
        value: here.perSecond,
        unit: 'requests/s',
        ...(other ? { against: { name, value: other.perSecond } } : {}),
        note: 'at the pace of the device',
      })
      rows.push({
        what: `${what}, recorded`,
        value: here.each,
        unit: 'µs of CPU a request',
        ...(other ? { against: { name, value: other.each }, ratio: other.each / here.each } : {}),
        note: other ? 'the other records nothing' : 'relay, gate, worker and journal',
      })
    }
    return rows
  } finally {
    await park.site.remove()
  }
}

/** `count` devices of three kinds, each drawn from a seed of its own, on one plant. */
function devices(count: number): Served {
  const read = (path: string): unknown => parse(readFileSync(join(root, path), 'utf8'))
  const kinds = ['schneider-m340', 'moxa-mgate', 'weintek-oven-hmi'].map((id) => personaTemplate.parse(read(`templates/personas/${id}.yaml`)))
  const units: Record<string, string>[] = [{ batch: 'BT1' }, { m1: 'WT1', m2: 'WT2', m3: 'WT3' }, { oven: 'OV1' }]
  const plants = ['batching-plant', 'utilities', 'paint-line']
  return {
    service: 'modbus',
    port: 502,
    plants: plants.map((id) => ({ id, template: plantTemplate.parse(read(`templates/plants/${id}.yaml`)), seed: '5a'.repeat(32) })),
    decoys: Array.from({ length: count }, (_, nth) => ({
      id: `device-${nth}`,
      persona: kinds[nth % 3] as (typeof kinds)[number],
      organisation: { name: { zh: '远山重工', en: 'Yuanshan Heavy Industry' }, domain: 'yuanshan-group.cn' },
      seed: nth.toString(16).padStart(64, '0'),
      secrets: {},
      services: [{ service: 'modbus', settings: {} }],
      plant: { id: plants[nth % 3] as string, units: units[nth % 3] as Record<string, string> },
    })),
  }
}

/** MiB of gate and worker once every device was asked for its identification by one client, and that client left. */
async function memory(count: number): Promise<number> {
  const host = await startDecoyHost(devices(count))
  try {
    let next = 0
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        for (let nth = next++; nth < count; nth = next++) await until(`device ${nth}`, () => identified(host.connect('10.0.0.1', `device-${nth}`)), 60_000)
      }),
    )
    await wait(5000)
    return treeMemoryMib(host.pid)
  } finally {
    await host.close()
  }
}

const identified = (stream: ReturnType<Awaited<ReturnType<typeof startDecoyHost>>['connect']>): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => stream.destroy(), 20_000)
    stream.once('data', () => {
      clearTimeout(timer)
      stream.destroy()
      resolve(true)
    })
    stream.on('error', () => undefined)
    stream.once('close', () => resolve(false))
    stream.write(Buffer.from('000100000005012b0e0100', 'hex'))
  })

export async function run(): Promise<Row[]> {
  const rows = await requests()
  const [few, many] = [await memory(3), await memory(1000)]
  rows.push({ what: '1,000 Modbus devices on one host, each asked once', value: many, unit: 'MiB', against: { name: '3 devices', value: few } })
  rows.push({ what: 'memory a device', value: ((many - few) * 1024) / 997, unit: 'KiB' })
  return rows
}

if (import.meta.main) {
  const { table } = await import('./row.ts')
  console.log(table(await run()))
}

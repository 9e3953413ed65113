import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync } from 'node:fs'
import { appendFile, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import type { EventDraft } from '@shenlou/contract/event'
import { encodeRecord } from './journal-record.ts'
import { JournalError, openJournal } from './journal.ts'
import type { Journal } from './uplink-types.ts'
import { uuidv7 } from './uuid.ts'

const folder = async (t: { after(end: () => unknown): void }): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'journal-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}
const low = (bytes = 300): EventDraft => ({ id: uuidv7(), time: Date.now(), kind: 'terminal.data', body: { stream: 'output', data: 'A'.repeat(bytes) } })
const high = (text = 'x'): EventDraft => ({ id: uuidv7(), time: Date.now(), kind: 'sensor.stopped', body: { reason: text } })

type Read = { seq: number; kind: string; body: { reason?: string; fromSeq?: number; toSeq?: number; counts?: Record<string, number> } }
async function readAll(journal: Journal, from = 1, max = 500): Promise<Read[]> {
  const all: Read[] = []
  for (let seq = from; ; ) {
    const slice = await journal.read(seq, max)
    if (!slice) return all
    assert.equal(slice.first, seq)
    assert.ok(slice.events.length <= max)
    for (const event of slice.events) {
      const parsed = JSON.parse(event.json.toString()) as Read
      assert.equal(parsed.seq, event.seq)
      all.push(parsed)
    }
    assert.equal(slice.last, slice.events.at(-1)?.seq)
    seq = slice.last + 1
  }
}
/** Every seq is either there or counted by a summary, exactly once. */
function account(events: Read[], through: number): Record<string, number> {
  const seen = new Set(events.map((event) => event.seq))
  assert.equal(seen.size, events.length, 'a seq came twice')
  const counted: Record<string, number> = {}
  let summarised = 0
  for (const { kind, body } of events) {
    if (kind !== 'journal.summarised') continue
    for (const [name, count] of Object.entries(body.counts ?? {})) {
      counted[name] = (counted[name] ?? 0) + count
      summarised += count
    }
  }
  const summaries = events.filter((event) => event.kind === 'journal.summarised').length
  // A summary stands at the last seq that it replaces.
  assert.equal(events.length - summaries + summarised, through)
  return counted
}

test('what was appended is read back in order, from memory and after reopening from disk', async (t) => {
  const dir = await folder(t)
  const first = await openJournal(dir, { segmentBytes: 20_000 })
  const seqs = await Promise.all(Array.from({ length: 500 }, (_, i) => first.append(high(`event ${i} 漢 \u0000`))))
  assert.deepEqual(
    seqs,
    Array.from({ length: 500 }, (_, i) => i + 1),
  )
  const before = await readAll(first, 1, 7)
  const { epoch } = first
  await first.close()
  assert.ok((await readdir(dir)).filter((name) => name.endsWith('.journal')).length > 3)
  const second = await openJournal(dir, { segmentBytes: 20_000 })
  assert.equal(second.epoch, epoch)
  assert.equal(second.nextSeq, 501)
  assert.deepEqual(await readAll(second, 1, 7), before)
  assert.equal(await second.append(high()), 501)
  assert.equal((await readAll(second, 490)).length, 12)
  await second.close()
})

test('committed segments are deleted and the cursor survives', async (t) => {
  const dir = await folder(t)
  const journal = await openJournal(dir, { segmentBytes: 10_000 })
  for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 10 }, () => journal.append(low(100))))
  const size = journal.stats().journalBytes
  journal.ack(150)
  assert.equal(journal.stats().queueEvents, 50)
  await journal.close()
  const again = await openJournal(dir, { segmentBytes: 10_000 })
  assert.equal(again.acked, 150)
  assert.ok(again.stats().journalBytes < size / 2)
  assert.deepEqual(
    (await readAll(again, 151)).map((event) => event.seq),
    Array.from({ length: 50 }, (_, i) => 151 + i),
  )
  again.ack(200)
  await again.close()
  const last = await openJournal(dir)
  assert.equal(last.nextSeq, 201)
  assert.equal(await last.append(high()), 201)
  await last.close()
})

test('a torn or rotten tail is cut off at the first bad record', async (t) => {
  for (const harm of ['half a record', 'zeros', 'a flipped bit', 'a lying length'] as const) {
    const dir = await folder(t)
    const journal = await openJournal(dir)
    for (let i = 0; i < 20; i++) await journal.append(high(`event ${i}`))
    await journal.close()
    const name = (await readdir(dir)).find((each) => each.endsWith('.journal')) as string
    const path = join(dir, name)
    const { size } = await stat(path)
    if (harm === 'half a record') await truncate(path, size - 5)
    if (harm === 'zeros') await appendFile(path, Buffer.alloc(4096))
    if (harm === 'a lying length') await appendFile(path, Buffer.from('7fffffff00000000', 'hex'))
    if (harm === 'a flipped bit') {
      const handle = await open(path, 'r+')
      await handle.write(Buffer.from([0xff]), 0, 1, size - 3)
      await handle.close()
    }
    const again = await openJournal(dir)
    const left = harm === 'half a record' || harm === 'a flipped bit' ? 19 : 20
    assert.equal(again.nextSeq, left + 1, harm)
    assert.equal(await again.append(high('after')), left + 1)
    assert.equal((await readAll(again)).length, left + 1)
    await again.close()
  }
})

test('a valid record of an older seq in the newest segment is stepped over, and no seq is given twice', async (t) => {
  const stale = (seq: number) => encodeRecord(seq, JSON.stringify(high(`stale ${seq}`)))
  const dir = await folder(t)
  const first = await openJournal(dir, { segmentBytes: 20_000 })
  for (let i = 1; i <= 200; i++) await first.append(high(`event ${i}`))
  await first.close()
  const name = (await readdir(dir))
    .filter((each) => each.endsWith('.journal'))
    .sort()
    .at(-1) as string
  const began = Number(name.slice(0, 16))
  assert.ok(began > 100 && began <= 200)
  const whole = await readFile(join(dir, name))
  // before, between and behind its own records; and a segment that holds nothing else
  const middle = whole.readUInt32BE(0) + 16
  for (const bytes of [
    Buffer.concat([stale(7), whole]),
    Buffer.concat([whole.subarray(0, middle), stale(8), stale(began), whole.subarray(middle)]),
    Buffer.concat([whole, stale(9)]),
    stale(10),
  ]) {
    await writeFile(join(dir, name), bytes)
    const again = await openJournal(dir, { segmentBytes: 20_000 })
    const last = bytes.length > 1000 ? 200 : began - 1
    assert.equal(again.nextSeq, last + 1)
    const events = await readAll(again)
    assert.deepEqual(
      events.map((event) => event.seq),
      Array.from({ length: last }, (_, i) => i + 1),
    )
    assert.ok(!events.some((event) => event.body.reason?.startsWith('stale')))
    assert.equal(await again.append(high('after')), last + 1)
    await again.close()
    const reopened = await openJournal(dir, { segmentBytes: 20_000 })
    assert.equal(reopened.nextSeq, last + 2)
    assert.equal((await readAll(reopened)).at(-1)?.body.reason, 'after')
    await reopened.close()
  }
})

test('a part that the disk lost in an older segment is counted, and what follows is read', async (t) => {
  const dir = await folder(t)
  const journal = await openJournal(dir, { segmentBytes: 5_000 })
  for (let i = 0; i < 100; i++) await journal.append(high(`event ${i}`))
  await journal.close()
  const name = (await readdir(dir)).filter((each) => each.endsWith('.journal')).sort()[1] as string
  const handle = await open(join(dir, name), 'r+')
  await handle.write(Buffer.from('rot'), 0, 3, 1000)
  await handle.close()
  const again = await openJournal(dir, { segmentBytes: 5_000 })
  const events = await readAll(again)
  const counted = account(events, 100)
  assert.ok((counted['journal.unreadable'] as number) > 0)
  assert.equal(events.at(-1)?.body.reason, 'event 99')
  await again.close()
})

test('at its bound the oldest low-value events become counts and every high-value one stays', async (t) => {
  const dir = await folder(t)
  const journal = await openJournal(dir, { maxBytes: 200_000 })
  for (let i = 0; i < 1000; i++) {
    await Promise.all([journal.append(low(400)), journal.append(i % 10 === 0 ? high(`kept ${i}`) : low(400))])
    assert.ok(journal.stats().journalBytes <= 200_000)
  }
  assert.ok(journal.stats().summarised > 1000)
  await journal.close()
  const again = await openJournal(dir, { maxBytes: 200_000 })
  const events = await readAll(again)
  const counted = account(events, 2000)
  assert.equal(events.filter((event) => event.body.reason?.startsWith('kept')).length, 100)
  assert.equal((counted['terminal.data'] as number) + events.filter((event) => event.kind === 'terminal.data').length, 1900)
  assert.ok((counted['terminal.data'] as number) > 1000)
  // The newest ones are whole.
  assert.equal(events.at(-1)?.kind, 'terminal.data')
  await again.close()
})

test('a journal full of what must be kept refuses more, says so, and goes on when the core has taken some', async (t) => {
  const dir = await folder(t)
  const journal = await openJournal(dir, { maxBytes: 50_000 })
  let refused: unknown
  let written = 0
  for (; written < 1000 && !refused; )
    await journal.append(high('h'.repeat(150))).then(
      () => written++,
      (error) => (refused = error),
    )
  assert.ok(refused instanceof JournalError)
  assert.equal(refused.code, 'full')
  assert.match(journal.stats().lastError ?? '', /bound of 50000 bytes/)
  assert.ok(written > 100)
  journal.ack(written)
  assert.equal(await journal.append(high('again')), written + 1)
  assert.equal((await readAll(journal, written + 1)).length, 1)
  await journal.close()
})

test('a full disk: low-value events make way, then appends reject, and go on when there is room again', async (t) => {
  const dir = await folder(t)
  let disk = 100_000
  const used = () => readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0)
  const write: NonNullable<Parameters<typeof openJournal>[1]>['write'] = async (handle, bytes, position) => {
    const part = Math.max(0, Math.min(bytes.length, disk - used()))
    await handle.write(bytes, 0, part, position)
    if (part < bytes.length) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  }
  const journal = await openJournal(dir, { segmentBytes: 20_000, write })
  let written = 0
  for (; written < 500; written++) await journal.append(written % 5 ? low(200) : high(`kept ${written}`))
  assert.ok(journal.stats().summarised > 100)
  let refused: unknown
  for (; !refused; )
    await journal.append(high('h'.repeat(150))).then(
      () => written++,
      (error) => (refused = error),
    )
  assert.ok(refused instanceof JournalError)
  assert.match(refused.message, /disk is full|no space left/)
  disk *= 2
  assert.equal(await journal.append(high('after')), written + 1)
  await journal.close()
  const again = await openJournal(dir, { segmentBytes: 20_000 })
  const events = await readAll(again)
  account(events, written + 1)
  assert.equal(events.filter((event) => event.body.reason?.startsWith('kept')).length, 100)
  assert.equal(events.at(-1)?.body.reason, 'after')
  await again.close()
})

test('a second process or a second opening is refused with the name of the folder', async (t) => {
  const dir = await folder(t)
  const journal = await openJournal(dir)
  await assert.rejects(openJournal(dir), new RegExp(`${dir} is in use by another process`))
  const script = `import { openJournal } from ${JSON.stringify(import.meta.resolve('./journal.ts'))}; openJournal(${JSON.stringify(dir)}).then(() => console.log('open'), (error) => console.log(error.message))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(createInterface(child.stdout), 'line')
  assert.match(line, /is in use by another process/)
  await once(child, 'close')
  await journal.close()
  await (await openJournal(dir)).close()
})

test('an event above the bound and an append after closing are refused', async (t) => {
  const journal = await openJournal(await folder(t))
  await assert.rejects(journal.append(high('x'.repeat(3_000_000))), { code: 'size' })
  assert.equal(await journal.append(high()), 1)
  await journal.close()
  await assert.rejects(journal.append(high()), { code: 'closed' })
})

test('a folder put back to an older state begins another epoch and sends everything that is left', async (t) => {
  const journal = await openJournal(await folder(t))
  for (let i = 0; i < 5; i++) await journal.append(high(`${i}`))
  journal.ack(3)
  const { epoch } = journal
  await journal.renew()
  assert.notEqual(journal.epoch, epoch)
  const slice = await journal.read(1, 10)
  assert.deepEqual([slice?.first, slice?.last], [1, 5])
  await journal.close()
})

const writer = (dir: string, round: number): string => `
  import { openJournal } from ${JSON.stringify(import.meta.resolve('./journal.ts'))}
  import { uuidv7 } from ${JSON.stringify(import.meta.resolve('./uuid.ts'))}
  const journal = await openJournal(${JSON.stringify(dir)}, { segmentBytes: 100_000 })
  for (let lane = 0; lane < 32; lane++) (async () => {
    for (let i = 0; ; i++) {
      const text = '${round}-' + lane + '-' + i
      const seq = await journal.append({ id: uuidv7(), time: Date.now(), kind: 'sensor.stopped', body: { reason: text } })
      process.stdout.write(seq + ' ' + text + '\\n')
    }
  })()`

test('whatever was acknowledged before kill -9 is there afterwards', async (t) => {
  const dir = await folder(t)
  const acknowledged = new Map<number, string>()
  for (let round = 0; round < 5; round++) {
    const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', writer(dir, round)], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface(child.stdout as NodeJS.ReadableStream)
    let count = 0
    lines.on('line', (line) => {
      const [seq, text] = line.split(' ') as [string, string]
      acknowledged.set(Number(seq), text)
      if (++count === 500 + round * 300) child.kill('SIGKILL')
    })
    await once(child, 'close')
    assert.equal(child.signalCode, 'SIGKILL')
    const journal = await openJournal(dir, { segmentBytes: 100_000 })
    const events = await readAll(journal)
    account(events, journal.nextSeq - 1)
    const bySeq = new Map(events.map((event) => [event.seq, event.body.reason]))
    for (const [seq, text] of acknowledged) assert.equal(bySeq.get(seq), text)
    await journal.close()
  }
  t.diagnostic(`${acknowledged.size} acknowledged events, none lost`)
  assert.ok(acknowledged.size > 2500)
})

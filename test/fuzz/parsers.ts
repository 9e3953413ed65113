/** Fuzz targets without a peer: parsers of what other tools send, and the journal on disk. */
import assert from 'node:assert/strict'
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkBody } from '@shenlou/contract/event'
import type { EventDraft } from '@shenlou/contract/event'
import { readLine } from '@shenlou/core/sense/sources'
import { createFraming } from '@shenlou/core/sense/syslog-framing'
import { openJournal } from '@shenlou/link/journal'
import { parseProxyHeader, encodeProxyHeader } from '@shenlou/link/proxy-protocol'
import { parseFrame } from '@shenlou/link/tunnel-frame'
import { uuidv7 } from '@shenlou/link/uuid'
import type { Random } from './mutate.ts'
import type { FuzzTarget } from './run.ts'

const eve = `{"timestamp":"2026-11-23T07:59:58.500000+0000","flow_id":1934,"event_type":"alert","src_ip":"203.0.113.7","src_port":51022,"dest_ip":"10.3.0.9","dest_port":22,"proto":"TCP","host":"ids-1","alert":{"action":"allowed","gid":1,"signature_id":2001219,"rev":20,"signature":"ET SCAN Potential SSH Scan","category":"Attempted Information Leak","severity":2,"metadata":{"mitre_technique_id":["T1046"],"signature_severity":["Major"]}}}`
const cef = [
  'CEF:0|Vendor|Firewall|9.1|100|Port scan \\| fast|7|src=203.0.113.7 spt=51022 dst=10.3.0.9 dpt=22 proto=TCP msg=many ports a\\=b rt=1700726398500 cs1Label=rule cs1=T1046',
  '<134>1 2026-11-23T07:59:58Z fw-1 cef 77 - - CEF:0|Vendor|WAF|3|942100|SQL Injection|High|src=198.51.100.4 request=/login?a\\=1 requestMethod=POST act=blocked',
  '<34>Nov 23 07:59:58 fw-1 CEF:1|A|B|C|D|E|10|',
]

/** Lines of the real samples where they are, our own besides. */
function lines(own: string[], pattern: string): Buffer[] {
  const folder = process.env.SHENLOU_SAMPLES
  const files = folder ? globSync(pattern, { cwd: folder }).map((file) => readFileSync(join(folder, file), 'utf8')) : []
  return [...own, ...files.flatMap((text) => text.split('\n').filter(Boolean).slice(0, 60))].map((line) => Buffer.from(line))
}

/** What is read must hold against the catalogue, or be refused with a reason. */
const readerTarget = (name: string, format: 'suricata-eve' | 'cef', corpus: Buffer[]): FuzzTarget => ({
  name,
  corpus,
  concurrency: 1,
  feed(input) {
    const reading = readLine(format, input.toString('utf8'), Date.now())
    if (reading.kind === 'rejected') assert.ok(reading.reason.length > 0 && reading.reason.length < 1000)
    if (reading.kind === 'alert') assert.deepEqual(checkBody('alert.received', reading.body), { ok: true, known: true })
  },
  serves: () => assert.equal(readLine(format, (corpus[0] as Buffer).toString(), Date.now()).kind, 'alert'),
  close: () => undefined,
})

const framing: FuzzTarget = {
  name: 'syslog stream',
  corpus: cef.flatMap((line) => [Buffer.from(`${line}\n${line}\n`), Buffer.from(`${Buffer.byteLength(line)} ${line}${Buffer.byteLength(line)} ${line}`)]),
  concurrency: 1,
  feed(input, pick) {
    const stream = createFraming(4096)
    const whole = createFraming(4096)
    // However the bytes are cut into pieces, the same messages come out.
    const found: string[] = []
    for (let at = 0; at < input.length; ) {
      const size = 1 + pick(200)
      found.push(...stream.push(input.subarray(at, at + size)))
      at += size
    }
    found.push(...stream.end())
    assert.deepEqual(found, [...whole.push(input), ...whole.end()])
    for (const message of found) assert.ok(Buffer.byteLength(message) <= 4096 * 3)
  },
  serves: () => assert.deepEqual(createFraming().push(Buffer.from('hello\n')), ['hello']),
  close: () => undefined,
}

const proxyHeader: FuzzTarget = {
  name: 'PROXY protocol header',
  corpus: [
    encodeProxyHeader({ source: { ip: '203.0.113.7', port: 1 }, destination: { ip: '10.0.0.1', port: 22 }, transport: 'tcp' }),
    encodeProxyHeader({ source: { ip: '2001:db8::7', port: 1 }, destination: { ip: '2001:db8::1', port: 22 }, transport: 'tcp' }),
  ],
  concurrency: 1,
  feed(input) {
    try {
      parseProxyHeader(input)
    } catch (error) {
      // Its own refusal; a code would be that of a read beyond the end.
      assert.ok(error instanceof RangeError && !('code' in error), String(error))
    }
  },
  serves: () => undefined,
  close: () => undefined,
}

const tunnelFrame: FuzzTarget = {
  name: 'tunnel frame',
  corpus: [
    Buffer.from('0100000000', 'hex'),
    Buffer.from('0200000001', 'hex'),
    Buffer.from('060000000100010000', 'hex'),
    Buffer.from('0900000000aaaaaaaaaaaaaaaa', 'hex'),
  ],
  concurrency: 1,
  feed: (input) => void parseFrame(input),
  serves: () => undefined,
  close: () => undefined,
}

/** What a disk does to a file: other bytes in a place, an end too early, an end too late. */
function harm(bytes: Buffer, garbage: Buffer, pick: Random): Buffer {
  const at = pick(bytes.length + 1)
  const kind = pick(3)
  if (kind === 0) return bytes.subarray(0, at)
  if (kind === 1) return Buffer.concat([bytes, garbage])
  return Buffer.concat([bytes.subarray(0, at), garbage, bytes.subarray(at + garbage.length)])
}

/** A journal folder whose files are harmed: it opens, holds only whole events in order, and takes new ones. */
async function journal(): Promise<FuzzTarget> {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-fuzz-journal-'))
  const draft = (text: string): EventDraft => ({ id: uuidv7(), time: Date.now(), kind: 'sensor.stopped', body: { reason: text } })
  const pristine = join(folder, 'pristine')
  const first = await openJournal(pristine, { segmentBytes: 4096 })
  for (let i = 0; i < 40; i++) await first.append(draft(`event ${i} ${'漢'.repeat(i)}`))
  first.ack(5)
  await first.close()
  const files = readdirSync(pristine)
    .filter((name) => name !== 'lock' && name !== 'reserve')
    .map((name) => ({ name, bytes: readFileSync(join(pristine, name)) }))
  let serial = 0
  return {
    name: 'journal on disk',
    corpus: [Buffer.from('garbage of a disk'), Buffer.alloc(512), Buffer.from('7fffffff00000000', 'hex')],
    concurrency: 1,
    async feed(input, pick) {
      const dir = join(folder, String(++serial))
      mkdirSync(dir)
      const harmed = pick(files.length)
      for (const [nth, { name, bytes }] of files.entries()) writeFileSync(join(dir, name), nth === harmed ? harm(bytes, input, pick) : bytes)
      let again: Awaited<ReturnType<typeof openJournal>> | undefined
      try {
        again = await openJournal(dir, { segmentBytes: 4096 })
        let last = 0
        for (let seq = again.acked + 1; ; ) {
          const slice = await again.read(seq, 500)
          if (!slice) break
          for (const event of slice.events) {
            assert.ok(event.seq > last, 'in order')
            assert.equal((JSON.parse(event.json.toString()) as { seq: number }).seq, event.seq, 'whole')
            last = event.seq
          }
          assert.ok(slice.last >= seq, 'reading goes on')
          seq = slice.last + 1
        }
        const seq = await again.append(draft('after the harm'))
        assert.ok(seq > last, `a new event comes behind all others: ${seq} after ${last}, harmed ${files[harmed]?.name}`)
      } catch (error) {
        // A journal that cannot be read says which folder it is.
        if (!(error as Error).message.includes(dir)) throw error
      } finally {
        await again?.close()
        rmSync(dir, { recursive: true, force: true })
      }
    },
    serves: () => undefined,
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export const parserTargets: Readonly<Record<string, () => Promise<FuzzTarget>>> = {
  'Suricata EVE': async () => readerTarget('Suricata EVE', 'suricata-eve', lines([eve], 'it-alert/suricata/*eve*')),
  CEF: async () => readerTarget('CEF', 'cef', lines(cef, 'it-alert/syslog-cef/*')),
  'the framing of syslog over TCP': async () => framing,
  'the PROXY protocol': async () => proxyHeader,
  'the tunnel frame': async () => tunnelFrame,
  'the journal on disk': journal,
}

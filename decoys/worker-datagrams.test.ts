import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { openFlow, openProvenSources } from './worker-datagrams.ts'
import type { WorkerConnection } from './worker-connection.ts'

function fakeStream(): WorkerConnection & { sent: Buffer[] } {
  const sent: Buffer[] = []
  const stream = new PassThrough()
  return Object.assign(stream, {
    sent,
    early: [],
    id: 'x',
    source: { ip: '192.0.2.1', port: 1 },
    destination: { ip: '192.0.2.2', port: 161 },
    sendDatagram: (bytes: Buffer) => void sent.push(bytes),
  }) as never
}

test('a source that has proven nothing gets three bytes for each of its own, whatever it asks', async () => {
  const stream = fakeStream()
  const flow = openFlow(stream, openProvenSources())
  stream.emit('datagram', Buffer.alloc(10))
  assert.equal(flow.allowance, 30)
  assert.equal(flow.reply(Buffer.alloc(31)), false)
  assert.equal(flow.reply(Buffer.alloc(20)), true)
  assert.equal(flow.reply(Buffer.alloc(11)), false)
  assert.equal(flow.reply(Buffer.alloc(10)), true)
  assert.equal(flow.allowance, 0)
  assert.equal(stream.sent.length, 2)
})

test('what came before the service was there is taken first', async () => {
  const stream = fakeStream()
  stream.early.push(Buffer.from('first'))
  const flow = openFlow(stream, openProvenSources())
  stream.emit('datagram', Buffer.from('second'))
  assert.equal(flow.allowance, 33)
  stream.end()
  const found: string[] = []
  for await (const bytes of flow) found.push(String(bytes))
  assert.deepEqual(found, ['first', 'second'])
})

test('no datagram is sent that is longer than any can be', () => {
  const stream = fakeStream()
  const proven = openProvenSources()
  proven.saw('192.0.2.1')
  const flow = openFlow(stream, proven)
  assert.equal(flow.reply(Buffer.alloc(65_508)), false)
  assert.equal(flow.reply(Buffer.alloc(65_507)), true)
})

test('a source whose TCP connection sent data is answered whole, for an hour', () => {
  let now = 1_000_000
  const proven = openProvenSources(() => now)
  const flow = openFlow(fakeStream(), proven)
  assert.equal(flow.reply(Buffer.alloc(1)), false)
  proven.saw('192.0.2.1')
  assert.equal(flow.reply(Buffer.alloc(1400)), true)
  now += 3_600_001
  assert.equal(flow.reply(Buffer.alloc(1)), false)
})

test('no more sources are remembered than 10,000', () => {
  const proven = openProvenSources()
  for (let i = 0; i <= 10_000; i++) proven.saw(`2001:db8::${i.toString(16)}`)
  assert.equal(proven.has('2001:db8::0'), false)
  assert.equal(proven.has('2001:db8::2710'), true)
})

test('datagrams come one by one, those that wait are bounded, and the flow ends with its stream', async () => {
  const stream = fakeStream()
  const flow = openFlow(stream, openProvenSources())
  for (let i = 0; i < 100; i++) stream.emit('datagram', Buffer.from([i]))
  stream.end()
  const found: number[] = []
  for await (const bytes of flow) found.push(bytes[0] as number)
  assert.deepEqual(
    found,
    Array.from({ length: 64 }, (_, i) => i),
  )
})

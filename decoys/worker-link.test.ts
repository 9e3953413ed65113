import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Duplex, duplexPair } from 'node:stream'
import { test } from 'node:test'
import { LinkStream, openWorkerLink, streamCredit, workerFrame } from './worker-link.ts'

/** A link whose far end keeps the writes as they came. */
function recorded() {
  const writes: Buffer[] = []
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      writes.push(chunk)
      done()
    },
  })
  const ends: string[] = []
  const link = openWorkerLink(
    socket,
    () => undefined,
    (reason) => ends.push(reason),
  )
  return { link, socket, writes, ends }
}

test('frames of one turn leave in their order as one write', async () => {
  const { link, writes } = recorded()
  link.sendJson(workerFrame.EVENT, 2, { kind: 'x' })
  link.send(workerFrame.DATA, 2, Buffer.from('answer'))
  link.send(workerFrame.FIN, 2)
  assert.equal(writes.length, 0)
  await new Promise(setImmediate)
  assert.equal(writes.length, 1)
  const types: number[] = []
  const all = writes[0] as Buffer
  for (let at = 0; at < all.length; at += 4 + all.readUInt32BE(at)) types.push(all.readUInt8(at + 4))
  assert.deepEqual(types, [workerFrame.EVENT, workerFrame.DATA, workerFrame.FIN])
})

test('what one turn sends is written before it is more than a piece', async () => {
  const { link, writes } = recorded()
  for (let i = 0; i < 64; i++) link.send(workerFrame.DATA, 2, Buffer.alloc(8192))
  await new Promise(setImmediate)
  assert.ok(writes.length >= 7 && writes.every((bytes) => bytes.length < 80_000), writes.map(({ length }) => length).join(' '))
  assert.equal(
    writes.reduce((sum, { length }) => sum + length, 0),
    64 * (8192 + 9),
  )
})

test('a stream carries a megabyte each way, whole and within its credit', async () => {
  const [near, far] = duplexPair()
  const streams: Record<'near' | 'far', LinkStream | undefined> = { near: undefined, far: undefined }
  const frames =
    (side: 'near' | 'far') =>
    (type: number, _stream: number, payload: Buffer): void => {
      const stream = streams[side] as LinkStream
      if (type === workerFrame.DATA) {
        assert.ok(stream.receive(payload), 'more than its credit')
      } else if (type === workerFrame.CREDIT) stream.receiveCredit(payload.readUInt32BE(0))
      else if (type === workerFrame.FIN) stream.receiveEnd()
    }
  const broken = (reason: string): void => assert.fail(reason)
  streams.near = new LinkStream(openWorkerLink(near, frames('near'), broken), 2)
  streams.far = new LinkStream(openWorkerLink(far, frames('far'), broken), 2)
  const sent = Buffer.from(Array.from({ length: 4 * streamCredit }, (_, i) => i % 251))
  const got: Record<string, Buffer[]> = { near: [], far: [] }
  for (const side of ['near', 'far'] as const) {
    const stream = streams[side] as LinkStream
    stream.on('data', (part: Buffer) => got[side]?.push(part))
    stream.end(sent)
  }
  await Promise.all([once(streams.near, 'close'), once(streams.far, 'close')])
  for (const side of ['near', 'far']) assert.ok(Buffer.concat(got[side] as Buffer[]).equals(sent), side)
})

test('a frame that breaks the wire ends the link once', async () => {
  const { socket, ends } = recorded()
  socket.push(Buffer.from([0, 0, 0, 1, 9, 9, 9, 9, 9]))
  await new Promise(setImmediate)
  assert.deepEqual(ends, ['a frame of 1 bytes'])
})

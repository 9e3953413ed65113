import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { initialCredit } from '@shenlou/contract/tunnel'

import { all, closed, frame, type Pair, pair, relayIdentity, stream, text, until } from './tunnel-fixture.ts'

test('a stream reaches the gate with all that the relay said, and the relay is the one in the certificate', async (t) => {
  const p = await pair(t)
  const open = frame()
  const near = p.tunnel.open(open)
  near.write('early')
  await until('the gate has the stream', () => p.opened.length === 1)
  const [got] = p.opened as [Pair['opened'][number]]
  assert.deepEqual(got.open, open)
  assert.equal(got.relay, relayIdentity.sensor)
  got.stream.accept()
  await near.opened
  const [early] = await once(got.stream, 'data')
  assert.equal(early.toString(), 'early')
})

test('either side may end its direction first and still hear the other', async (t) => {
  const p = await pair(t)
  for (const firstIsNear of [true, false]) {
    const { near, far } = await stream(p)
    const [first, second] = firstIsNear ? [near, far] : [far, near]
    first.end('question')
    assert.equal(await text(second), 'question')
    const answer = text(first)
    await wait(20)
    second.end('late answer')
    assert.equal(await answer, 'late answer')
    await until('both are gone', () => near.destroyed && far.destroyed)
    assert.equal(near.resetReason, undefined)
    assert.equal(far.resetReason, undefined)
  }
  assert.equal(p.tunnel.streams, 0)
})

test('a reset by either side reaches the other as ECONNRESET with its reason', async (t) => {
  const p = await pair(t)
  for (const firstIsNear of [true, false]) {
    const { near, far } = await stream(p)
    const [first, second] = firstIsNear ? [near, far] : [far, near]
    const error = once(second, 'error')
    first.reset('closed')
    assert.equal((await error)[0].code, 'ECONNRESET')
    assert.equal(second.resetReason, 'closed')
    await until('no stream is left', () => p.tunnel.streams === 0)
  }
  const { near, far } = await stream(p)
  near.destroy()
  await closed(far)
  assert.equal(far.resetReason, 'peer')
})

test('20 MB pass each way at once, byte for byte', async (t) => {
  const p = await pair(t)
  const { near, far } = await stream(p)
  const up = randomBytes(20_000_000)
  const down = randomBytes(20_000_000)
  const both = Promise.all([all(near), all(far)])
  near.end(up)
  far.end(down)
  const [gotDown, gotUp] = await both
  assert.ok(gotDown.equals(down))
  assert.ok(gotUp.equals(up))
})

test('a reader that does not read stops its own writer at the window and nobody else', async (t) => {
  const p = await pair(t)
  const stuck = await Promise.all(Array.from({ length: 20 }, () => stream(p)))
  const sent = stuck.map(({ near }) => {
    let bytes = 0
    const chunk = Buffer.alloc(16_384)
    const more = () => {
      while (bytes < 50_000_000 && near.write(chunk)) bytes += chunk.length
    }
    near.on('drain', more)
    more()
    return () => bytes
  })
  const { near, far } = await stream(p)
  far.on('data', (bytes) => far.write(bytes))
  for (let i = 0; i < 50; i++) {
    near.write('ping')
    const began = performance.now()
    await once(near, 'data')
    assert.ok(performance.now() - began < 1000)
  }
  for (const bytes of sent) assert.ok(bytes() <= initialCredit + 3 * 65_536, `${bytes()} bytes were taken`)
  // Once it reads, all goes on.
  const [first] = stuck as [(typeof stuck)[number]]
  first.far.resume()
  await until('the writer went on', () => (sent[0] as () => number)() > 2_000_000)
})

test('a thousand streams opened and reset at once leave nothing behind', async (t) => {
  const p = await pair(t)
  for (let i = 0; i < 1000; i++) p.tunnel.open(frame()).reset('closed')
  await until('the gate saw them', () => p.opened.length === 1000)
  await until('the gate dropped them', () => p.gate.relays()[0]?.streams === 0)
  assert.equal(p.tunnel.streams, 0)
  const { near, far } = await stream(p)
  near.end('still here')
  assert.equal(await text(far), 'still here')
})

test('datagrams keep their boundaries, empty ones too', async (t) => {
  const p = await pair(t)
  const { near, far } = await stream(p, 'udp')
  const got: number[] = []
  far.on('datagram', (bytes: Buffer) => got.push(bytes.length))
  for (const length of [1, 0, 65_507, 3]) assert.ok(near.sendDatagram(Buffer.alloc(length)))
  await until('all came', () => got.length === 4)
  assert.deepEqual(got, [1, 0, 65_507, 3])
  assert.throws(() => near.sendDatagram(Buffer.alloc(65_508)), RangeError)
  let dropped = 0
  for (let i = 0; i < 20; i++) if (!near.sendDatagram(Buffer.alloc(60_000))) dropped += 1
  assert.ok(dropped >= 16, 'more than 256 KiB waited')
})

test('a placement that is not the relay’s is refused with the gate’s reason', async (t) => {
  const p = await pair(t, { check: (open) => (open.placement === 'p1' ? 'not-yours' : 'ok') })
  const near = p.tunnel.open(frame())
  await assert.rejects(near.opened, /not-yours/)
  assert.equal(near.resetReason, 'not-yours')
})

test('a relay is held to its quotas of streams, opens and bytes', async (t) => {
  const p = await pair(t, { quotas: { streams: 5, opensPerSecond: 8, bytesPerSecond: 1_000_000 } })
  const opened = Array.from({ length: 10 }, () => p.tunnel.open(frame()))
  await until('five were refused', () => opened.filter((each) => each.resetReason === 'quota').length === 5)
  for (const each of opened.slice(1, 5)) each.reset('closed')
  await until('they are gone', () => p.gate.relays()[0]?.streams === 1)
  const more = Array.from({ length: 10 }, () => p.tunnel.open(frame()))
  await until('opens beyond eight a second were refused', () => more.filter((each) => each.resetReason === 'quota').length >= 6)
  const { stream: far } = p.opened[0] as Pair['opened'][number]
  far.resume()
  const began = performance.now()
  opened[0]?.end(Buffer.alloc(2_500_000))
  await once(far, 'end')
  assert.ok(performance.now() - began > 1000, 'a second for each million beyond the first')
})

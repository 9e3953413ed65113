import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { frameType, initialCredit, type OpenFrame } from '@shenlou/contract/tunnel'
import { WebSocket } from 'ws'
import { createAuthority } from './authority.ts'
import { dial } from './dial.ts'
import { issueIdentity } from './identity.ts'
import type { Authority, SensorIdentity } from './identity-types.ts'
import { encodeCredit, encodeFrame, encodeJson, parseFrame } from './tunnel-frame.ts'
import { listenTunnel } from './tunnel-gate.ts'
import { connectTunnel } from './tunnel-relay.ts'
import type { ConnectTunnelOptions, ListenTunnelOptions, Tunnel, TunnelListener, TunnelStream } from './tunnel-types.ts'
import { uuidv7 } from './uuid.ts'

let dir: string
let authority: Authority
let relayIdentity: SensorIdentity
let gateIdentity: SensorIdentity
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tunnel-'))
  authority = await createAuthority(dir, randomBytes(32))
  relayIdentity = await issueIdentity(authority, 'relay')
  gateIdentity = await issueIdentity(authority, 'decoys')
})
after(() => rm(dir, { recursive: true, force: true }))

const until = async (what: string, done: () => boolean, ms = 10_000): Promise<void> => {
  for (const end = Date.now() + ms; !done(); await wait(5)) assert.ok(Date.now() < end, `${what} within ${ms} ms`)
}
const frame = (transport: 'tcp' | 'udp' = 'tcp'): OpenFrame => ({
  connection: uuidv7(),
  transport,
  source: { ip: '198.51.100.7', port: 40000 },
  destination: { ip: '192.0.2.1', port: 22 },
  placement: 'p1',
  observed: { ttl: 57 },
  acceptedAt: Date.now(),
})
/** All that comes until the end. Not `for await`, which destroys a Duplex whose other direction is still open. */
const all = async (stream: TunnelStream): Promise<Buffer> => {
  const parts: Buffer[] = []
  stream.on('data', (part) => parts.push(part))
  await once(stream, 'end')
  return Buffer.concat(parts)
}
const text = async (stream: TunnelStream): Promise<string> => (await all(stream)).toString()
const closed = (stream: TunnelStream) => new Promise<void>((resolve) => stream.once('close', resolve))

type Pair = { gate: TunnelListener; tunnel: Tunnel; opened: Array<{ stream: TunnelStream; open: OpenFrame; relay: string }> }
async function pair(
  t: { after(end: () => unknown): void },
  listen: Partial<ListenTunnelOptions> = {},
  dialled: Partial<ConnectTunnelOptions> = {},
): Promise<Pair> {
  const opened: Pair['opened'] = []
  const gate = await listenTunnel({
    address: '127.0.0.1:0',
    identity: gateIdentity,
    allow: () => true,
    check: () => 'ok',
    onStream: (stream, open, relay) => opened.push({ stream, open, relay }),
    ...listen,
  })
  const tunnel = connectTunnel({ address: `127.0.0.1:${gate.port}`, expect: gateIdentity.sensor, identity: relayIdentity, ...dialled })
  t.after(async () => {
    await tunnel.close()
    await gate.close()
  })
  if (!dialled.expect && !dialled.identity) await until('the tunnel is up', () => tunnel.state.up)
  return { gate, tunnel, opened }
}
/** A stream and its other end. */
async function stream(p: Pair, transport: 'tcp' | 'udp' = 'tcp'): Promise<{ near: TunnelStream; far: TunnelStream }> {
  const count = p.opened.length
  const near = p.tunnel.open(frame(transport))
  await until('the gate has the stream', () => p.opened.length > count)
  return { near, far: (p.opened[count] as Pair['opened'][number]).stream }
}

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

test('without a gate a stream is reset at once, and the tunnel comes back by itself', async (t) => {
  const p = await pair(t)
  const { near } = await stream(p)
  const { port } = p.gate
  await p.gate.close()
  await closed(near)
  assert.equal(near.resetReason, 'shutdown')
  await until('the relay noticed', () => !p.tunnel.state.up)
  const refused = p.tunnel.open(frame())
  await assert.rejects(refused.opened)
  assert.equal(refused.resetReason, 'shutdown')
  const again = await listenTunnel({
    address: `127.0.0.1:${port}`,
    identity: gateIdentity,
    allow: () => true,
    check: () => 'ok',
    onStream: (far) => far.end('back'),
  })
  t.after(() => again.close())
  await until('it is up again', () => p.tunnel.state.up)
  assert.equal(await text(p.tunnel.open(frame())), 'back')
})

test('a peer that went silent is noticed by both ends', async (t) => {
  const ends: string[] = []
  const gate = await listenTunnel({
    address: '127.0.0.1:0',
    identity: gateIdentity,
    allow: () => true,
    check: () => 'ok',
    onStream: () => undefined,
    onRelay: (_relay, up, reason) => !up && ends.push(reason),
    heartbeatMs: 100,
  })
  // Between the two: a wire that can be cut without a word.
  const wires: Socket[] = []
  const middle = createServer((near) => {
    const far = connect(gate.port, '127.0.0.1')
    for (const each of [near, far]) each.on('error', () => undefined)
    near.pipe(far).pipe(near)
    wires.push(near, far)
  }).listen(0, '127.0.0.1')
  await once(middle, 'listening')
  const tunnel = connectTunnel({
    address: `127.0.0.1:${(middle.address() as AddressInfo).port}`,
    expect: gateIdentity.sensor,
    identity: relayIdentity,
    heartbeatMs: 100,
  })
  t.after(async () => {
    await tunnel.close()
    await gate.close()
    for (const wire of wires) wire.destroy()
    middle.close()
  })
  await until('the tunnel is up', () => tunnel.state.up)
  const reasons: (string | undefined)[] = []
  for (const wire of wires) {
    wire.unpipe()
    wire.pause()
  }
  await until('both noticed', () => {
    reasons.push(tunnel.state.reason)
    return ends.length > 0 && reasons.includes('the other end is silent')
  })
  assert.equal(ends[0], 'the other end is silent')
})

test('a gate with another role, another id or another authority is refused, and so is a relay', async (t) => {
  const stranger = await createAuthority(await mkdtemp(join(dir, 'other-')), randomBytes(32))
  const cases: Array<[Partial<ListenTunnelOptions>, Partial<ConnectTunnelOptions>]> = [
    [{ identity: await issueIdentity(authority, 'relay') }, { expect: gateIdentity.sensor }],
    [{}, { expect: randomUUID() }],
    [{ identity: await issueIdentity(stranger, 'decoys', gateIdentity.sensor) }, { expect: gateIdentity.sensor }],
    [{}, { identity: await issueIdentity(authority, 'decoys') }],
    [{}, { identity: await issueIdentity(stranger, 'relay') }],
    [{ allow: () => false }, { identity: relayIdentity }],
    [{}, { identity: await issueIdentity(authority, 'relay', undefined, -1) }],
  ]
  for (const [listen, dialled] of cases) {
    const p = await pair(t, listen, dialled)
    await until('it is refused', () => p.tunnel.state.reason !== 'not connected yet')
    assert.equal(p.tunnel.state.up, false)
    assert.equal(p.gate.relays().length, 0)
  }
})

test('a revoked certificate ends its tunnel at once, on either side', async (t) => {
  for (const side of ['gate', 'relay'] as const) {
    const p = await pair(t)
    const { near } = await stream(p)
    const began = performance.now()
    if (side === 'gate') p.gate.revoke([relayIdentity.serial])
    else p.tunnel.revoke([gateIdentity.serial])
    await closed(near)
    assert.ok(performance.now() - began < 2000)
    await wait(700)
    assert.equal(p.tunnel.state.up, false)
  }
})

test('hostile frames end the tunnel and nothing else', async (t) => {
  const p = await pair(t)
  const open = (id: number) => encodeJson(frameType.OPEN, id, frame())
  const hostile: Array<[string, Buffer[]]> = [
    ['an empty frame', [Buffer.alloc(0)]],
    ['an unknown type', [encodeFrame(99, 1)]],
    ['random bytes', [randomBytes(500)]],
    ['DATA for a stream that never was', [encodeFrame(frameType.DATA, 7, Buffer.from('x'))]],
    ['OPEN with an id that falls', [open(5), open(4)]],
    ['OPEN with an id used before', [open(5), encodeFrame(frameType.RESET, 5, Uint8Array.of(0)), open(5)]],
    ['OPEN on stream 0', [open(0)]],
    ['OPEN that is no JSON', [encodeFrame(frameType.OPEN, 1, Buffer.from('{'))]],
    ['OPEN with a bad address', [encodeJson(frameType.OPEN, 1, { ...frame(), source: { ip: '; drop table', port: 1 } })]],
    ['OPENED from a relay', [open(1), encodeFrame(frameType.OPENED, 1)]],
    ['more DATA than credit', [open(1), ...Array.from({ length: 5 }, () => encodeFrame(frameType.DATA, 1, Buffer.alloc(65_536)))]],
    ['CREDIT of nothing', [open(1), encodeCredit(1, 0)]],
    ['CREDIT without end', [open(1), encodeCredit(1, 0x7fff_ffff), encodeCredit(1, 0x7fff_ffff)]],
    ['DATA after FIN', [open(1), encodeFrame(frameType.FIN, 1), encodeFrame(frameType.DATA, 1, Buffer.from('x'))]],
    ['two FINs', [open(1), encodeFrame(frameType.FIN, 1), encodeFrame(frameType.FIN, 1)]],
    ['an unknown reset reason', [open(1), encodeFrame(frameType.RESET, 1, Uint8Array.of(200))]],
    ['a short PING', [encodeFrame(frameType.PING, 0, Buffer.alloc(3))]],
    ['a second HELLO', [encodeJson(frameType.HELLO, 0, { contract: 1, sensor: relayIdentity.sensor })]],
    ['a frame above the bound', [Buffer.alloc(70_000, 4)]],
  ]
  const enemy = await issueIdentity(authority, 'relay')
  for (const [name, frames] of hostile) {
    const ws = await raw(p.gate.port, enemy)
    ws.send(encodeJson(frameType.HELLO, 0, { contract: 1, sensor: enemy.sensor }))
    for (const each of frames) ws.send(each)
    const began = Date.now()
    await once(ws, 'close')
    assert.ok(Date.now() - began < 3000, `${name} did not end it`)
  }
  for (const [name, first] of [
    ['a hello as somebody else', encodeJson(frameType.HELLO, 0, { contract: 1, sensor: relayIdentity.sensor })],
    ['a hello of a far version', encodeJson(frameType.HELLO, 0, { contract: 99, sensor: enemy.sensor })],
    ['an OPEN before the hello', open(1)],
  ] as const) {
    const ws = await raw(p.gate.port, enemy)
    ws.send(first)
    await once(ws, 'close')
    assert.ok(name)
  }
  const { near, far } = await stream(p)
  near.end('unharmed')
  assert.equal(await text(far), 'unharmed')
  for (let i = 0; i < 20_000; i++) parseFrame(randomBytes(Math.floor(Math.random() * 40)))
})

async function raw(port: number, identity: SensorIdentity): Promise<WebSocket> {
  const { socket } = await dial({ address: `127.0.0.1:${port}`, identity, expect: { role: 'decoys' } })
  const ws = new WebSocket('wss://localhost/tunnel', { createConnection: () => socket, perMessageDeflate: false })
  ws.on('error', () => undefined)
  await once(ws, 'open')
  return ws
}

test('a tunnel passes an HTTP proxy that allows CONNECT', async (t) => {
  const asked: string[] = []
  const proxy = createServer((client) => {
    client.on('error', () => undefined)
    client.once('data', (head: Buffer) => {
      const target = /^CONNECT (\S+):(\d+) HTTP/.exec(head.toString()) as RegExpExecArray
      asked.push(target[0])
      const far = connect(Number(target[2]), target[1], () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n')
        client.pipe(far).pipe(client)
      })
      far.on('error', () => undefined)
    })
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(() => proxy.close())
  const p = await pair(t, {}, { proxy: `127.0.0.1:${(proxy.address() as AddressInfo).port}` })
  const { near, far } = await stream(p)
  near.end('through')
  assert.equal(await text(far), 'through')
  assert.equal(asked.length, 1)
})

import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { frameType } from '@shenlou/contract/tunnel'
import { createAuthority } from './authority.ts'
import { issueIdentity } from './identity.ts'
import { encodeCredit, encodeFrame, encodeJson, parseFrame } from './tunnel-frame.ts'
import { listenTunnel } from './tunnel-gate.ts'
import { connectTunnel } from './tunnel-relay.ts'
import type { ConnectTunnelOptions, ListenTunnelOptions } from './tunnel-types.ts'

import { authority, closed, dir, frame, gateIdentity, pair, raw, relayIdentity, stream, text, until } from './tunnel-fixture.ts'

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

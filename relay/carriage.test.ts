/** Relay, tunnel, gate and worker joined over loopback: what a client sees, what the journals say, and what happens when a part goes away. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { SensorEvent } from '@shenlou/contract/event'
import { personaTemplate } from '@shenlou/contract/persona'
import type { DecoysConfig, RelayConfig } from '@shenlou/contract/sensor'
import { findContainment, spawnContained } from '@shenlou/decoys/contain'
import { type Gate, startGate } from '@shenlou/decoys/gate'
import { serverTemplate } from '@shenlou/decoys/persona-fixture'
import { createAuthority } from '@shenlou/link/authority'
import { openBlobSpool } from '@shenlou/link/blobs'
import { issueIdentity } from '@shenlou/link/identity'
import type { SensorIdentity } from '@shenlou/link/identity-types'
import { openJournal } from '@shenlou/link/journal'
import { encodeProxyHeader } from '@shenlou/link/proxy-protocol'
import { listenTunnel } from '@shenlou/link/tunnel-gate'
import { connectTunnel } from '@shenlou/link/tunnel-relay'
import type { BlobSpool, Journal } from '@shenlou/link/uplink-types'
import { type Relay, startRelay } from './relay.ts'

const dir = mkdtempSync(join(tmpdir(), 'shenlou-carry-'))
const log = (line: string) => process.env.SHENLOU_TEST_LOG && console.error(line)
let identities: Record<'relay' | 'decoys', SensorIdentity>
let journals: Record<'relay' | 'decoys', Journal>
let spool: BlobSpool
let gate: Gate
let relay: Relay
let port = 0
let tunnelPort = 0

/** A port that nobody listens on just now. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const found = (server.address() as { port: number }).port
  await new Promise((resolve) => server.close(resolve))
  return found
}
async function makeGate(): Promise<Gate> {
  const containment = await findContainment(dir)
  const module = new URL('../decoys/worker-main.ts', import.meta.url).href
  const services = new URL('../decoys/echo-fixture.ts', import.meta.url).href
  return startGate({
    dataDir: dir,
    identity: identities.decoys,
    journal: journals.decoys,
    spool,
    listenTunnel,
    spawnWorker: (index) => spawnContained(containment, { module, args: [services], index }),
    log,
  })
}
let ports: number[] = []
const placements = () =>
  [port, ...ports].map((at) => ({
    id: `p${at}`,
    relay: identities.relay.sensor,
    gate: identities.decoys.sensor,
    address: '127.0.0.1',
    port: at,
    transport: 'tcp' as const,
    decoy: 'jump',
    service: 'echo',
  }))
const decoysConfig = (): DecoysConfig => ({
  version: 1,
  role: 'decoys',
  sensor: identities.decoys.sensor,
  name: 'decoys',
  scope: 'group/park-1',
  tunnel: `127.0.0.1:${tunnelPort}`,
  relays: [identities.relay.sensor],
  revoked: [],
  placements: placements(),
  decoys: [
    {
      id: 'jump',
      persona: { ...personaTemplate.parse(serverTemplate), ssh: undefined },
      organisation: { name: { zh: '海川重工', en: 'Haichuan Heavy' }, domain: 'haichuan-heavy.cn' },
      seed: Buffer.alloc(32, 7).toString('hex'),
      secrets: {},
      services: [{ service: 'echo', settings: { greeting: 'hello\n' } }],
    },
  ],
})
const relayConfig = (): RelayConfig => ({
  version: 1,
  role: 'relay',
  sensor: identities.relay.sensor,
  name: 'relay',
  scope: 'group/park-1',
  gates: [{ sensor: identities.decoys.sensor, address: `127.0.0.1:${tunnelPort}` }],
  placements: placements(),
  revoked: [],
})
async function eventsOf(which: 'relay' | 'decoys'): Promise<SensorEvent[]> {
  const found: SensorEvent[] = []
  for (let seq = 1; ; ) {
    const slice = await journals[which].read(seq, 2000)
    if (!slice) return found
    found.push(...slice.events.map(({ json }) => JSON.parse(json.toString()) as SensorEvent))
    seq = slice.last + 1
  }
}
async function eventually(condition: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  for (const until = Date.now() + ms; !(await condition()); ) {
    if (Date.now() > until) throw new Error(`never: ${condition}`)
    await wait(20)
  }
}
interface Peer {
  socket: Socket
  text: string
  ended: boolean
  error: string | undefined
  closed: boolean
}
function dial(to = port, from = '127.0.0.1'): Promise<Peer> {
  return new Promise((resolve) => {
    const socket = connect({ port: to, host: '127.0.0.1', localAddress: from, allowHalfOpen: true })
    const peer: Peer = { socket, text: '', ended: false, error: undefined, closed: false }
    socket.on('data', (chunk) => {
      peer.text += chunk
    })
    socket.on('end', () => {
      peer.ended = true
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      peer.error = error.code
    })
    socket.on('close', () => {
      peer.closed = true
      resolve(peer)
    })
    socket.on('connect', () => resolve(peer))
  })
}

before(async () => {
  const authority = await createAuthority(join(dir, 'ca'), Buffer.alloc(32, 1))
  identities = { relay: await issueIdentity(authority, 'relay'), decoys: await issueIdentity(authority, 'decoys') }
  journals = { relay: await openJournal(join(dir, 'relay')), decoys: await openJournal(join(dir, 'decoys')) }
  spool = await openBlobSpool(join(dir, 'blobs'))
  port = await freePort()
  tunnelPort = await freePort()
  gate = await makeGate()
  await gate.apply(decoysConfig())
  relay = startRelay({ identity: identities.relay, journal: journals.relay, connectTunnel, maxConnections: 300, log })
  await relay.apply(relayConfig())
  await eventually(async () => {
    const peer = await dial()
    peer.socket.destroy()
    return peer.error === undefined
  })
})
after(async () => {
  await relay.close()
  await gate.close()
  await spool.close()
  await Promise.all([journals.relay.close(), journals.decoys.close()])
  rmSync(dir, { recursive: true, force: true })
})

test('a client talks to the decoy through relay, tunnel and worker, and both journals tell of it under one connection', async () => {
  const peer = await dial()
  const from = peer.socket.localPort
  peer.socket.write('whoami\n')
  await eventually(() => peer.text.includes('hello\nwhoami\n'))
  peer.socket.end()
  await eventually(() => peer.ended)
  assert.equal(peer.text, 'hello\nwhoami\nbye\n')
  await eventually(async () => (await eventsOf('relay')).some(({ kind, source }) => kind === 'connection.closed' && source?.port === from))
  const relayed = (await eventsOf('relay')).filter(({ source }) => source?.port === from)
  const seen = (await eventsOf('decoys')).filter(({ source }) => source?.port === from)
  assert.deepEqual(
    [...relayed, ...seen].map(({ kind }) => kind),
    ['connection.opened', 'connection.closed', 'session.opened', 'command.executed', 'session.closed'],
  )
  assert.equal(new Set([...relayed, ...seen].map(({ connection }) => connection)).size, 1)
  assert.deepEqual(relayed[1]?.body, { ...relayed[1]?.body, by: 'client', how: 'end', bytesIn: 7, bytesOut: 17 })
})

test("a PROXY header from outside is the decoy's to read as bytes, and changes nothing of who is said to have come", async () => {
  const v2 = encodeProxyHeader({ transport: 'tcp', source: { ip: '198.51.100.7', port: 4444 }, destination: { ip: '198.51.100.8', port: 22 } })
  for (const header of [Buffer.from('PROXY TCP4 198.51.100.7 198.51.100.8 4444 22\r\n'), v2]) {
    const peer = await dial()
    const from = peer.socket.localPort
    peer.socket.write(Buffer.concat([header, Buffer.from('whoami\n')]))
    await eventually(() => peer.text.includes('whoami\n'))
    peer.socket.end()
    await eventually(() => peer.ended)
    await eventually(async () => (await eventsOf('relay')).some(({ kind, source }) => kind === 'connection.closed' && source?.port === from))
    const all = [...(await eventsOf('relay')), ...(await eventsOf('decoys'))]
    assert.ok(!all.some(({ source }) => source?.ip === '198.51.100.7'))
    const closed = all.find(({ kind, source }) => kind === 'connection.closed' && source?.port === from)
    assert.deepEqual(closed?.source, { ip: '127.0.0.1', port: from })
    assert.equal((closed?.body as { bytesIn?: number } | undefined)?.bytesIn, header.length + 7)
  }
})

test('a reset passes both ways', async () => {
  const peer = await dial()
  await eventually(() => peer.text.includes('hello'))
  peer.socket.write('reset\n')
  await eventually(() => peer.closed)
  assert.equal(peer.error, 'ECONNRESET')
  const other = await dial()
  await eventually(() => other.text.includes('hello'))
  other.socket.resetAndDestroy()
  await eventually(() => relay.health().streams === 0 && gate.health().streams === 0)
})

test('two hundred clients at once are each served whole', async () => {
  const peers = await Promise.all(Array.from({ length: 200 }, () => dial()))
  const big = 'x'.repeat(20_000)
  for (const [nth, { socket }] of peers.entries()) socket.end(`${nth} ${big}\n`)
  await eventually(() => peers.every(({ ended }) => ended))
  for (const [nth, { text }] of peers.entries()) assert.equal(text, `hello\n${nth} ${big}\nbye\n`)
})

test('silent connections beyond what fits displace each other, never a client that speaks', async () => {
  const speaking = await dial()
  speaking.socket.write('first\n')
  await eventually(() => speaking.text.includes('first'))
  const silent = await Promise.all(Array.from({ length: 900 }, () => dial()))
  for (let nth = 0; nth < 20; nth++) {
    const newcomer = await dial()
    newcomer.socket.end(`client ${nth}\n`)
    await eventually(() => newcomer.ended)
    assert.equal(newcomer.text, `hello\nclient ${nth}\nbye\n`)
  }
  assert.ok(relay.health().streams <= 300)
  assert.ok(silent.filter(({ error }) => error === 'ECONNRESET').length >= 600)
  speaking.socket.end('last\n')
  await eventually(() => speaking.ended)
  assert.equal(speaking.text, 'hello\nfirst\nlast\nbye\n')
  for (const { socket } of silent) socket.destroy()
  await eventually(() => relay.health().streams === 0 && gate.health().streams === 0)
  const count = async (kind: string) => (await eventsOf('relay')).filter((event) => event.kind === kind).length
  await eventually(async () => (await count('connection.opened')) === (await count('connection.closed')))
  const displaced = (await eventsOf('relay')).filter(({ kind, body }) => kind === 'connection.closed' && body.by === 'relay' && body.how === 'reset')
  assert.ok(displaced.length >= 600, `${displaced.length} were displaced`)
})

test('a port that is taken is a problem that passes; touching ports silently is a scan', async () => {
  ports = [await freePort(), await freePort(), await freePort()]
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(ports[1], '127.0.0.1', resolve))
  await gate.apply(decoysConfig())
  await relay.apply(relayConfig())
  assert.deepEqual(relay.health().problems, [`listen-failed 127.0.0.1:${ports[1]} EADDRINUSE`])
  await new Promise((resolve) => taken.close(resolve))
  await eventually(() => relay.health().problems.length === 0)
  for (const at of ports) (await dial(at, '127.0.0.9')).socket.destroy()
  const scans = async () => (await eventsOf('relay')).filter(({ kind, source }) => kind === 'scan.detected' && source?.ip === '127.0.0.9')
  await eventually(async () => (await scans()).length === 1)
  assert.deepEqual((await scans())[0]?.body, { ...(await scans())[0]?.body, type: 'port', addresses: ['127.0.0.1'], ports: ports.toSorted((a, b) => a - b) })
  ports = []
  await relay.apply(relayConfig())
  assert.equal((await dial(placements()[0]?.port)).error, undefined)
})

test('without its gate the relay is as a host with a closed port, and serves again when the gate is back', async () => {
  const open = await dial()
  await eventually(() => open.text.includes('hello'))
  const from = open.socket.localPort
  await gate.close()
  await eventually(() => open.closed)
  assert.equal(open.error, 'ECONNRESET')
  await eventually(async () => (await dial()).error === 'ECONNREFUSED')
  assert.ok(relay.health().problems.some((problem) => problem.startsWith('tunnel-down')))
  // An earlier client may have had the same port: the last session of that port is meant.
  const ofPort = (await eventsOf('decoys')).filter(({ source, kind }) => source?.port === from && kind.startsWith('session.'))
  const sessions = ofPort.filter(({ connection }) => connection === ofPort.at(-1)?.connection)
  assert.deepEqual(
    sessions.map(({ kind }) => kind),
    ['session.opened', 'session.closed'],
  )

  gate = await makeGate()
  await gate.apply(decoysConfig())
  await eventually(async () => {
    const peer = await dial()
    peer.socket.destroy()
    return peer.error === undefined
  }, 30_000)
  const again = await dial()
  await eventually(() => again.text.includes('hello'))
  again.socket.destroy()
  const kinds = (await eventsOf('relay')).map(({ kind }) => kind).filter((kind) => kind.startsWith('tunnel'))
  assert.deepEqual(kinds, ['tunnel.opened', 'tunnel.closed', 'tunnel.opened'])
})

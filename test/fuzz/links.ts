/** Fuzz targets between our own parts, each as met from a peer that was taken over: the gate by a relay, the core by a sensor. */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contractVersion } from '@shenlou/contract/event'
import { frameType, type OpenFrame } from '@shenlou/contract/tunnel'
import { createAuthority } from '@shenlou/link/authority'
import { dial } from '@shenlou/link/dial'
import { openSensorDoor } from '@shenlou/link/door'
import { issueIdentity } from '@shenlou/link/identity'
import type { SensorIdentity } from '@shenlou/link/identity-types'
import { encodeCredit, encodeFrame, encodeJson, encodeReset } from '@shenlou/link/tunnel-frame'
import { listenTunnel } from '@shenlou/link/tunnel-gate'
import { connectTunnel } from '@shenlou/link/tunnel-relay'
import { uuidv7 } from '@shenlou/link/uuid'
import { WebSocket } from 'ws'
import { until } from '../installation.ts'
import type { FuzzTarget } from './run.ts'

export const temporary = (name: string): string => mkdtempSync(join(tmpdir(), `shenlou-fuzz-${name}-`))

export const openFrame = (placement: string): OpenFrame => ({
  connection: uuidv7(),
  transport: 'tcp',
  source: { ip: '198.51.100.7', port: 40000 },
  destination: { ip: '192.0.2.1', port: 22 },
  placement,
  observed: { ttl: 57 },
  acceptedAt: Date.now(),
})

/** A WebSocket to a door of ours with a sensor's own certificate. */
async function channel(address: string, path: string, identity: SensorIdentity, role: 'decoys' | 'core'): Promise<WebSocket> {
  const { socket } = await dial({ address, identity, expect: { role } })
  const ws = new WebSocket(`wss://localhost${path}`, { createConnection: () => socket, perMessageDeflate: false })
  ws.on('error', () => undefined)
  await Promise.race([once(ws, 'open'), once(ws, 'close')])
  return ws
}

/** Resolves when it is closed, or when a ping that was sent behind all else is answered. */
async function taken(ws: WebSocket): Promise<void> {
  if (ws.readyState === WebSocket.OPEN) {
    const answered = new Promise<void>((resolve) => {
      ws.once('pong', () => resolve())
      ws.once('close', () => resolve())
    })
    ws.ping()
    await answered
  }
  ws.terminate()
}

async function tunnel(): Promise<FuzzTarget> {
  const folder = temporary('tunnel')
  const authority = await createAuthority(folder, randomBytes(32))
  const relay = await issueIdentity(authority, 'relay')
  const other = await issueIdentity(authority, 'relay')
  const gateIdentity = await issueIdentity(authority, 'decoys')
  const gate = await listenTunnel({
    address: '127.0.0.1:0',
    identity: gateIdentity,
    allow: () => true,
    check: () => 'ok',
    onStream(stream) {
      stream.on('error', () => undefined)
      stream.pipe(stream)
    },
  })
  const address = `127.0.0.1:${gate.port}`
  const hello = encodeJson(frameType.HELLO, 0, { contract: contractVersion, sensor: relay.sensor })
  const peer = connectTunnel({ address, expect: gateIdentity.sensor, identity: other })
  await until('the legitimate tunnel', () => peer.state.up)
  return {
    name: 'tunnel',
    corpus: [
      hello,
      encodeJson(frameType.OPEN, 1, openFrame('p1')),
      encodeJson(frameType.OPEN, 2, openFrame('p2')),
      encodeFrame(frameType.DATA, 1, Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')),
      encodeFrame(frameType.DATAGRAM, 1, Buffer.from('datagram')),
      encodeCredit(1, 65_536),
      encodeFrame(frameType.FIN, 1),
      encodeReset(1, 'peer'),
      encodeFrame(frameType.PING, 0, Buffer.from('12345678')),
    ],
    concurrency: 1,
    async feed(input, pick) {
      const ws = await channel(address, '/tunnel', relay, 'decoys')
      if (pick(5) > 0) ws.send(hello)
      if (pick(3) > 0) ws.send(encodeJson(frameType.OPEN, 1, openFrame('p1')))
      for (let at = 0; at < input.length && ws.readyState === WebSocket.OPEN; ) {
        const size = pick(3) > 0 ? input.length : 1 + pick(600)
        ws.send(input.subarray(at, at + size), { binary: pick(10) > 0 })
        at += size
      }
      if (pick(2) > 0) ws.send(encodeFrame(frameType.DATA, 1 + pick(2), input.subarray(0, 60_000)))
      await taken(ws)
    },
    async serves() {
      const stream = peer.open(openFrame('p1'))
      stream.end('echo')
      const [back] = (await once(stream, 'data')) as [Buffer]
      assert.equal(back.toString(), 'echo')
      stream.destroy()
    },
    async close() {
      await peer.close()
      await gate.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function door(): Promise<FuzzTarget> {
  const folder = temporary('door')
  const authority = await createAuthority(folder, randomBytes(32))
  const bad = await issueIdentity(authority, 'relay')
  const good = await issueIdentity(authority, 'relay')
  const committed = new Map<string, number>()
  const opened = await openSensorDoor({
    authority,
    host: '127.0.0.1',
    port: 0,
    handlers: {
      enrol: async () => assert.fail('nobody enrols here'),
      renew: async ({ peer, csr }) => await authority.signCsr({ csr, sensor: peer.sensor, role: peer.role }),
      config: async (sensor) => ({ version: 1, role: 'relay', sensor, name: 'r', scope: 'group', gates: [], placements: [], revoked: [] }),
      blob: async ({ bytes, from }) => ({ received: from + bytes.length }),
      blobOffered: async () => 0,
      hello: async (_sensor, { epoch }) => ({ confirmed: true, committed: committed.get(epoch) ?? 0, configVersion: 1 }),
      async batch({ epoch, last, events }) {
        for (const event of events) assert.ok(Number.isInteger(event.seq), 'the door checks what it hands on')
        if (committed.size > 100) committed.clear()
        committed.set(epoch, last)
        return last
      },
      health: () => undefined,
      gone: () => undefined,
      cloned: () => undefined,
    },
  })
  const address = `127.0.0.1:${opened.port}`
  const epoch = randomUUID()
  const text = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
  const hello = (of: string): Buffer => text({ type: 'hello', contract: contractVersion, epoch: of, nextSeq: 1, version: '0.1.0' })
  const event = (seq: number) => ({ id: uuidv7(), seq, time: Date.now(), kind: 'sensor.stopped', body: { reason: 'x' } })
  const health = {
    type: 'health',
    health: {
      ...{ version: '0.1.0', uptimeMs: 1, rssBytes: 1, queueEvents: 0, queueBytes: 0, journalBytes: 0 },
      ...{ clock: Date.now(), sessions: 0, streams: 0, configVersion: 1, problems: ['listen-failed 127.0.0.1:22 EADDRINUSE'] },
    },
  }
  const { csr } = await (await import('@shenlou/link/identity')).createKeyAndCsr()
  return {
    name: 'sensor door',
    corpus: [
      hello(epoch),
      text({ type: 'batch', epoch, first: 1, last: 3, events: [event(1), event(2), event(3)] }),
      text(health),
      text({ type: 'blob', sha256: 'a'.repeat(64), size: 10 }),
      Buffer.from(`POST /enrol HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"token":"${uuidv7()}"}`),
      Buffer.from(`POST /renew HTTP/1.1\r\nHost: x\r\nContent-Length: ${csr.length + 20}\r\n\r\n${JSON.stringify({ csr })}`),
      Buffer.from(`PUT /blobs/${'a'.repeat(64)} HTTP/1.1\r\nHost: x\r\nContent-Range: bytes 0-9/10\r\nContent-Length: 10\r\n\r\n0123456789`),
      Buffer.from('GET /config HTTP/1.1\r\nHost: x\r\n\r\n'),
    ],
    concurrency: 1,
    async feed(input, pick) {
      if (/^(GET|POST|PUT) /.test(input.toString('latin1', 0, 5))) {
        const { socket } = await dial({ address, identity: bad, expect: { role: 'core' } })
        socket.setTimeout(100, () => socket.destroy())
        socket.on('data', () => undefined)
        socket.end(input)
        if (!socket.destroyed) await new Promise((done) => socket.once('close', done))
        return
      }
      const ws = await channel(address, '/channel', bad, 'core')
      if (pick(5) > 0) ws.send(hello(epoch), { binary: false })
      ws.send(input, { binary: pick(10) === 0 })
      await taken(ws)
    },
    async serves() {
      const ws = await channel(address, '/channel', good, 'core')
      const mine = randomUUID()
      const welcomed = once(ws, 'message')
      ws.send(hello(mine), { binary: false })
      await welcomed
      const acked = once(ws, 'message')
      ws.send(text({ type: 'batch', epoch: mine, first: 1, last: 1, events: [event(1)] }), { binary: false })
      const [answer] = (await acked) as [Buffer]
      assert.deepEqual(JSON.parse(answer.toString()), { type: 'ack', epoch: mine, committed: 1 })
      ws.close()
      await once(ws, 'close')
    },
    async close() {
      await opened.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const linkTargets: Readonly<Record<string, () => Promise<FuzzTarget>>> = {
  'the tunnel, from a relay that was taken over,': tunnel,
  "the sensors' door, from a sensor that was taken over,": door,
}

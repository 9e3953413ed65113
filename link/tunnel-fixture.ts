/** For tests: both ends of a tunnel in one process. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type OpenFrame } from '@shenlou/contract/tunnel'
import { WebSocket } from 'ws'
import { createAuthority } from './authority.ts'
import { dial } from './dial.ts'
import { issueIdentity } from './identity.ts'
import type { Authority, SensorIdentity } from './identity-types.ts'
import { listenTunnel } from './tunnel-gate.ts'
import { connectTunnel } from './tunnel-relay.ts'
import type { ConnectTunnelOptions, ListenTunnelOptions, Tunnel, TunnelListener, TunnelStream } from './tunnel-types.ts'
import { uuidv7 } from './uuid.ts'

/** A folder of the file's own, an authority in it, and an identity of each end. */
export const dir = await mkdtemp(join(tmpdir(), 'tunnel-'))
export const authority: Authority = await createAuthority(dir, randomBytes(32))
export const relayIdentity: SensorIdentity = await issueIdentity(authority, 'relay')
export const gateIdentity: SensorIdentity = await issueIdentity(authority, 'decoys')
after(() => rm(dir, { recursive: true, force: true }))

export const until = async (what: string, done: () => boolean, ms = 10_000): Promise<void> => {
  for (const end = Date.now() + ms; !done(); await wait(5)) assert.ok(Date.now() < end, `${what} within ${ms} ms`)
}
export const frame = (transport: 'tcp' | 'udp' = 'tcp'): OpenFrame => ({
  connection: uuidv7(),
  transport,
  source: { ip: '198.51.100.7', port: 40000 },
  destination: { ip: '192.0.2.1', port: 22 },
  placement: 'p1',
  observed: { ttl: 57 },
  acceptedAt: Date.now(),
})
/** All that comes until the end. Not `for await`, which destroys a Duplex whose other direction is still open. */
export const all = async (stream: TunnelStream): Promise<Buffer> => {
  const parts: Buffer[] = []
  stream.on('data', (part) => parts.push(part))
  await once(stream, 'end')
  return Buffer.concat(parts)
}
export const text = async (stream: TunnelStream): Promise<string> => (await all(stream)).toString()
export const closed = (stream: TunnelStream) => new Promise<void>((resolve) => stream.once('close', resolve))

export type Pair = { gate: TunnelListener; tunnel: Tunnel; opened: Array<{ stream: TunnelStream; open: OpenFrame; relay: string }> }
export async function pair(
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
export async function stream(p: Pair, transport: 'tcp' | 'udp' = 'tcp'): Promise<{ near: TunnelStream; far: TunnelStream }> {
  const count = p.opened.length
  const near = p.tunnel.open(frame(transport))
  await until('the gate has the stream', () => p.opened.length > count)
  return { near, far: (p.opened[count] as Pair['opened'][number]).stream }
}

/** A peer that speaks frames by hand. */
export async function raw(port: number, identity: SensorIdentity): Promise<WebSocket> {
  const { socket } = await dial({ address: `127.0.0.1:${port}`, identity, expect: { role: 'decoys' } })
  const ws = new WebSocket('wss://localhost/tunnel', { createConnection: () => socket, perMessageDeflate: false })
  ws.on('error', () => undefined)
  await once(ws, 'open')
  return ws
}

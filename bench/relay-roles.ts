/** Processes of relay.bench.ts, each this file with the name of its role: prints one line when it is ready. */
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { RelayConfig } from '@shenlou/contract/sensor'
import { openIdentity } from '../link/identity.ts'
import type { SensorIdentity } from '../link/identity-types.ts'
import { openJournal } from '../link/journal.ts'
import { parseProxyHeader } from '../link/proxy-protocol.ts'
import { listenTunnel } from '../link/tunnel-gate.ts'
import { connectTunnel } from '../link/tunnel-relay.ts'
import { dropRoot, giveFolder, relayUser } from '../relay/capture/privilege.ts'
import { runCapture } from '../relay/capture/main.ts'
import { startCapture } from '../relay/capture/start.ts'
import { startRelay } from '../relay/relay.ts'
import { median } from './row.ts'

const unlimited = { streams: 1e6, opensPerSecond: 1e6, bytesPerSecond: 1e12 }
export const network = '10.77.64.0/19'
export const port = 80

/** The nth of the addresses, each a host with a MAC of its own. */
export const addressOf = (nth: number): string => `10.77.${64 + Math.floor((nth + 256) / 256)}.${(nth + 256) % 256}`
export const macOf = (nth: number): string => `00:1b:1b:01:${[nth >> 8, nth & 255].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`

export interface Load {
  connections: number
  /** Of one connection after the other, from SYN to the end of the answer, and of one byte there and back. */
  setupMs: number
  rttMs: number
}

/** `e` answers and ends, `p` answers each byte. */
function serve(stream: Duplex): void {
  stream.on('error', () => undefined)
  stream.once('data', (first: Buffer) => {
    if (first[0] === 0x65) return stream.resume().end('answer')
    stream.write(first)
    return stream.on('data', (bytes) => stream.write(bytes)).on('end', () => stream.end())
  })
}

async function gate(dir: string): Promise<string> {
  const identity = (await openIdentity(dir)) as SensorIdentity
  const listener = await listenTunnel({ address: '127.0.0.1:0', identity, allow: () => true, check: () => 'ok', quotas: unlimited, onStream: serve })
  return String(listener.port)
}

/** A whole relay without its core: `engine` is the product's, or one that claims at once and says how long the kernel took. */
async function relay(dir: string, gatePort: string, gateSensor: string, device: string, count: string, engine: string): Promise<string> {
  const identity = (await openIdentity(dir)) as SensorIdentity
  const own = join(dir, 'own')
  mkdirSync(own)
  const program = engine === 'timing' ? { program: [process.execPath, fileURLToPath(import.meta.url), 'engine'] } : {}
  const capture = await startCapture({ interfaces: [device], log: (line) => process.stderr.write(`${line}\n`), ...program })
  giveFolder(dir, relayUser)
  dropRoot()
  const journal = await openJournal(own)
  const nowhere = setInterval(() => journal.ack(journal.nextSeq - 1), 500)
  nowhere.unref()
  const started = startRelay({ identity, journal, connectTunnel, capture, log: (line) => process.stderr.write(`${line}\n`) })
  const hosts = Array.from({ length: Number(count) }, (_, nth) => ({
    segment: 'hall',
    address: addressOf(nth),
    mac: macOf(nth),
    tcp: (['linux', 'windows', 'embedded'] as const)[nth % 3] ?? 'linux',
    closed: 'reset' as const,
  }))
  const config: RelayConfig = {
    version: 1,
    role: 'relay',
    sensor: identity.sensor,
    name: 'relay',
    scope: 'group',
    gates: [{ sensor: gateSensor, address: `127.0.0.1:${gatePort}` }],
    placements: hosts.map(({ address }) => ({
      id: `p ${address}`,
      relay: identity.sensor,
      gate: gateSensor,
      address,
      port,
      transport: 'tcp',
      decoy: 'd',
      service: 'ssh',
    })),
    segments: [{ id: 'hall', interface: device, network, dhcpServers: [], exclusions: [], quietS: 1, quota: hosts.length, dryRun: false, released: false }],
    hosts,
    revoked: [],
  }
  await started.apply(config)
  const end = Date.now() + 120_000
  while (started.health().segments?.[0]?.claimed !== hosts.length) {
    if (Date.now() > end) throw new Error(`not claimed: ${JSON.stringify(started.health())}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return 'claimed'
}

/** The capture process with an engine that claims every host at once, and says in a line how many milliseconds that took. */
const engine = (): Promise<never> =>
  runCapture(({ segment, hosts, kernel, log }) => {
    let claimed = 0
    const begun = performance.now()
    void kernel.claim(hosts).then(
      () => {
        claimed = hosts.length
        if (claimed > 0) log?.(`claimed ${claimed} in ${performance.now() - begun} ms`)
      },
      (error: Error) => log?.(error.message),
    )
    return {
      update() {},
      health: () => ({ id: segment.id, state: 'claiming', wanted: hosts.length, claimed, used: 0, refused: {}, giveUps10m: 0, detail: '' }),
      close: () => kernel.releaseAll(),
    }
  })

/** A service by itself, or as HAProxy's backend with the true address from its PROXY header. */
async function service(behind: string, at: string): Promise<string> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => undefined)
    if (behind === 'plain') return serve(socket)
    socket.once('data', (bytes: Buffer) => {
      const header = parseProxyHeader(bytes)
      if (!header) return socket.destroy()
      if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length))
      return serve(socket)
    })
  }).listen({ port: Number(at), host: '0.0.0.0', backlog: 4096 })
  await once(server, 'listening')
  return String((server.address() as AddressInfo).port)
}

/** Dials the addresses in turn, 64 at once for `ms`, then one after the other. */
async function load(addresses: string, ms: string): Promise<string> {
  const all = addresses.split(',')
  let next = 0
  const dial = async (): Promise<void> => {
    const socket = connect({ host: all[next++ % all.length] as string, port, noDelay: true })
    await once(socket, 'connect')
    socket.write('e')
    socket.resume()
    await once(socket, 'end')
    socket.end()
  }
  const during = async (time: number): Promise<number> => {
    const end = performance.now() + time
    let count = 0
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        while (performance.now() < end) {
          await dial()
          count += 1
        }
      }),
    )
    return count
  }
  await during(300)
  const begun = performance.now()
  const connections = (await during(Number(ms))) / ((performance.now() - begun) / 1000)
  const setups: number[] = []
  for (let nth = 0; nth < 400; nth++) {
    const from = performance.now()
    await dial()
    setups.push(performance.now() - from)
  }
  const socket = connect({ host: all[0] as string, port, noDelay: true })
  await once(socket, 'connect')
  const trips: number[] = []
  for (let nth = 0; nth < 2000; nth++) {
    const from = performance.now()
    socket.write('p')
    await once(socket, 'data')
    trips.push(performance.now() - from)
  }
  socket.destroy()
  const figures: Load = { connections, setupMs: median(setups.slice(50)), rttMs: median(trips.slice(200)) }
  return JSON.stringify(figures)
}

const roles: Record<string, (...args: string[]) => Promise<string>> = {
  gate: gate as never,
  relay: relay as never,
  engine: engine as never,
  service: service as never,
  load: load as never,
}
if (import.meta.main) {
  const [name = '', ...args] = process.argv.slice(2)
  console.log(await roles[name]?.(...args))
  if (name === 'load') process.exit(0)
  // Its parent ends it, by closing this at the latest; those in another namespace are killed.
  if (name === 'gate' || name === 'relay') createInterface(process.stdin).on('close', () => process.exit(0))
}

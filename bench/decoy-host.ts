/** A decoy host as it ships (gate and contained worker), alone: the parts of the core and of a relay are played here, without a database or a listener. */
import { type ChildProcess, spawn } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { parse } from 'yaml'
import { heapFlags } from '../bin/heap.ts'
import { personaTemplate } from '../contract/persona.ts'
import type { DecoysConfig } from '../contract/sensor.ts'
import { createAuthority } from '../link/authority.ts'
import { openSensorDoor } from '../link/door.ts'
import { issueIdentity, saveIdentity } from '../link/identity.ts'
import { connectTunnel } from '../link/tunnel-relay.ts'
import { uuidv7 } from '../link/uuid.ts'
import { freePorts, root, until } from '../test/installation.ts'
import { below } from '../test/processes.ts'
import { pin } from './process-cost.ts'

export interface DecoyHost {
  /** Launcher and all below it: gate, workers. */
  readonly pid: number
  readonly password: string
  /** A connection of a client, as a relay brings it to the service of a decoy (by itself the SSH of the first); each source address is another adversary. */
  connect(source?: string, decoy?: string): Duplex
  /** Called with the text of each event that the journal holds durably and the uplink brought. */
  onEvent: ((json: string, at: number) => void) | undefined
  /** Events that came so far. */
  readonly events: number
  /** Ends and starts it again. Answers the milliseconds until it takes tunnels. */
  restart(): Promise<number>
  /** Kills all of its processes at once, as SIGKILL does. */
  kill(): Promise<void>
  close(): Promise<void>
}

/** Decoys of one service each, instead of the one with SSH. */
export interface Served {
  service: string
  port: number
  decoys: DecoysConfig['decoys']
  plants: NonNullable<DecoysConfig['plants']>
}

/** Starts the host with one decoy that has SSH, or with those given, and joins a relay's end of a tunnel to it. */
export async function startDecoyHost(served?: Served): Promise<DecoyHost> {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-host-'))
  const authority = await createAuthority(join(folder, 'ca'), randomBytes(32))
  const [port] = (await freePorts(1)) as [number]
  const issued = { decoys: await issueIdentity(authority, 'decoys'), relay: await issueIdentity(authority, 'relay') }
  const password = 'Bench#2024'
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const placement = { id: 'p', relay: issued.relay.sensor, gate: issued.decoys.sensor, address: '127.0.0.1', port: 22, transport: 'tcp' as const }
  const persona = personaTemplate.parse(parse(readFileSync(join(root, 'templates/personas/ubuntu-18.04.yaml'), 'utf8')))
  const config: DecoysConfig = {
    version: 1,
    role: 'decoys',
    sensor: issued.decoys.sensor,
    name: 'bench',
    scope: 'group',
    tunnel: `127.0.0.1:${port}`,
    relays: [issued.relay.sensor],
    placements: served
      ? served.decoys.map(({ id }) => ({ ...placement, id, port: served.port, decoy: id, service: served.service }))
      : [{ ...placement, decoy: 'server', service: 'ssh' }],
    ...(served ? { plants: served.plants } : {}),
    decoys: served?.decoys ?? [
      {
        id: 'server',
        persona,
        organisation: { name: { zh: '远山重工', en: 'Yuanshan Heavy Industry' }, domain: 'yuanshan-group.cn' },
        seed: '5a'.repeat(32),
        secrets: { rsa },
        services: [{ service: 'ssh', settings: { login: { accounts: [{ user: 'root', password }] } } }],
      },
    ],
    revoked: [],
  }
  let events = 0
  const committed = new Map<string, number>()
  const door = await openSensorDoor({
    authority,
    host: '127.0.0.1',
    port: 0,
    handlers: {
      enrol: () => Promise.reject(new Error('not asked here')),
      renew: () => Promise.reject(new Error('not asked here')),
      config: async () => config,
      blob: async ({ from, bytes }) => ({ received: from + bytes.length }),
      blobOffered: async (_sensor, { size }) => size,
      hello: async (_sensor, { epoch }) => ({ confirmed: true, committed: committed.get(epoch) ?? 0, configVersion: config.version }),
      async batch({ epoch, last, events: batch }) {
        const at = performance.now()
        events += batch.length
        if (host.onEvent) for (const event of batch) host.onEvent(JSON.stringify(event), at)
        committed.set(epoch, last)
        return last
      },
      health() {},
      gone() {},
      cloned() {},
    },
  })
  const data = join(folder, 'data')
  await saveIdentity(join(data, 'decoys'), { ...issued.decoys, role: 'decoys', name: 'bench', door: `127.0.0.1:${door.port}`, ca: authority.certificate })

  let child: ChildProcess
  let output = ''
  const start = async (): Promise<number> => {
    const [program, args] = pin(process.execPath, [...heapFlags.decoys, join(root, 'bin/shenlou.js'), 'decoys', `--data=${data}`])
    const begun = performance.now()
    child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => (output = (output + text).slice(-20_000)))
    for (const end = begun + 20_000; ; ) {
      if (child.exitCode !== null || performance.now() > end) throw new Error(`the decoy host did not start: ${output}`)
      const socket = connect(port, '127.0.0.1')
      const up = await new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)))
      socket.destroy()
      if (up) return performance.now() - begun
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  await start()
  const tunnel = connectTunnel({ address: `127.0.0.1:${port}`, expect: issued.decoys.sensor, identity: issued.relay })
  await until('the tunnel', () => tunnel.state.up)

  let sourcePort = 1024
  const host: DecoyHost = {
    get pid() {
      return child.pid as number
    },
    password,
    connect(ip = '10.0.0.1', decoy = 'p') {
      sourcePort = sourcePort >= 65_000 ? 1024 : sourcePort + 1
      const stream = tunnel.open({
        connection: uuidv7(),
        transport: 'tcp',
        source: { ip, port: sourcePort },
        destination: { ip: '127.0.0.1', port: served?.port ?? 22 },
        placement: decoy,
        observed: {},
        acceptedAt: Date.now(),
      })
      stream.opened.catch(() => undefined)
      return stream
    },
    onEvent: undefined,
    get events() {
      return events
    },
    async restart() {
      await stop()
      const ms = await start()
      await until('the tunnel', () => tunnel.state.up)
      return ms
    },
    async kill() {
      const exited = once(child, 'exit')
      for (const pid of [child.pid as number, ...below(child.pid as number).map((entry) => entry.pid)]) process.kill(pid, 'SIGKILL')
      await exited
    },
    async close() {
      await tunnel.close()
      await stop()
      await door.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return host
}

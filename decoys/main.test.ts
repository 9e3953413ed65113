import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { SensorEvent } from '@shenlou/contract/event'
import { personaTemplate } from '@shenlou/contract/persona'
import type { DecoysConfig, RelayConfig, SensorHealth } from '@shenlou/contract/sensor'
import { createAuthority } from '@shenlou/link/authority'
import { openSensorDoor } from '@shenlou/link/door'
import type { SensorDoor } from '@shenlou/link/door-types'
import { encodeToken } from '@shenlou/link/enrol'
import type { Authority } from '@shenlou/link/identity-types'
import { uuidv7 } from '@shenlou/link/uuid'
import { runRelay } from '@shenlou/relay/main'
import { runDecoys } from './main.ts'
import { serverTemplate } from './persona-fixture.ts'

const dir = mkdtempSync(join(tmpdir(), 'shenlou-roles-'))
const ids = { relay: uuidv7(), decoys: uuidv7() }
const events: (SensorEvent & { sensor: string })[] = []
const health = new Map<string, SensorHealth>()
let authority: Authority
let door: SensorDoor
let ports: number[]
let version = 0

const freePorts = async (count: number): Promise<number[]> => {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  return servers.map((server) => {
    const { port } = server.address() as { port: number }
    server.close()
    return port
  })
}
const eventually = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  for (const until = Date.now() + 15_000; !(await condition()); ) {
    if (Date.now() > until) throw new Error(`never: ${condition}`)
    await wait(20)
  }
}
const token = (role: 'relay' | 'decoys'): string =>
  encodeToken({
    id: ids[role],
    secret: 'x'.repeat(43),
    door: `127.0.0.1:${door.port}`,
    caKeyHash: authority.keyHash,
    role,
    name: role,
    expires: Date.now() + 60_000,
  })
const config = (sensor: string): RelayConfig | DecoysConfig => {
  const placements =
    version === 0
      ? []
      : [
          {
            id: 'p',
            relay: ids.relay,
            gate: ids.decoys,
            address: '127.0.0.1',
            port: ports[0] as number,
            transport: 'tcp' as const,
            decoy: 'jump',
            service: 'echo',
          },
        ]
  const common = { version, sensor, name: 'x', scope: 'group', placements, revoked: [] }
  const tunnel = `127.0.0.1:${ports[1]}`
  if (sensor === ids.relay) return { ...common, role: 'relay', gates: version === 0 ? [] : [{ sensor: ids.decoys, address: tunnel }] }
  const organisation = { name: { zh: '海川重工', en: 'Haichuan Heavy' }, domain: 'haichuan-heavy.cn' }
  const decoy = { id: 'jump', persona: { ...personaTemplate.parse(serverTemplate), ssh: undefined }, organisation, seed: '07'.repeat(32), secrets: {} }
  return { ...common, role: 'decoys', tunnel, relays: [ids.relay], decoys: version === 0 ? [] : [{ ...decoy, services: [{ service: 'echo', settings: {} }] }] }
}
const ask = (): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ port: ports[0] as number, host: '127.0.0.1' }, () => socket.end('who\n'))
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'failed'))
    socket.on('close', () => resolve(text))
  })

before(async () => {
  authority = await createAuthority(join(dir, 'ca'), Buffer.alloc(32, 3))
  ports = await freePorts(2)
  const committed = new Map<string, number>()
  door = await openSensorDoor({
    authority,
    host: '127.0.0.1',
    port: 0,
    handlers: {
      async enrol({ token: sensor, csr }) {
        const { certificate, ca, fingerprint } = await authority.signCsr({ csr, sensor, role: sensor === ids.relay ? 'relay' : 'decoys' })
        return { sensor, certificate, ca, fingerprint, confirmed: true }
      },
      async renew() {
        throw new Error('not asked here')
      },
      config: async (sensor) => config(sensor),
      blob: async ({ from, bytes }) => ({ received: from + bytes.length }),
      blobOffered: async (_sensor, { size }) => size,
      hello: async (_sensor, { epoch }) => ({ confirmed: true, committed: committed.get(epoch) ?? 0, configVersion: version }),
      async batch({ sensor, epoch, last, events: batch }) {
        for (const event of batch) events.push({ ...(event as unknown as SensorEvent), sensor })
        committed.set(epoch, last)
        return last
      },
      health: (sensor, said) => void health.set(sensor, said),
      gone() {},
      cloned() {},
    },
  })
})
after(async () => {
  await door.close()
  rmSync(dir, { recursive: true, force: true })
})

test('a machine that is not enrolled says what to do', async () => {
  const settings = { dataDir: join(dir, 'nobody'), signal: new AbortController().signal, log: () => {} }
  await assert.rejects(runDecoys(settings), { name: 'StartError', message: /holds no identity; enrol this machine with --token/ })
  await assert.rejects(runRelay({ ...settings, enrolToken: 'nonsense' }), { name: 'StartError', message: /not an enrolment token/ })
})

test('both roles enrol, take their desired state, carry a client, go on without the core, and stop in order', async () => {
  const stop = new AbortController()
  const lines: string[] = []
  const log = (line: string) => void lines.push(line)
  const started: Record<string, unknown>[] = []
  const ready = (detail: Record<string, unknown>) => void started.push(detail)
  const services = new URL('echo-fixture.ts', import.meta.url).href
  const decoysDir = join(dir, 'decoys')
  const running = [
    runDecoys({ dataDir: decoysDir, enrolToken: token('decoys'), signal: stop.signal, log, ready, services }),
    runRelay({ dataDir: join(dir, 'relay'), enrolToken: token('relay'), signal: stop.signal, log, ready }),
  ]
  await eventually(() => started.length === 2 && door.connected().length === 2)
  for (const { sensor, fingerprint } of started) assert.ok(Object.values(ids).includes(String(sensor)) && /^[0-9a-f]{64}$/.test(String(fingerprint)))
  for (const role of ['decoys', 'relay']) assert.equal(statSync(join(dir, role)).mode & 0o777, 0o700)

  version = 1
  for (const sensor of Object.values(ids)) door.notifyConfig(sensor, version)
  await eventually(async () => /haichuanhe|srv/.test(await ask()))
  const [boot] = events.filter(({ kind, sensor }) => kind === 'sensor.started' && sensor === ids.decoys)
  await eventually(() => health.get(ids.decoys)?.configVersion === 1 && health.get(ids.relay)?.configVersion === 1)
  assert.equal(boot?.body.contained, health.get(ids.decoys)?.contained)
  assert.equal(
    (health.get(ids.decoys)?.problems ?? []).some((problem) => problem.startsWith('not-contained')),
    boot?.body.contained === false,
  )

  await eventually(() => events.some(({ kind }) => kind === 'session.closed'))
  const port = door.port
  assert.ok(port > 0)
  await door.close()
  assert.match(await ask(), /127\.0\.0\.1/)

  stop.abort()
  await Promise.all(running)
  assert.equal(await ask(), 'ECONNREFUSED')
  for (const role of ['decoys', 'relay']) assert.equal(statSync(join(dir, role, 'config.json')).mode & 0o777, 0o600)
})

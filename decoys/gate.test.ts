import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { EventDraft } from '@shenlou/contract/event'
import { type PersonaTemplate, personaTemplate } from '@shenlou/contract/persona'
import type { DecoysConfig } from '@shenlou/contract/sensor'
import type { ResetReason } from '@shenlou/contract/tunnel'
import type { SensorIdentity } from '@shenlou/link/identity-types'
import type { ListenTunnelOptions, TunnelStream } from '@shenlou/link/tunnel-types'
import type { BlobSpool, Journal } from '@shenlou/link/uplink-types'
import { uuidv7 } from '@shenlou/link/uuid'
import { type Containment, findContainment, spawnContained } from './contain.ts'
import { type Gate, startGate } from './gate.ts'
import { serverTemplate } from './persona-fixture.ts'

const gateId = uuidv7()
const relayId = uuidv7()
const dir = mkdtempSync(join(tmpdir(), 'shenlou-gate-'))
const events: EventDraft[] = []
/** While set, nothing becomes durable. */
let disk: Promise<void> | undefined
let tunnel: ListenTunnelOptions
let containment: Containment
let gate: Gate

const template: PersonaTemplate = { ...personaTemplate.parse(serverTemplate), ssh: undefined }
const journal = {
  async append(draft: EventDraft) {
    await disk
    return events.push(structuredClone(draft))
  },
} as unknown as Journal
const spool = {
  async put(bytes: AsyncIterable<Uint8Array>) {
    let size = 0
    for await (const part of bytes) size += part.length
    return { sha256: String(size).padStart(64, '0'), size, truncated: false }
  },
} as unknown as BlobSpool

const decoy = (id: string, services: string[], settings: Record<string, unknown> = {}): DecoysConfig['decoys'][number] => ({
  id,
  persona: template,
  organisation: { name: { zh: '海川重工', en: 'Haichuan Heavy' }, domain: 'haichuan-heavy.cn' },
  seed: Buffer.alloc(32, id).toString('hex'),
  secrets: {},
  services: services.map((service) => ({ service, settings: service === 'echo' ? settings : {} })),
})
const config = (decoys: DecoysConfig['decoys']): DecoysConfig => ({
  version: 1,
  role: 'decoys',
  sensor: gateId,
  name: 'decoys',
  scope: 'group/park-1',
  tunnel: '127.0.0.1:0',
  relays: [relayId],
  revoked: [],
  decoys,
  placements: decoys.flatMap(({ id, services }) =>
    services.map(({ service }, nth) => ({
      id: `${id}-${service}`,
      relay: relayId,
      gate: gateId,
      address: '192.0.2.10',
      port: 2000 + nth,
      transport: 'tcp' as const,
      decoy: id,
      service,
    })),
  ),
})

/** A client behind the relay: what it reads, and how its connection ended. */
interface Client {
  readonly connection: string
  readonly text: () => string
  readonly resetReason: () => ResetReason | undefined
  readonly ended: () => boolean
  say(text: string): void
  end(): void
  reset(): void
  until(pattern: RegExp): Promise<string>
}
function client(placement: string, ip = '203.0.113.9'): Client {
  const [near, far] = duplexPair()
  let reason: ResetReason | undefined
  let text = ''
  let ended = false
  const stream = Object.assign(far, {
    id: 1,
    opened: Promise.resolve(),
    resetReason: undefined,
    accept() {},
    reset(why: ResetReason) {
      if (far.destroyed) return
      reason = why
      far.destroy()
      near.destroy()
    },
    sendDatagram: () => false,
  }) as unknown as TunnelStream
  near.on('data', (chunk) => {
    text += chunk
  })
  near.on('end', () => {
    ended = true
  })
  near.on('error', () => {})
  const connection = uuidv7()
  const open = {
    connection,
    transport: 'tcp' as const,
    source: { ip, port: 40_000 },
    destination: { ip: '192.0.2.10', port: 2000 },
    placement,
    observed: {},
    acceptedAt: Date.now(),
  }
  const verdict = tunnel.check(open, relayId)
  if (verdict === 'ok') tunnel.onStream(stream, open, relayId)
  else stream.reset(verdict)
  return {
    connection,
    text: () => text,
    resetReason: () => reason,
    ended: () => ended,
    say: (line) => void near.write(line),
    end: () => void near.end(),
    reset: () => stream.reset('peer'),
    async until(pattern) {
      await eventually(() => pattern.test(text))
      return text
    },
  }
}
async function eventually(condition: () => boolean, what = condition.toString()): Promise<void> {
  for (let left = 500; !condition(); left--) {
    if (left === 0) throw new Error(`never: ${what}`)
    await wait(10)
  }
}
const of = (kind: string, connection?: string) => events.filter((event) => event.kind === kind && (!connection || event.connection === connection))
/** A worker may be starting again. */
async function served(placement: string, ip?: string): Promise<Client> {
  for (let left = 100; ; left--) {
    const opened = client(placement, ip)
    if (!opened.resetReason()) return opened
    if (left === 0) throw new Error(`${placement} is not served`)
    await wait(50)
  }
}

const decoys = [decoy('alpha', ['echo', 'idle'], { greeting: 'hello\n' }), decoy('beta', ['echo', 'trouble'])]
before(async () => {
  containment = await findContainment(dir)
  gate = startGate({
    dataDir: dir,
    identity: { sensor: gateId } as SensorIdentity,
    journal,
    spool,
    async listenTunnel(options) {
      tunnel = options
      return { host: '127.0.0.1', port: 1, relays: () => [], revoke() {}, async close() {} }
    },
    spawnWorker: (index) =>
      spawnContained(containment, {
        module: new URL('worker-main.ts', import.meta.url).href,
        args: [new URL('echo-fixture.ts', import.meta.url).href],
        index,
      }),
    heartbeatMs: 1000,
    log: (line) => process.env.SHENLOU_TEST_LOG && console.error(line),
  })
  await gate.apply(config(decoys))
})
after(async () => {
  await gate.close()
  rmSync(dir, { recursive: true, force: true })
})

test('a connection reaches its service, and its events carry what the gate knows', async () => {
  const peer = await served('alpha-echo')
  peer.say('whoami\n')
  await peer.until(/hello\nwhoami\n/)
  peer.end()
  await eventually(() => peer.ended())
  await eventually(() => of('session.closed', peer.connection).length === 1)
  const mine = events.filter(({ connection }) => connection === peer.connection)
  assert.deepEqual(
    mine.map(({ kind }) => kind),
    ['session.opened', 'command.executed', 'session.closed'],
  )
  for (const event of mine) {
    assert.equal(event.decoy, 'alpha')
    assert.equal(event.service, 'echo')
    assert.equal(event.session, mine[0]?.session)
    assert.deepEqual(event.source, { ip: '203.0.113.9', port: 40_000 })
    assert.deepEqual(event.destination, { ip: '192.0.2.10', port: 2000 })
    assert.deepEqual(event.via, { relay: relayId, address: '192.0.2.10', port: 2000 })
  }
  assert.match(peer.text(), /bye\n$/)
})

test('no byte leaves before the events said before it are durable, and other connections do not wait', async () => {
  const peer = await served('alpha-echo', '203.0.113.20')
  await peer.until(/hello/)
  const disks = Promise.withResolvers<void>()
  disk = disks.promise
  peer.say('secret\n')
  const other = await served('beta-trouble', '203.0.113.21') // its session.opened waits too, so it must stay silent
  other.say('x')
  await wait(150)
  assert.equal(peer.text(), 'hello\n')
  assert.equal(other.text(), '')
  disk = undefined
  disks.resolve()
  await peer.until(/secret/)
  await other.until(/here/)
  assert.equal(of('command.executed', peer.connection).length, 1)
  peer.reset()
  other.reset()
})

test('connections of one adversary to one decoy are one session of an idle service', async () => {
  const ask = async (ip: string) => {
    const peer = await served('alpha-idle', ip)
    peer.say('GET / HTTP')
    await eventually(() => peer.ended())
    peer.end()
    return peer.text().split(' ')
  }
  const [first, again, other] = [await ask('203.0.113.30'), await ask('203.0.113.30'), await ask('203.0.113.31')]
  assert.equal(first[0], again[0])
  assert.notEqual(first[0], other[0])
  assert.equal(first[1], 'GET')
  assert.equal(of('session.opened').filter(({ session }) => session === first[0]).length, 1)
})

test('what an adversary changed stays, for it alone, also when the worker is killed and when it proves who it is', async () => {
  const count = async (ip: string, ...lines: string[]) => {
    const peer = await served('beta-echo', ip)
    let answer = ''
    for (const line of lines) {
      const had = peer.text().length
      peer.say(`${line}\n`)
      await eventually(() => peer.text().slice(had).includes('\n'))
      answer = peer.text().slice(had).trim()
    }
    peer.end()
    await eventually(() => of('session.closed', peer.connection).length === 1)
    return answer
  }
  assert.equal(await count('203.0.113.40', 'count', 'count', 'count'), '3')
  assert.equal(await count('203.0.113.41', 'count'), '1')
  const killer = await served('beta-trouble', '203.0.113.42')
  killer.say('exit')
  await eventually(() => killer.resetReason() !== undefined)
  await eventually(() => of('worker.exited').length > 0)
  assert.deepEqual(of('worker.exited')[0]?.body, { code: 9, signal: null })
  assert.equal(await count('203.0.113.40', 'count'), '4')
  assert.equal(await count('203.0.113.40', 'prove serial-7', 'count'), '5') // its work comes along
  assert.equal(await count('203.0.113.43', 'prove serial-7', 'count'), '6') // from elsewhere, same proof
  assert.equal(await count('203.0.113.43', 'count'), '1')
})

test('a failing service ends its own connection only; a worker that dies is begun anew and its sessions are closed', async () => {
  const bystander = await served('beta-echo', '203.0.113.50')
  const failing = await served('beta-trouble', '203.0.113.51')
  failing.say('throw')
  await eventually(() => failing.resetReason() !== undefined)
  const faulty = await served('beta-trouble', '203.0.113.52')
  faulty.say('fault')
  await faulty.until(/here/)
  bystander.say('still\n')
  await bystander.until(/still/)
  const exits = of('worker.exited').length
  const dying = await served('beta-trouble', '203.0.113.53')
  dying.say('exit')
  await eventually(() => bystander.resetReason() !== undefined)
  await eventually(() => of('worker.exited').length === exits + 1)
  const session = of('session.opened', bystander.connection)[0]?.session
  await eventually(() => of('session.closed').some((event) => event.session === session))
  const again = await served('beta-echo', '203.0.113.50')
  again.say('back\n')
  await again.until(/back/)
  again.reset()
})

test('a worker that hangs is ended and begun anew', async () => {
  const exits = of('worker.exited').length
  const hanging = await served('beta-trouble', '203.0.113.55')
  hanging.say('hang')
  await eventually(() => of('worker.exited').length === exits + 1)
  assert.deepEqual(of('worker.exited').at(-1)?.body, { code: null, signal: 'SIGKILL' })
  const again = await served('beta-echo', '203.0.113.55')
  again.say('back\n')
  await again.until(/back/)
  again.reset()
})

test('a worker cannot say what only the gate may say', async () => {
  const liar = await served('beta-trouble', '203.0.113.60')
  liar.say('lie')
  await liar.until(/here/)
  assert.equal(of('sensor.stopped').length, 0)
  assert.ok(gate.health().problems.some((problem) => problem.includes('refused')))
  liar.reset()
})

test('a worker reaches no network', { skip: process.platform !== 'linux' }, async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const peer = await served('beta-trouble', '203.0.113.61')
  peer.say(`out ${port}`)
  const answer = await peer.until(/\n/)
  assert.equal(answer, containment.contained ? 'ENETUNREACH\n' : answer)
  peer.reset()
  server.close()
})

test('captured files pass by hash, in order with their event', async () => {
  const peer = await served('alpha-echo', '203.0.113.70')
  peer.say('file 3000000\n')
  await peer.until(/0{57}3000000/)
  assert.equal(of('file.uploaded', peer.connection).length, 1)
  peer.reset()
})

test('large answers and half-close pass with bounded buffers', async () => {
  const peer = await served('alpha-echo', '203.0.113.71')
  await peer.until(/hello/)
  const big = `${'0123456789'.repeat(200_000)}\n`
  peer.say(big)
  peer.end()
  await eventually(() => peer.ended())
  assert.equal(peer.text(), `hello\n${big}bye\n`)
})

test('a changed configuration leaves the sessions of unchanged decoys alone, and what is wrong in it is said', async () => {
  const kept = await served('alpha-echo', '203.0.113.80')
  const dropped = await served('beta-echo', '203.0.113.81')
  await kept.until(/hello/)
  dropped.say('a\n')
  await dropped.until(/a/)
  await gate.apply(config([decoys[0] as DecoysConfig['decoys'][number], decoy('gamma', ['echo'], { greeting: 'new\n' })]))
  await eventually(() => dropped.resetReason() !== undefined)
  kept.say('on\n')
  await kept.until(/on/)
  assert.equal(client('beta-echo').resetReason(), 'no-placement')
  await (await served('gamma-echo')).until(/new/)
  const contradictory = decoy('epsilon', ['echo'])
  contradictory.persona = { ...template, os: { ...template.os, kernel: '2.6.26-2-686' } }
  await gate.apply(config([...decoys, decoy('delta', ['echo', 'unknown'], { greeting: 5 }), contradictory]))
  assert.ok(gate.health().problems.some((problem) => problem.includes('epsilon is not run')))
  assert.equal(client('epsilon-echo').resetReason(), 'no-placement')
  await eventually(() => gate.health().problems.some((problem) => problem.includes('delta: no service is called unknown')))
  assert.ok(gate.health().problems.some((problem) => problem.includes('delta: echo: greeting')))
  kept.reset()
})

test('what a service says while its worker stops is kept, and its session ends after it', async () => {
  const peer = await served('alpha-idle', '203.0.113.90')
  peer.say('late')
  await eventually(() => of('command.executed', peer.connection).length === 1)
  const [{ session } = { session: '' }] = of('command.executed', peer.connection)
  await gate.close()
  const kinds = events.filter((event) => event.session === session).map(({ kind, body }) => ('input' in body ? body.input : kind))
  assert.deepEqual(kinds, ['session.opened', 'late', 'said while it ended', 'session.closed'])
})

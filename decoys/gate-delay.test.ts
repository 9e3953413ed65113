import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { duplexPair, type Duplex } from 'node:stream'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { DelayEntry, DelayKind } from '@shenlou/contract/delay'
import { checkBody, type EventDraft } from '@shenlou/contract/event'
import { uuidv7 } from '@shenlou/link/uuid'
import type { ConnectionFacts } from './gate-connection.ts'
import { type DelayBudget, type Delays, delayBudget, openDelays } from './gate-delay.ts'
import { listener } from './listener/listener.ts'
import { ssh } from './ssh/ssh.ts'
import { serveDecoy, type TestDecoy, testPersona } from './test-harness.ts'

const execute = promisify(execFile)
const entryOf = (more: Partial<DelayEntry> = {}): DelayEntry => ({
  id: uuidv7(),
  source: '127.0.0.1',
  scope: 'group/park-1',
  kinds: ['ssh', 'http', 'window'],
  until: Date.now() + 60_000,
  ...more,
})
const factsOf = (service: string, ip = '127.0.0.1'): ConnectionFacts => ({
  connection: uuidv7(),
  decoy: 'd',
  service,
  source: { ip, port: 4000 },
  destination: { ip: '192.0.2.1', port: 22 },
  via: { relay: uuidv7(), address: '192.0.2.1', port: 22 },
})

function kept(budget: Partial<DelayBudget> = {}): { delays: Delays; events: EventDraft[]; ended(): Record<string, unknown>[] } {
  const events: EventDraft[] = []
  const delays = openDelays({
    budget: { ...delayBudget, everyMs: 50, ...budget },
    async append(event) {
      const result = checkBody(event.kind, event.body)
      assert.ok(result.ok, JSON.stringify(result))
      events.push(event)
    },
  })
  return { delays, events, ended: () => events.filter(({ kind }) => kind === 'delay.ended').map(({ body }) => body as Record<string, unknown>) }
}

/** A port whose connections reach `decoy` through the delays, as the gate joins them. */
async function before(decoy: TestDecoy, delays: Delays, service: string): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (tunnel) => {
    const local = connect({ port: decoy.port, host: '127.0.0.1', allowHalfOpen: true })
    for (const socket of [tunnel, local]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    tunnel.once('close', () => local.destroy())
    const delay = delays.begin(factsOf(service), 'group/park-1/hall')
    if (delay) delay.join(tunnel, local)
    else {
      tunnel.pipe(local)
      local.pipe(tunnel)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const until = async (what: () => boolean): Promise<void> => {
  for (const end = Date.now() + 8000; !what(); ) {
    assert.ok(Date.now() < end, 'not within 8 s')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const sshArguments = (port: number): string[] => [
  ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'PreferredAuthentications=password', '-o', 'NumberOfPasswordPrompts=1'],
  ...['-p', String(port), 'root@127.0.0.1', 'echo held and served'],
]

test('OpenSSH waits through the lines before the banner and works when it is let go', { timeout: 30_000 }, async () => {
  const decoy = await serveDecoy(ssh, testPersona('debian-12-dropbear'), {
    login: { accounts: [{ user: 'root', password: 'Yssc@2021', origin: 'given' as const }] },
  })
  const { delays, events, ended } = kept()
  const entry = entryOf()
  delays.set([entry])
  const front = await before(decoy, delays, 'ssh')
  try {
    const client = spawn('sshpass', ['-p', 'Yssc@2021', 'ssh', ...sshArguments(front.port)])
    let text = ''
    client.stdout.on('data', (part: Buffer) => {
      text += part.toString()
    })
    const over = once(client, 'close')
    await until(() => events.some(({ kind }) => kind === 'delay.began'))
    // The service has its session, and hears the client, while nothing of it is heard.
    assert.equal(delays.held, 1)
    await new Promise((resolve) => setTimeout(resolve, 700))
    assert.equal(text, '')
    delays.set([])
    await over
    assert.equal(text, 'held and served\n')
    const [end] = ended()
    assert.equal(end?.reason, 'switched-off')
    assert.ok((end?.heldMs as number) >= 600 && (end?.bytesOut as number) > 10, JSON.stringify(end))
    assert.equal(decoy.of('command.executed').length, 1)
  } finally {
    await front.close()
    await decoy.close()
  }
})

test('an answer of a web server drips, is whole in the end, and its request was recorded before', { timeout: 30_000 }, async () => {
  const decoy = await serveDecoy(listener, testPersona('debian-12-dropbear'), { as: 'http' })
  const { delays, ended } = kept({ everyMs: 20 })
  delays.set([entryOf()])
  const front = await before(decoy, delays, 'portal')
  try {
    const asked = execute('curl', ['-si', '-m', '20', `http://127.0.0.1:${front.port}/admin`])
    await decoy.until(() => decoy.of('payload.recognised').length > 0)
    const started = Date.now()
    await until(() => Date.now() - started > 500)
    assert.equal(ended().length, 0, 'still held')
    delays.set([])
    const { stdout } = await asked
    assert.match(stdout, /^HTTP\/1\.1 403 Forbidden\r\n.*<\/html>\r\n$/s)
    assert.ok((ended()[0]?.bytesOut as number) > 4)
  } finally {
    await front.close()
    await decoy.close()
  }
})

test('nmap that asks for versions is held, and what it sent is kept', { timeout: 40_000 }, async () => {
  const decoy = await serveDecoy(listener, testPersona('debian-12-dropbear'), { as: 'redis' })
  const { delays, ended } = kept({ connectionMs: 20_000 })
  delays.set([entryOf()])
  const front = await before(decoy, delays, 'listener')
  try {
    const started = Date.now()
    const { stdout } = await execute('nmap', ['-Pn', '-sV', '--version-intensity', '2', '--host-timeout', '14s', '-p', String(front.port), '127.0.0.1'])
    assert.ok(Date.now() - started > 5000, `${Date.now() - started} ms`)
    assert.doesNotMatch(stdout, /open\s+redis\s/)
    assert.ok(decoy.of('payload.recognised').length > 0)
    delays.set([])
    await until(() => ended().length > 0)
  } finally {
    await front.close()
    await decoy.close()
  }
})

/** A held connection without sockets. */
function pair(delays: Delays, service: string, ip?: string): { client: Duplex; tunnel: Duplex; service: Duplex } | undefined {
  const delay = delays.begin(factsOf(service, ip), 'group/park-1')
  if (!delay) return undefined
  const [client, tunnel] = duplexPair()
  const [local, behind] = duplexPair()
  delay.join(tunnel, local)
  return { client, tunnel, service: behind }
}

test('a window is closed: of much that is sent little is taken, until it is let go', async () => {
  const { delays } = kept({ everyMs: 10 })
  delays.set([entryOf()])
  const held = pair(delays, 'modbus')
  assert.ok(held)
  let taken = 0
  held.service.on('data', (part: Buffer) => {
    taken += part.length
  })
  const sent = 400_000
  for (let left = sent; left > 0; left -= 1000) held.client.write(Buffer.alloc(1000))
  await until(() => taken > 0)
  assert.ok(taken < 4096, `${taken}`)
  delays.set([])
  await until(() => taken === sent)
})

test('budgets bound what is held at once, of one source, and what it may cost', async () => {
  const { delays, ended } = kept({ held: 3, heldPerSource: 2, bytesPerHour: 200, everyMs: 10 })
  delays.set([entryOf(), entryOf({ source: '10.0.0.2' }), entryOf({ source: '10.0.0.3' })])
  const held = [pair(delays, 'ssh'), pair(delays, 'ssh'), pair(delays, 'ssh'), pair(delays, 'ssh', '10.0.0.2'), pair(delays, 'ssh', '10.0.0.3')]
  assert.deepEqual(
    held.map((each) => each !== undefined),
    [true, true, false, true, false],
  )
  for (const each of held) each?.client.resume()
  await until(() => ended().length === 3)
  assert.ok(ended().every(({ reason }) => reason === 'budget'))
  assert.ok(ended().reduce((sum, { bytesOut }) => sum + (bytesOut as number), 0) < 400)
  assert.equal(pair(delays, 'ssh'), undefined, 'nothing is held in this hour any more')
})

test('only the source, place, time and kinds that were named are delayed', () => {
  const { delays } = kept()
  const tried = (entry: Partial<DelayEntry>, service = 'ssh', ip?: string): boolean => {
    delays.set([entryOf(entry)])
    return delays.begin(factsOf(service, ip), 'group/park-1') !== undefined
  }
  assert.equal(tried({}), true)
  assert.equal(tried({}, 'ssh', '10.9.9.9'), false)
  assert.equal(tried({ scope: 'group/park-10' }), false)
  assert.equal(tried({ scope: 'group' }), true)
  assert.equal(tried({ until: Date.now() - 1 }), false)
  for (const [kind, service] of [
    ['ssh', 'ssh'],
    ['http', 'portal-https'],
    ['window', 's7comm'],
  ] as [DelayKind, string][]) {
    assert.equal(tried({ kinds: [kind] }, service), true)
    assert.equal(tried({ kinds: [kind] }, service === 'ssh' ? 'portal' : 'ssh'), false)
  }
  delays.close()
})

test('a client that leaves ends its hold, and a host that stops lets all go', async () => {
  const { delays, ended } = kept()
  delays.set([entryOf()])
  const one = pair(delays, 'ssh')
  const two = pair(delays, 'ssh')
  pair(delays, 'ssh')
  one?.tunnel.destroy()
  two?.client.resume().end()
  await until(() => ended().length === 2)
  assert.ok(ended().every(({ reason }) => reason === 'left'))
  delays.close()
  await until(() => ended().length === 3)
  assert.equal(ended()[2]?.reason, 'stopped')
  assert.equal(delays.held, 0)
})

import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RelayConfig } from '@shenlou/contract/sensor'
import { WebSocket } from 'ws'
import { createAuthority } from './authority.ts'
import { dial, secure } from './dial.ts'
import { encodeToken, enrol, exchange, renew } from './enrol.ts'
import { issueIdentity, openIdentity, saveIdentity } from './identity.ts'
import type { SensorIdentity } from './identity-types.ts'
import { openJournal } from './journal.ts'
import { configOf, draft, lastFirst, scene, uplink } from './door-fixture.ts'

test('a machine enrols with a token once, and keeps what the core signed', async (test) => {
  const t = lastFirst(test)
  const { core, door, authority, dir } = await scene(t)
  core.token = { id: randomUUID(), secret: randomBytes(32).toString('base64url'), role: 'relay', sensor: randomUUID() }
  const sensor = core.token.sensor
  const token = encodeToken({
    id: core.token.id,
    secret: core.token.secret,
    door: `127.0.0.1:${door.port}`,
    caKeyHash: authority.keyHash,
    role: 'relay',
    name: 'park-1',
    expires: Date.now() + 60_000,
  })
  const identity = await enrol({ token, dir: join(dir, 'sensor') })
  assert.equal(identity.sensor, sensor)
  assert.equal(identity.role, 'relay')
  assert.equal((await openIdentity(join(dir, 'sensor')))?.fingerprint, identity.fingerprint)
  assert.deepEqual(core.said, ['enrol from 127.0.0.1'])
  await assert.rejects(enrol({ token, dir: join(dir, 'second') }), /this token is not known/)
  assert.equal(await openIdentity(join(dir, 'second')), undefined)
})

test('a token is never said to a door of another authority, and an old or broken one not at all', async (test) => {
  const t = lastFirst(test)
  const { core, door, dir } = await scene(t)
  const good = {
    id: randomUUID(),
    secret: randomBytes(32).toString('base64url'),
    door: `127.0.0.1:${door.port}`,
    caKeyHash: 'a'.repeat(64),
    role: 'relay' as const,
    name: 'x',
    expires: Date.now() + 60_000,
  }
  await assert.rejects(enrol({ token: encodeToken(good), dir }), /is not the core that gave out this token/)
  await assert.rejects(enrol({ token: encodeToken({ ...good, expires: Date.now() - 1 }), dir }), /too old/)
  await assert.rejects(enrol({ token: 'nonsense', dir }), /not an enrolment token/)
  assert.deepEqual(core.said, [])
})

test('an expired certificate may renew and do nothing else; a foreign or expired foreign one nothing', async (test) => {
  const t = lastFirst(test)
  const { core, door, authority, dir } = await scene(t)
  const address = `127.0.0.1:${door.port}`
  const old = await issueIdentity(authority, 'relay', undefined, -1)
  const identity = await saveIdentity(join(dir, 'old'), {
    sensor: old.sensor,
    role: 'relay',
    name: 'x',
    door: address,
    key: old.key,
    certificate: old.certificate,
    ca: old.ca,
  })
  const ask = async (who: SensorIdentity, path: string) => {
    const socket = await secure({ address }, { key: who.key, cert: who.certificate, rejectUnauthorized: false })
    return exchange(socket, { method: path === '/renew' ? 'POST' : 'GET', path, ...(path === '/renew' && { json: { csr: 'x' } }) }).finally(() =>
      socket.destroy(),
    )
  }
  await assert.rejects(ask(identity, '/config'), /expired/)
  await renew(identity)
  assert.ok(identity.expires > Date.now())
  assert.deepEqual(core.said, ['renew'])
  core.config = configOf(identity.sensor, 1)
  assert.equal(((await ask(identity, '/config')) as RelayConfig).version, 1)
  const other = await createAuthority(join(dir, 'other'), randomBytes(32))
  for (const days of [90, -1]) {
    const foreign = await issueIdentity(other, 'relay', identity.sensor, days)
    for (const path of ['/config', '/renew']) await assert.rejects(ask(foreign, path), /not signed by our authority/)
  }
})

test('strangers get no word: no certificate, no path, oversized or malformed requests', async (test) => {
  const t = lastFirst(test)
  const { door, logs } = await scene(t)
  const ask = async (what: Parameters<typeof exchange>[1]) => {
    const socket = await secure({ address: `127.0.0.1:${door.port}` }, { rejectUnauthorized: false })
    const seen = JSON.stringify(socket.getPeerCertificate(true), (key, value) =>
      key === 'issuerCertificate' ? undefined : Buffer.isBuffer(value) ? value.toString('latin1') : value,
    )
    assert.doesNotMatch(seen, /shenlou|decoy|honey|sensor/i)
    return exchange(socket, what).then(
      () => 200,
      (error) => error.status ?? error.code ?? error.message,
    )
  }
  assert.equal(await ask({ method: 'GET', path: '/config' }), 401)
  assert.equal(await ask({ method: 'GET', path: '/' }), 404)
  assert.equal(await ask({ method: 'POST', path: '/enrol', json: {} }), 400)
  assert.equal(await ask({ method: 'POST', path: '/enrol', json: { x: 'y'.repeat(100_000) } }), 413)
  assert.equal(await ask({ method: 'PUT', path: `/blobs/${'a'.repeat(64)}`, body: Buffer.from('x') }), 401)
  assert.deepEqual(logs, [])
  const socket = await secure({ address: `127.0.0.1:${door.port}` }, { rejectUnauthorized: false })
  const ws = new WebSocket('wss://localhost/channel', { createConnection: () => socket })
  const [error] = await once(ws, 'error')
  assert.match(error.message, /403/)
})

test('a channel that breaks the contract is closed and the door serves on', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const identity = await s.identity('enemy')
  const hello = { type: 'hello', contract: 1, epoch: randomUUID(), nextSeq: 1, version: 'x' }
  const batch = (first: number, last: number, events: unknown[]) => ({ type: 'batch', epoch: hello.epoch, first, last, events })
  const bad: unknown[][] = [
    ['not an object'],
    [batch(1, 1, [{ seq: 1 }])],
    [hello, hello],
    [hello, batch(1, 2, [{ seq: 2 }, { seq: 1 }])],
    [hello, batch(1, 1, [null])],
    [hello, batch(1, 1, [{ seq: 1.5 }])],
    [hello, batch(1, 1_000_000, [{ seq: 1 }])],
    [{ ...hello, contract: 40 }],
    [hello, { type: 'health', health: {} }],
    ['x'.repeat(9_000_000)],
  ]
  for (const messages of bad) {
    const { socket } = await dial({ address: `127.0.0.1:${s.door.port}`, identity, expect: { role: 'core' } })
    const ws = new WebSocket('wss://localhost/channel', { createConnection: () => socket })
    ws.on('error', () => undefined)
    await once(ws, 'open')
    for (const message of messages) {
      ws.send(JSON.stringify(message))
      if (message === hello && messages[1] !== hello) await once(ws, 'message')
    }
    await new Promise((resolve) => ws.once('close', resolve))
  }
  const journal = await openJournal(join(s.dir, 'journal'))
  t.after(() => journal.close())
  const link = await uplink(t, await s.identity('friend'), journal)
  await journal.append(draft('fine'))
  assert.equal(await link.drain(5_000), true)
})

test('a gate does not take a sensor for the core, and the door takes no core', async (test) => {
  const t = lastFirst(test)
  const s = await scene(t)
  const identity = await s.identity('sensor')
  await assert.rejects(dial({ address: identity.door, identity, expect: { role: 'decoys' } }), /not that of a decoys/)
  const core = await issueIdentity(s.authority, 'core')
  const { socket } = await dial({ address: identity.door, identity: core, expect: { role: 'core' } })
  await assert.rejects(exchange(socket, { method: 'GET', path: '/config' }), /does not connect to its own door/)
})

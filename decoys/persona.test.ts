import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { type IdentityField, identityFields } from '@shenlou/contract/identity-fields'
import { personaTemplate } from '@shenlou/contract/persona'
import ssh2 from 'ssh2'
import { drawPersona, personaIdentity } from './persona.ts'
import { serverTemplate } from './persona-fixture.ts'

const template = personaTemplate.parse(serverTemplate)
const organisation = { name: { zh: '海川重工', en: 'Haichuan Heavy' }, domain: 'haichuan-heavy.cn' }
const rsa = (): string => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const seedOf = (byte: number): string => Buffer.alloc(32, byte).toString('hex')
const host = (byte: number, secrets: Record<string, string>, now?: number) =>
  drawPersona({ template, organisation, seed: seedOf(byte), decoy: 'jump', secrets, now })

test('the same seed gives the same host, also in another month', () => {
  const secrets = { rsa: rsa() }
  const first = host(1, secrets, Date.parse('2026-11-01'))
  const later = host(1, secrets, Date.parse('2026-12-01'))
  const plain = (persona: ReturnType<typeof host>) => JSON.stringify({ ...persona, bootedAt: 0 })
  assert.equal(plain(first), plain(later))
  assert.deepEqual(first.draw('x', 40), later.draw('x', 40))
})

test('two seeds share no identity field', () => {
  const hosts = Array.from({ length: 24 }, (_, at) => personaIdentity(host(at + 1, { rsa: rsaKeys[at % 2] as string })))
  const compare: IdentityField[] = identityFields.filter(({ from }) => from === 'persona').map(({ name }) => name)
  for (const field of compare) {
    const seen = new Set<string>()
    for (const identity of hosts.slice(0, 2)) {
      for (const value of identity[field] ?? []) {
        assert.ok(!seen.has(value), `${field} is ${value} twice`)
        seen.add(value)
      }
    }
  }
  for (const field of ['host.mac', 'host.serial', 'host.machineId'] as const) {
    assert.equal(new Set(hosts.flatMap((identity) => identity[field] ?? [])).size, hosts.length, field)
  }
})
const rsaKeys = [rsa(), rsa()]

test('SSH host keys are read by ssh2, and by node:crypto where it knows the form', () => {
  const persona = host(3, { rsa: rsa() })
  assert.deepEqual(Object.keys(persona.keys).sort(), ['ssh-ecdsa', 'ssh-ed25519', 'ssh-rsa'])
  const types = Object.values(persona.keys).map((pem) => {
    const parsed = ssh2.utils.parseKey(pem)
    assert.ok(!(parsed instanceof Error), String(parsed))
    const data = Buffer.from('signed')
    const signature = parsed.sign(data)
    assert.ok(Buffer.isBuffer(signature) && parsed.verify(data, signature) === true)
    return parsed.type
  })
  assert.deepEqual(types.sort(), ['ecdsa-sha2-nistp256', 'ssh-ed25519', 'ssh-rsa'])
  assert.equal(createPublicKey(createPrivateKey(persona.keys['ssh-ecdsa'] as string)).asymmetricKeyType, 'ec')
})

test('uptime grows, stays within its bounds and never lies in the future', () => {
  const secrets = { rsa: rsa() }
  let before = 0
  let boots = 0
  for (let at = Date.parse('2026-11-23'); at < Date.parse('2028-11-23'); at += 5 * 86_400_000) {
    const { bootedAt, installedAt } = host(7, secrets, at)
    assert.ok(bootedAt <= at && bootedAt >= installedAt && bootedAt >= before)
    assert.ok(at - bootedAt <= template.host.uptimeDays[1] * 86_400_000)
    if (bootedAt !== before) boots += 1
    before = bootedAt
  }
  assert.ok(boots > 1 && boots < 2 + (2 * 365) / template.host.uptimeDays[0])
})

test('a server has people beside the accounts its template names, each once', () => {
  const { accounts } = host(9, { rsa: rsa() })
  assert.equal(accounts[0]?.name, 'root')
  assert.ok(accounts.filter(({ fullName, uid }) => uid >= 1000 && fullName).length >= 2)
  assert.equal(new Set(accounts.map(({ uid }) => uid)).size, accounts.length)
  for (const { name } of accounts) assert.match(name, /^[a-z][a-z0-9._-]*$/)
})

test('a host is refused without a seed, or without a secret that its persona needs', () => {
  assert.throws(() => drawPersona({ template, organisation, seed: '', decoy: 'jump', secrets: {} }), /decoy jump: the seed/)
  assert.throws(() => host(1, {}), /needs the secret rsa/)
})

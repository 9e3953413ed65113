import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authenticate, hex, ntlmAnonymous, ntlmAuthenticate, ntlmNegotiate, readChallenge, windowsPersona } from './client-fixture.ts'
import { windowsIdentity } from './identity.ts'
import { knowsPassword } from './logon.ts'
import { md4 } from './md4.ts'
import { hashLine, isAnonymous, type NtlmAnswer, openNtlm, readAuthenticate } from './ntlmssp.ts'

const now = Date.UTC(2026, 10, 23)
const server = windowsIdentity(windowsPersona('windows-server-2016'))
const station = windowsIdentity(windowsPersona('windows-10-workstation'))

test('MD4 gives the digests of RFC 1320 appendix A.5', () => {
  assert.equal(md4(Buffer.alloc(0)).toString('hex'), '31d6cfe0d16ae931b73c59d7e0c089c0')
  assert.equal(md4(Buffer.from('abc')).toString('hex'), 'a448017aaf21d8525fc10ae87aa6729d')
  assert.equal(
    md4(Buffer.from('12345678901234567890123456789012345678901234567890123456789012345678901234567890')).toString('hex'),
    'e33b4ddc9c38f2199c3e7b164fcc0536',
  )
})

test('the example of [MS-NLMP] section 4.2.4 is recognised by its password and written as hashcat takes it', () => {
  const info = hex('02000c0044006f006d00610069006e0001000c005300650072007600650072000000000000000000')
  const blob = Buffer.concat([hex('01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000'), info])
  const answer: NtlmAnswer = {
    user: 'User',
    domain: 'Domain',
    workstation: 'COMPUTER',
    lm: Buffer.alloc(24),
    nt: Buffer.concat([hex('68cd0ab851e51c96aabc927bebef6a1c'), blob]),
    version: undefined,
    challenge: hex('0123456789abcdef'),
  }
  assert.equal(knowsPassword(answer, 'Password'), true)
  assert.equal(knowsPassword(answer, 'password'), false)
  assert.deepEqual(hashLine(answer), {
    form: 'netntlmv2',
    line: `User::Domain:0123456789abcdef:68cd0ab851e51c96aabc927bebef6a1c:${blob.toString('hex')}`,
  })
})

test('an answer of 24 bytes is NetNTLMv1, and nobody leaves no line', () => {
  const v1 = {
    user: 'u4-netntlm',
    domain: 'D',
    workstation: 'kNS',
    lm: Buffer.alloc(24, 1),
    nt: Buffer.alloc(24, 2),
    version: undefined,
    challenge: hex('cb8086049ec4736c'),
  }
  assert.deepEqual(hashLine(v1), { form: 'netntlmv1', line: `u4-netntlm::kNS:${'01'.repeat(24)}:${'02'.repeat(24)}:cb8086049ec4736c` })
  const nobody = readAuthenticate(ntlmAnonymous(), Buffer.alloc(8)) as NtlmAnswer
  assert.equal(isAnonymous(nobody), true)
  assert.equal(hashLine(nobody), undefined)
})

test('a challenge names the host as Windows does: a member of a domain with its domain, any other with itself', () => {
  const text = (bytes: Buffer | undefined): string | undefined => bytes?.toString('utf16le')
  for (const identity of [server, station]) {
    const step = openNtlm(identity, () => now).take(ntlmNegotiate)
    assert.ok(step && 'challenge' in step)
    const { flags, target, pairs } = readChallenge(step.challenge)
    assert.equal(target, identity.domain)
    assert.deepEqual([...pairs.keys()], identity.joined ? [2, 1, 4, 3, 5, 7] : [2, 1, 4, 3, 7])
    assert.equal(text(pairs.get(1)), identity.computer)
    assert.equal(text(pairs.get(3)), identity.dnsComputer)
    assert.equal(pairs.get(7)?.readBigUInt64LE(), 134_398_656_000_000_000n)
    assert.equal(flags & 0x0003_0000, identity.joined ? 0x0001_0000 : 0x0002_0000)
    assert.deepEqual([step.challenge[48], step.challenge[49], step.challenge.readUInt16LE(50)], [10, 0, identity.build])
  }
  assert.match(server.dnsComputer, /^[A-Z0-9-]{1,15}\.[a-z0-9.-]+$/)
  assert.equal(station.dnsComputer, station.computer)
})

test('every session is challenged with bytes of its own, and an answer is taken once', () => {
  const seen = new Set<string>()
  for (let nth = 0; nth < 64; nth++) {
    const ntlm = openNtlm(server, () => now)
    const step = ntlm.take(ntlmNegotiate)
    assert.ok(step && 'challenge' in step)
    const { challenge } = readChallenge(step.challenge)
    seen.add(challenge.toString('hex'))
    const token = ntlmAuthenticate(step.challenge, { user: 'eng01', domain: 'PLANT', password: 'Siemens#2021' })
    const last = ntlm.take(token)
    assert.ok(last && 'answer' in last)
    assert.equal(knowsPassword(last.answer, 'Siemens#2021'), true)
    assert.equal(last.answer.version, '10.0.19041')
    assert.equal(ntlm.take(token), undefined)
  }
  assert.equal(seen.size, 64)
})

test('what points outside of its message, or comes out of turn, is no answer', () => {
  assert.equal(openNtlm(server, () => now).take(ntlmAnonymous()), undefined)
  const broken = ntlmAnonymous()
  broken.writeUInt16LE(400, 20)
  assert.equal(readAuthenticate(broken, Buffer.alloc(8)), undefined)
  assert.equal(readAuthenticate(authenticate([]).subarray(0, 40), Buffer.alloc(8)), undefined)
})

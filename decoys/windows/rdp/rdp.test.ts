import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Harness } from '../../http/harness-fixture.ts'
import { personaIdentity } from '../../persona.ts'
import {
  freeRdp,
  hostBoth,
  last,
  ntlmAuthenticate,
  ntlmNegotiate,
  openRdp,
  openTalk,
  rdpRequest,
  readChallenge,
  takeTsRequest,
  type Talk,
  windowsPersona,
} from '../client-fixture.ts'
import { windowsIdentity } from '../identity.ts'
import { knowsPassword } from '../logon.ts'
import { rdpCertificate } from './certificate.ts'
import { readTsRequest, tokenRequest } from './credssp.ts'
import { readConnectInitial } from './mcs.ts'
import { rdp } from './rdp.ts'
import { readConnectionRequest } from './x224.ts'

const day = 86_400_000

/** One frame of TPKT. */
async function takeTpkt(talk: Talk): Promise<Buffer> {
  const head = await talk.take(4)
  return Buffer.concat([head, await talk.take(head.readUInt16BE(2) - 4)])
}

describe('remote desktop of Windows', () => {
  const persona = windowsPersona('windows-server-2016')
  let server: Harness
  let station: Harness
  let close: () => Promise<void>
  before(async () => {
    ;({ server, station, close } = await hostBoth(rdp))
  })
  after(() => close())

  test('the first request is read with and without cookie, routing token and negotiation', () => {
    assert.deepEqual(readConnectionRequest(rdpRequest(3)), { cookie: 'Cookie: mstshash=eng01', requested: 3 })
    assert.deepEqual(readConnectionRequest(rdpRequest(11, '')), { cookie: '', requested: 11 })
    assert.deepEqual(readConnectionRequest(rdpRequest(undefined, 'Cookie: msts=1.2.3')), { cookie: 'Cookie: msts=1.2.3', requested: undefined })
    assert.equal(readConnectionRequest(Buffer.from('030000130ed00000123400021f080002000000', 'hex')), undefined)
  })

  test('of what is asked for the strongest is taken; less than the host requires is refused with its reason', async () => {
    const answers: [Harness, number, string][] = [
      [station, 0b1011, '021f080008000000'],
      [station, 0b11, '021f080002000000'],
      [station, 0b1, '0300080005000000'],
      [station, 0, '0300080005000000'],
      [server, 0b1, '021f080001000000'],
      [server, 0, '0300080001000000'],
    ]
    for (const [decoy, requested, expected] of answers) {
      const talk = await openTalk(decoy.port)
      talk.send(rdpRequest(requested))
      assert.equal((await talk.take(19)).toString('hex', 11), expected, `protocols ${requested}`)
      talk.end()
    }
    assert.deepEqual(station.of('protocol.negotiated')[2], {
      protocol: 'rdp',
      offered: ['RDP', 'TLS'],
      selected: 'refused: CredSSP required',
      client: { cookie: 'eng01' },
    })
  })

  test('CredSSP is challenged as NTLM, its answer captured, and the client told why it was refused', async () => {
    const logOn = async (user: string, password: string, version: number): Promise<string> => {
      const { talk } = await openRdp(station.port, 3)
      talk.send(tokenRequest(version, ntlmNegotiate))
      const challenge = readTsRequest(await takeTsRequest(talk))
      assert.ok(challenge?.token)
      assert.equal(challenge.version, 6)
      assert.equal(readChallenge(challenge.token).target, windowsIdentity(windowsPersona('windows-10-workstation')).computer)
      talk.send(tokenRequest(version, ntlmAuthenticate(challenge.token, { user, domain: '', password })))
      const rest = await talk.take(64)
      await talk.closed()
      talk.end()
      return rest.toString('hex')
    }
    assert.equal(await logOn('administrator', 'Admin123', 6), '300da003020106a4060204c000006d')
    const { user, ntlm } = last(station, 'login.attempted') as { user: string; ntlm: Record<string, string> }
    assert.deepEqual([user, ntlm.form, ntlm.workstation], ['administrator', 'netntlmv2', 'PC-7'])
    const [, , , challenge = '', proof = '', blob = ''] = (ntlm.hash ?? '').split(':')
    const answer = {
      user,
      domain: '',
      workstation: '',
      lm: Buffer.alloc(0),
      nt: Buffer.from(proof + blob, 'hex'),
      version: '',
      challenge: Buffer.from(challenge, 'hex'),
    }
    assert.equal(knowsPassword(answer, 'Admin123'), true)
    assert.equal(await logOn('svc-backup', 'Kx7#plant', 6), '300da003020106a4060204c000015b')
    assert.deepEqual([last(station, 'login.attempted').by, last(station, 'login.attempted').outcome], ['lure', 'accepted'])
    // Clients of the first versions are told nothing.
    assert.equal(await logOn('administrator', 'x', 2), '')
  })

  test('without network level authentication the client says its name, build, keyboard and channels, then its password', async () => {
    const { talk } = await openRdp(server.port, 1)
    talk.send(freeRdp.connectInitial)
    const response = await takeTpkt(talk)
    assert.equal(response.toString('hex', 4, 9), '02f0807f66')
    assert.ok(response.includes(Buffer.from('4d63446e', 'hex')))
    assert.deepEqual(last(server, 'protocol.negotiated').client, {
      cookie: 'eng01',
      name: 'vm',
      build: '18363',
      keyboard: '0x00000409',
      screen: '1024x768',
      channels: ['rdpdr', 'rdpsnd', 'cliprdr', 'drdynvc'],
    })
    talk.send(Buffer.concat([freeRdp.erect, freeRdp.attach]))
    assert.equal((await takeTpkt(talk)).toString('hex', 7), '2e000007')
    talk.send(freeRdp.join)
    assert.equal((await takeTpkt(talk)).toString('hex', 7), '3e00000703eb03eb')
    talk.send(freeRdp.clientInfo)
    assert.equal((await takeTpkt(talk)).toString('hex', 7), '2180')
    await talk.closed()
    talk.end()
    assert.deepEqual(last(server, 'login.attempted'), {
      method: 'password',
      user: 'eng01',
      password: 'Siemens#2021',
      ntlm: { domain: 'PLANT', workstation: '' },
      outcome: 'refused',
    })
  })

  test("asking for the server's own channel is an attempted exploit of CVE-2019-0708", async () => {
    const frame = Buffer.from(freeRdp.connectInitial)
    frame.write('MS_T120\0', frame.indexOf('drdynvc'), 'latin1')
    assert.ok(readConnectInitial(frame.subarray(7))?.channels.includes('MS_T120'))
    const { talk } = await openRdp(server.port, 1)
    talk.send(frame)
    await takeTpkt(talk)
    talk.end()
    const { vulnerability, step } = last(server, 'exploit.attempted')
    assert.deepEqual([vulnerability, step], ['CVE-2019-0708', 'asks for the channel MS_T120'])
  })

  test('the certificate is as Windows makes it: its own name, half a year, signed by itself, another one after that', async () => {
    const { talk, certificate } = await openRdp(server.port, 3)
    talk.end()
    const seen = new X509Certificate(certificate)
    const name = `CN=${windowsIdentity(persona).dnsComputer}`
    assert.deepEqual([seen.subject, seen.issuer, seen.subjectAltName], [name, name, undefined])
    assert.ok(seen.verify(seen.publicKey))
    assert.deepEqual(seen.keyUsage, ['1.3.6.1.5.5.7.3.1'])
    assert.equal(Date.parse(seen.validTo) - Date.parse(seen.validFrom), 183 * day)
    const now = Date.now()
    assert.ok(Date.parse(seen.validFrom) <= now && now < Date.parse(seen.validTo))
    const later = new X509Certificate(rdpCertificate(windowsPersona('windows-server-2016'), now + 183 * day).cert)
    assert.equal(later.validFrom, seen.validTo)
    assert.notEqual(later.serialNumber, seen.serialNumber)
  })

  test('two hosts of one template share no field of identity that is theirs, and no certificate', () => {
    const [one, two] = ['5a', '6b'].map((seed) => personaIdentity(windowsPersona('windows-server-2016', seed))) as [
      Record<string, string[]>,
      Record<string, string[]>,
    ]
    for (const field of ['certificate.subject', 'certificate.serial', 'host.name', 'host.mac', 'host.serial', 'host.installed', 'host.people']) {
      assert.ok((one[field]?.length ?? 0) > 0, field)
      assert.deepEqual(
        one[field]?.filter((value) => two[field]?.includes(value)),
        [],
        field,
      )
    }
  })

  test('what is no request of RDP, and what is out of turn behind it, ends the connection and is said', async () => {
    const first = await openTalk(station.port)
    first.send(Buffer.from('GET / HTTP/1.0\r\n\r\n'))
    await first.closed()
    first.end()
    assert.equal(last(station, 'protocol.violated').reason, 'no connection request of RDP')
    for (const [bytes, reason] of [
      [Buffer.from('GET / HTTP/1.0\r\n\r\n'), 'no TSRequest'],
      [Buffer.concat([Buffer.from('3084ffffffff', 'hex')]), 'a frame of 4294967301 bytes, where 6 to 65536 are allowed'],
      [tokenRequest(6, Buffer.from('x')), 'CredSSP out of turn'],
    ] as const) {
      const { talk } = await openRdp(station.port, 3)
      talk.send(bytes)
      await talk.closed()
      talk.end()
      assert.equal(last(station, 'protocol.violated').reason, reason)
    }
  })
})

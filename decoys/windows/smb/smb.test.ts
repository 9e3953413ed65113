import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Harness } from '../../http/harness-fixture.ts'
import {
  encryption,
  hostBoth,
  last,
  netbios,
  ntlmAnonymous,
  ntlmAuthenticate,
  ntlmNegotiate,
  openTalk,
  preauthentication,
  smb1,
  smb1Negotiate,
  smb2,
  smb2Negotiate,
  smb2SessionSetup,
  type Talk,
} from '../client-fixture.ts'
import { readSpnego } from '../spnego.ts'
import { status } from '../status.ts'
import { smb } from './smb.ts'

const all = [0x0202, 0x0210, 0x0300, 0x0302, 0x0311]

/** Sends one message, answers the answer; an empty one where the connection was closed instead. */
const ask = (talk: Talk, message: Buffer): Promise<Buffer> => {
  talk.send(netbios(message))
  return talk.message()
}
const statusOf = (answer: Buffer): number => answer.readUInt32LE(8)
const smb1Status = (answer: Buffer): number => answer.readUInt32LE(5)
/** The token of a SESSION_SETUP answer of SMB 2. */
const tokenOf = (answer: Buffer): Buffer => answer.subarray(answer.readUInt16LE(68), answer.readUInt16LE(68) + answer.readUInt16LE(70))

describe('file sharing of Windows', () => {
  let server: Harness
  let station: Harness
  let close: () => Promise<void>
  before(async () => {
    ;({ server, station, close } = await hostBoth(smb))
  })
  after(() => close())
  const on = async <T>({ port }: Harness, work: (talk: Talk) => Promise<T>): Promise<T> => {
    const talk = await openTalk(port)
    try {
      return await work(talk)
    } finally {
      talk.end()
    }
  }

  test('a client of SMB1 that knows any SMB 2 is led over to it, and negotiates there', () =>
    on(station, async (talk) => {
      const first = await ask(talk, smb1Negotiate('NT LM 0.12', 'SMB 2.002', 'SMB 2.???'))
      assert.equal(first.toString('latin1', 0, 4), '\xfeSMB')
      assert.equal(first.readUInt16LE(68), 0x02ff)
      const second = await ask(talk, smb2Negotiate(all, [preauthentication, encryption]))
      assert.equal(second.readUInt16LE(68), 0x0311)
      assert.deepEqual(
        station
          .of('protocol.negotiated')
          .slice(-2)
          .map(({ offered, selected }) => [offered, selected]),
        [
          [['NT LM 0.12', 'SMB 2.002', 'SMB 2.???'], 'SMB 2.???'],
          [['2.0.2', '2.1', '3.0', '3.0.2', '3.1.1'], '3.1.1'],
        ],
      )
      assert.deepEqual(last(station, 'protocol.negotiated').client, { guid: '101d9a4b-7ce2-6a4f-b2c0-ffee00112233' })
    }))

  test('3.1.1 is answered with a hash, a salt of its own and one cipher; without the first it is invalid', async () => {
    const salts = new Set<string>()
    for (let nth = 0; nth < 3; nth++)
      await on(station, async (talk) => {
        const answer = await ask(talk, smb2Negotiate(all, [preauthentication, encryption]))
        assert.equal(statusOf(answer), status.ok)
        assert.equal(answer.readUInt16LE(70), 2)
        const at = answer.readUInt32LE(124)
        assert.equal(at % 8, 0)
        assert.equal(answer.toString('hex', at, at + 14), '0100260000000000010020000100')
        salts.add(answer.toString('hex', at + 14, at + 46))
        assert.equal(answer.toString('hex', at + 48), '020004000000000001000200')
      })
    assert.equal(salts.size, 3)
    for (const contexts of [[], [encryption], [preauthentication, preauthentication]])
      await on(station, async (talk) => assert.equal(statusOf(await ask(talk, smb2Negotiate(all, contexts))), status.invalidParameter))
  })

  test('every dialect alone is spoken with what it can; none that it knows is not supported', async () => {
    const capabilities = { 0x0202: 1, 0x0210: 7, 0x0300: 0x6f, 0x0302: 0x6f }
    for (const [dialect, expected] of Object.entries(capabilities))
      await on(server, async (talk) => {
        const answer = await ask(talk, smb2Negotiate([Number(dialect)]))
        assert.deepEqual([answer.readUInt16LE(68), answer.readUInt32LE(88)], [Number(dialect), expected])
        assert.equal(answer.readUInt32LE(92), Number(dialect) === 0x0202 ? 65_536 : 8_388_608)
      })
    await on(server, async (talk) => assert.equal(statusOf(await ask(talk, smb2Negotiate([0x0222]))), status.notSupported))
  })

  test('a logon is challenged, captured and refused; the account of a lure is recognised by its answer and may not log on', async () => {
    const logOn = (user: string, password: string): Promise<number> =>
      on(server, async (talk) => {
        await ask(talk, smb2Negotiate([0x0302]))
        const challenged = await ask(talk, smb2SessionSetup(ntlmNegotiate))
        assert.equal(statusOf(challenged), status.moreProcessing)
        const session = challenged.readBigUInt64LE(40)
        assert.notEqual(session, 0n)
        const token = ntlmAuthenticate(tokenOf(challenged), { user, domain: 'PLANT', password })
        const answer = await ask(talk, smb2SessionSetup(token, session, 2n))
        // The session is gone with the refusal.
        assert.equal(statusOf(await ask(talk, smb2SessionSetup(token, session, 3n))), status.userSessionDeleted)
        return statusOf(answer)
      })
    assert.equal(await logOn('eng01', 'Siemens#2021'), status.logonFailure)
    const { ntlm, ...attempt } = last(server, 'login.attempted') as { ntlm: Record<string, string> }
    assert.deepEqual(attempt, { method: 'ntlm', user: 'eng01', outcome: 'refused' })
    assert.deepEqual([ntlm.domain, ntlm.workstation, ntlm.version, ntlm.form], ['PLANT', 'PC-7', '10.0.19041', 'netntlmv2'])
    assert.match(ntlm.hash ?? '', /^eng01::PLANT:[0-9a-f]{16}:[0-9a-f]{32}:0101[0-9a-f]+$/)
    assert.equal(await logOn('svc-backup', 'wrong'), status.logonFailure)
    assert.equal(await logOn('SVC-Backup', 'Kx7#plant'), status.logonTypeNotGranted)
    const { outcome, by, password } = last(server, 'login.attempted')
    assert.deepEqual([outcome, by, password], ['accepted', 'lure', 'Kx7#plant'])
  })

  test('Kerberos in SPNEGO is led over to NTLM', () =>
    on(server, async (talk) => {
      const offer = await ask(talk, smb2Negotiate([0x0302]))
      const from = offer.readUInt16LE(120)
      // The server's own offer, with a token of Kerberos as a client would put there.
      const blob = offer.subarray(from, from + offer.readUInt16LE(122))
      assert.deepEqual({ ...readSpnego(blob), ntlm: undefined }, { form: 'init', ntlm: undefined, offersNtlm: true })
      const answer = await ask(talk, smb2SessionSetup(blob))
      assert.equal(statusOf(answer), status.moreProcessing)
      assert.equal(tokenOf(answer).toString('hex'), 'a1153013a0030a0103a10c060a2b06010401823702020a')
    }))

  test('nobody gets to IPC$ of the server and no further, and is turned away by the workstation', async () => {
    const enter = async (talk: Talk): Promise<Buffer> => {
      await ask(talk, smb2Negotiate([0x0302]))
      const challenged = await ask(talk, smb2SessionSetup(ntlmNegotiate))
      return ask(talk, smb2SessionSetup(ntlmAnonymous(), challenged.readBigUInt64LE(40), 2n))
    }
    const tree = (share: string): Buffer => {
      const path = Buffer.from(`\\\\10.1.2.3\\${share}`, 'utf16le')
      return Buffer.concat([Buffer.from([9, 0, 0, 0, 72, 0, path.length, 0]), path])
    }
    await on(station, async (talk) => assert.equal(statusOf(await enter(talk)), status.accessDenied))
    await on(server, async (talk) => {
      const entered = await enter(talk)
      assert.equal(statusOf(entered), status.ok)
      assert.equal(entered.readUInt16LE(66), 2)
      const session = entered.readBigUInt64LE(40)
      assert.equal(statusOf(await ask(talk, smb2(3, tree('C$'), { session }))), status.accessDenied)
      assert.equal(statusOf(await ask(talk, smb2(3, tree('plans'), { session }))), status.badNetworkName)
      const ipc = await ask(talk, smb2(3, tree('IPC$'), { session }))
      assert.deepEqual([statusOf(ipc), ipc.toString('hex', 64)], [status.ok, '100002003000000000000000ff011f00'])
      assert.equal(statusOf(await ask(talk, smb2(5, Buffer.alloc(57), { session, tree: ipc.readUInt32LE(36) }))), status.accessDenied)
      assert.equal(statusOf(await ask(talk, smb2(13, Buffer.from([4, 0, 0, 0])))), status.ok)
      assert.equal(statusOf(await ask(talk, smb2(2, Buffer.from([4, 0, 0, 0]), { session }))), status.ok)
      assert.equal(statusOf(await ask(talk, smb2(3, tree('IPC$'), { session }))), status.userSessionDeleted)
    })
  })

  test('a second negotiation, a request before the first and SMB1 where there is none close the connection', async () => {
    await on(server, async (talk) => {
      await ask(talk, smb2Negotiate([0x0302]))
      assert.equal((await ask(talk, smb2Negotiate([0x0302]))).length, 0)
    })
    await on(server, async (talk) => assert.equal((await ask(talk, smb2SessionSetup(ntlmNegotiate))).length, 0))
    await on(station, async (talk) => assert.equal((await ask(talk, smb1Negotiate('NT LM 0.12'))).length, 0))
    assert.equal(last(station, 'protocol.negotiated').selected, 'none')
  })

  test('several requests in one message are answered in one', () =>
    on(server, async (talk) => {
      await ask(talk, smb2Negotiate([0x0302]))
      const first = Buffer.concat([smb2(13, Buffer.from([4, 0, 0, 0])), Buffer.alloc(4)])
      first.writeUInt32LE(72, 20)
      const answer = await ask(talk, Buffer.concat([first, smb2(13, Buffer.from([4, 0, 0, 0]), { message: 2n })]))
      assert.deepEqual([answer.length, answer.readUInt32LE(20), answer.readBigUInt64LE(72 + 24)], [72 + 68, 72, 2n])
    }))

  test('what asks for EternalBlue is told no as by a patched host, and is an attempted exploit', async () => {
    const words = (...numbers: number[]): Buffer => {
      const bytes = Buffer.alloc(numbers.length * 2)
      for (const [at, number] of numbers.entries()) bytes.writeUInt16LE(number, at * 2)
      return bytes
    }
    await on(server, async (talk) => {
      const agreed = await ask(talk, smb1Negotiate('PC NETWORK PROGRAM 1.0', 'NT LM 0.12'))
      assert.equal(agreed.readUInt16LE(33), 1)
      const setUp = (token: Buffer, user: number): Promise<Buffer> =>
        ask(talk, smb1(0x73, Buffer.concat([words(0xff, 0, 16_644, 2, 0, 0, 0, token.length, 0, 0, 0x00d4, 0x8000)]), token, { user }))
      const challenged = await setUp(ntlmNegotiate, 0)
      assert.equal(smb1Status(challenged), status.moreProcessing)
      assert.ok(challenged.includes(Buffer.from('Windows Server 2016 Standard 14393\0', 'utf16le')))
      const user = challenged.readUInt16LE(28)
      assert.equal(smb1Status(await setUp(ntlmAnonymous(), user)), status.ok)
      const path = Buffer.concat([Buffer.alloc(1), Buffer.from('\\\\10.1.2.3\\IPC$\0', 'utf16le'), Buffer.from('?????\0', 'latin1')])
      const tree = await ask(talk, smb1(0x75, words(0xff, 0, 0, 1), path, { user }))
      assert.equal(smb1Status(tree), status.ok)
      const ids = { user, tree: tree.readUInt16LE(24) }
      const peek = smb1(0x25, words(0, 0, 0xffff, 0xffff, 0, 0, 0, 0, 0, 0, 74, 0, 74, 2, 0x23, 0), Buffer.from('\\PIPE\\\0', 'latin1'), ids)
      assert.equal(smb1Status(await ask(talk, peek)), status.invalidHandle)
      const call = await ask(talk, smb1(0x32, words(12, 0, 1, 0, 0, 0, 0, 0, 0, 12, 66, 0, 78, 1, 0x0e), Buffer.alloc(13), ids))
      assert.deepEqual([smb1Status(call), call.readUInt16LE(30)], [status.notImplemented, 0x40])
      const steps = server.of('exploit.attempted').map(({ vulnerability, step }) => [vulnerability, step])
      assert.deepEqual(steps, [
        ['MS17-010', 'TRANS_PEEK_NMPIPE of file 0'],
        ['MS17-010', 'TRANS2_SESSION_SETUP, as DoublePulsar is called'],
      ])
    })
  })

  test('a logon of SMB1 without extended security leaves NetNTLMv1 with the challenge of the negotiation', () =>
    on(server, async (talk) => {
      const flags2 = 0xc001
      const agreed = await ask(talk, smb1(0x72, Buffer.alloc(0), Buffer.from('\x02NT LM 0.12\0', 'latin1'), { flags2 }))
      assert.equal(agreed[66], 8)
      const challenge = agreed.toString('hex', 69, 77)
      const words = Buffer.from('ff000000044102000000000000001800180000000000d4000000', 'hex')
      const texts = Buffer.from('old\0PLANT\0Windows 5.1\0Windows 2000 LAN Manager\0', 'utf16le')
      const bytes = Buffer.concat([Buffer.alloc(24, 0x11), Buffer.alloc(24, 0x22), Buffer.alloc(1), texts])
      assert.equal(smb1Status(await ask(talk, smb1(0x73, words, bytes, { flags2 }))), status.logonFailure)
      const { user, ntlm } = last(server, 'login.attempted') as { user: string; ntlm: Record<string, string> }
      assert.deepEqual([user, ntlm.form, ntlm.hash], ['old', 'netntlmv1', `old::PLANT:${'11'.repeat(24)}:${'22'.repeat(24)}:${challenge}`])
      assert.deepEqual(last(server, 'protocol.negotiated').client, { system: 'Windows 5.1 / Windows 2000 LAN Manager' })
    }))

  test('a compressed message whose lengths overflow is an attempted exploit', () =>
    on(station, async (talk) => {
      await ask(talk, smb2Negotiate([0x0302]))
      assert.equal((await ask(talk, Buffer.from('fc534d42ffffffff01000000ffffffff41414141', 'hex'))).length, 0)
      assert.equal(last(station, 'exploit.attempted').vulnerability, 'CVE-2020-0796')
    }))

  test('two hosts of one template share neither GUID nor names; only builds that say when they started say it', async () => {
    const seen = new Set<string>()
    const others = await hostBoth(smb, '6b')
    try {
      for (const decoy of [server, station, others.server, others.station])
        await on(decoy, async (talk) => {
          const answer = await ask(talk, smb2Negotiate([0x0302]))
          seen.add(answer.toString('hex', 72, 88))
          assert.deepEqual([(answer[79] as number) >> 4, (answer[80] as number) >> 6], [4, 2], 'a random GUID')
          const started = answer.readBigUInt64LE(112)
          if (decoy === server || decoy === others.server) assert.ok(started > 0n && started < answer.readBigUInt64LE(104))
          else assert.equal(started, 0n)
          if (started > 0n) seen.add(String(started))
        })
      assert.equal(seen.size, 6)
    } finally {
      await others.close()
    }
  })

  test('a message of another protocol or one that is too long ends the connection', async () => {
    for (const bytes of [Buffer.from('GET / HTTP/1.0\r\n\r\n'), Buffer.from([0, 0xff, 0xff, 0xff, 0xfe])])
      await on(server, async (talk) => {
        talk.send(bytes)
        talk.socket.end()
        await talk.closed()
        assert.match(String(last(server, 'protocol.violated').reason), bytes[0] === 0 ? /^a frame of \d+ bytes/ : /^a message of kind 0x47/)
      })
  })
})

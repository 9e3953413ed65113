/** Fuzz targets that are the Windows services: what Samba sends and frames of SMB and RDP, mutated as a stream, inside of their framing, and inside of TLS. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { type Harness, host } from '../../decoys/http/harness-fixture.ts'
import {
  encryption,
  freeRdp,
  netbios,
  ntlmAnonymous,
  ntlmAuthenticate,
  ntlmNegotiate,
  openRdp,
  openTalk,
  preauthentication,
  rdpRequest,
  smb1,
  smb1Negotiate,
  smb2,
  smb2Negotiate,
  smb2SessionSetup,
  takeTsRequest,
  windowsPersona,
} from '../../decoys/windows/client-fixture.ts'
import { windowsIdentity } from '../../decoys/windows/identity.ts'
import { encodeChallenge } from '../../decoys/windows/ntlmssp.ts'
import { readTsRequest, tokenRequest } from '../../decoys/windows/rdp/credssp.ts'
import { rdp } from '../../decoys/windows/rdp/rdp.ts'
import { smb } from '../../decoys/windows/smb/smb.ts'
import { ending, recorded, talk, untilEnded } from './connection.ts'
import { mutate, type Random } from './mutate.ts'
import type { FuzzTarget } from './run.ts'

const execute = promisify(execFile)
const persona = windowsPersona('windows-server-2016')
const settings = { login: { accounts: [{ user: 'eng01', password: 'Siemens#2021', origin: 'given' as const }] } }
const challenge = encodeChallenge(windowsIdentity(persona), 0xe288_8297, Buffer.from('0123456789abcdef', 'hex'), Date.UTC(2026, 10, 23))
const answer = ntlmAuthenticate(challenge, { user: 'eng01', domain: 'PLANT', password: 'Siemens#2021' })

/** Only ends of the connection may leave `serve`; what was said is forgotten. */
function quiet({ events, blobs }: Harness): void {
  for (const { body } of events.splice(0).filter(({ kind }) => kind === 'failed'))
    if (!/ECONNRESET|EPIPE|ERR_STREAM_PREMATURE_CLOSE|ERR_STREAM_DESTROYED|closed during the TLS/.test(String(body.error))) throw new Error(String(body.error))
  blobs.clear()
}

/** Tries to log on with smbclient, by every dialect. */
async function logOn(port: number): Promise<void> {
  for (const dialect of ['NT1', 'SMB2_02', 'SMB3_11'])
    for (const user of ['-Ueng01%wrong', '-N'])
      await execute('smbclient', [
        ...['-L', '127.0.0.1', '-s', '/dev/null', '-p', String(port), user],
        ...[`--option=client min protocol=${dialect}`, `--option=client max protocol=${dialect}`],
      ]).catch(() => undefined)
}

const uint16s = (...numbers: number[]): Buffer => Buffer.from(Uint16Array.from(numbers).buffer)
/** Messages of SMB as worms and scanners send them, for the first user and tree. */
const messages: readonly Buffer[] = [
  smb1Negotiate('NT LM 0.12', 'SMB 2.002', 'SMB 2.???'),
  smb2Negotiate([0x0202, 0x0210, 0x0300, 0x0302]),
  smb2Negotiate([0x0302, 0x0311], [preauthentication, encryption]),
  smb2SessionSetup(ntlmNegotiate),
  smb2SessionSetup(answer, 0n, 2n),
  smb2SessionSetup(ntlmAnonymous(), 0n, 2n),
  smb2(3, Buffer.concat([uint16s(9, 0, 72, 12), Buffer.from('\\\\h\\IPC$', 'utf16le')])),
  smb2(13, Buffer.from([4, 0, 0, 0])),
  smb1(0x73, uint16s(0xff, 0, 16_644, 2, 0, 0, 0, ntlmNegotiate.length, 0, 0, 0xd4, 0x8000), ntlmNegotiate),
  smb1(0x73, uint16s(0xff, 0, 16_644, 2, 0, 0, 0, ntlmAnonymous().length, 0, 0, 0xd4, 0x8000), ntlmAnonymous(), { user: 0x0800 }),
  smb1(0x73, uint16s(0xff, 0, 16_644, 2, 0, 0, 0, 24, 24, 0, 0, 0xd4, 0), Buffer.concat([Buffer.alloc(49, 7), Buffer.from('a\0b\0c\0d\0', 'utf16le')])),
  smb1(0x75, uint16s(0xff, 0, 8, 1), Buffer.concat([Buffer.alloc(1), Buffer.from('\\\\h\\IPC$\0', 'utf16le'), Buffer.from('?????\0')]), { user: 0x0800 }),
  smb1(0x25, uint16s(0, 0, 0xffff, 0xffff, 0, 0, 0, 0, 0, 0, 74, 0, 74, 2, 0x23, 0), Buffer.from('\\PIPE\\\0'), { user: 0x0800, tree: 0x0800 }),
  smb1(0x32, uint16s(12, 0, 1, 0, 0, 0, 0, 0, 0, 12, 66, 0, 78, 1, 0x0e), Buffer.alloc(13), { user: 0x0800, tree: 0x0800 }),
  Buffer.from('fc534d42ffffffff01000000ffffffff41414141', 'hex'),
]

async function smbTarget(): Promise<FuzzTarget> {
  const decoy = await host(ending(smb), persona, settings)
  const streams = await recorded(decoy.port, logOn)
  assert.ok(streams.length >= 6, `${streams.length} connections of smbclient were recorded`)
  return {
    name: 'SMB',
    corpus: [...messages],
    concurrency: 12,
    async feed(input, pick: Random) {
      if (pick(3) === 0) await talk(decoy.port, mutate(streams, pick).subarray(0, 65_536))
      else {
        const first = pick(4) > 0 ? [pick(2) === 0 ? (messages[1] as Buffer) : smb1Negotiate('NT LM 0.12')] : []
        const more = Array.from({ length: pick(4) }, () => (pick(2) === 0 ? mutate(messages, pick) : (messages[pick(messages.length)] as Buffer)))
        await talk(decoy.port, Buffer.concat([...first, input, ...more].map((message) => netbios(message.subarray(0, 60_000)))))
      }
      quiet(decoy)
    },
    async serves() {
      const client = await openTalk(decoy.port)
      try {
        client.send(netbios(smb2Negotiate([0x0302])))
        assert.equal((await client.message()).readUInt16LE(68), 0x0302)
        client.send(netbios(smb2SessionSetup(ntlmNegotiate)))
        assert.equal((await client.message()).readUInt32LE(8), 0xc000_0016)
      } finally {
        client.end()
      }
      quiet(decoy)
    },
    close: () => decoy.close(),
  }
}

/** Goes through the first request and TLS, then sends `content` inside of it and ends. */
const insideTls = (port: number, protocols: number, content: Buffer): Promise<void> =>
  untilEnded(port, (socket, done) => {
    socket.write(rdpRequest(protocols))
    socket.once('data', () => {
      const secure = connectTls({ socket, rejectUnauthorized: false })
      secure.on('data', () => undefined)
      secure.on('error', done).on('close', done)
      secure.on('secureConnect', () => secure.end(content))
    })
  })

async function rdpTarget(): Promise<FuzzTarget> {
  const decoy = await host(ending(rdp), persona, settings)
  const requests = [rdpRequest(3), rdpRequest(11), rdpRequest(1), rdpRequest(0, ''), rdpRequest(undefined, 'Cookie: msts=1')]
  const tokens = [tokenRequest(6, ntlmNegotiate), tokenRequest(2, answer), tokenRequest(6, ntlmAnonymous())]
  const frames = Object.values(freeRdp)
  return {
    name: 'RDP',
    corpus: [...requests, ...tokens, ...frames],
    concurrency: 12,
    async feed(input, pick: Random) {
      const bytes = input.subarray(0, 60_000)
      const way = pick(3)
      if (way === 0) await talk(decoy.port, bytes)
      else if (way === 1) await insideTls(decoy.port, 3, Buffer.concat([...(pick(2) === 0 ? [tokens[0] as Buffer] : []), mutate(tokens, pick), bytes]))
      else await insideTls(decoy.port, 1, Buffer.concat([...frames.slice(0, pick(frames.length)), mutate(frames, pick), bytes]))
      quiet(decoy)
    },
    async serves() {
      const { talk: client } = await openRdp(decoy.port, 3)
      try {
        client.send(tokenRequest(6, ntlmNegotiate))
        assert.ok(readTsRequest(await takeTsRequest(client))?.token)
      } finally {
        client.end()
      }
      quiet(decoy)
    },
    close: () => decoy.close(),
  }
}

export const windowsTargets: Readonly<Record<string, () => Promise<FuzzTarget>>> = {
  'file sharing of Windows': smbTarget,
  'remote desktop of Windows': rdpTarget,
}

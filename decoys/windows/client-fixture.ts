/** For tests: the frames of clients of SMB and RDP, and a connection to send them on. */
import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { DecoyService } from '../decoy.ts'
import { type Harness, host } from '../http/harness-fixture.ts'
import type { Persona } from '../persona.ts'
import { testPersona } from '../test-harness.ts'
import { wholeLength } from './der.ts'
import { md4 } from './md4.ts'
import { ntlmSignature } from './ntlmssp.ts'

const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/** A Windows persona with a key for remote desktop, that refuses at once. */
export function windowsPersona(id: 'windows-server-2016' | 'windows-10-workstation', seed = '5a'): Persona {
  const persona = testPersona(id, seed, { rdpKey: key })
  const { smb, rdp } = persona.template
  if (!smb || !rdp) throw new Error(`${id} has no smb or rdp section`)
  return {
    ...persona,
    template: { ...persona.template, smb: { ...smb, refusalMs: [0, 1], connections: 4096 }, rdp: { ...rdp, refusalMs: [0, 1], connections: 1024 } },
  }
}

/** A service on a server and on a workstation, with an account that a lure names. `close` throws when an error left the service on either. */
export async function hostBoth<S>(service: DecoyService<S>, seed?: string): Promise<{ server: Harness; station: Harness; close(): Promise<void> }> {
  const policy = { login: { accounts: [{ user: 'svc-backup', password: 'Kx7#plant', origin: 'lure' }] } }
  const server = await host(service, windowsPersona('windows-server-2016', seed), policy)
  const station = await host(service, windowsPersona('windows-10-workstation', seed), policy)
  return {
    server,
    station,
    async close() {
      const failed = [server, station].flatMap((decoy) => decoy.of('failed'))
      await server.close()
      await station.close()
      assert.deepEqual(failed, [])
    },
  }
}
/** What the last event of a kind said. */
export const last = (decoy: Harness, kind: string): Record<string, unknown> => decoy.of(kind).at(-1) ?? {}

export const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')

/** NEGOTIATE_MESSAGE as Windows 10 sends it: no names, version 10.0.19041. */
export const ntlmNegotiate = Buffer.concat([ntlmSignature, hex('01000000 978208e2 0000000000000000 0000000000000000 0a00614a0000000f')])

/** What a CHALLENGE_MESSAGE holds: its flags, the challenge, and the pairs of its target info by id. */
export function readChallenge(token: Buffer): { flags: number; challenge: Buffer; target: string; pairs: Map<number, Buffer> } {
  const pairs = new Map<number, Buffer>()
  for (let at = token.readUInt32LE(44); token.readUInt16LE(at) !== 0; at += 4 + token.readUInt16LE(at + 2))
    pairs.set(token.readUInt16LE(at), token.subarray(at + 4, at + 4 + token.readUInt16LE(at + 2)))
  const from = token.readUInt32LE(16)
  return {
    flags: token.readUInt32LE(20),
    challenge: token.subarray(24, 32),
    target: token.toString('utf16le', from, from + token.readUInt16LE(12)),
    pairs,
  }
}

/** AUTHENTICATE_MESSAGE with a NetNTLMv2 answer to a CHALLENGE_MESSAGE. */
export function ntlmAuthenticate(token: Buffer, { user, domain, password }: { user: string; domain: string; password: string }): Buffer {
  const info = token.subarray(token.readUInt32LE(44))
  const blob = Buffer.concat([hex('0101000000000000 0090567a2a7fdd01'), randomBytes(8), Buffer.alloc(4), info, Buffer.alloc(4)])
  const owf = createHmac('md5', md4(Buffer.from(password, 'utf16le')))
    .update(Buffer.from(user.toUpperCase() + domain, 'utf16le'))
    .digest()
  const proof = createHmac('md5', owf).update(token.subarray(24, 32)).update(blob).digest()
  return authenticate([
    Buffer.alloc(24),
    Buffer.concat([proof, blob]),
    Buffer.from(domain, 'utf16le'),
    Buffer.from(user, 'utf16le'),
    Buffer.from('PC-7', 'utf16le'),
    Buffer.alloc(0),
  ])
}

/** AUTHENTICATE_MESSAGE of nobody. */
export const ntlmAnonymous = (): Buffer => authenticate([Buffer.alloc(1), ...Array.from({ length: 5 }, () => Buffer.alloc(0))])

export function authenticate(fields: readonly Buffer[], flags = 0xe288_8215): Buffer {
  const head = Buffer.alloc(72)
  ntlmSignature.copy(head)
  head.writeUInt32LE(3, 8)
  let at = 72
  for (const [nth, field] of fields.entries()) {
    head.writeUInt16LE(field.length, 12 + nth * 8)
    head.writeUInt16LE(field.length, 14 + nth * 8)
    head.writeUInt32LE(at, 16 + nth * 8)
    at += field.length
  }
  head.writeUInt32LE(flags, 60)
  hex('0a00614a0000000f').copy(head, 64)
  return Buffer.concat([head, ...fields])
}

/** Puts a message into the frame of direct TCP. */
export function netbios(message: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(message.length)
  return Buffer.concat([head, message])
}

/** An SMB2 request with its header. */
export function smb2(
  command: number,
  body: Buffer,
  { session = 0n, tree = 0, message = 1n }: { session?: bigint; tree?: number; message?: bigint } = {},
): Buffer {
  const head = Buffer.alloc(64)
  head.write('\xfeSMB', 'latin1')
  head.writeUInt16LE(64, 4)
  head.writeUInt16LE(command, 12)
  head.writeUInt16LE(31, 14)
  head.writeBigUInt64LE(message, 24)
  head.writeUInt32LE(tree, 36)
  head.writeBigUInt64LE(session, 40)
  return Buffer.concat([head, body])
}

/** NEGOTIATE of the given dialects; `contexts` are whole, padded contexts of 3.1.1. */
export function smb2Negotiate(dialects: readonly number[], contexts: readonly Buffer[] = []): Buffer {
  const body = Buffer.alloc(36 + 2 * dialects.length + ((8 - ((36 + 2 * dialects.length) % 8)) % 8))
  body.writeUInt16LE(36, 0)
  body.writeUInt16LE(dialects.length, 2)
  body.writeUInt16LE(1, 4)
  body.writeUInt32LE(0x7f, 8)
  hex('4b9a1d10e27c4f6ab2c0ffee00112233').copy(body, 12)
  for (const [nth, dialect] of dialects.entries()) body.writeUInt16LE(dialect, 36 + 2 * nth)
  if (contexts.length > 0) {
    body.writeUInt32LE(64 + body.length, 28)
    body.writeUInt16LE(contexts.length, 32)
  }
  return smb2(0, Buffer.concat([body, ...contexts]), { message: 0n })
}
/** SHA-512 with a salt, and AES-128-GCM before CCM. */
export const preauthentication = hex('0100 2600 00000000 0100 2000 0100 202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f 0000')
export const encryption = hex('0200 0600 00000000 0200 0200 0100 0000')

/** SESSION_SETUP with a token. */
export function smb2SessionSetup(token: Buffer, session = 0n, message = 1n): Buffer {
  const body = Buffer.alloc(24)
  body.writeUInt16LE(25, 0)
  body.writeUInt8(1, 3)
  body.writeUInt16LE(88, 12)
  body.writeUInt16LE(token.length, 14)
  return smb2(1, Buffer.concat([body, token]), { session, message })
}

/** An SMB1 request: its command, words and bytes. */
export function smb1(
  command: number,
  words: Buffer,
  bytes: Buffer,
  { user = 0, tree = 0, flags2 = 0xc801 }: { user?: number; tree?: number; flags2?: number } = {},
): Buffer {
  const head = Buffer.alloc(32)
  head.write('\xffSMB', 'latin1')
  head.writeUInt8(command, 4)
  head.writeUInt8(0x18, 9)
  head.writeUInt16LE(flags2, 10)
  head.writeUInt16LE(tree, 24)
  head.writeUInt16LE(user, 28)
  head.writeUInt16LE(0x40, 30)
  const size = Buffer.alloc(2)
  size.writeUInt16LE(bytes.length)
  return Buffer.concat([head, Buffer.from([words.length / 2]), words, size, bytes])
}
export const smb1Negotiate = (...dialects: string[]): Buffer =>
  smb1(0x72, Buffer.alloc(0), Buffer.from(dialects.map((name) => `\x02${name}\0`).join(''), 'latin1'))

/** First request of RDP with a cookie and the protocols asked for. */
export function rdpRequest(protocols: number | undefined, cookie = 'Cookie: mstshash=eng01'): Buffer {
  const end = protocols === undefined ? Buffer.alloc(0) : Buffer.from([1, 0, 8, 0, protocols, 0, 0, 0])
  const content = Buffer.concat([Buffer.from([0xe0, 0, 0, 0, 0, 0]), Buffer.from(cookie === '' ? '' : `${cookie}\r\n`, 'latin1'), end])
  return Buffer.concat([Buffer.from([3, 0, 0, content.length + 5, content.length]), content])
}

/** What FreeRDP 2.11 says without network level authentication: settings, domain, user, channels, and its name and password. */
export const freeRdp = {
  connectInitial:
    hex(`030001d302f0807f658201c70401010401010101ff301a020122020102020100020101020100020101020300ffff020102301902010102010102010102010102010002010102
    0204200201023020020300ffff020300fc17020300ffff020101020100020101020300ffff02010204820161000500147c00018158000800100001c00044756361814a01c0ea
    000c0008000004000301ca03aa09040000bb47000076006d000000000000000000000000000000000000000000000000000000000004000000000000000c0000000000000000
    000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001ca01000000000018000f
    00e30500000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000070001
    00000000000000000000000000000000000000000004c00c000d0000000000000002c00c00000000000000000003c03800040000007264706472000000000080c0726470736e
    640000000000c0636c6970726472000000a0c0647264796e766300000080c006c00800000000000ac0080000000000`),
  erect: hex('0300000c02f0800401000100'),
  attach: hex('0300000802f08028'),
  join: hex('0300000c02f08038000703eb'),
  clientInfo:
    hex(`0300016b02f08064000703eb70815c4000000000000000fb470b000a000a0018000000000050004c0041004e005400000065006e0067003000310000005300690065006d0065006e
    00730023003200300032003100000000000000020014003100320037002e0030002e0030002e0031000000400043003a005c00570069006e0064006f00770073005c00530079007300740065
    006d00330032005c006d007300740073006300610078002e0064006c006c0000000000000043006f006f007200640069006e006100740065006400200055006e006900760065007200730061
    006c002000540069006d006500000000000000000000000000000000000000000000000000000000000000000043006f006f007200640069006e006100740065006400200055006e006900
    760065007200730061006c002000540069006d006500000000000000000000000000000000000000000000000000000000000000000000000000800100000000`),
}

/** A socket whose answers are awaited one by one. */
export interface Talk {
  socket: Socket | TLSSocket
  send(bytes: Buffer): void
  /** Everything until so many bytes came, or the end. Rejects after 5 s. */
  take(bytes: number): Promise<Buffer>
  /** One message of direct TCP. */
  message(): Promise<Buffer>
  /** Resolves when the other side closed. */
  closed(): Promise<void>
  end(): void
}

export function talkOn(socket: Socket | TLSSocket): Talk {
  let held = Buffer.alloc(0)
  let over = false
  const wake = new Set<() => void>()
  const wakeAll = (): void => {
    for (const each of wake) each()
  }
  socket.on('data', (bytes: Buffer) => {
    held = Buffer.concat([held, bytes])
    wakeAll()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    over = true
    wakeAll()
  })
  socket.on('end', () => {
    over = true
    wakeAll()
  })
  const until = (test: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer within 5 s; so far ${held.toString('hex')}`)), 5000)
      const look = (): void => {
        if (!test()) return
        clearTimeout(timer)
        wake.delete(look)
        resolve()
      }
      wake.add(look)
      look()
    })
  const take = async (bytes: number): Promise<Buffer> => {
    await until(() => held.length >= bytes || over)
    const taken = held.subarray(0, bytes)
    held = held.subarray(taken.length)
    return taken
  }
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    take,
    async message() {
      const head = await take(4)
      return head.length < 4 ? Buffer.alloc(0) : take(head.readUIntBE(1, 3))
    },
    closed: () => until(() => over),
    end: () => socket.destroy(),
  }
}

/** One TSRequest. */
export async function takeTsRequest(talk: Talk): Promise<Buffer> {
  const head = await talk.take(6)
  return Buffer.concat([head, await talk.take((wholeLength(head) ?? 0) - 6)])
}

export async function openTalk(port: number): Promise<Talk> {
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  return talkOn(socket)
}

/** Negotiates RDP and goes on in TLS. */
export async function openRdp(port: number, protocols: number): Promise<{ talk: Talk; confirm: Buffer; certificate: Buffer }> {
  const plain = await openTalk(port)
  plain.send(rdpRequest(protocols))
  const confirm = await plain.take(19)
  plain.socket.removeAllListeners('data')
  const secure = connectTls({ socket: plain.socket, rejectUnauthorized: false })
  await once(secure, 'secureConnect')
  return { talk: talkOn(secure), confirm, certificate: secure.getPeerX509Certificate()?.raw ?? Buffer.alloc(0) }
}

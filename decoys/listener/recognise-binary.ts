/** Protocols with a binary opening. Each entry names where its first bytes are laid down; the order is that of certainty. */
import { helloSize, ja3, ja4, parseClientHello } from '../http/client-hello.ts'
import { type Recogniser, startsWith, textOf, zeroEnded } from './found.ts'
import { isPrelogin, readLogin7, tdsLength } from './tds.ts'

const hex = (value: number): string => `0x${value.toString(16)}`

/** BER: the content of the TLV at `at` and where the next one begins; undefined past the end. Lengths of at most four bytes. */
function ber(bytes: Buffer, at: number): { tag: number; from: number; to: number } | undefined {
  if (at + 2 > bytes.length) return undefined
  const first = bytes[at + 1] as number
  const size = first & 0x80 ? first & 0x7f : 0
  if (size > 4 || at + 2 + size > bytes.length || first === 0x80) return undefined
  const length = size === 0 ? first : bytes.readUIntBE(at + 2, size)
  const from = at + 2 + size
  return { tag: bytes[at] as number, from, to: from + length }
}

/** LDAPMessage: SEQUENCE { messageID INTEGER, protocolOp }. */
export function readLdap(bytes: Buffer): { id: number; operation: number; version?: number; user?: string; password?: string; used: number } | undefined {
  const message = bytes[0] === 0x30 ? ber(bytes, 0) : undefined
  const id = message && ber(bytes, message.from)
  if (!message || !id || id.tag !== 2 || id.to - id.from < 1 || id.to - id.from > 4 || id.to > bytes.length) return undefined
  const operation = ber(bytes, id.to)
  if (!operation || operation.tag < 0x40 || operation.tag > 0x7f) return undefined
  const said = { id: bytes.readUIntBE(id.from, id.to - id.from), operation: operation.tag, used: message.to }
  const version = operation.tag === 0x60 ? ber(bytes, operation.from) : undefined
  const name = version && ber(bytes, version.to)
  const proof = name && ber(bytes, name.to)
  if (!version || version.tag !== 2 || !name || name.tag !== 4) return said
  const user = textOf(bytes, name.from, name.to)
  return { ...said, version: bytes[version.from] ?? 0, user, ...(proof?.tag === 0x80 ? { password: textOf(bytes, proof.from, proof.to) } : {}) }
}

/** MQTT CONNECT: fixed header, protocol name, level, flags, keep alive, then client, will, user, password as texts of a 2-byte length. */
export function readMqttConnect(bytes: Buffer): { level: number; client: string; user?: string; password?: string; used: number } | undefined {
  if (bytes[0] !== 0x10) return undefined
  let length = 0
  let at = 1
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]
    if (byte === undefined || shift > 21) return undefined
    length |= (byte & 0x7f) << shift
    if (byte < 0x80) break
  }
  const used = at + length
  const take = (): string | undefined => {
    if (at + 2 > bytes.length) return undefined
    const from = at + 2
    at = from + bytes.readUInt16BE(at)
    return at > bytes.length ? undefined : textOf(bytes, from, at)
  }
  const name = take()
  if ((name !== 'MQTT' && name !== 'MQIsdp') || at + 4 > bytes.length) return undefined
  const [level, flags] = [bytes[at] as number, bytes[at + 1] as number]
  at += 4
  if (level >= 5) at += 1 + (bytes[at] ?? 0)
  const client = take() ?? ''
  if (flags & 4) {
    if (level >= 5) at += 1 + (bytes[at] ?? 0)
    take()
    take()
  }
  const user = flags & 0x80 ? take() : undefined
  const password = flags & 0x40 ? take() : undefined
  return { level, client, ...(user === undefined ? {} : { user }), ...(password === undefined ? {} : { password }), used }
}

/** PostgreSQL StartupMessage: `length(4) version(4)`, then names and values, zero-ended. */
export function readPostgresStartup(bytes: Buffer): { code: number; user?: string; database?: string; used: number } | undefined {
  if (bytes.length < 8) return undefined
  const [length, code] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)]
  if (length < 8 || length > 10_000) return undefined
  if (code === 80_877_103 || code === 80_877_104) return length === 8 ? { code, used: 8 } : undefined
  if (code === 80_877_102) return { code, used: length }
  if (code >>> 16 !== 3) return undefined
  const found: Record<string, string> = {}
  for (let at = 8, left = 32; left > 0 && at < Math.min(length, bytes.length) && bytes[at] !== 0; left--) {
    const key = zeroEnded(bytes, at)
    const value = zeroEnded(bytes, at + key.length + 1)
    if (key === 'user' || key === 'database') found[key] = value
    at += key.length + value.length + 2
  }
  return { code, ...found, used: length }
}

const smb1: Readonly<Record<number, string>> = { 0x72: 'negotiate', 0x73: 'session setup', 0x75: 'tree connect', 0x25: 'transaction', 0x32: 'transaction2' }

export const binaryRecognisers: readonly Recogniser[] = [
  {
    protocol: 'tls',
    spec: 'RFC 8446 4.1.2, 5.1',
    find(bytes) {
      if (helloSize(bytes) === undefined || bytes[5] !== 1) return undefined
      const hello = parseClientHello(bytes)
      if (!hello) return { request: 'ClientHello' }
      const { serverName } = hello
      return { request: 'ClientHello', detail: { ja3: ja3(hello), ja4: ja4(hello), ...(serverName === undefined ? {} : { serverName }) } }
    },
  },
  {
    protocol: 'smb',
    spec: '[MS-CIFS] 2.2.3.1, [MS-SMB2] 2.2.1, RFC 1002 4.3.1',
    find(bytes) {
      if (bytes[0] === 0x81 && bytes.length >= 4 && bytes.readUInt16BE(2) >= 0x44 && bytes[4] === 0x20) return { request: 'NetBIOS session request' }
      if (bytes[0] !== 0 || bytes.length < 9) return undefined
      const magic = bytes.readUInt32BE(4)
      if (magic === 0xff534d42) return { request: `SMB1 ${smb1[bytes[8] as number] ?? hex(bytes[8] as number)}`, detail: { version: '1' } }
      if (magic === 0xfe534d42) return { request: `SMB2 command ${bytes.length >= 18 ? bytes.readUInt16LE(16) : 0}`, detail: { version: '2' } }
      if (magic === 0xfc534d42) return { request: 'SMB2 compressed', detail: { version: '2' } }
      return undefined
    },
  },
  {
    protocol: 'rdp',
    spec: '[MS-RDPBCGR] 2.2.1.1, X.224 13.3, RFC 1006 6',
    find(bytes) {
      if (!startsWith(bytes, [3, 0]) || bytes.length < 11 || bytes[5] !== 0xe0 || bytes[4] !== bytes.readUInt16BE(2) - 5) return undefined
      // A connection request of S7 or MMS has parameters of two bytes and more; that of RDP a cookie, a negotiation, or nothing.
      const rest = bytes.subarray(11)
      if (rest.length > 0 && rest[0] !== 1 && !startsWith(rest, 'Cookie:') && !startsWith(rest, 'tsv:')) return undefined
      const cookie = textOf(rest, 0, Math.max(0, rest.subarray(0, 512).indexOf('\r\n')))
      const user = startsWith(rest, 'Cookie: mstshash=') ? { user: cookie.slice(17) } : {}
      return { request: `connection request ${cookie}`.trim(), detail: user }
    },
  },
  {
    protocol: 's7comm',
    spec: 'RFC 1006 6, ISO 8073 13.3.4',
    find: (bytes) =>
      startsWith(bytes, [3, 0]) && bytes.length >= 11 && (bytes[5] === 0xe0 || (bytes[5] === 0xf0 && bytes[7] === 0x32))
        ? { request: bytes[5] === 0xe0 ? 'COTP connection request' : 'S7 request' }
        : undefined,
  },
  {
    protocol: 'tds',
    spec: '[MS-TDS] 2.2.3.1, 2.2.6.4, 2.2.6.5',
    find(bytes) {
      const length = tdsLength(bytes)
      if (length === undefined || length > bytes.length + 4096) return undefined
      if (isPrelogin(bytes)) return { request: 'PRELOGIN' }
      const login = readLogin7(bytes)
      if (login)
        return {
          request: `LOGIN7 ${login.database}`.trim(),
          detail: { user: login.user, password: login.password, client: login.client, version: login.application },
        }
      // Old clients log in with 4.2: a host name of 30 bytes, then the user of 30.
      return bytes[0] === 2 && length >= 512 ? { request: 'LOGIN', detail: { client: zeroEnded(bytes, 8), user: zeroEnded(bytes, 39) } } : undefined
    },
  },
  {
    protocol: 'postgresql',
    spec: 'PostgreSQL frontend/backend protocol 55.7',
    find(bytes) {
      const start = readPostgresStartup(bytes)
      if (!start) return undefined
      const { code, user, database } = start
      if (code === 80_877_103) return { request: 'SSLRequest' }
      if (code === 80_877_104) return { request: 'GSSENCRequest' }
      if (code === 80_877_102) return { request: 'CancelRequest' }
      return { request: `startup ${database ?? ''}`.trim(), detail: user === undefined ? {} : { user } }
    },
  },
  {
    protocol: 'ldap',
    spec: 'RFC 4511 4.1.1, 4.2',
    find(bytes) {
      const message = readLdap(bytes)
      if (!message) return undefined
      const { operation, user, password } = message
      if (operation === 0x60) return { request: 'bind', detail: { ...(user === undefined ? {} : { user }), ...(password === undefined ? {} : { password }) } }
      return { request: operation === 0x63 ? 'search' : `operation ${hex(operation)}` }
    },
  },
  {
    protocol: 'mqtt',
    spec: 'MQTT 3.1.1 3.1, MQTT 5.0 3.1',
    find(bytes) {
      const connect = readMqttConnect(bytes)
      if (!connect) return undefined
      const { client, level, user, password } = connect
      return {
        request: `CONNECT ${client}`.trim(),
        detail: { version: String(level), client, ...(user === undefined ? {} : { user }), ...(password === undefined ? {} : { password }) },
      }
    },
  },
  {
    protocol: 'java-rmi',
    spec: 'Java RMI specification 10.2',
    find: (bytes) =>
      startsWith(bytes, 'JRMI\0') && bytes.length >= 7 ? { request: `version ${bytes.readUInt16BE(4)} protocol ${hex(bytes[6] as number)}` } : undefined,
  },
  {
    protocol: 'java-serialized',
    spec: 'Java object serialization specification 6.4.2',
    find: (bytes) => (startsWith(bytes, [0xac, 0xed, 0, 5]) ? { request: 'object stream' } : undefined),
  },
  {
    protocol: 'adb',
    spec: 'Android ADB protocol.txt',
    find(bytes) {
      // command(4) arg0(4) arg1(4) length(4) checksum(4) magic(4): the magic is the command with all bits turned.
      if (bytes.length < 24 || (bytes.readUInt32LE(0) ^ bytes.readUInt32LE(20)) >>> 0 !== 0xffff_ffff) return undefined
      return { request: `${textOf(bytes, 0, 4)} ${zeroEnded(bytes, 24)}`.trim(), detail: { version: hex(bytes.readUInt32LE(4)) } }
    },
  },
  {
    protocol: 'jdwp',
    spec: 'Java debug wire protocol specification',
    find: (bytes) => (startsWith(bytes, 'JDWP-Handshake') ? { request: 'JDWP-Handshake' } : undefined),
  },
  {
    protocol: 'vnc',
    spec: 'RFC 6143 7.1.1',
    find: (bytes) => (startsWith(bytes, 'RFB 00') ? { request: textOf(bytes, 0, 11), detail: { version: textOf(bytes, 4, 11) } } : undefined),
  },
  {
    protocol: 'opcua',
    spec: 'OPC 10000-6 7.1.2.3',
    find: (bytes) =>
      startsWith(bytes, 'HELF') && bytes.length >= 32 ? { request: `Hello ${textOf(bytes, 32, 32 + Math.min(255, bytes.readUInt32LE(28)))}` } : undefined,
  },
  {
    protocol: 'enip',
    spec: 'CIP Networks Library volume 2, 2-3',
    find(bytes) {
      if (bytes.length < 24 || bytes.readUInt32LE(8) !== 0) return undefined
      const command = bytes.readUInt16LE(0)
      const name = { 4: 'ListServices', 99: 'ListIdentity', 100: 'ListInterfaces', 101: 'RegisterSession', 111: 'SendRRData', 112: 'SendUnitData' }[command]
      return name && bytes.readUInt16LE(2) + 24 === bytes.length ? { request: name } : undefined
    },
  },
  {
    protocol: 'iec104',
    spec: 'IEC 60870-5-104 5',
    find: (bytes) =>
      bytes[0] === 0x68 && bytes.length >= 6 && (bytes[1] as number) >= 4 && (bytes[1] as number) + 2 <= bytes.length
        ? { request: ((bytes[2] as number) & 3) === 3 ? `U frame ${hex(bytes[2] as number)}` : 'I or S frame' }
        : undefined,
  },
  {
    protocol: 'modbus',
    spec: 'Modbus messaging on TCP/IP 3.1.3',
    find: (bytes) =>
      bytes.length >= 8 && bytes.readUInt16BE(2) === 0 && bytes.readUInt16BE(4) === bytes.length - 6 && bytes.length <= 260
        ? { request: `unit ${bytes[6]} function ${bytes[7]}` }
        : undefined,
  },
  {
    protocol: 'dnp3',
    spec: 'IEEE 1815 9.2.4',
    find: (bytes) => (startsWith(bytes, [0x05, 0x64]) && bytes.length >= 10 ? { request: `link function ${hex(bytes[3] as number)}` } : undefined),
  },
  {
    protocol: 'msrpc',
    spec: 'C706 12.6.3.1, 12.6.4.3',
    find: (bytes) =>
      startsWith(bytes, [5, 0]) && bytes.length >= 16 && [0, 11, 14, 16].includes(bytes[2] as number) && bytes.readUInt16LE(8) <= 8192
        ? { request: bytes[2] === 11 ? 'bind' : `packet ${bytes[2]}` }
        : undefined,
  },
  {
    protocol: 'socks',
    spec: 'RFC 1928 3; SOCKS 4',
    find(bytes) {
      if (bytes[0] === 5 && bytes.length >= 3 && (bytes[1] as number) >= 1 && bytes.length === 2 + (bytes[1] as number))
        return { request: 'SOCKS5 greeting', detail: { version: '5' } }
      if (bytes[0] === 4 && bytes.length >= 9 && (bytes[1] === 1 || bytes[1] === 2) && bytes.includes(0, 8)) {
        const address = [...bytes.subarray(4, 8)].join('.')
        return { request: `${bytes[1] === 1 ? 'CONNECT' : 'BIND'} ${address}:${bytes.readUInt16BE(2)}`, detail: { version: '4', user: zeroEnded(bytes, 8) } }
      }
      return undefined
    },
  },
  {
    protocol: 'mysql',
    spec: 'MySQL client/server protocol: HandshakeResponse41, SSLRequest',
    find(bytes) {
      // length(3) sequence(1) capabilities(4) largest(4) charset(1) 23 zeros, then the user; without it the client asks for TLS.
      if (bytes.length < 36 || bytes[3] !== 1 || !bytes.subarray(13, 32).equals(Buffer.alloc(19))) return undefined
      return bytes.readUIntLE(0, 3) === 32 ? { request: 'SSLRequest' } : { request: 'login', detail: { user: zeroEnded(bytes, 36) } }
    },
  },
  {
    protocol: 'dns',
    spec: 'RFC 1035 4.2.2',
    find(bytes) {
      if (bytes.length < 19 || bytes.readUInt16BE(0) + 2 !== bytes.length) return undefined
      const name = questionOf(bytes.subarray(2))
      return name === undefined ? undefined : { request: name }
    },
  },
  {
    protocol: 'mongodb',
    spec: 'MongoDB wire protocol: message header',
    find: (bytes) =>
      bytes.length >= 16 &&
      bytes.readUInt32LE(0) <= 48_000_000 &&
      bytes.readUInt32LE(0) >= 16 &&
      bytes.readUInt32LE(8) === 0 &&
      [2004, 2012, 2013].includes(bytes.readUInt32LE(12))
        ? { request: `operation ${bytes.readUInt32LE(12)}` }
        : undefined,
  },
  {
    protocol: 'memcached',
    spec: 'memcached binary protocol 2',
    find: (bytes) =>
      bytes[0] === 0x80 && bytes.length >= 24 && (bytes[1] as number) <= 0x22 && bytes[5] === 0 ? { request: `opcode ${hex(bytes[1] as number)}` } : undefined,
  },
  {
    protocol: 'telnet',
    spec: 'RFC 854',
    find: (bytes) =>
      bytes[0] === 0xff && bytes.length >= 3 && (bytes[1] as number) >= 0xfa && (bytes[1] as number) <= 0xfe ? { request: 'negotiation' } : undefined,
  },
]

/** Name and type of the first question of a DNS message (RFC 1035 4.1); undefined when it has none. */
export function questionOf(message: Buffer): string | undefined {
  if (message.length < 17 || message.readUInt16BE(4) < 1 || message.readUInt16BE(4) > 16) return undefined
  const labels: string[] = []
  let at = 12
  for (let left = 128; left > 0; left--) {
    const length = message[at]
    if (length === undefined || length > 63 || at + length + 1 > message.length) return undefined
    at += 1
    if (length === 0) break
    labels.push(message.toString('latin1', at, at + length))
    at += length
  }
  return at + 4 <= message.length ? `${labels.join('.')}. type ${message.readUInt16BE(at)}` : undefined
}

/** Kinds of servers with binary protocols: they take the first message, and refuse as the real one does. */
import { readLdap, readMqttConnect, readPostgresStartup } from './recognise-binary.ts'
import { recognise } from './recognise.ts'
import { zeroEnded } from './found.ts'
import { drawn } from './servers-line.ts'
import type { Kind, Seat } from './seat.ts'
import { isPrelogin, loginFailed, preloginAnswer, readLogin7, tdsLength } from './tds.ts'
import { randomBytes } from 'node:crypto'

/** MySQL HandshakeV10 with a scramble of its own; the connection's number grows with the host's uptime. */
const mysql: Kind = {
  protocol: 'mysql',
  idleS: 10,
  greet(seat) {
    const version = drawn(seat, 'mysql', [
      ['2013-02-05', '5.6.51'],
      ['2015-10-21', '5.7.44'],
      ['2015-10-22', '5.7.38-log'],
      ['2019-06-18', '10.4.34-MariaDB'],
      ['2021-07-06', '10.6.18-MariaDB'],
      ['2023-02-16', '10.11.8-MariaDB'],
    ])
    const maria = version.includes('Maria')
    const scramble = Buffer.from(randomBytes(20).map((byte) => 33 + (byte % 94)))
    const number = Buffer.alloc(4)
    number.writeUInt32LE(Math.floor((seat.now() - seat.persona.bootedAt) / 1000 / seat.persona.number('listener mysql pace', 20, 400)) + 8)
    const body = Buffer.concat([
      Buffer.from(`\n${maria ? '5.5.5-' : ''}${version}\0`),
      number,
      scramble.subarray(0, 8),
      Buffer.from([0, 0xff, 0xf7, maria ? 45 : 8, 2, 0, 0xff, 0x81, 21]),
      Buffer.alloc(10),
      scramble.subarray(8),
      Buffer.from('\0mysql_native_password\0'),
    ])
    return framed(0, body)
  },
  take(seat, waiting) {
    if (waiting.length < 4 || waiting.length < 4 + waiting.readUIntLE(0, 3)) return undefined
    const used = 4 + waiting.readUIntLE(0, 3)
    if (used < 37 || waiting[3] !== 1) return undefined
    const user = zeroEnded(waiting, 36)
    const proof = waiting[36 + user.length + 1] ?? 0
    const answer = Buffer.concat([
      Buffer.from([0xff, 0x15, 0x04]),
      Buffer.from(`#28000Access denied for user '${user}'@'${seat.source.ip}' (using password: ${proof > 0 ? 'YES' : 'NO'})`, 'latin1'),
    ])
    return { used, found: { protocol: 'mysql', request: 'login', detail: { user } }, answer: framed(2, answer), close: 'end', login: { user } }
  },
  foreign: () => ({ answer: framed(1, Buffer.from('\xff\x13\x04#08S01Bad handshake', 'latin1')), close: 'end' }),
}
const framed = (sequence: number, body: Buffer): Buffer => {
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 0, 3)
  head[3] = sequence
  return Buffer.concat([head, body])
}

const mssql: Kind = {
  protocol: 'tds',
  idleS: 30,
  take(seat, waiting) {
    const used = tdsLength(waiting)
    if (used === undefined || waiting.length < used) return undefined
    const packet = waiting.subarray(0, used)
    const found = recognise(packet)
    const version = drawn<readonly [number, number, number]>(seat, 'mssql', [
      ['2012-03-06', [11, 0, 7507]],
      ['2014-03-18', [12, 0, 6449]],
      ['2016-06-01', [13, 0, 6435]],
      ['2017-10-02', [14, 0, 3460]],
      ['2019-11-04', [15, 0, 4355]],
      ['2022-11-16', [16, 0, 4115]],
    ])
    if (isPrelogin(packet)) return { used, found, answer: preloginAnswer(version) }
    const login = readLogin7(packet)
    if (!login) return { used, found, close: 'reset' }
    const { user, password } = login
    return { used, found, answer: loginFailed(user, seat.persona.hostname.toUpperCase()), close: 'end', login: { user, password }, pause: 40 }
  },
}

const postgresql: Kind = {
  protocol: 'postgresql',
  idleS: 60,
  take(seat, waiting) {
    if (seat.state === 'password') {
      if (waiting.length < 5 || waiting[0] !== 0x70) return undefined
      const used = 1 + waiting.readUInt32BE(1)
      if (used > 4096 || waiting.length < used) return undefined
      const password = zeroEnded(waiting, 5)
      return {
        used,
        found: { protocol: 'postgresql', request: 'password', detail: { user: seat.user, password } },
        answer: fatal('28P01', `password authentication failed for user "${seat.user}"`, 'auth.c', '326', 'auth_failed'),
        close: 'end',
        login: { user: seat.user, password },
      }
    }
    const start = readPostgresStartup(waiting)
    if (!start || waiting.length < start.used) return undefined
    const found = recognise(waiting.subarray(0, start.used))
    if (start.code === 80_877_103 || start.code === 80_877_104) return { used: start.used, found, answer: 'N' }
    if (start.code === 80_877_102) return { used: start.used, found, close: 'end' }
    if (!start.user)
      return {
        used: start.used,
        found,
        answer: fatal('28000', 'no PostgreSQL user name specified in startup packet', 'postmaster.c', '2217', 'ProcessStartupPacket'),
        close: 'end',
      }
    seat.user = start.user
    seat.state = 'password'
    return { used: start.used, found, answer: Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]) }
  },
  foreign: () => ({ close: 'end' }),
}
/** ErrorResponse (PostgreSQL 55.7, 55.8). */
function fatal(code: string, text: string, file: string, line: string, routine: string): Buffer {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${text}\0F${file}\0L${line}\0R${routine}\0\0`, 'latin1')
  const head = Buffer.from([0x45, 0, 0, 0, 0])
  head.writeUInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** An alert that ends the handshake (RFC 8446 6). */
const alert = (description: number): Buffer => Buffer.from([21, 3, 3, 0, 2, 2, description])
const tls: Kind = {
  protocol: 'tls',
  idleS: 30,
  take(_seat, waiting) {
    if (waiting.length < 6 || waiting[0] !== 22 || waiting[1] !== 3) return undefined
    const used = 5 + waiting.readUInt16BE(3)
    if (used > 16_640 || waiting.length < used) return undefined
    return { used, found: recognise(waiting.subarray(0, used)), answer: alert(40), close: 'end' }
  },
  // OpenSSL says of what is no record of TLS that its version is wrong.
  foreign: (_seat, waiting) => (waiting[0] === 22 ? { answer: alert(50), close: 'end' } : { answer: alert(70), close: 'end' }),
}

const ldap: Kind = {
  protocol: 'ldap',
  idleS: 120,
  take(_seat, waiting) {
    const message = readLdap(waiting)
    if (!message || message.used > 65_536 || waiting.length < message.used) return undefined
    const { id, operation, user, password, used } = message
    const found = recognise(waiting.subarray(0, used))
    const result = (tag: number, code: number, text = ''): Buffer => {
      const number = Buffer.alloc(4)
      number.writeUInt32BE(id)
      const at = number.findIndex((byte, nth) => byte !== 0 || nth === 3)
      const short = number.subarray((number[at] as number) > 0x7f && at > 0 ? at - 1 : at)
      const body = Buffer.concat([Buffer.from([10, 1, code, 4, 0, 4, text.length]), Buffer.from(text, 'latin1')])
      const inner = Buffer.concat([Buffer.from([2, short.length]), short, Buffer.from([tag, body.length]), body])
      return Buffer.concat([Buffer.from([0x30, inner.length]), inner])
    }
    if (operation === 0x42) return { used, found, close: 'end' }
    if (operation === 0x60) {
      const anonymous = user === '' && password === ''
      if (anonymous) return { used, found, answer: result(0x61, 0) }
      return { used, found, answer: result(0x61, 49), login: { user: user ?? '', password }, pause: 20 }
    }
    return { used, found, answer: result(operation === 0x63 ? 0x65 : 0x78, operation === 0x63 ? 1 : 53, operation === 0x63 ? 'Operations error' : '') }
  },
  foreign: () => ({ close: 'end' }),
}

const mqtt: Kind = {
  protocol: 'mqtt',
  idleS: 30,
  take(_seat, waiting) {
    const connect = readMqttConnect(waiting)
    if (!connect || waiting.length < connect.used) return undefined
    const { level, user, password, used } = connect
    const answer = level >= 5 ? Buffer.from([0x20, 3, 0, 0x87, 0]) : Buffer.from([0x20, 2, 0, 5])
    return { used, found: recognise(waiting.subarray(0, used)), answer, close: 'end', ...(user === undefined ? {} : { login: { user, password } }) }
  },
  foreign: () => ({ close: 'end' }),
}

/** RFB of a server that has had enough of wrong passwords: it names no security type, and why (RFC 6143 7.1.2). */
const vnc: Kind = {
  protocol: 'vnc',
  idleS: 60,
  greet: () => 'RFB 003.008\n',
  take(_seat, waiting) {
    if (waiting.length < 12) return undefined
    const found = recognise(waiting)
    if (found.protocol !== 'vnc') return undefined
    const reason = Buffer.from('Too many security failures')
    const old = waiting.toString('latin1', 8, 11) === '003'
    const answer = Buffer.concat([old ? Buffer.from([0, 0, 0, 0]) : Buffer.from([0]), Buffer.from([0, 0, 0, reason.length]), reason])
    return { used: 12, found, answer, close: 'end' }
  },
  foreign: () => ({ close: 'end' }),
}

const rdp: Kind = {
  protocol: 'rdp',
  idleS: 60,
  take(_seat, waiting) {
    if (waiting.length < 4 || waiting[0] !== 3 || waiting.length < waiting.readUInt16BE(2)) return undefined
    const used = waiting.readUInt16BE(2)
    const found = recognise(waiting.subarray(0, used))
    if (found.protocol !== 'rdp') return undefined
    // It wants network level authentication; who offers that finds it out of order and is reset.
    const requested = used >= 19 && waiting[used - 8] === 1 ? waiting.readUInt32LE(used - 4) : 0
    if (requested & 2) return { used, found, close: 'reset' }
    return { used, found, answer: Buffer.from([3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34, 0, 3, 0, 8, 0, 5, 0, 0, 0]), close: 'end' }
  },
}

const socks: Kind = {
  protocol: 'socks',
  idleS: 60,
  take(_seat, waiting) {
    const found = recognise(waiting)
    if (found.protocol !== 'socks') return undefined
    return {
      used: waiting.length,
      found,
      answer: found.detail?.version === '5' ? Buffer.from([5, 0xff]) : Buffer.from([0, 91, 0, 0, 0, 0, 0, 0]),
      close: 'end',
    }
  },
  foreign: () => ({ close: 'end' }),
}

const dns: Kind = {
  protocol: 'dns',
  idleS: 10,
  take(_seat, waiting) {
    if (waiting.length < 2 || waiting.length < 2 + waiting.readUInt16BE(0)) return undefined
    const used = 2 + waiting.readUInt16BE(0)
    const found = recognise(waiting.subarray(0, used))
    if (found.protocol !== 'dns') return undefined
    // REFUSED, with the question as it came.
    const end = questionEnd(waiting.subarray(2, used))
    const message = Buffer.concat([
      waiting.subarray(2, 4),
      Buffer.from([0x80 | ((waiting[4] as number) & 0x79), 5, 0, 1, 0, 0, 0, 0, 0, 0]),
      waiting.subarray(14, 2 + end),
    ])
    const head = Buffer.alloc(2)
    head.writeUInt16BE(message.length)
    return { used, found, answer: Buffer.concat([head, message]) }
  },
}
const questionEnd = (message: Buffer): number => {
  let at = 12
  while (at < message.length && message[at] !== 0) at += 1 + (message[at] as number)
  return Math.min(message.length, at + 5)
}

const adb: Kind = {
  protocol: 'adb',
  idleS: 60,
  take(_seat, waiting) {
    const found = recognise(waiting)
    if (found.protocol !== 'adb' || waiting.length < 24) return undefined
    const used = 24 + waiting.readUInt32LE(12)
    if (used > 65_536 || waiting.length < used) return undefined
    if (!found.request.startsWith('CNXN') && !found.request.startsWith('AUTH')) return { used, found, close: 'end' }
    // A device with debugging that nobody confirmed on its screen: AUTH, type TOKEN, 20 bytes to sign.
    const token = randomBytes(20)
    const head = Buffer.alloc(24)
    head.write('AUTH', 'latin1')
    head.writeUInt32LE(1, 4)
    head.writeUInt32LE(20, 12)
    head.writeUInt32LE(
      token.reduce((sum, byte) => sum + byte, 0),
      16,
    )
    head.writeUInt32LE((head.readUInt32LE(0) ^ 0xffff_ffff) >>> 0, 20)
    return { used, found, answer: Buffer.concat([head, token]) }
  },
}

const jdwp: Kind = {
  protocol: 'jdwp',
  idleS: 60,
  take(seat, waiting) {
    if (seat.state === 'shaken') {
      if (waiting.length < 11) return undefined
      const used = Math.min(waiting.length, Math.max(11, waiting.readUInt32BE(0)))
      // VM_DEAD: the machine is just going down.
      const answer = Buffer.concat([Buffer.from([0, 0, 0, 11]), waiting.subarray(4, 8), Buffer.from([0x80, 0, 112])])
      return { used, found: { protocol: 'jdwp', request: `command ${waiting[9]}.${waiting[10]}` }, answer, close: 'end' }
    }
    if (waiting.length < 14 || waiting.toString('latin1', 0, 14) !== 'JDWP-Handshake') return undefined
    seat.state = 'shaken'
    return { used: 14, found: { protocol: 'jdwp', request: 'JDWP-Handshake' }, answer: 'JDWP-Handshake' }
  },
  foreign: () => ({ close: 'end' }),
}

const rmi: Kind = {
  protocol: 'java-rmi',
  idleS: 60,
  take(seat, waiting) {
    if (seat.state === 'shaken')
      return waiting.length === 0 ? undefined : { used: waiting.length, found: { protocol: 'java-rmi', request: 'call' }, close: 'end' }
    if (waiting.length < 7 || waiting.toString('latin1', 0, 4) !== 'JRMI') return undefined
    seat.state = 'shaken'
    const found = recognise(waiting)
    if (waiting[6] !== 0x4b) return { used: waiting.length, found, answer: Buffer.from([0x4f]), close: 'end' }
    // ProtocolAck, and how the client is seen: address as text, port.
    const address = Buffer.from(seat.source.ip, 'latin1')
    return { used: 7, found, answer: Buffer.concat([Buffer.from([0x4e, 0, address.length]), address, Buffer.from([0, 0, 0, 0])]) }
  },
}

export const binaryKinds = {
  mysql,
  mssql,
  postgresql,
  tls,
  ldap,
  mqtt,
  vnc,
  rdp,
  socks,
  dns,
  adb,
  jdwp,
  rmi,
  /** Not a Windows host's: what asks for shares is reset. */
  smb: { protocol: 'smb', idleS: 30, timesOut: 'reset' },
  /** Waits, as a service does whose protocol nobody guesses, and goes without a word. */
  silent: { protocol: 'unknown', idleS: 30, foreign: () => ({ close: 'end' }) },
} satisfies Record<string, Kind>
export type { Seat }

/** Kinds of servers that speak in lines: they take names and passwords, and refuse them. */
import { headerOf } from './found.ts'
import { readCommand } from './resp.ts'
import { type Kind, nextLine, type Seat, type Step } from './seat.ts'

const isWindows = ({ persona }: Seat): boolean => persona.template.os.family === 'windows'
const isDevice = ({ persona }: Seat): boolean => persona.template.os.family === 'embedded' || persona.template.os.libc !== 'glibc'
const fullName = ({ persona }: Seat): string => `${persona.hostname}.${persona.domain}`

/** The server that hosts of this sort have, the same one for ever: drawn from the versions that were current when it was installed. */
export const drawn = <T>({ persona }: Seat, purpose: string, from: readonly (readonly [since: string, value: T])[]): T => {
  const then = persona.installedAt
  const known = from.filter(([since]) => Date.parse(since) <= then)
  return persona.pick(`listener ${purpose}`, known.length > 0 ? known.slice(-3) : from.slice(0, 1))[1]
}

/** RFC 854 commands taken out; the rest is what was typed. */
const withoutTelnet = (line: string): string => line.replace(/\xff(?:[\xfb-\xfe].|\xfa[^\xff]{0,64}\xff\xf0|.)/gs, '').replaceAll('\0', '')

interface Reply {
  answer?: string
  close?: 'end'
  login?: Step['login']
  pause?: number
}

/** A server of lines. `protocol` names the requests; passwords are not in them. */
const lines = (protocol: string, reply: (seat: Seat, line: string) => Reply): NonNullable<Kind['take']> => {
  return (seat, waiting) => {
    const next = nextLine(waiting)
    if (!next) return undefined
    const line = protocol === 'telnet' ? withoutTelnet(next.line) : next.line
    const secret = seat.state === 'password'
    const said = reply(seat, line)
    const { login } = said
    const detail = login ? { user: login.user, ...(login.password === undefined ? {} : { password: login.password }) } : undefined
    return { ...said, used: next.used, found: { protocol, request: secret ? 'password' : line.slice(0, 1024), ...(detail ? { detail } : {}) } }
  }
}

const telnetOptions = Buffer.from([255, 253, 24, 255, 253, 32, 255, 253, 35, 255, 253, 39])
const deviceOptions = Buffer.from([255, 253, 1, 255, 253, 31, 255, 251, 1, 255, 251, 3])
const prompt = (seat: Seat): string => (isWindows(seat) ? 'login: ' : `${seat.persona.hostname} login: `)

const telnet: Kind = {
  protocol: 'telnet',
  patient: true,
  idleS: 60,
  greet(seat) {
    const { distribution, release } = seat.persona.template.os
    const text = isWindows(seat)
      ? 'Welcome to Microsoft Telnet Service \r\n\n\rlogin: '
      : isDevice(seat)
        ? `\r\n${prompt(seat)}`
        : `${distribution} ${release}\r\n${prompt(seat)}`
    return Buffer.concat([isDevice(seat) ? deviceOptions : telnetOptions, Buffer.from(text, 'latin1')])
  },
  take: lines('telnet', (seat, line) => {
    if (seat.state !== 'password') {
      if (line.trim() === '') return { answer: `\r\n${prompt(seat)}` }
      seat.user = line.trim()
      seat.state = 'password'
      return { answer: isWindows(seat) ? '\r\npassword: ' : '\r\nPassword: ' }
    }
    seat.state = ''
    seat.tries += 1
    const login = { user: seat.user, password: line }
    const refusal = isWindows(seat) ? '\r\n\r\nThe handle is invalid.\r\n\r\nLogin Failed\r\n' : '\r\n\r\nLogin incorrect\r\n'
    return seat.tries >= 3 ? { answer: refusal, close: 'end', login, pause: 2400 } : { answer: `${refusal}${prompt(seat)}`, login, pause: 2400 }
  }),
  // Whoever speaks another protocol to it is taken to have typed it.
  foreign: () => ({ close: 'end' }),
}

const ftp: Kind = {
  protocol: 'ftp',
  patient: true,
  idleS: 300,
  greet: (seat) =>
    isWindows(seat)
      ? '220 Microsoft FTP Service\r\n'
      : isDevice(seat)
        ? `220 ${seat.persona.hostname} FTP server ready.\r\n`
        : `220 (vsFTPd ${drawn(seat, 'vsftpd', [
            ['2012-09-01', '3.0.2'],
            ['2015-07-01', '3.0.3'],
            ['2021-08-01', '3.0.5'],
          ])})\r\n`,
  take: lines('ftp', (seat, line) => {
    const [verb = '', ...rest] = line.split(' ')
    switch (verb.toUpperCase()) {
      case 'USER':
        seat.user = rest.join(' ')
        return { answer: isWindows(seat) ? '331 Password required\r\n' : '331 Please specify the password.\r\n' }
      case 'PASS':
        seat.tries += 1
        return {
          answer: isWindows(seat) ? '530 User cannot log in.\r\n' : '530 Login incorrect.\r\n',
          login: { user: seat.user, password: rest.join(' ') },
          pause: 2000,
          ...(seat.tries >= 3 ? { close: 'end' as const } : {}),
        }
      case 'QUIT':
        return { answer: '221 Goodbye.\r\n', close: 'end' }
      default:
        return { answer: '530 Please login with USER and PASS.\r\n' }
    }
  }),
  foreign: () => ({ close: 'end' }),
}

const base64Text = (text: string): string => Buffer.from(text.slice(0, 2048), 'base64').toString('latin1')

const smtp: Kind = {
  protocol: 'smtp',
  patient: true,
  idleS: 300,
  greet: (seat) =>
    isWindows(seat)
      ? `220 ${fullName(seat)} Microsoft ESMTP MAIL Service ready at ${new Date(seat.now()).toUTCString().replace('GMT', '+0000')}\r\n`
      : `220 ${fullName(seat)} ESMTP Postfix\r\n`,
  take: lines('smtp', (seat, line) => {
    const verb = line.slice(0, 16).split(' ', 1)[0]?.toUpperCase()
    if (seat.state === 'user') {
      seat.user = base64Text(line)
      seat.state = 'password'
      return { answer: '334 UGFzc3dvcmQ6\r\n' }
    }
    if (seat.state === 'password' || seat.state === 'plain') {
      const [, user = '', password = ''] = seat.state === 'plain' ? base64Text(line).split('\0') : ['', seat.user, base64Text(line)]
      seat.state = ''
      return refused(seat, user, password)
    }
    switch (verb) {
      case 'EHLO':
        return { answer: `250-${fullName(seat)}\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-AUTH PLAIN LOGIN\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n` }
      case 'HELO':
        return { answer: `250 ${fullName(seat)}\r\n` }
      case 'AUTH': {
        const [, method = '', first] = line.split(' ')
        if (method.toUpperCase() === 'PLAIN') {
          if (first === undefined) {
            seat.state = 'plain'
            return { answer: '334 \r\n' }
          }
          const [, user = '', password = ''] = base64Text(first).split('\0')
          return refused(seat, user, password)
        }
        if (method.toUpperCase() !== 'LOGIN') return { answer: '535 5.7.8 Error: authentication failed: Invalid authentication mechanism\r\n' }
        seat.state = 'user'
        return { answer: '334 VXNlcm5hbWU6\r\n' }
      }
      case 'NOOP':
      case 'RSET':
        return { answer: '250 2.0.0 Ok\r\n' }
      case 'QUIT':
        return { answer: '221 2.0.0 Bye\r\n', close: 'end' }
      case 'MAIL':
        return { answer: '530 5.7.0 Authentication required\r\n' }
      case 'RCPT':
      case 'DATA':
        return { answer: '503 5.5.1 Error: need MAIL command\r\n' }
      case 'GET':
      case 'POST':
      case 'CONNECT':
        return { answer: '221 2.7.0 Error: I can break rules, too. Goodbye.\r\n', close: 'end' }
      default:
        seat.tries += 1
        return { answer: '502 5.5.2 Error: command not recognized\r\n', ...(seat.tries >= 10 ? { close: 'end' as const } : {}) }
    }
  }),
  foreign: () => ({ answer: '502 5.5.2 Error: command not recognized\r\n', close: 'end' }),
}
const refused = (seat: Seat, user: string, password: string): Reply => {
  seat.tries += 1
  return { answer: '535 5.7.8 Error: authentication failed: authentication failure\r\n', login: { user, password }, pause: 2000 }
}

const pop3: Kind = {
  protocol: 'pop3',
  patient: true,
  idleS: 180,
  greet: (seat) => (isWindows(seat) ? '+OK The Microsoft Exchange POP3 service is ready.\r\n' : '+OK Dovecot ready.\r\n'),
  take: lines('pop3', (seat, line) => {
    if (seat.state === 'plain') {
      const [, user = '', password = ''] = base64Text(line).split('\0')
      seat.state = ''
      return { answer: '-ERR [AUTH] Authentication failed.\r\n', login: { user, password }, pause: 2000 }
    }
    const [verb = '', ...rest] = line.split(' ')
    switch (verb.toUpperCase()) {
      case 'USER':
        seat.user = rest.join(' ')
        return { answer: '+OK\r\n' }
      case 'PASS':
        return { answer: '-ERR [AUTH] Authentication failed.\r\n', login: { user: seat.user, password: rest.join(' ') }, pause: 2000 }
      case 'AUTH': {
        const [, user = '', password = ''] = base64Text(rest[1] ?? '').split('\0')
        if (rest[0]?.toUpperCase() !== 'PLAIN') return { answer: '-ERR [AUTH] Unsupported authentication mechanism.\r\n' }
        if (rest[1] === undefined) {
          seat.state = 'plain'
          return { answer: '+ \r\n' }
        }
        return { answer: '-ERR [AUTH] Authentication failed.\r\n', login: { user, password }, pause: 2000 }
      }
      case 'CAPA':
        return { answer: '+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\nUSER\r\nSASL PLAIN\r\n.\r\n' }
      case 'QUIT':
        return { answer: '+OK Logging out\r\n', close: 'end' }
      default:
        seat.tries += 1
        return seat.tries >= 4 ? { answer: '-ERR Too many invalid commands.\r\n', close: 'end' } : { answer: '-ERR Unknown command.\r\n' }
    }
  }),
  foreign: () => ({ answer: '-ERR Unknown command.\r\n', close: 'end' }),
}

const imap: Kind = {
  protocol: 'imap',
  patient: true,
  idleS: 180,
  greet: (seat) =>
    isWindows(seat)
      ? '* OK The Microsoft Exchange IMAP4 service is ready.\r\n'
      : '* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN] Dovecot ready.\r\n',
  take: lines('imap', (seat, line) => {
    if (seat.state !== '') {
      const tag = seat.state
      const [, name = '', password = ''] = base64Text(line).split('\0')
      seat.state = ''
      return { answer: `${tag} NO [AUTHENTICATIONFAILED] Authentication failed.\r\n`, login: { user: name, password }, pause: 2000 }
    }
    const [tag = '*', verb = '', user = '', ...rest] = line.slice(0, 1024).split(' ')
    const plain = (text: string): string => (text.startsWith('"') ? text.slice(1, -1) : text)
    switch (verb.toUpperCase()) {
      case 'LOGIN':
        return {
          answer: `${tag.slice(0, 64)} NO [AUTHENTICATIONFAILED] Authentication failed.\r\n`,
          login: { user: plain(user), password: plain(rest.join(' ')) },
          pause: 2000,
        }
      case 'AUTHENTICATE': {
        if (user.toUpperCase() !== 'PLAIN') return { answer: `${tag.slice(0, 64)} NO [ALERT] Unsupported authentication mechanism.\r\n` }
        if (rest.length === 0) {
          seat.state = tag.slice(0, 64)
          return { answer: '+ \r\n' }
        }
        const [, name = '', password = ''] = base64Text(rest.join(' ')).split('\0')
        return { answer: `${tag.slice(0, 64)} NO [AUTHENTICATIONFAILED] Authentication failed.\r\n`, login: { user: name, password }, pause: 2000 }
      }
      case 'CAPABILITY':
        return {
          answer: `* CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN\r\n${tag.slice(0, 64)} OK Pre-login capabilities listed, post-login capabilities have more.\r\n`,
        }
      case 'LOGOUT':
        return { answer: `* BYE Logging out\r\n${tag.slice(0, 64)} OK Logout completed.\r\n`, close: 'end' }
      default:
        seat.tries += 1
        if (seat.tries >= 4) return { answer: '* BYE Too many invalid IMAP commands.\r\n', close: 'end' }
        return {
          answer:
            verb === ''
              ? `${tag.slice(0, 64)} BAD Error in IMAP command received by server.\r\n`
              : `${tag.slice(0, 64)} BAD Error in IMAP command ${verb.toUpperCase().slice(0, 64)}: Unknown command.\r\n`,
        }
    }
  }),
  foreign: () => ({ answer: '* BAD Error in IMAP command received by server.\r\n', close: 'end' }),
}

const redis: Kind = {
  protocol: 'redis',
  patient: true,
  // A Redis that is configured as it comes never closes an idle client; one behind a password often has `timeout`.
  idleS: 300,
  take(seat, waiting) {
    // What begins a request of HTTP makes Redis close without a word (networking.c, against cross-protocol scripting).
    const command = readCommand(waiting)
    if (command === 'more') return undefined
    if (command === 'broken')
      return {
        used: waiting.length,
        found: { protocol: 'redis', request: 'broken' },
        answer: '-ERR Protocol error: invalid multibulk length\r\n',
        close: 'end',
      }
    const { words, used } = command
    const found = { protocol: 'redis', request: words.join(' ').slice(0, 1024) }
    switch (words[0]?.toUpperCase() ?? '') {
      case '':
        return { used, found }
      case 'POST':
      case 'HOST:':
        return { used: waiting.length, found: { protocol: 'http', request: found.request }, close: 'end' }
      case 'QUIT':
        return { used, found, answer: '+OK\r\n', close: 'end' }
      case 'AUTH': {
        if (words.length < 2 || words.length > 3) return { used, found, answer: "-ERR wrong number of arguments for 'auth' command\r\n" }
        const [user, password] = words.length === 3 ? [words[1] as string, words[2] as string] : ['default', words[1] as string]
        seat.tries += 1
        return { used, found, answer: '-WRONGPASS invalid username-password pair or user is disabled.\r\n', login: { user, password } }
      }
      case 'HELLO':
        return {
          used,
          found,
          answer:
            '-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time\r\n',
        }
      default:
        return { used, found, answer: '-NOAUTH Authentication required.\r\n' }
    }
  },
  foreign: () => ({ close: 'end' }),
}

const memcached: Kind = {
  protocol: 'memcached',
  patient: true,
  idleS: 600,
  take: lines('memcached', (_seat, line) => (line === 'quit' ? { close: 'end' } : { answer: line === '' ? 'ERROR\r\n' : 'CLIENT_ERROR unauthenticated\r\n' })),
  foreign: () => ({ close: 'end' }),
}

/** The head of a request is whole with its empty line. */
const http = (respond: (seat: Seat, method: string, path: string) => { status: string; headers: readonly string[]; body: string; close: boolean }): Kind => ({
  protocol: 'http',
  patient: true,
  idleS: 60,
  take(seat, waiting) {
    const end = waiting.subarray(0, 16_384).indexOf('\r\n\r\n')
    if (end < 0) return undefined
    const head = waiting.toString('latin1', 0, end)
    const [line = ''] = head.split('\r\n', 1)
    const [method = '', path = '/', version = ''] = line.split(' ')
    if (!version.startsWith('HTTP/') || !/^[A-Z]{3,12}$/.test(method)) return undefined
    const length = Number(headerOf(waiting, 'content-length') ?? 0)
    const size = Number.isSafeInteger(length) && length > 0 ? Math.min(length, 1_048_576) : 0
    // A body is waited for as far as it is kept; what follows is hashed.
    if (waiting.length < end + 4 + Math.min(size, 60_000)) return undefined
    const { status, headers, body, close } = respond(seat, method, path)
    const last = close || version === 'HTTP/1.0' || headerOf(waiting, 'connection')?.toLowerCase() === 'close'
    const all = [...headers, `Content-Length: ${Buffer.byteLength(body)}`, ...(last ? ['Connection: close'] : [])]
    const [host, client] = [headerOf(waiting, 'host'), headerOf(waiting, 'user-agent')]
    return {
      used: Math.min(waiting.length, end + 4 + size),
      found: {
        protocol: 'http',
        request: `${method} ${path}`.slice(0, 1024),
        detail: { ...(host === undefined ? {} : { host }), ...(client === undefined ? {} : { client }) },
      },
      answer: `HTTP/1.1 ${status}\r\n${all.join('\r\n')}\r\n\r\n${method === 'HEAD' ? '' : body}`,
      ...(last ? { close: 'end' as const } : {}),
    }
  },
  foreign(seat) {
    const { status, headers, body } = respond(seat, '', '')
    return {
      answer: `HTTP/1.1 ${status}\r\n${[...headers, `Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`,
      close: 'end',
    }
  },
})

const date = (seat: Seat): string => `Date: ${new Date(seat.now()).toUTCString()}`
const page = (status: string, server: string): string =>
  `<html>\r\n<head><title>${status}</title></head>\r\n<body>\r\n<center><h1>${status}</h1></center>\r\n<hr><center>${server}</center>\r\n</body>\r\n</html>\r\n`

export const lineKinds = {
  telnet,
  ftp,
  smtp,
  pop3,
  imap,
  redis,
  memcached,
  http: http((seat, method) => {
    const server = seat.persona.template.web?.header ?? (isWindows(seat) ? 'Microsoft-HTTPAPI/2.0' : 'nginx')
    const status = method === '' ? '400 Bad Request' : '403 Forbidden'
    return { status, headers: [`Server: ${server}`, date(seat), 'Content-Type: text/html'], body: page(status, server), close: method === '' }
  }),
  docker: http((seat, method) => {
    if (method === '') return { status: '400 Bad Request', headers: ['Content-Type: text/plain; charset=utf-8'], body: '400 Bad Request', close: true }
    return {
      status: '403 Forbidden',
      headers: ['Content-Type: application/json', date(seat)],
      body: '{"message":"authorization denied by plugin authz-broker: no policy applied"}\n',
      close: false,
    }
  }),
  elasticsearch: http((_seat, method, path) => {
    if (method === '') return { status: '400 Bad Request', headers: ['content-type: text/plain'], body: '', close: true }
    const reason = `missing authentication credentials for REST request [${path.replace(/["\\<>]/g, '').slice(0, 200)}]`
    const challenge = '"header":{"WWW-Authenticate":"Basic realm=\\"security\\" charset=\\"UTF-8\\""}'
    const cause = `"type":"security_exception","reason":"${reason}",${challenge}`
    return {
      status: '401 Unauthorized',
      headers: ['WWW-Authenticate: Basic realm="security" charset="UTF-8"', 'content-type: application/json; charset=UTF-8'],
      body: `{"error":{"root_cause":[{${cause}}],${cause}},"status":401}`,
      close: false,
    }
  }),
} satisfies Record<string, Kind>

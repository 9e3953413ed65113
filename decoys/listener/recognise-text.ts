/** Protocols that open with a line of text. */
import { headerOf, lineOf, type Recogniser, startsWith, textOf } from './found.ts'
import { readCommand } from './resp.ts'

const methods = new Set(
  'GET POST PUT HEAD DELETE OPTIONS PATCH TRACE CONNECT PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH REPORT DEBUG TRACK'.split(' '),
)
/** The verbs that only this protocol opens with. */
const verbs: readonly [protocol: string, spec: string, words: readonly string[]][] = [
  ['smtp', 'RFC 5321 4.1.1', ['EHLO', 'HELO', 'LHLO', 'MAIL', 'RCPT', 'STARTTLS', 'VRFY', 'EXPN']],
  ['ftp', 'RFC 959 4.1', ['FEAT', 'SYST', 'PASV', 'EPSV', 'CWD', 'PWD', 'RETR', 'STOR', 'ACCT', 'SITE']],
  ['pop3', 'RFC 1939 5', ['APOP', 'CAPA', 'UIDL', 'RETR', 'TOP']],
  ['memcached', 'memcached protocol.txt', ['stats', 'gets', 'flush_all', 'verbosity', 'incr', 'decr']],
  [
    'redis',
    'Redis serialization protocol: inline commands',
    ['INFO', 'PING', 'CONFIG', 'SLAVEOF', 'REPLICAOF', 'MODULE', 'FLUSHALL', 'FLUSHDB', 'KEYS', 'EVAL', 'CLIENT', 'COMMAND', 'HELLO', 'DBSIZE'],
  ],
]

const word = (line: string): string => line.slice(0, 40).split(' ', 1)[0] ?? ''
const lined = (bytes: Buffer): boolean => bytes.subarray(0, 8192).includes(10)

export const textRecognisers: readonly Recogniser[] = [
  {
    protocol: 'ssh',
    spec: 'RFC 4253 4.2',
    find: (bytes) => (startsWith(bytes, 'SSH-') ? { request: lineOf(bytes).slice(0, 255), detail: { version: lineOf(bytes).slice(0, 255) } } : undefined),
  },
  {
    protocol: 'http',
    spec: 'RFC 9112 3',
    find(bytes) {
      const line = lineOf(bytes)
      const method = word(line)
      if (!methods.has(method) || line[method.length] !== ' ') return undefined
      if (!/ HTTP\/\d/.test(line.slice(-12)) && lined(bytes) && !line.slice(method.length + 1).startsWith('/')) return undefined
      const host = headerOf(bytes, 'host')
      const client = headerOf(bytes, 'user-agent')
      return {
        request: line.replace(/ HTTP\/\d(\.\d)?$/, ''),
        detail: { ...(host === undefined ? {} : { host }), ...(client === undefined ? {} : { client }) },
      }
    },
  },
  { protocol: 'http2', spec: 'RFC 9113 3.4', find: (bytes) => (startsWith(bytes, 'PRI * HTTP/2.0') ? { request: 'connection preface' } : undefined) },
  { protocol: 'rtsp', spec: 'RFC 7826 20.1', find: (bytes) => (/ RTSP\/\d/.test(lineOf(bytes).slice(-10)) ? { request: lineOf(bytes) } : undefined) },
  { protocol: 'sip', spec: 'RFC 3261 7.1', find: (bytes) => (/ SIP\/\d/.test(lineOf(bytes).slice(-9)) ? { request: lineOf(bytes) } : undefined) },
  {
    protocol: 't3',
    spec: 'WebLogic T3: bootstrap line',
    find: (bytes) =>
      startsWith(bytes, 't3 ') || startsWith(bytes, 't3s ') ? { request: lineOf(bytes), detail: { version: word(lineOf(bytes).slice(3)) } } : undefined,
  },
  {
    protocol: 'redis',
    spec: 'Redis serialization protocol: arrays',
    find(bytes) {
      if (bytes[0] !== 0x2a) return undefined
      const command = readCommand(bytes)
      if (typeof command === 'object') return { request: command.words.join(' ').slice(0, 1024) }
      return /^\*\d{1,6}\r/.test(textOf(bytes, 0, 9)) ? { request: 'a command that is not whole' } : undefined
    },
  },
  ...verbs.map(
    ([protocol, spec, words]): Recogniser => ({
      protocol,
      spec,
      find(bytes) {
        const line = lineOf(bytes)
        return lined(bytes) && words.includes(protocol === 'memcached' ? word(line) : word(line).toUpperCase()) ? { request: line } : undefined
      },
    }),
  ),
  {
    protocol: 'telnet',
    spec: 'the shell lines that bots of the Mirai family send without waiting',
    find(bytes) {
      const line = lineOf(bytes).toLowerCase()
      return lined(bytes) && (['enable', 'system', 'shell', 'sh', 'linuxshell'].includes(line) || line.startsWith('/bin/busybox '))
        ? { request: lineOf(bytes) }
        : undefined
    },
  },
]

/** Settings of the services `listener` and `listener-udp`, which wait at any port and keep what arrives. */
import { z } from 'zod'
import { escaped } from './primitives.ts'

/** What the server at a port is: how it greets, how long it waits, how it closes. */
export const listenerKinds = [
  'telnet',
  'ftp',
  'smtp',
  'pop3',
  'imap',
  'mysql',
  'mssql',
  'postgresql',
  'redis',
  'memcached',
  'http',
  'docker',
  'elasticsearch',
  'tls',
  'ldap',
  'mqtt',
  'vnc',
  'rdp',
  'smb',
  'socks',
  'dns',
  'adb',
  'jdwp',
  'rmi',
  'silent',
] as const
export type ListenerKind = (typeof listenerKinds)[number]

/** What listens at a port by convention; `silent` at every other. */
const usual: Readonly<Record<number, ListenerKind>> = {
  21: 'ftp',
  23: 'telnet',
  25: 'smtp',
  53: 'dns',
  80: 'http',
  110: 'pop3',
  139: 'smb',
  143: 'imap',
  389: 'ldap',
  443: 'tls',
  445: 'smb',
  465: 'tls',
  587: 'smtp',
  636: 'tls',
  993: 'tls',
  995: 'tls',
  1080: 'socks',
  1099: 'rmi',
  1433: 'mssql',
  1883: 'mqtt',
  2323: 'telnet',
  2375: 'docker',
  2376: 'tls',
  3306: 'mysql',
  3389: 'rdp',
  5005: 'jdwp',
  5432: 'postgresql',
  5555: 'adb',
  5900: 'vnc',
  6379: 'redis',
  7001: 'http',
  8000: 'http',
  8080: 'http',
  8088: 'http',
  8443: 'tls',
  8883: 'tls',
  9200: 'elasticsearch',
  11211: 'memcached',
}
export const usualListener = (port: number): ListenerKind => usual[port] ?? 'silent'

export const listenerSettings = z.strictObject({
  /** What it is; what is usual at its port when it is not given. */
  as: z.enum(listenerKinds).optional(),
  /** Instead of the greeting that is drawn: `\n`, `\r` and `\xNN` are those bytes, `{hostname}` the host's name. */
  greets: escaped(1024).optional(),
  /** Seconds of silence after which it closes, instead of those of its kind. */
  idleS: z.number().int().min(1).max(3600).optional(),
})
export type ListenerSettings = z.infer<typeof listenerSettings>

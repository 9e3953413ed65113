/** Who may knock: the names this server answers to, the sites that may call it, and the address of the caller. */
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { StartError } from '../store/start-error.ts'
import { doorError } from './errors.ts'

export interface DoorOptions {
  /** Address to bind. */
  host: string
  tls: boolean
  /** A reverse proxy stands in front: its X-Forwarded-For is believed, and TLS is its work. */
  behindProxy: boolean
  /** Names people use besides loopback: `soc.example.com`, `soc.example.com:8443` or a whole origin. */
  publicNames: readonly string[]
}

export interface Door {
  /** Allowed Host headers, lower case. */
  hosts: ReadonlySet<string>
  /** Allowed Origin headers. */
  origins: ReadonlySet<string>
  behindProxy: boolean
  /** Whether browsers reach it over TLS, so that cookies can say Secure. */
  secure: boolean
  cookieName: string
}

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
const bracket = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host)

/** Throws a StartError for a door that would show passwords to the network. */
export function checkDoor({ host, tls, behindProxy, publicNames }: DoorOptions): void {
  if (!tls && !behindProxy && !isLoopback(host)) {
    throw new StartError(`the console would be open without TLS on ${host}: give a certificate with --tls-certificate and --tls-key, or say --behind-proxy`)
  }
  if (behindProxy && publicNames.length === 0) {
    throw new StartError('--behind-proxy needs the name that people use: say it with --public-name')
  }
}

/** The door for a bound port. */
export function openDoor(options: DoorOptions, port: number): Door {
  const { host, tls, behindProxy, publicNames } = options
  const scheme = tls ? 'https' : 'http'
  const standard = tls ? 443 : 80
  const hosts = new Set<string>()
  const origins = new Set<string>()
  const add = (origin: string) => {
    const url = new URL(origin)
    hosts.add(url.host)
    origins.add(url.origin)
    // A Host header may name the standard port as well.
    if (!url.port) hosts.add(`${url.host}:${url.protocol === 'https:' ? 443 : 80}`)
  }
  for (const name of [...ownAddresses(host), '127.0.0.1', 'localhost', '::1']) add(`${scheme}://${bracket(name)}:${port}`)
  for (const name of publicNames) {
    if (name.includes('://')) add(name)
    else if (behindProxy) add(`https://${name}`)
    else {
      add(`${scheme}://${name}`)
      if (!name.includes(':') && port !== standard) add(`${scheme}://${name}:${port}`)
    }
  }
  const secure = tls || (behindProxy && publicNames.every((name) => !name.startsWith('http://')))
  // Cookies know no ports: two installations on one machine must not take each other's.
  return { hosts, origins, behindProxy, secure, cookieName: secure ? '__Host-shenlou' : `shenlou-${port}` }
}

/** Numeric addresses cannot be rebound by DNS, so those of this machine are safe names. */
function ownAddresses(host: string): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [host]
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).filter(({ address }) => !address.startsWith('fe80')).map(({ address }) => address))
}

/** Refuses names that are not ours (DNS rebinding) and calls from other sites. Absent Origin passes here. */
export function requireDoor(door: Door, host: string | undefined, origin: string | undefined): void {
  if (!host || !door.hosts.has(host.toLowerCase())) throw doorError('host-refused')
  if (origin !== undefined && !door.origins.has(origin)) throw doorError('origin-refused')
}

/**
 * Refuses what a browser might have been tricked into sending under a cookie: browsers always say Origin or Sec-Fetch-Site when
 * they change something or open a socket.
 */
export function requireSameSite(origin: string | undefined, fetchSite: string | undefined): void {
  if (origin === undefined && fetchSite !== 'same-origin') {
    throw doorError('origin-refused', 'a call with a session cookie that changes something must say its Origin: programs use an API token instead')
  }
}

/** The caller's address: the peer's, or what the trusted proxy says last. */
export function callerAddress(door: Pick<Door, 'behindProxy'>, peer: string | undefined, forwarded: string | undefined): string {
  const last = door.behindProxy ? forwarded?.slice(forwarded.lastIndexOf(',') + 1).trim() : undefined
  const address = last && isIP(last) ? last : (peer ?? '')
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}

/** One cookie of a Cookie header (RFC 6265 section 4.2.1); undefined when absent. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=')
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return undefined
}

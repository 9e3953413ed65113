/** Outbound connections of a sensor: mutual TLS 1.3 to a peer whose role is known beforehand, through an HTTP proxy where there is one. */
import { X509Certificate } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { peerIdentity } from './certificate.ts'
import type { CertificateRole, PeerIdentity, SensorIdentity } from './identity-types.ts'

/** `host:port`, `[v6]:port` as its parts. Throws a RangeError that names the text. */
export function parseAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65535) throw new RangeError(`${text} is not an address such as 192.0.2.1:8443`)
  return { host: (match[1] ?? match[2]) as string, port }
}

export interface DialOptions {
  /** `host:port`. */
  address: string
  identity: SensorIdentity
  expect: { role: CertificateRole; sensor?: string }
  /** `host:port` of an HTTP proxy that allows CONNECT. */
  proxy?: string | undefined
  timeoutMs?: number
}

/** Connects and checks who answers before a byte is sent. Rejects with an Error that says what was wrong. */
export async function dial(options: DialOptions): Promise<{ socket: TLSSocket; peer: PeerIdentity }> {
  const { identity, expect, address } = options
  const socket = await secure(options, { key: identity.key, cert: identity.certificate, ca: identity.ca, rejectUnauthorized: false })
  try {
    const certificate = socket.getPeerX509Certificate()
    if (!certificate) throw new Error('it showed no certificate')
    const peer = peerIdentity(certificate, new X509Certificate(identity.ca))
    if (peer.role !== expect.role) throw new Error(`its certificate is not that of a ${expect.role}`)
    if (expect.sensor !== undefined && peer.sensor !== expect.sensor) throw new Error(`its certificate is that of ${peer.sensor}, not of ${expect.sensor}`)
    return { socket, peer }
  } catch (cause) {
    socket.destroy()
    throw new Error(`${address} is not to be trusted: ${(cause as Error).message}`, { cause })
  }
}

type TlsParts = { key?: string; cert?: string; ca?: string; rejectUnauthorized: boolean }

/** The TLS connection alone; the caller judges the peer's certificate. */
export async function secure(options: { address: string; proxy?: string | undefined; timeoutMs?: number }, parts: TlsParts): Promise<TLSSocket> {
  const { host, port } = parseAddress(options.address)
  const deadline = options.timeoutMs ?? 10_000
  const raw = options.proxy
    ? await throughProxy(options.proxy, options.address, deadline)
    : connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 })
  return await new Promise((resolve, reject) => {
    const socket = connectTls({ socket: raw, minVersion: 'TLSv1.3', servername: '', ...parts })
    const timer = setTimeout(() => socket.destroy(new Error(`${options.address} did not answer within ${deadline} ms`)), deadline)
    const fail = (error: Error) => {
      clearTimeout(timer)
      raw.destroy()
      reject(error)
    }
    const gone = () => fail(new Error(`${options.address} closed the connection`))
    raw.once('error', fail)
    socket.once('error', fail)
    socket.once('close', gone)
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      for (const emitter of [raw, socket]) emitter.removeListener('error', fail)
      socket.removeListener('close', gone)
      // Late errors end in `close`, which every user of the socket hears.
      raw.on('error', () => undefined)
      socket.on('error', () => undefined)
      resolve(socket)
    })
  })
}

/** RFC 9110 section 9.3.6: asks a proxy for a tunnel; its answer is read up to 8 KiB. */
function throughProxy(proxy: string, target: string, deadline: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const raw = connect({ ...parseAddress(proxy), noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 })
    const timer = setTimeout(() => raw.destroy(new Error(`the proxy ${proxy} did not answer within ${deadline} ms`)), deadline)
    let answer = Buffer.alloc(0)
    const fail = (error: Error) => {
      clearTimeout(timer)
      reject(error)
    }
    const gone = () => fail(new Error(`the proxy ${proxy} closed the connection`))
    raw.once('error', fail).once('close', gone)
    raw.once('connect', () => raw.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`))
    raw.on('data', function read(chunk: Buffer) {
      answer = Buffer.concat([answer, chunk])
      const end = answer.indexOf('\r\n\r\n')
      if (end < 0 && answer.length < 8192) return
      raw.removeListener('data', read)
      const status = answer.subarray(0, Math.max(0, answer.indexOf('\r\n'))).toString('latin1')
      if (!/^HTTP\/1\.[01] 2\d\d/.test(status))
        return raw.destroy(new Error(`the proxy ${proxy} refused ${target}: ${status.slice(0, 100) || 'no HTTP answer'}`))
      clearTimeout(timer)
      raw.removeListener('error', fail).removeListener('close', gone)
      raw.pause()
      if (answer.length > end + 4) raw.unshift(answer.subarray(end + 4))
      resolve(raw)
    })
  })
}

/** Waits between attempts: doubling from 0.2 s to 30 s with full jitter, so that many sensors do not come back at once. */
export function backOff(attempt: number, random: () => number = Math.random): number {
  return 200 + random() * Math.min(30_000 - 200, 200 * 2 ** Math.min(attempt, 10))
}

/** The gate's end of tunnels: listens for relays, holds each to its placements and quotas. */
import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { openFrame } from '@shenlou/contract/tunnel'
import { WebSocketServer } from 'ws'
import { peerIdentity } from './certificate.ts'
import { parseAddress } from './dial.ts'
import { maxFrameBytes } from './tunnel-frame.ts'
import { startSession, type TunnelSession } from './tunnel-session.ts'
import type { ListenTunnel, TunnelQuotas } from './tunnel-types.ts'

/** For one relay: thousands of addresses scanned at full speed pass, one relay alone cannot take the host. */
const defaultQuotas: TunnelQuotas = { streams: 20_000, opensPerSecond: 10_000, bytesPerSecond: 200 * 1024 * 1024 }

type Relay = { session: TunnelSession; serial: string }

/** Listens for relays. Rejects with the listener's own error (EADDRINUSE and such) when it cannot. */
export const listenTunnel: ListenTunnel = async (options) => {
  const { identity } = options
  let quotas = { ...defaultQuotas, ...options.quotas }
  const ca = new X509Certificate(identity.ca)
  const revoked = new Set(options.revoked)
  const relays = new Map<string, Relay>()
  const parts = () => ({
    key: identity.key,
    cert: identity.certificate,
    ca: identity.ca,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3' as const,
  })
  const server = createServer({
    ...parts(),
    ALPNProtocols: ['http/1.1'],
    maxHeaderSize: 8192,
    headersTimeout: 10_000,
    requestTimeout: 10_000,
    handshakeTimeout: 10_000,
    keepAliveTimeout: 1_000,
  })
  const unwatch = identity.onChange(() => server.setSecureContext(parts()))
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxFrameBytes, perMessageDeflate: false })

  function relayOf(request: IncomingMessage): { sensor: string; serial: string } | undefined {
    try {
      const certificate = (request.socket as TLSSocket).getPeerX509Certificate()
      if (request.url !== '/tunnel' || !certificate) return undefined
      const peer = peerIdentity(certificate, ca)
      return peer.role === 'relay' && !revoked.has(peer.serial) && options.allow(peer.sensor) ? peer : undefined
    } catch {
      return undefined
    }
  }

  server.on('request', (_request, response) => void response.writeHead(404, { connection: 'close', 'content-length': 0 }).end())
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => undefined)
    const relay = relayOf(request)
    if (!relay) return void socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    socket.setNoDelay(true)
    sockets.handleUpgrade(request, socket, head, (ws) => {
      // A relay that comes again has lost its former connection, even where this end does not know yet.
      relays.get(relay.sensor)?.session.end('the relay came again')
      const opens = bucket(() => quotas.opensPerSecond)
      const bytes = bucket(() => quotas.bytesPerSecond)
      const session = startSession({
        ws,
        socket,
        self: identity.sensor,
        peer: relay.sensor,
        heartbeatMs: options.heartbeatMs ?? 5_000,
        onUp: () => options.onRelay?.(relay.sensor, true, ''),
        onEnd(reason) {
          if (relays.get(relay.sensor)?.session === session) relays.delete(relay.sensor)
          options.onRelay?.(relay.sensor, false, reason)
        },
        judge(json, streams) {
          const open = openFrame.safeParse(json)
          if (!open.success) return undefined
          if (streams >= quotas.streams || !opens.take(1)) return { verdict: 'quota' }
          const verdict = options.check(open.data, relay.sensor)
          return verdict === 'ok' ? { verdict, accepted: (stream) => options.onStream(stream, open.data, relay.sensor) } : { verdict }
        },
        pace: bytes.owe,
      })
      relays.set(relay.sensor, { session, serial: relay.serial })
    })
  })

  const { host, port } = parseAddress(options.address)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })
  const bound = server.address() as AddressInfo
  return {
    host: bound.address,
    port: bound.port,
    relays: () => [...relays].map(([sensor, { session }]) => ({ sensor, streams: session.streams })),
    setQuotas(next) {
      quotas = { ...defaultQuotas, ...options.quotas, ...next }
    },
    revoke(serials) {
      for (const serial of serials) revoked.add(serial)
      for (const { session, serial } of [...relays.values()]) if (revoked.has(serial)) session.end("the relay's certificate was revoked")
    },
    async close() {
      unwatch()
      const ended = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const { session } of [...relays.values()]) session.end('shutdown')
      for (const ws of sockets.clients) ws.terminate()
      server.closeAllConnections()
      await ended
    },
  }
}

/** A bucket that holds one second's worth. `take` refuses what is not there; `owe` takes it anyway and answers how many milliseconds to rest. */
function bucket(rate: () => number) {
  let level = rate()
  let at = performance.now()
  const fill = () => {
    const now = performance.now()
    level = Math.min(rate(), level + ((now - at) * rate()) / 1000)
    at = now
  }
  return {
    take(n: number): boolean {
      fill()
      if (level < n) return false
      level -= n
      return true
    },
    owe(n: number): number {
      fill()
      level -= n
      return level >= 0 ? 0 : Math.min(1_000, Math.ceil((-level * 1000) / rate()))
    },
  }
}

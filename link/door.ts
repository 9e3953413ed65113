/** The sensors' door: the core's listener for enrolment, desired state, captured files and the channel of every sensor (mutual TLS 1.3). */
import { X509Certificate } from 'node:crypto'
import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { enrolRequest, renewRequest } from '@shenlou/contract/sensor'
import { WebSocketServer } from 'ws'
import { peerIdentity } from './certificate.ts'
import { openChannels } from './door-channel.ts'
import { DoorError, type OpenSensorDoor } from './door-types.ts'
import { issueIdentity } from './identity.ts'
import type { PeerIdentity, SensorIdentity } from './identity-types.ts'

/** A range of a captured file, at most; the sensor sends the next one after it. */
export const maxRangeBytes = 2 * 1024 * 1024
const maxRequestBytes = 16 * 1024
const dayMs = 86_400_000

/** Opens the door. Rejects with the listener's own error (EADDRINUSE and such) when it cannot listen. */
export const openSensorDoor: OpenSensorDoor = async ({ authority, host, port, handlers, revoked: revokedBefore = [], log = () => undefined }) => {
  const ca = new X509Certificate(authority.certificate)
  const revoked = new Set(revokedBefore)
  // The chain shows the authority too: a machine that enrols pins it by the hash in its token.
  const chain = (own: SensorIdentity) => ({ key: own.key, cert: own.certificate + authority.certificate })
  const options = { ca: authority.certificate, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3' as const }
  const own = await issueIdentity(authority, 'core')
  const server = createServer({
    ...options,
    ...chain(own),
    ALPNProtocols: ['http/1.1'],
    maxHeaderSize: 8192,
    headersTimeout: 10_000,
    requestTimeout: 60_000,
    handshakeTimeout: 10_000,
    keepAliveTimeout: 15_000,
  })
  const renewal = setInterval(() => {
    issueIdentity(authority, 'core').then(
      (fresh) => server.setSecureContext({ ...options, ...chain(fresh) }),
      (error) => log(`the door's certificate could not be renewed: ${error.message}`),
    )
  }, 20 * dayMs).unref()

  const peerOf = (request: IncomingMessage, expired = false): PeerIdentity & { address: string } => {
    const certificate = (request.socket as TLSSocket).getPeerX509Certificate()
    if (!certificate) throw new DoorError(401, 'certificate-required', 'this needs the certificate of an enrolled machine')
    let peer: PeerIdentity
    try {
      peer = peerIdentity(certificate, ca, { expired })
    } catch (error) {
      throw new DoorError(403, 'certificate', (error as Error).message)
    }
    if (peer.role === 'core') throw new DoorError(403, 'role', 'the core does not connect to its own door')
    if (revoked.has(peer.serial)) throw new DoorError(403, 'revoked', 'this certificate was revoked; enrol this machine again')
    return { ...peer, address: addressOf(request) }
  }

  async function answer(request: IncomingMessage): Promise<unknown> {
    const { method, url = '/' } = request
    if (method === 'POST' && url === '/enrol') {
      const body = enrolRequest.safeParse(jsonOf(await readBody(request, maxRequestBytes)))
      if (!body.success) throw new DoorError(400, 'request', 'the enrolment request is malformed')
      return await handlers.enrol({ ...body.data, address: addressOf(request) })
    }
    if (method === 'POST' && url === '/renew') {
      const peer = peerOf(request, true)
      const body = renewRequest.safeParse(jsonOf(await readBody(request, maxRequestBytes)))
      if (!body.success) throw new DoorError(400, 'request', 'the renewal request is malformed')
      return await handlers.renew({ peer, csr: body.data.csr, address: peer.address })
    }
    const blob = /^\/blobs\/([0-9a-f]{64})$/.exec(url)
    if (method === 'GET' && url === '/config') return await handlers.config(peerOf(request).sensor)
    if (method === 'PUT' && blob) {
      const { sensor } = peerOf(request)
      const range = /^bytes (\d{1,12})-(\d{1,12})\/(\d{1,12})$/.exec(request.headers['content-range'] ?? '')
      const [from, to, total] = (range?.slice(1) ?? []).map(Number) as [number, number, number]
      if (!range || from > to || to >= total || to - from >= maxRangeBytes) throw new DoorError(416, 'range', 'the range of the file is missing or impossible')
      const bytes = await readBody(request, maxRangeBytes)
      if (bytes.length !== to - from + 1) throw new DoorError(400, 'range', 'the bytes are not those of the range')
      return await handlers.blob({ sensor, sha256: blob[1] as string, from, total, bytes })
    }
    const release = /^\/releases\/([0-9a-f]{64})\/(\d{1,12})$/.exec(url)
    if (method === 'GET' && release && handlers.release)
      return await handlers.release({ sensor: peerOf(request).sensor, sha256: release[1] as string, from: Number(release[2]) })
    throw new DoorError(404, 'not-found', 'not found')
  }

  server.on('request', (request, response) => {
    answer(request)
      .then((body) => send(response, 200, body))
      .catch((error) => {
        const refusal = refusalOf(error)
        if (refusal.status === 500) log(`${request.method} ${request.url}: ${(error as Error).stack ?? error}`)
        // What was not read of the request ends with its connection.
        if (!response.headersSent) response.setHeader('connection', 'close')
        send(response, refusal.status, { error: refusal.code, message: refusal.message })
      })
  })

  const channels = openChannels(handlers, log)
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 8 * 1024 * 1024, perMessageDeflate: false })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => undefined)
    if (request.url !== '/channel') return void socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    let peer: PeerIdentity & { address: string }
    try {
      peer = peerOf(request)
    } catch (error) {
      // One that was ours is told why on the channel; a stranger learns nothing.
      const reason = reasonOf(error, request, ca)
      if (!reason) return void socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return sockets.handleUpgrade(request, socket, head, (ws) => {
        ws.on('error', () => undefined)
        ws.send(JSON.stringify({ type: 'refused', reason }))
        ws.close(1008)
      })
    }
    sockets.handleUpgrade(request, socket, head, (ws) => channels.add(ws, peer))
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.removeListener('error', reject)
      server.on('error', (error) => log(`the sensors' door: ${error.message}`))
      resolve()
    })
  })
  const bound = server.address() as AddressInfo
  return {
    host: bound.address,
    port: bound.port,
    connected: channels.connected,
    revoke(serials) {
      for (const serial of serials) revoked.add(serial)
      channels.revoke(serials)
    },
    notifyConfig: channels.notifyConfig,
    prove: channels.prove,
    async close() {
      clearInterval(renewal)
      const ended = new Promise<void>((resolve) => server.close(() => resolve()))
      channels.close()
      setTimeout(() => {
        for (const ws of sockets.clients) ws.terminate()
      }, 500).unref()
      server.closeAllConnections()
      await ended
      await channels.idle()
    },
  }
}

const addressOf = (request: IncomingMessage): string => (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')

function refusalOf(error: unknown): DoorError {
  if (error instanceof DoorError) return error
  if (error instanceof RangeError) return new DoorError(400, 'request', error.message)
  return new DoorError(500, 'failed', 'the core could not do this now')
}

function reasonOf(error: unknown, request: IncomingMessage, ca: X509Certificate): 'revoked' | 'expired' | undefined {
  if (error instanceof DoorError && error.code === 'revoked') return 'revoked'
  const certificate = (request.socket as TLSSocket).getPeerX509Certificate()
  try {
    if (certificate && peerIdentity(certificate, ca, { expired: true }).expires < Date.now()) return 'expired'
  } catch {
    // Not one of ours.
  }
  return undefined
}

async function readBody(request: IncomingMessage, max: number): Promise<Buffer> {
  const tooLarge = () => new DoorError(413, 'too-large', `the request is above ${max} bytes`)
  if (Number(request.headers['content-length'] ?? 0) > max) throw tooLarge()
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > max) throw tooLarge()
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, 'cache-control': 'no-store' })
  response.end(bytes)
}

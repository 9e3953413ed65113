/** An attacker's connection as a service sees it: a stream of the worker link with TLS on top when it is asked for. */
import { TLSSocket } from 'node:tls'
import type { Connection, TlsOptions } from './decoy.ts'
import { LinkStream, type WorkerLink, workerFrame } from './worker-link.ts'

/** What the gate says about a connection. */
export interface OpenConnection {
  connection: string
  source: { ip: string; port: number }
  destination: { ip: string; port: number }
  decoy: string
  service: string
  /** Scope of the relay it came through. */
  site: string
  /** How long the gate may keep back what is answered. */
  holdMs?: number
}

const maxEarly = 64

export class WorkerConnection extends LinkStream implements Connection {
  readonly id: string
  readonly source: { ip: string; port: number }
  readonly destination: { ip: string; port: number }
  readonly early: Buffer[] = []

  constructor(link: WorkerLink, stream: number, open: OpenConnection) {
    super(link, stream)
    this.id = open.connection
    this.source = open.source
    this.destination = open.destination
  }

  /** A datagram of its peer, an event `datagram`; the first ones are kept in `early` while the service is being loaded and nobody listens. */
  receiveDatagram(bytes: Buffer): void {
    if (this.destroyed || this.emit('datagram', Buffer.from(bytes))) return
    if (this.early.length < maxEarly) this.early.push(Buffer.from(bytes))
  }

  sendDatagram(bytes: Uint8Array): void {
    if (!this.destroyed) this.sendFrame(workerFrame.DATAGRAM, bytes)
  }

  /** Serves TLS from here on. Rejects when the handshake fails or the connection goes away; the alert has been sent then. */
  startTls(options: TlsOptions): Promise<TLSSocket> {
    const secure = new TLSSocket(this, { isServer: true, requestCert: false, ...options })
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        secure.off('secure', done)
        secure.off('_tlsError', failed)
        this.off('close', gone)
        if (error) reject(error)
        else resolve(secure)
      }
      const done = (): void => settle()
      const failed = (error: Error): void => settle(error)
      const gone = (): void => settle(new Error('the connection closed during the TLS handshake'))
      secure.on('error', (error) => settle(error)) // after the handshake it only keeps a reset from being thrown
      secure.on('secure', done)
      secure.on('_tlsError', failed)
      this.on('close', gone)
    })
  }
}

/** One attacker's connection inside the gate: bytes between tunnel and worker, held back until what was said before them is durable. */
import { maxDatagramBytes } from '@shenlou/contract/tunnel'
import type { TunnelStream } from '@shenlou/link/tunnel-types'
import type { Delay } from './gate-delay.ts'
import { LinkStream, type WorkerLink, workerFrame } from './worker-link.ts'

/** What the gate itself knows of a connection; every event of it is stamped with this. */
export interface ConnectionFacts {
  connection: string
  decoy: string
  service: string
  source: { ip: string; port?: number }
  destination: { ip: string; port?: number }
  via: { relay: string; address: string; port: number }
  /** The session that its events belong to, once one was said. */
  session?: string
}

export interface GateConnection {
  readonly facts: ConnectionFacts
  /** Bytes of captured files so far. */
  fileBytes: number
  /** An event was said; what the worker writes from now on waits for it. */
  said(durable: Promise<unknown>): void
  /** From the worker, in its order. False when it broke the wire. */
  receive(bytes: Buffer): boolean
  receiveEnd(): void
  receiveReset(): void
  receiveCredit(bytes: number): void
  receiveDatagram(bytes: Buffer): void
  /** Ends it towards both sides. */
  reset(): void
}

/** Joins a tunnel's stream and a worker's. `onBytes` counts what the client sends, `onEnd` is called when both sides are gone. */
export function joinConnection(
  tunnel: TunnelStream,
  link: WorkerLink,
  id: number,
  facts: ConnectionFacts,
  { onBytes, onEnd, delay }: { onBytes(bytes: number): void; onEnd(): void; delay?: Delay | undefined },
): GateConnection {
  const local = new LinkStream(link, id)
  let said = 0
  let durable = 0
  /** What waits, each with how many events must be durable before it. */
  const held: { after: number; run(): void }[] = []
  const inOrder = (run: () => void): void => {
    if (durable === said && held.length === 0) run()
    else held.push({ after: said, run })
  }
  const release = (): void => {
    while (held[0] && held[0].after <= durable) held.shift()?.run()
  }
  const reset = (): void => {
    held.length = 0
    local.reset()
    tunnel.reset('peer')
  }

  tunnel.on('data', (bytes: Buffer) => onBytes(bytes.length))
  tunnel.on('datagram', (bytes: Buffer) => {
    onBytes(bytes.length)
    if (!link.congested) link.send(workerFrame.DATAGRAM, id, bytes) // a busy host drops datagrams
  })
  tunnel.on('error', () => {})
  if (delay) delay.join(tunnel, local)
  else {
    tunnel.pipe(local)
    local.pipe(tunnel)
  }
  tunnel.once('close', () => {
    // The client is gone. What the worker said before stays said; what it writes now has nobody to go to.
    if (!tunnel.readableEnded || !tunnel.writableFinished) local.reset()
  })
  local.once('close', () => {
    if (!local.readableEnded || !local.writableFinished) tunnel.reset('peer')
    onEnd()
  })
  tunnel.accept()

  let broken = false
  let waiting = 0
  return {
    facts,
    fileBytes: 0,
    said(promise) {
      said += 1
      promise.then(
        () => {
          durable += 1
          release()
        },
        // What cannot be recorded is not answered.
        () => reset(),
      )
    },
    receive(bytes) {
      waiting += bytes.length
      inOrder(() => {
        waiting -= bytes.length
        if (!local.receive(bytes)) broken = true
      })
      return !broken && waiting <= 2 * 262_144
    },
    receiveEnd: () => inOrder(() => local.receiveEnd()),
    receiveReset: () => inOrder(() => local.receiveReset()),
    receiveCredit: (bytes) => local.receiveCredit(bytes),
    receiveDatagram(bytes) {
      waiting += bytes.length
      inOrder(() => {
        waiting -= bytes.length
        if (waiting <= 2 * 262_144 && bytes.length <= maxDatagramBytes) tunnel.sendDatagram(bytes)
      })
    },
    reset,
  }
}

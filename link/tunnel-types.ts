/** Both ends of a tunnel between a relay and a decoy host; tunnel-relay.ts and tunnel-gate.ts run them. */
import type { OpenFrame, ResetReason } from '@shenlou/contract/tunnel'
import type { Duplex } from 'node:stream'
import type { SensorIdentity } from './identity-types.ts'

/**
 * One attacker's connection through the tunnel. Both directions end by themselves (`end()` sends FIN and leaves reading on).
 * Read it by `data` or `pipe`: `for await` destroys a Duplex at the end of reading, also while the other direction is open.
 * Bytes given to `write` must not be changed afterwards. A reset by the other end destroys it: `error` with code ECONNRESET (never thrown when nobody listens), then `close`.
 */
export interface TunnelStream extends Duplex {
  readonly id: number
  /** Resolves when the gate's decoy took it; rejects when it was reset before. */
  readonly opened: Promise<void>
  /** Why it was reset, by either end or because the tunnel ended (`shutdown`). */
  readonly resetReason: ResetReason | undefined
  /** Gate only: says OPENED. The first write says it too. */
  accept(): void
  /** Ends both directions at once. */
  reset(reason: ResetReason): void
  /** Sends one datagram (at most 65,507 bytes); false when it was dropped because 256 KiB wait. Received ones come as `datagram` events with a Buffer. */
  sendDatagram(bytes: Uint8Array): boolean
}

export interface TunnelState {
  up: boolean
  reason: string | undefined
}

/** Relay end: keeps one tunnel up, with back-off and jitter. Streams die with the session (reason `shutdown`). */
export interface Tunnel {
  readonly state: TunnelState
  readonly streams: number
  /** Opens a stream at once; bytes may be written before `opened`. When the tunnel is down the stream is reset with `shutdown`. */
  open(frame: OpenFrame): TunnelStream
  /** Closes the tunnel when the gate's certificate is among them, and refuses it from then on. */
  revoke(serials: string[]): void
  close(): Promise<void>
}
export interface ConnectTunnelOptions {
  /** `host:port` of the gate. */
  address: string
  /** Sensor id that the gate's certificate must carry. */
  expect: string
  identity: SensorIdentity
  onState?(state: TunnelState): void
  revoked?: Iterable<string>
  /** HTTP proxy for CONNECT, `host:port`. */
  proxy?: string
  heartbeatMs?: number
}
export type ConnectTunnel = (options: ConnectTunnelOptions) => Tunnel

export interface TunnelQuotas {
  /** Open at once, opened a second, received bytes a second; each for one relay. */
  streams: number
  opensPerSecond: number
  bytesPerSecond: number
}
/** Gate end. */
export interface TunnelListener {
  readonly host: string
  readonly port: number
  /** Relays whose tunnel is up, and their streams. */
  relays(): Array<{ sensor: string; streams: number }>
  revoke(serials: string[]): void
  /** Quotas from now on; those not given are as at the start. */
  setQuotas?(quotas: Partial<TunnelQuotas>): void
  close(): Promise<void>
}
export interface ListenTunnelOptions {
  /** `host:port`; port 0 lets the kernel choose. */
  address: string
  identity: SensorIdentity
  /** Whether that relay may connect; asked once a connection. */
  allow(relay: string): boolean
  /** Whether that relay may open this; a placement that is not this relay's is `not-yours`. */
  check(open: OpenFrame, relay: string): 'ok' | ResetReason
  quotas?: Partial<TunnelQuotas>
  /** `relay` is the sensor id in the peer's certificate. */
  onStream(stream: TunnelStream, open: OpenFrame, relay: string): void
  onRelay?(relay: string, up: boolean, reason: string): void
  revoked?: Iterable<string>
  heartbeatMs?: number
}
export type ListenTunnel = (options: ListenTunnelOptions) => Promise<TunnelListener>

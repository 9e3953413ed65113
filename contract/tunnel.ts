/**
 * Frames of the tunnel between a relay and a decoy host's gate: one binary WebSocket message a frame, inside mutual TLS.
 *
 * Wire: `type(1) stream(4, big-endian)` then, by type:
 *   HELLO 1     JSON hello                         first frame of each side
 *   OPEN 2      JSON open                          relay to gate; streams have rising ids, never used again
 *   OPENED 3    –                                  gate to relay: the decoy took it
 *   DATA 4      bytes (1 to 65,536)                spends credit
 *   DATAGRAM 5  bytes (0 to 65,507)                keeps boundaries; spends no credit, is dropped when 256 KiB wait
 *   CREDIT 6    u32 bytes                          that many more DATA bytes may come; both sides begin with 262,144
 *   FIN 7       –                                  this direction ends
 *   RESET 8     u8 reason                          both directions end at once
 *   PING 9      8 bytes                            stream 0; every 5 s
 *   PONG 10     the same 8 bytes                   stream 0; none within 15 s ends the tunnel
 */
import { z } from 'zod'
import { endpoint, uuid } from './primitives.ts'

export const frameType = { HELLO: 1, OPEN: 2, OPENED: 3, DATA: 4, DATAGRAM: 5, CREDIT: 6, FIN: 7, RESET: 8, PING: 9, PONG: 10 } as const
export const initialCredit = 262_144
export const maxDataBytes = 65_536
export const maxDatagramBytes = 65_507

/** Why a stream was reset. `closed`: as a closed port; `peer`: the other end reset it. */
export const resetReasons = ['closed', 'peer', 'no-placement', 'not-yours', 'quota', 'overflow', 'protocol', 'shutdown'] as const
export type ResetReason = (typeof resetReasons)[number]

export const tunnelHello = z.object({ contract: z.number().int(), sensor: uuid })

export const openFrame = z.object({
  connection: uuid,
  transport: z.enum(['tcp', 'udp']),
  source: endpoint,
  destination: endpoint,
  placement: z.string().max(64),
  /** What the first hop saw, such as `ttl` or `ja4t`; extensible. */
  observed: z.record(z.string().max(32), z.union([z.string().max(512), z.number()])),
  /** Milliseconds since 1970 UTC. */
  acceptedAt: z.number(),
})
export type OpenFrame = z.infer<typeof openFrame>

/** One RDP connection behind its first exchange, for both ways of going on. */
import type { TLSSocket } from 'node:tls'
import type { EventBody } from '@shenlou/contract/event-kinds'
import type { ServiceSettings } from '@shenlou/contract/services'
import type { RdpTemplate } from '@shenlou/contract/windows'
import type { Context, Session } from '../../decoy.ts'

export interface RdpSeat {
  context: Context
  session: Session
  settings: ServiceSettings<'rdp'>
  template: RdpTemplate
  requested: number
  /** Starts the clock of an idle client anew. */
  alive(): void
  /** Says what was agreed on, with what is known of the client. */
  told(selected: string, client?: EventBody<'protocol.negotiated'>['client']): void
}

/** Bytes of a TLS connection until it ends, however it ends. */
export async function* piecesOf(secure: TLSSocket): AsyncGenerator<Buffer> {
  try {
    for await (const piece of secure as AsyncIterable<Buffer>) yield piece
  } catch {
    // Clients leave as they like; what they said until then was served.
  }
}

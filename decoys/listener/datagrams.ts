/** The decoy service `listener-udp`: any UDP port. It names and keeps datagrams, and answers none, as a port behind a filter does. */
import { createHash } from 'node:crypto'
import type { ServiceSettings } from '@shenlou/contract/services'
import { defineDatagramDecoy } from '../decoy.ts'
import { cleanBytes } from '../http/clean.ts'
import { marksOf } from './openings.ts'
import { recogniseDatagram } from './recognise-datagram.ts'
import { fileFrom, recognisedBody } from './recognised.ts'

/** Datagrams of one peer that are said, until it was quiet. */
const mostSaid = 32

export const listenerUdp = defineDatagramDecoy<ServiceSettings<'listener-udp'>>({
  name: 'listener-udp',
  transport: 'udp',
  async serve(flow, context) {
    const { port } = flow.destination
    let said = 0
    for await (const bytes of flow) {
      said += 1
      if (bytes.length === 0 || said > mostSaid) continue
      const session = context.session()
      const found = recogniseDatagram(bytes, port)
      const marks = marksOf(found, bytes)
      session.emit('payload.recognised', recognisedBody(found, bytes, port, marks))
      // A captured file that cannot be kept must not take the event with it.
      const file = bytes.length >= fileFrom ? await context.blobs.put(bytes).catch(() => undefined) : undefined
      session.emit('payload.received', {
        protocol: found.protocol,
        port,
        size: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
        messages: 1,
        marks,
        data: cleanBytes(bytes.subarray(0, fileFrom), 8192),
        ...(file ? { file } : {}),
      })
    }
  },
})

/** The decoy service `listener-udp`: any UDP port. It names and keeps datagrams, and answers none, as a port behind a filter does. */
import { createHash } from 'node:crypto'
import type { ServiceSettings } from '@shenlou/contract/services'
import { defineDatagramDecoy } from '../decoy.ts'
import { clean, cleanBytes } from '../http/clean.ts'
import { marksOf } from './openings.ts'
import { recogniseDatagram } from './recognise-datagram.ts'

/** Datagrams of one peer that are said, until it was quiet. */
const mostSaid = 32
/** From so many bytes on a datagram is a captured file as well. */
const fileFrom = 2048

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
      const detail = Object.fromEntries(Object.entries(found.detail ?? {}).flatMap(([name, value]) => (value === '' ? [] : [[name, clean(value, 255)]])))
      const data = cleanBytes(bytes.subarray(0, 1024), 4096)
      session.emit('payload.recognised', { protocol: found.protocol, port, request: clean(found.request, 2048), detail, marks, data })
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

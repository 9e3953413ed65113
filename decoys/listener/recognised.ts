/** What the event `payload.recognised` says of one message, over TCP or UDP. */
import type { EventBody } from '@shenlou/contract/event-kinds'
import { clean, cleanBytes } from '../http/clean.ts'
import type { Found } from './found.ts'

/** From so many bytes on a payload is a captured file; less is in the event itself. */
export const fileFrom = 2048

/** The body for a message of `bytes` that came to `port`; what the client chose of it is escaped and bounded. */
export const recognisedBody = ({ protocol, request, detail = {} }: Found, bytes: Buffer, port: number, marks: string[]): EventBody<'payload.recognised'> => ({
  protocol,
  port,
  request: clean(request, 2048),
  detail: Object.fromEntries(Object.entries(detail).flatMap(([name, value]) => (value === '' ? [] : [[name, clean(value, 255)]]))),
  marks,
  data: cleanBytes(bytes.subarray(0, 1024), 4096),
})

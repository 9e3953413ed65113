/** Settings of the services `listener` and `listener-udp`, which wait at any port and keep what arrives. */
import { z } from 'zod'
import { listenerKinds } from './listener-kinds.ts'
import { escaped } from './primitives.ts'

export const listenerSettings = z.strictObject({
  /** What it is; what is usual at its port when it is not given. */
  as: z.enum(listenerKinds).optional(),
  /** Instead of the greeting that is drawn: `\n`, `\r` and `\xNN` are those bytes, `{hostname}` the host's name. */
  greets: escaped(1024).optional(),
  /** Seconds of silence after which it closes, instead of those of its kind. */
  idleS: z.number().int().min(1).max(3600).optional(),
})
export type ListenerSettings = z.infer<typeof listenerSettings>

/** What a tag of a plant is there for, whatever it is called. */
import { z } from 'zod'

/**
 * safety: of a layer that keeps people from harm (IEC 61511); protection: of one that keeps the machine whole; limit: of an alarm; setpoint and drive: what runs
 * the process; reset; state: what is only shown.
 */
export const tagRole = z.enum(['safety', 'protection', 'limit', 'setpoint', 'drive', 'reset', 'state'])
export type TagRole = z.infer<typeof tagRole>

/** A placement: this relay's address and port leads to that decoy's service. */
import { z } from 'zod'
import { uuid } from './primitives.ts'

export const placement = z.object({
  id: z.string().max(64),
  relay: uuid,
  gate: uuid,
  address: z.union([z.ipv4(), z.ipv6()]),
  port: z.number().int().min(1).max(65535),
  transport: z.enum(['tcp', 'udp']),
  decoy: z.string().max(64),
  service: z.string().max(32),
})
export type Placement = z.infer<typeof placement>

/** Delay: connections of one source are held, to cost an attacker time; decided by the core, done by decoy hosts within their budgets. */
import { z } from 'zod'
import { scopePath, uuid } from './primitives.ts'

/** Lines before the SSH banner, the answers of a web server byte by byte, and both directions of anything else so slowly that its TCP window closes. */
export const delayKinds = ['ssh', 'http', 'window'] as const
export type DelayKind = (typeof delayKinds)[number]

/** One source that is to be delayed in a place and below it, until a time in milliseconds since 1970 UTC. */
export const delayEntry = z.object({
  id: uuid,
  source: z.union([z.ipv4(), z.ipv6()]),
  scope: scopePath,
  kinds: z.array(z.enum(delayKinds)).min(1).max(3),
  until: z.number(),
})
export type DelayEntry = z.infer<typeof delayEntry>

export const delayReasons = ['expired', 'switched-off', 'limit', 'budget', 'left', 'done', 'stopped'] as const
export type DelayReason = (typeof delayReasons)[number]

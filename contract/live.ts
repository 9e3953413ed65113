/** Frames of the live channel, core to console, over `WS /api/v1/live`. Sent after commit, filtered by what the person may see. */
import { z } from 'zod'
import { storedEvent } from './event.ts'
import { incidentSummary, sensorSummary, sessionSummary, ticketSummary } from './records.ts'

/** What the console asks for. `after` resumes by position; without it the feed starts now. `kinds` absent: all but `terminal.data`. */
export const liveAsk = z.discriminatedUnion('type', [
  z.object({ type: z.literal('events'), after: z.number().int().min(0).optional(), kinds: z.array(z.string().max(64)).max(64).optional() }),
  z.object({ type: z.literal('session'), session: z.string(), after: z.number().int().min(0).optional() }),
  z.object({ type: z.literal('drop'), topic: z.enum(['events', 'session']), session: z.string().optional() }),
])
export type LiveAsk = z.infer<typeof liveAsk>

export const liveFrame = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), position: z.number().int(), clock: z.number() }),
  /** Committed events in order of position. `skipped` counts those left out because the socket could not keep up. */
  z.object({ type: z.literal('events'), events: z.array(storedEvent), position: z.number().int(), skipped: z.number().int() }),
  z.object({ type: z.literal('session-events'), session: z.string(), events: z.array(storedEvent) }),
  z.object({ type: z.literal('session'), session: sessionSummary }),
  z.object({ type: z.literal('incident'), incident: incidentSummary }),
  z.object({ type: z.literal('ticket'), ticket: ticketSummary }),
  z.object({ type: z.literal('sensor'), sensor: sensorSummary }),
  z.object({ type: z.literal('notices'), unread: z.number().int() }),
])
export type LiveFrame = z.infer<typeof liveFrame>

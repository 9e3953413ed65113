/** Routes of tickets. */
import { z } from 'zod'
import * as r from './records.ts'
import { define, list, page } from './route.ts'

export const ticketsRoutes = define({
  tickets: {
    method: 'GET',
    path: '/tickets',
    permission: 'ticket.read',
    summary: 'Tickets, most urgent first.',
    query: z.object({
      ...page,
      state: r.ticketState.optional(),
      open: z.enum(['true', 'false']).optional(),
      mine: z.enum(['true', 'false']).optional(),
      overdue: z.enum(['true', 'false']).optional(),
      incident: z.string().max(64).optional(),
    }),
    answer: list(r.ticketSummary),
  },
  ticket: {
    method: 'GET',
    path: '/tickets/:id',
    permission: 'ticket.read',
    summary: 'One ticket with its activity, evidence and clock.',
    answer: z.object({
      ticket: r.ticketSummary,
      activity: z.array(r.ticketActivity),
      evidence: z.array(
        z.object({
          id: z.string(),
          kind: z.enum(['event', 'session', 'finding', 'note']),
          target: z.string(),
          label: z.string(),
          by: z.string(),
          at: z.number(),
          why: z.string(),
        }),
      ),
      clock: z.array(z.object({ from: z.number(), to: z.number().nullable(), running: z.boolean(), why: z.string() })),
    }),
  },
  stepTicket: {
    method: 'POST',
    path: '/tickets/:id/actions',
    permission: 'ticket.work',
    summary: 'Take an action that the ticket allows. `version` guards against a stale page.',
    body: z.object({
      action: r.ticketAction,
      version: z.number().int(),
      assignee: z.string().optional(),
      reason: z.string().max(2000).optional(),
      comment: z.string().max(10_000).optional(),
      evidence: z.object({ kind: z.enum(['event', 'session', 'finding', 'note']), target: z.string().max(200), why: z.string().max(1000) }).optional(),
      ticket: z.string().optional(),
      until: z.number().optional(),
      link: z.string().optional(),
    }),
    answer: r.ticketSummary,
  },
})

/** Routes of findings and incidents. */
import { z } from 'zod'
import { severity } from './primitives.ts'
import * as r from './records.ts'
import { define, list, page } from './route.ts'

export const incidentsRoutes = define({
  findings: {
    method: 'GET',
    path: '/findings',
    permission: 'incident.read',
    summary: 'Findings, newest first.',
    query: z.object({
      ...page,
      incident: z.string().max(64).optional(),
      session: z.string().max(64).optional(),
      rule: z.string().max(64).optional(),
      technique: z.string().max(16).optional(),
    }),
    answer: list(r.findingSummary),
  },
  finding: { method: 'GET', path: '/findings/:id', permission: 'incident.read', summary: 'One finding with its evidence.', answer: r.findingSummary },
  incidents: {
    method: 'GET',
    path: '/incidents',
    permission: 'incident.read',
    summary: 'Incidents, last active first.',
    query: z.object({ ...page, source: z.string().max(64).optional(), severity: severity.optional(), open: z.enum(['true', 'false']).optional() }),
    answer: list(r.incidentSummary),
  },
  incident: {
    method: 'GET',
    path: '/incidents/:id',
    permission: 'incident.read',
    summary: 'One incident: identities and why its findings are one.',
    answer: z.object({
      incident: r.incidentSummary,
      identities: z.array(r.incidentIdentity),
      history: z.array(z.object({ at: z.number(), actor: z.string(), action: z.string(), detail: z.record(z.string(), z.unknown()) })),
    }),
  },
  mergeIncidents: {
    method: 'POST',
    path: '/incidents/:id/merge',
    permission: 'incident.change',
    summary: 'Join another incident into this one; can be undone.',
    body: z.object({ other: z.string(), why: z.string().min(1).max(1000) }),
    answer: r.incidentSummary,
  },
  splitIncident: {
    method: 'POST',
    path: '/incidents/:id/split',
    permission: 'incident.change',
    summary: 'Move findings out into an incident of their own; can be undone by a merge.',
    body: z.object({ findings: z.array(z.string()).min(1).max(1000), why: z.string().min(1).max(1000) }),
    answer: r.incidentSummary,
  },
})

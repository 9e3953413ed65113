/** Routes of what was observed: overview, sessions, recordings, events, captured files. */
import { z } from 'zod'
import { storedEvent } from './event.ts'
import * as r from './records.ts'
import { define, list, page } from './route.ts'

/** Filters of events; the console keeps them in its address bar under the same names. A leading `!` filters out. */
export const eventFilter = z.object({
  kind: z.string().max(500).optional(),
  source: z.string().max(200).optional(),
  decoy: z.string().max(200).optional(),
  service: z.string().max(200).optional(),
  sensor: z.string().max(200).optional(),
  session: z.string().max(64).optional(),
  connection: z.string().max(64).optional(),
  text: z.string().max(200).optional(),
  from: z.coerce.number().optional(),
  to: z.coerce.number().optional(),
  after: z.coerce.number().int().optional(),
  /** Events of proof touches are left out unless they are asked for, or the session or connection is. */
  proof: z.enum(['with', 'only']).optional(),
})

export const observedRoutes = define({
  overview: { method: 'GET', path: '/overview', permission: 'session.read', summary: 'What changed, what it touches, what to do next.', answer: r.overview },
  sessions: {
    method: 'GET',
    path: '/sessions',
    permission: 'session.read',
    summary: 'Sessions, newest first.',
    query: z.object({
      ...page,
      live: z.enum(['true', 'false']).optional(),
      source: z.string().max(64).optional(),
      decoy: z.string().max(64).optional(),
      service: z.string().max(32).optional(),
      incident: z.string().max(64).optional(),
      /** Sessions that proof touches caused are left out unless they are asked for. */
      proof: z.enum(['with', 'only']).optional(),
      from: z.coerce.number().optional(),
      to: z.coerce.number().optional(),
    }),
    answer: list(r.sessionSummary),
  },
  session: { method: 'GET', path: '/sessions/:id', permission: 'session.read', summary: 'One session.', answer: r.sessionSummary },
  sessionEvents: {
    method: 'GET',
    path: '/sessions/:id/events',
    permission: 'session.read',
    summary: 'Events of one session in order, without terminal data unless asked.',
    query: z.object({
      after: z.coerce.number().int().default(0),
      limit: z.coerce.number().int().min(1).max(2000).default(500),
      terminal: z.enum(['true', 'false']).default('false'),
    }),
    answer: z.object({ events: z.array(storedEvent), more: z.boolean() }),
  },
  sessionPlant: {
    method: 'GET',
    path: '/sessions/:id/plant',
    permission: 'session.read',
    summary: "The plant behind a session's industrial decoy: its units, what their tags are called, in which units of measure.",
    answer: r.plantPicture,
  },
  recording: {
    method: 'GET',
    path: '/sessions/:id/recording',
    permission: 'session.read',
    summary: 'Terminal recording with technique marks.',
    answer: r.recording,
  },
  recordingCast: {
    method: 'GET',
    path: '/sessions/:id/recording.cast',
    permission: 'session.read',
    summary: 'The recording as asciicast v2.',
    answer: 'bytes',
  },
  events: {
    method: 'GET',
    path: '/events',
    permission: 'event.read',
    summary: 'Events, newest first; with `after`, oldest first from that position.',
    query: eventFilter.extend(page),
    answer: r.eventPage,
  },
  event: { method: 'GET', path: '/events/:id', permission: 'event.read', summary: 'One event, raw, with its source.', answer: storedEvent },
  eventFacets: {
    method: 'GET',
    path: '/events/facets',
    permission: 'event.read',
    summary: 'The most frequent values of each field under the same filters.',
    query: eventFilter,
    answer: z.object({
      facets: z.array(z.object({ field: z.string(), values: z.array(z.object({ value: z.string(), count: z.number().int() })) })),
      histogram: z.array(z.tuple([z.number(), z.number()])),
      bucketMs: z.number(),
      total: z.number().int(),
    }),
  },
  rejectedEvents: {
    method: 'GET',
    path: '/events/rejected',
    permission: 'event.read',
    summary: 'Events that failed their schema, with raw bytes and reason.',
    query: z.object(page),
    answer: list(r.rejectedEvent),
  },
  blob: {
    method: 'GET',
    path: '/blobs/:sha256',
    permission: 'blob.read',
    summary: 'A captured file, as an attachment in a ZIP with the password `infected`.',
    answer: 'bytes',
  },
})

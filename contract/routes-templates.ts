/** Routes of decoys, templates and known scanners. */
import { z } from 'zod'
import * as r from './records.ts'
import { plannedSegment, planStep } from './template.ts'
import { define, list } from './route.ts'

export const templatesRoutes = define({
  decoys: { method: 'GET', path: '/decoys', permission: 'sensor.read', summary: 'Decoys and where they answer.', answer: list(r.decoySummary) },
  templates: {
    method: 'GET',
    path: '/templates',
    permission: 'template.read',
    summary: 'Applied templates and those that ship with the product.',
    answer: z.object({
      applied: z.array(
        z.object({ name: z.string(), title: z.object({ zh: z.string(), en: z.string() }), appliedAt: z.number(), by: z.string(), text: z.string() }),
      ),
      shipped: z.array(z.object({ name: z.string(), text: z.string() })),
    }),
  },
  planTemplate: {
    method: 'POST',
    path: '/templates/plan',
    permission: 'template.read',
    summary: 'What applying this template would change; changes nothing.',
    body: z.object({
      text: z.string().max(1_048_576),
      /** Every host of every segment, not only the first of each. */
      full: z.boolean().optional(),
    }),
    answer: z.object({
      name: z.string(),
      steps: z.array(planStep),
      segments: z.array(plannedSegment),
      warnings: z.array(z.string()),
      base: z.string(),
      /** Hosts whose keys would be made after applying, and about how long that takes. */
      draws: z.object({ hosts: z.number().int(), seconds: z.number() }),
    }),
  },
  applyTemplate: {
    method: 'POST',
    path: '/templates/apply',
    permission: 'template.apply',
    summary: 'Apply a template. `base` is the plan it was reviewed as.',
    body: z.object({ text: z.string().max(1_048_576), base: z.string().optional() }),
    answer: z.object({
      name: z.string(),
      steps: z.array(planStep),
      version: z.number().int(),
      /** Hosts that answer only once their keys are made; that goes on by itself. */
      undrawn: z.number().int(),
    }),
  },
  knownScanners: {
    method: 'GET',
    path: '/known-scanners',
    permission: 'template.read',
    summary: 'Known scanners and monitors, reviewed, with owner and expiry.',
    answer: list(r.knownScanner),
  },
})

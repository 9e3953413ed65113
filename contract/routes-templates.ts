/** Routes of decoys, templates and known scanners. */
import { z } from 'zod'
import * as r from './records.ts'
import { planStep } from './template.ts'
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
    body: z.object({ text: z.string().max(1_048_576) }),
    answer: z.object({ name: z.string(), steps: z.array(planStep), warnings: z.array(z.string()), base: z.string() }),
  },
  applyTemplate: {
    method: 'POST',
    path: '/templates/apply',
    permission: 'template.apply',
    summary: 'Apply a template. `base` is the plan it was reviewed as.',
    body: z.object({ text: z.string().max(1_048_576), base: z.string().optional() }),
    answer: z.object({ name: z.string(), steps: z.array(planStep), version: z.number().int() }),
  },
  knownScanners: {
    method: 'GET',
    path: '/known-scanners',
    permission: 'template.read',
    summary: 'Known scanners and monitors, reviewed, with owner and expiry.',
    answer: list(r.knownScanner),
  },
})

/** The web page of a device: whose firmware it looks like, and which plant values it shows, draws and lets be set. */
import { z } from 'zod'
import { valueSource } from './device.ts'
import { deviceTls } from './server-tls.ts'

const label = z.strictObject({ zh: z.string().min(1).max(60), en: z.string().min(1).max(60) })

const shown = z.strictObject({
  from: valueSource,
  /** The plant's own title of the tag where none is given. */
  title: label.optional(),
  /** Of `groups`: the table or the part of the picture that it stands in. */
  group: z.string().max(24),
  /** Digits after the point. */
  decimals: z.number().int().min(0).max(4).default(1),
  /** Who may set it from the page, once logged in. */
  write: z.enum(['no', 'operator', 'engineer']).default('no'),
})
export type HmiValue = z.infer<typeof shown>

export const hmiTemplate = z.strictObject({
  /** Whose pages and whose web server: a SIMATIC controller of the 1200 or the 300 family, a FactoryCast page, a gateway's console, an RTU's page, a panel's own screens. */
  style: z.enum(['simatic-1200', 'simatic-300', 'factorycast', 'console', 'rtu', 'panel']),
  /** Version that its server names of itself, where it does. */
  version: z.string().max(32).default(''),
  title: label,
  /** The first is spoken until another is asked for. */
  languages: z
    .array(z.enum(['zh', 'en']))
    .min(1)
    .max(2)
    .default(['en']),
  /** Connections at once; the next ones wait a while and are then turned away. */
  connections: z.number().int().min(1).max(64).default(8),
  /** Milliseconds between two polls of its script. */
  pollMs: z.number().int().min(500).max(60_000).default(1500),
  /** How `hmi-https` speaks; without it the device has no HTTPS. */
  tls: deviceTls.optional(),
  /** Whether values are shown before anybody logged in. */
  open: z.boolean().default(true),
  groups: z
    .array(z.strictObject({ id: z.string().regex(/^[a-z][a-z0-9]{0,23}$/), title: label }))
    .min(1)
    .max(16),
  values: z.array(shown).min(1).max(200),
  /** Drawn as curves; each is one of `values`. */
  trends: z
    .array(z.strictObject({ from: valueSource }))
    .max(8)
    .default([]),
})
export type HmiTemplate = z.infer<typeof hmiTemplate>

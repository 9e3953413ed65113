/** What a route is, and what the tables of routes share. */
import { z } from 'zod'
import type { Permission } from './permissions.ts'

/** Query of a list that is read page by page. */
export const page = { cursor: z.string().max(200).optional(), limit: z.coerce.number().int().min(1).max(500).default(100) }
/** Answer of a list. */
export const list = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable(), total: z.number().int().nullable() })
export const ok = z.object({ ok: z.literal(true) })

export type Route = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  permission: Permission | 'signed-in' | 'public'
  summary: string
  query?: z.ZodObject
  body?: z.ZodType
  answer: z.ZodType | 'bytes'
}
/** Keeps the exact type of each route of a table. */
export const define = <const T extends Record<string, Route>>(routes: T): T => routes

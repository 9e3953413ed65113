/**
 * Every route of `/api/v1`, as data: the server mounts handlers by these names, `/api/openapi.json` is printed from them and
 * the console's client is typed by them. The tables lie by area in routes-*.ts.
 */
import { z } from 'zod'
import { accountRoutes } from './routes-account.ts'
import { coverageRoutes } from './routes-coverage.ts'
import { delaysRoutes } from './routes-delays.ts'
import { incidentsRoutes } from './routes-incidents.ts'
import { observedRoutes } from './routes-observed.ts'
import { peopleRoutes } from './routes-people.ts'
import { releasesRoutes } from './routes-releases.ts'
import { sensorsRoutes } from './routes-sensors.ts'
import { templatesRoutes } from './routes-templates.ts'
import { ticketsRoutes } from './routes-tickets.ts'
import { templateFault } from './template.ts'

/** Error body of every route: a stable code, a sentence for people, and where it lies. */
export const apiError = z.object({
  error: z.object({ code: z.string(), message: z.string(), faults: z.array(templateFault).optional(), fields: z.record(z.string(), z.string()).optional() }),
})

export const routes = {
  ...accountRoutes,
  ...observedRoutes,
  ...incidentsRoutes,
  ...ticketsRoutes,
  ...sensorsRoutes,
  ...templatesRoutes,
  ...coverageRoutes,
  ...releasesRoutes,
  ...delaysRoutes,
  ...peopleRoutes,
}
export type Routes = typeof routes
export type RouteName = keyof Routes
export type RouteBody<N extends RouteName> = Routes[N] extends { body: infer B extends z.ZodType } ? z.input<B> : undefined
export type RouteQuery<N extends RouteName> = Routes[N] extends { query: infer Q extends z.ZodType } ? z.input<Q> : undefined
export type RouteAnswer<N extends RouteName> = Routes[N] extends { answer: infer A extends z.ZodType } ? z.output<A> : Uint8Array

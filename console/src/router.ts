/** The console's addresses. The only file that knows the router library. */
import { createRouter, Router } from 'sv-router'

const { navigate, route, p } = createRouter({
  '/': () => import('./pages/Overview.svelte'),
  '/overview': () => import('./pages/Overview.svelte'),
  '/sessions': { '/': () => import('./pages/Sessions.svelte'), '/:id': () => import('./pages/Session.svelte') },
  '/events': () => import('./pages/Events.svelte'),
  '/incidents': { '/': () => import('./pages/Incidents.svelte'), '/:id': () => import('./pages/Incident.svelte') },
  '/tickets': { '/': () => import('./pages/Tickets.svelte'), '/:id': () => import('./pages/Ticket.svelte') },
  '/sensors': () => import('./pages/Sensors.svelte'),
  '/decoys': () => import('./pages/Decoys.svelte'),
  '/coverage': () => import('./pages/Coverage.svelte'),
  '/templates': () => import('./pages/Templates.svelte'),
  '/settings': () => import('./pages/Settings.svelte'),
  '/notices': () => import('./pages/Notices.svelte'),
  '*': () => import('./pages/NotFound.svelte'),
})

export { Router }

/** The page shown now, reactive. */
export const here = {
  get path(): string {
    return route.pathname
  },
  get id(): string {
    return (route.params as { id?: string }).id ?? ''
  },
}

/** Address of one record's page. */
export const to = {
  session: (id: string): string => p('/sessions/:id', { params: { id: encodeURIComponent(id) } }),
  incident: (id: string): string => p('/incidents/:id', { params: { id: encodeURIComponent(id) } }),
  ticket: (id: string): string => p('/tickets/:id', { params: { id: encodeURIComponent(id) } }),
  events: (query: Record<string, string | number>): string =>
    `/events?${new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]))}`,
}

/** The query of the address bar as it was written, reactive. */
export function query(): URLSearchParams {
  void route.search // the library's reactive read; its own parsing would turn `true` and `10` into other types
  return new URLSearchParams(location.search)
}

/** Goes to a path with an optional query and fragment. */
export function go(target: string, options: { replace?: boolean; keepScroll?: boolean } = {}): void {
  const url = new URL(target, location.origin)
  const settings = { search: url.search, hash: url.hash, replace: options.replace ?? false, ...(options.keepScroll ? { scrollToTop: false as const } : {}) }
  void (navigate as (path: string, settings: object) => Promise<unknown>)(url.pathname, settings)
}

/** Changes parts of the query of this page; an empty value removes its name. */
export function setQuery(changes: Record<string, string | undefined>, options: { replace?: boolean } = {}): void {
  const next = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value)
    else next.delete(name)
  }
  const text = next.toString()
  go(`${location.pathname}${text ? `?${text}` : ''}`, { replace: options.replace ?? false, keepScroll: true })
}

/** The dialect of a persona's web server, kept per page of a missing file. */
import type { Persona } from '../persona.ts'
import type { Dialect, StaticFile } from './answer.ts'
import { nginxDialect } from './nginx.ts'

const made = new WeakMap<StaticFile, Dialect>()

/** `missing`: the site's own page of status 404. Throws when the persona has no web server that this host can be. */
export function dialectFor(persona: Persona, missing: StaticFile): Dialect {
  const held = made.get(missing)
  if (held) return held
  const web = persona.template.web
  if (!web) throw new Error(`persona ${persona.template.id} has no web section; give it one or place no web service on it`)
  if (web.server !== 'nginx') throw new Error(`persona ${persona.template.id}: the web server ${web.server} cannot be served; use nginx`)
  const dialect = nginxDialect({
    version: web.version,
    server: web.header,
    pages: new Map([[404, missing]]),
    gzip: persona.number('web gzip', 0, 2) === 0,
    bodyLimit: persona.pick('web body limit', [1, 1, 10, 20, 50]) * 1_048_576,
    keepAliveMs: persona.pick('web keepalive', [60, 65, 65, 75]) * 1000,
  })
  made.set(missing, dialect)
  return dialect
}

/** Says at once which sign-ins ended, so that what is still open under them (live sockets) closes. */
import type postgres from 'postgres'
import type { Core } from '../core.ts'

/** `person`: all of a person's sessions but `except`; `credential`: this one session or token. */
export type Ended = { person: string; except?: string } | { credential: string }

const listeners = new WeakMap<postgres.Sql, Set<(ended: Ended) => void>>()

/** Calls `listener` whenever a sign-in ends, until the returned function is called. */
export function onEnded(core: Core, listener: (ended: Ended) => void): () => void {
  const set = listeners.get(core.sql) ?? new Set()
  listeners.set(core.sql, set)
  set.add(listener)
  return () => set.delete(listener)
}

/** To be called after the commit that ended it. */
export function sayEnded(core: Core, ended: Ended): void {
  for (const listener of [...(listeners.get(core.sql) ?? [])]) listener(ended)
}

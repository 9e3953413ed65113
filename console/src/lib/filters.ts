/** Filters of events, under the names of the contract. A leading `!` filters out. */
import type { StoredEvent } from '@shenlou/contract/event'

export const filterNames = ['text', 'kind', 'source', 'decoy', 'service', 'sensor', 'session', 'connection'] as const
export type Filters = Record<string, string>

const values: Record<string, (event: StoredEvent) => string | undefined> = {
  kind: (event) => event.kind,
  source: (event) => event.source?.ip,
  decoy: (event) => event.decoy,
  service: (event) => event.service,
  sensor: (event) => event.sensor,
  session: (event) => event.session,
  connection: (event) => event.connection,
}

/** Whether a live event belongs to a list with these filters; several values of one name are separated by commas. */
export function fits(event: StoredEvent, filters: Filters): boolean {
  for (const [name, wanted] of Object.entries(filters)) {
    if (name === 'from' && event.time < Number(wanted)) return false
    if (name === 'to' && event.time > Number(wanted)) return false
    const value = values[name]
    if (value) {
      const out = wanted.startsWith('!')
      const among = (out ? wanted.slice(1) : wanted).split(',').includes(value(event) ?? '')
      if (among === out) return false
    } else if (name === 'text') {
      const out = wanted.startsWith('!')
      const found = JSON.stringify(event.body)
        .toLowerCase()
        .includes((out ? wanted.slice(1) : wanted).toLowerCase())
      if (found === out) return false
    }
  }
  return true
}

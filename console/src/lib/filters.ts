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

const octets = (ip: string): number | undefined => {
  const parts = ip.split('.').map(Number)
  return parts.length === 4 && parts.every((part) => part >= 0 && part < 256) ? parts.reduce((sum, part) => sum * 256 + part, 0) : undefined
}

/** Whether a value is the wanted one or, for an IPv4 address, lies in the wanted network. */
function matches(value: string, wanted: string): boolean {
  const [network = '', prefix] = wanted.split('/')
  const inside = octets(value)
  const base = octets(network)
  if (prefix === undefined || inside === undefined || base === undefined) return value === wanted
  const size = 2 ** (32 - Number(prefix))
  return Math.floor(inside / size) === Math.floor(base / size)
}

/** Whether a live event belongs to a list with these filters; several values of one name are separated by commas. */
export function fits(event: StoredEvent, filters: Filters): boolean {
  for (const [name, wanted] of Object.entries(filters)) {
    if (name === 'from' && event.time < Number(wanted)) return false
    if (name === 'to' && event.time > Number(wanted)) return false
    if (name === 'proof' && wanted === 'only' && event.proof === undefined) return false
    const value = values[name]
    if (value) {
      const out = wanted.startsWith('!')
      const among = (out ? wanted.slice(1) : wanted).split(',').some((entry) => matches(value(event) ?? '', entry.trim()))
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

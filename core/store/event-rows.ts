/** Events as rows: the columns to select and how a row becomes the contract's StoredEvent. */
import type { StoredEvent } from '@shenlou/contract/event'
import type postgres from 'postgres'

export interface EventRow {
  position: number
  id: string
  time: number
  received: number
  sensor: string
  epoch: string
  seq: number
  scope: string
  kind: string
  connection: string | null
  session: string | null
  decoy: string | null
  service: string | null
  source_ip: string | null
  source_port: number | null
  destination_ip: string | null
  destination_port: number | null
  via: StoredEvent['via'] | null
  body: Record<string, unknown>
  proof: string | null
}

/** The select list for `toEvent`, of a table called `event` in the query. */
export const eventColumns = (sql: postgres.Sql | postgres.TransactionSql): postgres.PendingQuery<postgres.Row[]> => sql`
  event.position, event.id, (extract(epoch from event.time) * 1000)::float8 as time, (extract(epoch from event.received) * 1000)::float8 as received,
  event.sensor, event.epoch, event.seq, event.scope, event.kind, event.connection, event.session, event.decoy, event.service,
  host(event.source_ip) as source_ip, event.source_port, host(event.destination_ip) as destination_ip, event.destination_port, event.via, event.body,
  event.proof`

const endpoint = (ip: string, port: number | null): { ip: string; port?: number } => (port === null ? { ip } : { ip, port })

export function toEvent(row: EventRow): StoredEvent {
  return {
    id: row.id,
    time: row.time,
    ...(row.connection && { connection: row.connection }),
    ...(row.session && { session: row.session }),
    ...(row.decoy && { decoy: row.decoy }),
    ...(row.service && { service: row.service }),
    ...(row.source_ip && { source: endpoint(row.source_ip, row.source_port) }),
    ...(row.destination_ip && { destination: endpoint(row.destination_ip, row.destination_port) }),
    ...(row.via && { via: row.via }),
    kind: row.kind,
    body: row.body,
    position: row.position,
    received: row.received,
    sensor: row.sensor,
    epoch: row.epoch,
    seq: row.seq,
    scope: row.scope,
    ...(row.proof && { proof: row.proof }),
  }
}

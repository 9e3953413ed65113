/** Keeps what relays say of single addresses: claimed, refused, let go of, seen in use. */
import type { StoredEvent } from '@shenlou/contract/event'
import type { EventBody } from '@shenlou/contract/event-kinds'
import type { TransactionSql } from 'postgres'
import type { Core } from '../core.ts'
import { type Consumer, startConsumer } from '../ingest/consumer.ts'
import { networkOf, overlap, rangeOf, toAddress } from './ipv4.ts'

interface Word {
  segment: string
  /** Addresses, networks and ranges. */
  ranges: readonly string[]
  state: 'claimed' | 'refused' | 'released' | 'used' | 'would'
  reason: string | null
  owner: string | null
}

const kinds: Record<string, (body: never) => Word[]> = {
  'address.claimed': ({ segment, hosts }: EventBody<'address.claimed'>) => [
    { segment, ranges: hosts.map(({ address }) => address), state: 'claimed', reason: null, owner: null },
  ],
  'address.refused': ({ segment, addresses, reason, by }: EventBody<'address.refused'>) => [
    { segment, ranges: addresses, state: 'refused', reason, owner: by ?? null },
  ],
  'address.released': ({ segment, addresses, reason, by }: EventBody<'address.released'>) => [
    { segment, ranges: addresses, state: 'released', reason, owner: by ?? null },
  ],
  'segment.surveyed': ({ segment, would, not, used }: EventBody<'segment.surveyed'>) => [
    { segment, ranges: would.addresses, state: 'would', reason: null, owner: null },
    ...not.map(({ reason, addresses }): Word => ({ segment, ranges: addresses, state: 'refused', reason, owner: null })),
    { segment, ranges: used.addresses, state: 'used', reason: 'owner-seen', owner: null },
  ],
}

/** Starts the projection. A relay is heard on its own segments only. */
export const startAddresses = (core: Core): Promise<Consumer> =>
  startConsumer(core, 'segment-addresses', async (tx, events) => {
    const started = new Map(events.filter(({ kind }) => kind === 'sensor.started').map(({ sensor, time }) => [sensor, time]))
    const said = events.filter(({ kind, sensor, time }) => Object.hasOwn(kinds, kind) && !(kind === 'address.claimed' && time < (started.get(sensor) ?? 0)))
    // A relay that starts has claimed nothing yet, whatever the one before it said.
    for (const [sensor, time] of started)
      await tx`delete from segment_address as known using segment, sensor where known.segment = segment.id and segment.relay = sensor.name and sensor.role = 'relay'
        and sensor.id = ${sensor} and known.state = 'claimed' and known.at < to_timestamp(${time / 1000}::float8)`
    if (said.length > 0) await project(tx, said)
  })

async function project(tx: TransactionSql, events: readonly StoredEvent[]): Promise<void> {
  const segments = await tx<{ id: string; network: string; sensor: string }[]>`
    select segment.id, segment.config->>'network' as network, sensor.id as sensor from segment join sensor on sensor.name = segment.relay and sensor.role = 'relay'`
  const own = new Map(segments.map((row) => [`${row.sensor} ${row.id}`, networkOf(row.network)]))
  const rows = new Map<string, object>()
  for (const event of events) {
    for (const { segment, ranges, state, reason, owner } of kinds[event.kind]?.(event.body as never) ?? []) {
      const network = own.get(`${event.sensor} ${segment}`)
      if (!network) continue
      for (const text of ranges) {
        const range = rangeOf(text)
        if (!range || !overlap(network, range)) continue
        for (let at = Math.max(range.from, network.from); at <= Math.min(range.to, network.to); at++) {
          const address = toAddress(at)
          rows.set(`${segment} ${address}`, { segment, address, state, reason, owner, at: event.time, event: event.id })
        }
      }
    }
  }
  const all = [...rows.values()]
  for (let at = 0; at < all.length; at += 5000)
    await tx`insert into segment_address (segment, address, state, reason, owner, at, event)
      select x.segment, x.address, x.state, x.reason, x.owner, to_timestamp(x.at / 1000), x.event
      from jsonb_to_recordset(${tx.json(all.slice(at, at + 5000) as never)}) as x(segment text, address inet, state text, reason text, owner text, at float8, event uuid)
      on conflict (segment, address) do update set state = excluded.state, reason = excluded.reason, owner = coalesce(excluded.owner, segment_address.owner),
        at = excluded.at, event = excluded.event where excluded.at >= segment_address.at`
}

/**
 * Known scanners and monitors: a reviewed list with owner, expiry and expected ports (invariant 9). What they touch is recorded and
 * labelled; they open an incident only when they log in, exploit, or stray to a port that nobody expects of them.
 */
import { BlockList, isIP } from 'node:net'
import type { RouteAnswer } from '@shenlou/contract/api'
import type { ScenarioTemplate } from '@shenlou/contract/template'
import { uuidv7 } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import type { Actor } from './actor.ts'
import type { Core } from './core.ts'
import { visibleTo } from './store/visible.ts'

type Tx = postgres.TransactionSql | postgres.Sql
type Listed = ScenarioTemplate['knownScanners'][number] & { scope: string }

/** What a rule asks: who is this address, and is it where its owner said it would be? */
export interface KnownScanner {
  id: string
  owner: string
  /** Empty: expected everywhere. */
  ports: readonly number[]
}
/** Finds the scanner of the most specific network that holds `ip`, is known in the place `scope` and has not run out at `time` (milliseconds since 1970 UTC). */
export type FindScanner = (ip: string | undefined, time: number, scope: string) => KnownScanner | undefined

/** Whether `text` is an address or a network in CIDR form, such as 192.0.2.7 or 2001:db8::/32. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix, more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more !== undefined) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128))
}

/** A test whether an address lies in one of `networks`; none holds nothing. IPv4 in IPv6 form counts as IPv4. */
export function networkTest(networks: readonly string[]): (ip: string) => boolean {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, prefix === undefined ? (family === 'ipv4' ? 32 : 128) : Number(prefix), family)
  }
  return (given) => {
    const ip = given.toLowerCase().startsWith('::ffff:') && isIP(given.slice(7)) === 4 ? given.slice(7) : given
    const family = isIP(ip)
    return family !== 0 && list.check(ip, family === 6 ? 'ipv6' : 'ipv4')
  }
}

/** Reads the list once, for a batch of events. */
export async function loadScanners(tx: Tx): Promise<FindScanner> {
  const rows = await tx<{ id: string; network: string; owner: string; ports: number[]; scope: string; until: number }[]>`
    select id, network::text as network, owner, ports, scope, (extract(epoch from (expires + 1)::timestamp at time zone 'UTC') * 1000)::float8 as until
    from known_scanner order by masklen(network) desc, network, length(scope) desc, template`
  if (rows.length === 0) return () => undefined
  const tests = rows.map((row) => ({ ...row, holds: networkTest([row.network]) }))
  const known = new Map<string, typeof tests>()
  return (ip, time, scope) => {
    if (!ip) return undefined
    const own = known.get(ip) ?? tests.filter((row) => row.holds(ip))
    known.set(ip, own)
    return own.find((row) => time < row.until && (scope === row.scope || scope.startsWith(`${row.scope}/`)))
  }
}

/** Puts `list` in the place of what `template` listed before; scanners that stay keep their touches. Call it in the transaction of the apply. */
export async function replaceKnownScanners(tx: Tx, template: string, list: readonly Listed[]): Promise<void> {
  const wrong = list.find((entry) => !isNetwork(entry.network))
  if (wrong) throw new RangeError(`known scanner ${wrong.owner}: ${wrong.network} is not an address or a network such as 192.0.2.0/24`)
  const kept: string[] = []
  for (const entry of list) {
    const [row] = await tx<{ id: string }[]>`
      insert into known_scanner (id, template, network, scope, owner, reason, expires, ports)
      values (${uuidv7()}, ${template}, network(${entry.network}::text::inet), ${entry.scope}, ${entry.owner}, ${entry.reason}, ${entry.expires}, ${[...entry.ports]}::integer[])
      on conflict (template, network, scope) do update set owner = excluded.owner, reason = excluded.reason, expires = excluded.expires, ports = excluded.ports
      returning id`
    if (row) kept.push(row.id)
  }
  await tx`delete from known_scanner where template = ${template} and id <> all(${kept}::uuid[])`
}

/** Adds to the touches of scanners, by id. */
export async function countTouches(tx: Tx, touches: ReadonlyMap<string, number>): Promise<void> {
  for (const [id, count] of touches) await tx`update known_scanner set touches = touches + ${count} where id = ${id}`
}

/** Route `knownScanners`: those of places that the actor sees. */
export async function knownScanners(core: Core, actor: Actor, _input: unknown): Promise<RouteAnswer<'knownScanners'>> {
  const today = new Date(core.clock()).toISOString().slice(0, 10)
  const items = await core.sql<RouteAnswer<'knownScanners'>['items']>`
    select id, network::text as network, owner, reason, scope, expires::text as expires, ports, expires < ${today}::date as expired, touches
    from known_scanner where ${visibleTo(core.sql, actor)} order by expires, network`
  return { items: [...items], next: null, total: items.length }
}

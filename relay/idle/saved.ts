/** What a segment's engine remembers across restarts: who was ever seen, and how long he keeps his right. */
import { type AddressTable, maxAddresses, notices, ownerOf, setOwner } from './table.ts'

/** Place in the network, then as in the table: seenAt, heldUntil, notice, giveUps, owner. */
export type SavedAddress = [number, number, number, number, number, number]
export interface Saved {
  network: string
  /** Milliseconds since 1970 when it was saved; all other times are seconds of watching. */
  at: number
  watchedS: number
  quietSince: number
  released: boolean
  halted: number | undefined
  /** DHCP servers that were seen. */
  servers: number[]
  addresses: SavedAddress[]
}

const isCount = (value: unknown, most = 2 ** 32 - 1): value is number => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most

const isAddress = (row: unknown): row is SavedAddress =>
  Array.isArray(row) &&
  row.length === 6 &&
  isCount(row[0], maxAddresses - 1) &&
  isCount(row[1]) &&
  isCount(row[2]) &&
  isCount(row[3], 255) &&
  isCount(row[4], 255) &&
  isCount(row[5], 2 ** 48 - 1)

export const writeSaved = (saved: Saved): string => JSON.stringify(saved)

/** Undefined when the text is not what `writeSaved` wrote. */
export function parseSaved(text: string): Saved | undefined {
  let found: Partial<Saved> | null
  try {
    found = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof found !== 'object' || found === null) return undefined
  const { network, at, watchedS, quietSince, released, halted, servers, addresses } = found
  if (typeof network !== 'string' || typeof at !== 'number' || !isCount(watchedS) || !isCount(quietSince, watchedS)) return undefined
  if (typeof released !== 'boolean' || (halted !== undefined && !isCount(halted))) return undefined
  if (!Array.isArray(servers) || servers.length > 1000 || !servers.every((server) => isCount(server))) return undefined
  if (!Array.isArray(addresses) || addresses.length > maxAddresses || !addresses.every(isAddress)) return undefined
  return { network, at, watchedS, quietSince, released, halted, servers, addresses }
}

/** The addresses on which somebody was ever seen. */
export function savedAddresses(table: AddressTable): SavedAddress[] {
  const { size, seenAt, heldUntil, notice, giveUps } = table
  const rows: SavedAddress[] = []
  for (let at = 0; at < size; at++)
    if (seenAt[at] !== 0) rows.push([at, seenAt[at] as number, heldUntil[at] as number, notice[at] as number, giveUps[at] as number, ownerOf(table, at)])
  return rows
}

export function restoreAddresses(table: AddressTable, rows: readonly SavedAddress[]): void {
  for (const [at, seen, held, how, given, mac] of rows) {
    if (at >= table.size) continue
    table.seenAt[at] = seen
    table.heldUntil[at] = held
    table.notice[at] = how < notices.length ? how : notices.indexOf('arp')
    table.giveUps[at] = given
    setOwner(table, at, mac)
  }
}

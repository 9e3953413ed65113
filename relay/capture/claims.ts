/** What is claimed and offered in the tables of one capture process: one transaction at a time, in step with what the kernel holds. */
import type { IdleHost, Segment } from '@shenlou/contract/segment'
import { addressNumber, parseRange } from '../idle/addresses.ts'
import type { Kernel, Probed, Yielded } from './kernel.ts'
import { listMap, listSet, nft, parts, runProgram } from './program.ts'
import { claimChange, mostScanned, noteInto, type Offered, offeredChange, offeredElement } from './ruleset.ts'
import { routeProtocol } from './steps.ts'

export interface ClaimsOptions {
  table: string
  shared: boolean
  /** Addresses of this machine. */
  own: readonly string[]
  /** Somebody's connections to these are over. */
  onReleased?(addresses: string[]): void
  onClaimed?(): void
}
export interface Claims {
  /** The kernel of one segment. */
  kernelOf(segment: Segment): Kernel
  /** Makes exactly these ports lead to decoys. */
  offer(offered: readonly Offered[]): Promise<void>
  releaseAll(): Promise<void>
  has(address: string): boolean
  readonly claimed: number
  /** More closed ports than the kernel has room for were asked for within the last minute: what is told of them is a part. */
  readonly scansCut: boolean
}

/** Of one drain and those that nobody fetched yet; a scan is told by far fewer. */
const mostRows = 131_072

export function openClaims({ table, shared, own, onReleased = () => {}, onClaimed = () => {} }: ClaimsOptions): Claims {
  let claimed = new Map<string, IdleHost>()
  let offered = new Set<string>()
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work, work)
    turn = done.catch(() => {})
    return done
  }
  const routes = async (verb: 'add' | 'del', addresses: readonly string[]): Promise<void> => {
    if (!shared || addresses.length === 0) return
    const line = (address: string): string => `route ${verb === 'add' ? 'replace' : 'del'} local ${address}/32 dev lo proto ${routeProtocol}`
    await runProgram('ip', ['-force', '-batch', '-'], `${addresses.map(line).join('\n')}\n`).catch((error: Error) => {
      // A route that is gone already is what was wanted.
      if (verb === 'add') throw error
    })
  }

  let letter: 'a' | 'b' = 'a'
  let rows: Probed[] = []
  let cutAt = Number.NEGATIVE_INFINITY
  /** Turns the kernel to the other set, then empties this one. */
  const drain = (): Promise<void> =>
    inTurn(async () => {
      const full = letter
      letter = full === 'a' ? 'b' : 'a'
      await nft(noteInto(table, letter))
      const found = await listSet('ip', table, `scanned_${full}`)
      if (found.length === 0) return
      if (found.length >= mostScanned || rows.length + found.length > mostRows) cutAt = performance.now()
      await nft(`flush set ip ${table} scanned_${full}\n`)
      for (const [source, address, transport, port] of found.map(parts))
        if (rows.length < mostRows)
          rows.push({ source: String(source), address: String(address), transport: transport === 'udp' ? 'udp' : 'tcp', port: Number(port) })
    })

  /** Routes come after the claim and go before it, so that no address is local that the rules do not know. */
  async function become(after: Map<string, IdleHost>): Promise<void> {
    const gone = [...claimed.keys()].filter((address) => !after.has(address))
    const come = [...after.keys()].filter((address) => !claimed.has(address))
    await routes('del', gone)
    await nft(claimChange(table, claimed, after))
    claimed = after
    if (gone.length > 0) onReleased(gone)
    try {
      await routes('add', come)
    } catch (error) {
      await become(new Map([...after].filter(([address]) => !come.includes(address))))
      throw error
    }
    if (come.length > 0) onClaimed()
  }
  const without = (unwanted: (host: IdleHost) => boolean): Promise<void> => inTurn(() => become(new Map([...claimed].filter(([, host]) => !unwanted(host)))))

  return {
    kernelOf(segment) {
      const network = parseRange(segment.network)
      const never = new Set([...own, ...segment.dhcpServers, ...(segment.gateway ? [segment.gateway] : [])])
      /** The network itself and its broadcast belong to nobody. */
      const within = (address: string): boolean => {
        const number = addressNumber(address)
        if (!network || number === undefined) return false
        const edge = network.last - network.first > 1 ? 1 : 0
        return number >= network.first + edge && number <= network.last - edge
      }
      const mine = (host: IdleHost): boolean => host.segment === segment.id
      return {
        claim: (hosts) =>
          inTurn(async () => {
            for (const { address, segment: id } of hosts) {
              if (id !== segment.id || !within(address)) throw new Error(`${address} is not an address of a host in ${segment.id} (${segment.network})`)
              if (never.has(address))
                throw new Error(`${address} is never answered for in ${segment.id}: it is this machine's, the gateway's or a DHCP server's`)
              const held = claimed.get(address)
              if (held && !mine(held)) throw new Error(`${address} is claimed in ${held.segment} already`)
            }
            await become(new Map([...claimed, ...hosts.map((host): [string, IdleHost] => [host.address, host])]))
          }),
        async release(addresses) {
          const wanted = new Set(addresses)
          await without((host) => mine(host) && wanted.has(host.address))
        },
        releaseAll: () => without(mine),
        quiet: (servers) =>
          inTurn(async () => {
            const known = servers.filter((address) => addressNumber(address) !== undefined)
            if (known.length > 0) await nft(`add element netdev ${table} servers { ${known.join(', ')} }\n`)
          }),
        yielded: () =>
          inTurn(async () => {
            const rows = (await listMap('netdev', table, 'gave')).map(([address, mac]): Yielded => ({ address: String(address), mac: String(mac) }))
            return rows.filter(({ address }) => {
              const host = claimed.get(address)
              return host !== undefined && mine(host)
            })
          }),
        scanned: async () => {
          await drain()
          const found = rows.filter(({ address }) => within(address))
          rows = rows.filter(({ address }) => !within(address))
          return found
        },
      }
    },
    offer: (wanted) =>
      inTurn(async () => {
        const after = new Set(wanted.map(offeredElement))
        await nft(offeredChange(table, offered, after))
        offered = after
      }),
    releaseAll: () => without(() => true),
    has: (address) => claimed.has(address),
    get claimed() {
      return claimed.size
    },
    get scansCut() {
      return performance.now() - cutAt < 60_000
    },
  }
}

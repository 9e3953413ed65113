/** A bounded crowd of connections: when it is full, those who never spoke make room for those who come. */

export interface CrowdOptions {
  /** Connections in all, and of one source. */
  most: number
  perSource: number
  /** A connection that sent fewer bytes than this is no client yet. */
  smallBytes?: number
}
export interface Member {
  /** Its client sent so many bytes. */
  spoke(bytes: number): void
  leave(): void
}
export interface Crowd {
  readonly size: number
  /** Lets so many in from now on, in all and of one source; those who are in may stay until others come. */
  limit(most: number, perSource: number): void
  /** Lets one in, at the cost of another where it is full: of the source that has most, the one that is silent longest. `evict` must end the connection. */
  admit(source: string, evict: () => void): Member
}

interface Entry extends Member {
  source: string
  bytes: number
  rank: number
  evict(): void
}
/** Silent, small and speaking ones; in each set the order is that of the last byte. */
type Ranks = [Set<Entry>, Set<Entry>, Set<Entry>]

/** An empty crowd. A flood from anywhere cannot lock others out: it only displaces connections of its own kind. */
export function openCrowd({ smallBytes = 4096, ...options }: CrowdOptions): Crowd {
  let { most, perSource } = options
  const sources = new Map<string, Ranks>()
  let size = 0
  let heavy: { source: string; until: number } | undefined
  const countOf = (ranks: Ranks | undefined): number => (ranks ? ranks[0].size + ranks[1].size + ranks[2].size : 0)

  const heaviest = (): string => {
    // A full scan for each newcomer of a flood would cost more than the flood.
    if (heavy && countOf(sources.get(heavy.source)) > heavy.until) return heavy.source
    let source = ''
    let count = 0
    for (const [name, ranks] of sources) if (countOf(ranks) > count) [source, count] = [name, countOf(ranks)]
    heavy = { source, until: count / 2 }
    return source
  }
  const displace = (source: string): void => {
    for (const rank of sources.get(source) ?? []) {
      for (const entry of rank) {
        entry.leave()
        entry.evict()
        return
      }
    }
  }

  return {
    get size() {
      return size
    },
    limit(inAll, ofOne) {
      most = inAll
      perSource = ofOne
    },
    admit(source, evict) {
      if (countOf(sources.get(source)) >= perSource) displace(source)
      if (size >= most) displace(heaviest())
      const ranks: Ranks = sources.get(source) ?? [new Set(), new Set(), new Set()]
      sources.set(source, ranks)
      const entry: Entry = {
        source,
        bytes: 0,
        rank: 0,
        evict,
        spoke(bytes) {
          if (!ranks[entry.rank]?.delete(entry)) return
          entry.bytes += bytes
          entry.rank = entry.bytes === 0 ? 0 : entry.bytes < smallBytes ? 1 : 2
          ranks[entry.rank]?.add(entry)
        },
        leave() {
          if (!ranks[entry.rank]?.delete(entry)) return
          size -= 1
          if (countOf(ranks) === 0 && sources.get(source) === ranks) sources.delete(source)
        },
      }
      ranks[0].add(entry)
      size += 1
      return entry
    },
  }
}

/** Tells a scan from single connections: one source that touches many ports or addresses, fewer when it does not speak or they are closed, or often without speaking. */

export interface ScanReport {
  type: 'port' | 'address' | 'probe'
  addresses: string[]
  ports: number[]
  connections: number
  silent: number
  /** Requests for closed ports, as the kernel counted them. */
  probes: number
  windowMs: number
}
export interface ScanOptions {
  /** Distinct ports, distinct addresses, silent connections of one source within the window that make a scan. */
  ports?: number
  addresses?: number
  silent?: number
  /** Distinct ports or addresses that were touched without a word: a client speaks where it connects. */
  silentPlaces?: number
  windowMs?: number
  /** The least time between two reports of one episode. */
  updateMs?: number
  /** Sources watched at once; the one seen longest ago goes. */
  maxSources?: number
  onScan(source: string, report: ScanReport): void
}
export interface ScanWatch {
  touched(source: string, address: string, port: number, now: number): void
  /** A connection ended without a byte from its client. */
  silent(source: string, address: string, port: number, now: number): void
  /** A closed port was asked for: the kernel answered, or was silent, as that host would. */
  probed(source: string, address: string, port: number, now: number): void
  /** Says what is still to be said: call it now and then, and at the end. */
  flush(now: number, all?: boolean): void
  readonly sources: number
}

interface Watched {
  addresses: Set<string>
  ports: Set<number>
  silentAddresses: Set<string>
  silentPorts: Set<number>
  connections: number
  silent: number
  probes: number
  since: number
  last: number
  /** When this episode was last reported, and what had been counted then. */
  said: number | undefined
  saidConnections: number
}

/** An episode begins with the first touch after a quiet window and is reported when it becomes a scan, then as it grows, then when it is over. */
export function watchScans({
  ports = 5,
  addresses = 5,
  silent = 20,
  silentPlaces = 3,
  windowMs = 60_000,
  updateMs = 30_000,
  maxSources = 4096,
  onScan,
}: ScanOptions): ScanWatch {
  /** Insertion order is order of the last touch. */
  const watched = new Map<string, Watched>()

  const report = (source: string, entry: Watched, now: number): void => {
    const wide = entry.addresses.size >= addresses || entry.silentAddresses.size >= silentPlaces
    const type = wide ? 'address' : entry.ports.size >= ports || entry.silentPorts.size >= silentPlaces ? 'port' : 'probe'
    entry.said = now
    entry.saidConnections = counted(entry)
    onScan(source, {
      type,
      addresses: [...entry.addresses],
      ports: [...entry.ports].sort((a, b) => a - b),
      connections: entry.connections,
      silent: entry.silent,
      probes: entry.probes,
      windowMs: Math.max(0, entry.last - entry.since),
    })
  }
  const isScan = (entry: Watched): boolean =>
    entry.ports.size >= ports ||
    entry.addresses.size >= addresses ||
    entry.silentPorts.size >= silentPlaces ||
    entry.silentAddresses.size >= silentPlaces ||
    entry.silent + entry.probes >= silent
  const grew = (entry: Watched): boolean => counted(entry) > entry.saidConnections
  const consider = (source: string, entry: Watched, now: number): void => {
    if (isScan(entry) && (entry.said === undefined || (grew(entry) && now - entry.said >= updateMs))) report(source, entry, now)
  }
  const drop = (source: string, entry: Watched, now: number): void => {
    watched.delete(source)
    if (entry.said !== undefined && grew(entry)) report(source, entry, now)
  }
  const at = (source: string, now: number): Watched => {
    let entry = watched.get(source)
    if (entry && now - (entry.said === undefined ? entry.since : entry.last) > windowMs) {
      // A slow client that never made a scan begins its window anew; a scan is over after a quiet one.
      drop(source, entry, now)
      entry = undefined
    }
    if (!entry) {
      entry = {
        addresses: new Set(),
        ports: new Set(),
        silentAddresses: new Set(),
        silentPorts: new Set(),
        connections: 0,
        silent: 0,
        probes: 0,
        since: now,
        last: now,
        said: undefined,
        saidConnections: 0,
      }
      const [oldest] = watched
      if (watched.size >= maxSources && oldest) drop(oldest[0], oldest[1], now)
    } else watched.delete(source)
    entry.last = now
    watched.set(source, entry)
    return entry
  }

  const counted = ({ connections, silent, probes }: Watched): number => connections + silent + probes
  const notePlace = (entry: Watched, address: string, port: number): void => {
    if (entry.addresses.size < 256) entry.addresses.add(address)
    if (entry.ports.size < 1024) entry.ports.add(port)
  }
  const noteSilent = (entry: Watched, address: string, port: number): void => {
    if (entry.silentAddresses.size < silentPlaces) entry.silentAddresses.add(address)
    if (entry.silentPorts.size < silentPlaces) entry.silentPorts.add(port)
  }

  return {
    touched(source, address, port, now) {
      const entry = at(source, now)
      entry.connections += 1
      notePlace(entry, address, port)
      consider(source, entry, now)
    },
    silent(source, address, port, now) {
      const entry = at(source, now)
      entry.silent += 1
      noteSilent(entry, address, port)
      consider(source, entry, now)
    },
    probed(source, address, port, now) {
      const entry = at(source, now)
      entry.probes += 1
      notePlace(entry, address, port)
      // Nobody has business with a port that is closed everywhere here.
      noteSilent(entry, address, port)
      consider(source, entry, now)
    },
    flush(now, all = false) {
      for (const [source, entry] of watched) {
        if (all || now - entry.last > windowMs) drop(source, entry, now)
        else consider(source, entry, now)
      }
    },
    get sources() {
      return watched.size
    },
  }
}

/** One account of a host's memory, so that free, top, /proc/meminfo and ps agree. */
import type { Host } from './host.ts'

export interface Memory {
  total: number
  free: number
  available: number
  buffers: number
  cached: number
  shared: number
  slab: number
  used: number
  swapTotal: number
  swapFree: number
}

/** Memory in KiB at a time (milliseconds since 1970 UTC). */
export function memoryAt(host: Host, now: number): Memory {
  const { persona, memoryKiB: total } = host
  const wave = Math.sin(now / 97_000 + persona.number('memory-phase', 0, 999))
  const small = host.flavour === 'openwrt'
  const busy = persona.number('memory-busy', small ? 24 : 9, small ? 41 : 34) / 100
  const used = Math.round(total * busy * (1 + wave * 0.004))
  const cached = Math.round(total * (persona.number('memory-cached', small ? 9 : 30, small ? 16 : 52) / 100))
  const buffers = small || host.apt ? Math.round(total * 0.021) : 2108
  const slab = Math.round(total * (small ? 0.06 : 0.022))
  const free = total - used - cached - buffers - slab
  const shared = small ? 188 : persona.number('memory-shared', 9000, 90000)
  return {
    total,
    free,
    available: free + Math.round(cached * 0.93) + Math.round(slab * 0.5),
    buffers,
    cached,
    shared,
    slab,
    used,
    swapTotal: host.swapKiB,
    swapFree: host.swapKiB - (host.swapKiB ? persona.number('swap-used', 0, 900) * 4 : 0),
  }
}

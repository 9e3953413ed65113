/** The objects of an agent in the order of a walk: exact ones, the next one, and which kind of nothing there is elsewhere. */
import type { Device } from '../device.ts'
import type { Wrote } from '../say.ts'
import { compareOid, isBelow, type Oid, type Value } from './ber.ts'
import type { Counts } from './counts.ts'
import type { Texts } from './texts.ts'

/** What values are read from at the moment of a request. */
export interface View {
  readonly device: Device
  readonly counts: Counts
  readonly texts: Texts
  /** Seconds since the device's last boot. */
  readonly uptime: number
}

export interface Node {
  readonly oid: Oid
  /** How many arcs name the object; the rest are its instance. */
  readonly object: number
  /** Such as `sysDescr.0`; empty where nobody has named it. */
  readonly name: string
  /** The source of a value of the plant or the device. */
  readonly from?: string
  read(view: View): Value
  /** Absent where nobody may set it. */
  readonly write?: Write
}
/** `check` gives an error status of RFC 3416 section 4.2.5, 0 when it may be set; `apply` nothing where the device refuses it still. */
export interface Write {
  check(value: Value): number
  apply(value: Value, view: View): Wrote | undefined
}

export interface Tree {
  readonly nodes: readonly Node[]
  get(oid: Oid): Node | undefined
  next(oid: Oid): Node | undefined
  /** Why there is nothing: the object has no such instance, or there is no such object (RFC 3416 section 4.2.1). */
  missing(oid: Oid): 'noSuchInstance' | 'noSuchObject'
}

/** Throws when two objects have one identifier. */
export function openTree(unsorted: readonly Node[]): Tree {
  const nodes = unsorted.toSorted((a, b) => compareOid(a.oid, b.oid))
  for (const [at, { oid }] of nodes.entries())
    if (at > 0 && compareOid((nodes[at - 1] as Node).oid, oid) === 0) throw new Error(`two objects are called ${oid.join('.')}`)
  /** Index of the first node at or after. */
  const find = (oid: Oid): number => {
    let low = 0
    let high = nodes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareOid((nodes[middle] as Node).oid, oid) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
  const get = (oid: Oid): Node | undefined => {
    const node = nodes[find(oid)]
    return node && compareOid(node.oid, oid) === 0 ? node : undefined
  }
  return {
    nodes,
    get,
    next(oid) {
      const at = find(oid)
      const node = nodes[at]
      return node && compareOid(node.oid, oid) === 0 ? nodes[at + 1] : node
    },
    missing(oid) {
      const at = find(oid)
      const near = [nodes[at - 1], nodes[at]]
      return near.some((node) => node && isBelow(oid, node.oid.slice(0, node.object))) ? 'noSuchInstance' : 'noSuchObject'
    },
  }
}

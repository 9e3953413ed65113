/** Who the decoys of a host were drawn as, said to the core in turns: some with each health, all of them in time. */
import type { DecoyConfig, DecoyIdentity } from '@shenlou/contract/sensor'
import { drawHostname, drawMac, drawSerial, hostDraw } from '@shenlou/link/host-identity'

/** As many as one health may carry. */
const together = 50
/** Longer than the 5 s between two healths, so that each turn is said at least once. */
const turnMs = 6000

export interface Identities {
  /** Replaces the decoys that are told of. */
  set(decoys: readonly DecoyConfig[]): void
  /** Those whose turn it is; each host is drawn when its first turn comes. */
  next(now?: number): DecoyIdentity[]
}

export function createIdentities(): Identities {
  let decoys: readonly DecoyConfig[] = []
  let drawn = new Map<string, DecoyIdentity | undefined>()
  let first = 0
  let since = 0

  const identityOf = (decoy: DecoyConfig): DecoyIdentity | undefined => {
    const { id, persona: template, organisation, seed, steps } = decoy
    try {
      const drawer = hostDraw({ seed, decoy: id, persona: template.id })
      const names = {
        hostname: drawHostname(template, organisation, drawer, steps?.name),
        mac: drawMac(template, drawer, steps?.mac),
        serial: drawSerial(template, drawer),
      }
      return { decoy: id, hostname: names.hostname.slice(0, 255), mac: names.mac.slice(0, 17), serial: names.serial.slice(0, 100) }
    } catch {
      // Its worker says what is wrong with it.
      return undefined
    }
  }
  return {
    set(next) {
      decoys = next
      drawn = new Map()
      first = 0
      since = 0
    },
    next(now = Date.now()) {
      if (since === 0) since = now
      if (now - since >= turnMs) {
        first = first + together >= decoys.length ? 0 : first + together
        since = now
      }
      return decoys.slice(first, first + together).flatMap((decoy) => {
        if (!drawn.has(decoy.id)) drawn.set(decoy.id, identityOf(decoy))
        return drawn.get(decoy.id) ?? []
      })
    },
  }
}

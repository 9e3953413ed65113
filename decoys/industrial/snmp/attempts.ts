/** What a session has shown so far of whom it knows: every community and user name is said once a session, however many datagrams carry it. */
import { createHash } from 'node:crypto'
import { escapeBytes } from '@shenlou/contract/bytes'
import type { Session } from '../../decoy.ts'

export interface Attempts {
  community(community: Buffer, accepted: boolean): void
  user(user: Buffer, accepted: boolean): void
  /** What the protocol does not allow, the first few of a session. */
  violated(reason: string, datagram: Buffer): void
}

interface Known {
  /** Digests of what was said: an attacker's own bytes would be kept by the megabyte. */
  seen: Set<number>
  violations: number
  full: boolean
}

/** Sessions last for a minute beyond their last datagram; these are the newest of this process. */
const sessions = new Map<string, Known>()
const maxSessions = 2000
const maxAttempts = 1000
/** Of all sessions together, at some 40 bytes each; the oldest sessions are forgotten beyond. */
const maxKept = 200_000
let kept = 0
const maxViolations = 20

function forget(): void {
  for (const [id, { seen }] of sessions) {
    if (sessions.size <= maxSessions && kept <= maxKept) return
    sessions.delete(id)
    kept -= seen.size
  }
}

export function attemptsOf(session: Session): Attempts {
  let known = sessions.get(session.id)
  if (!known) {
    known = { seen: new Set(), violations: 0, full: false }
    sessions.set(session.id, known)
    forget()
  }
  const own = known
  const violated = (reason: string, datagram: Buffer): void => {
    own.violations += 1
    if (own.violations <= maxViolations) session.emit('protocol.violated', { reason: reason.slice(0, 200), data: escapeBytes(datagram.subarray(0, 1000)) })
  }
  /** False when it was said before. */
  const first = (what: string, value: Buffer, accepted: boolean): boolean => {
    const key = createHash('sha1').update(`${what} ${accepted} `).update(value.subarray(0, 256)).digest().readUIntBE(0, 6)
    if (own.seen.has(key)) return false
    if (own.seen.size === maxAttempts) {
      if (!own.full) violated(`more than ${maxAttempts} communities and users in one session; the rest is not said`, value)
      own.full = true
      return false
    }
    own.seen.add(key)
    kept += 1
    forget()
    return true
  }
  const outcome = (accepted: boolean) => (accepted ? ({ outcome: 'accepted', by: 'given' } as const) : ({ outcome: 'refused' } as const))
  return {
    community(community, accepted) {
      if (first('community', community, accepted))
        session.emit('login.attempted', { method: 'snmp-community', user: '', password: escapeBytes(community.subarray(0, 256)), ...outcome(accepted) })
    },
    user(user, accepted) {
      if (first('user', user, accepted)) session.emit('login.attempted', { method: 'snmp-usm', user: escapeBytes(user), ...outcome(accepted) })
    },
    violated,
  }
}

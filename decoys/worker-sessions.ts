/** Sessions as a worker mints them: one a connection, or one for all connections of an adversary to a decoy until it is idle. */
import { uuidv7 } from '@shenlou/link/uuid'
import { escapeText } from '@shenlou/contract/bytes'
import type { EventBody, EventKind } from '@shenlou/contract/event-kinds'
import type { Adversary, Session } from './decoy.ts'

/** Says an event: on the connection's stream, or on stream 0 when the session has none just now. */
export type Say = (stream: number, event: { session: string; kind: EventKind; body: unknown }) => void

export interface Sessions {
  /** The session of one connection. */
  forConnection(stream: number, adversary: Adversary, touched: () => void): Session
  /** The adversary's running session on this decoy, or on its UDP service, begun when there is none. It ends when idle: 15 minutes, of UDP one. */
  joinIdle(stream: number, decoy: string, adversary: Adversary, touched: () => void, datagramService?: string): Session
  /** A stronger proof: the running session is found under the new adversary too. */
  move(decoy: string, from: Adversary, to: Adversary): void
  /** Ends every session, or those of one decoy. */
  closeAll(reason: string, decoy?: string): void
  stop(): void
}

interface Idle {
  id: string
  decoy: string
  openedAt: number
  activeAt: number
  idleMs: number
}

export const sessionIdleMs = 15 * 60_000
const datagramIdleMs = 60_000

export function openSessions(say: Say, idleMs = sessionIdleMs): Sessions {
  const idle = new Map<string, Idle>()
  const single = new Set<{ close(reason: string): void }>()
  const keyOf = (decoy: string, adversary: Adversary): string => `${decoy}\n${adversary.id}`

  const closeIdle = (entry: Idle, reason: string, stream = 0): void => {
    let found = false
    for (const [key, other] of idle) if (other === entry) found = idle.delete(key)
    if (found)
      say(stream, { session: entry.id, kind: 'session.closed', body: { reason: escapeText(reason).slice(0, 200), durationMs: Date.now() - entry.openedAt } })
  }
  const sweep = setInterval(
    () => {
      const now = Date.now()
      for (const entry of new Set(idle.values())) if (now - entry.activeAt >= entry.idleMs) closeIdle(entry, 'idle')
    },
    Math.min(30_000, Math.max(20, idleMs / 4)),
  ).unref()

  const opened = (stream: number, id: string, adversary: Adversary): void =>
    say(stream, { session: id, kind: 'session.opened', body: { adversary: escapeText(adversary.id).slice(0, 128) } })

  return {
    forConnection(stream, adversary, touched) {
      const id = uuidv7()
      const openedAt = Date.now()
      let open = true
      opened(stream, id, adversary)
      const session: Session = {
        id,
        emit<K extends EventKind>(kind: K, body: EventBody<K>) {
          if (!open) return
          touched()
          say(stream, { session: id, kind, body })
        },
        close(reason) {
          if (!open) return
          open = false
          single.delete(session)
          say(stream, { session: id, kind: 'session.closed', body: { reason: escapeText(reason).slice(0, 200), durationMs: Date.now() - openedAt } })
        },
      }
      single.add(session)
      return session
    },
    joinIdle(stream, decoy, adversary, touched, datagramService) {
      const key = keyOf(datagramService === undefined ? decoy : `${decoy} ${datagramService}`, adversary)
      let entry = idle.get(key)
      if (!entry) {
        entry = {
          id: uuidv7(),
          decoy,
          openedAt: Date.now(),
          activeAt: Date.now(),
          idleMs: datagramService === undefined ? idleMs : Math.min(idleMs, datagramIdleMs),
        }
        idle.set(key, entry)
        opened(stream, entry.id, adversary)
      }
      const joined = entry
      joined.activeAt = Date.now()
      return {
        id: joined.id,
        emit(kind, body) {
          joined.activeAt = Date.now()
          touched()
          say(stream, { session: joined.id, kind, body })
        },
        close: (reason) => closeIdle(joined, reason, stream),
      }
    },
    move(decoy, from, to) {
      const entry = idle.get(keyOf(decoy, from))
      if (entry && !idle.has(keyOf(decoy, to))) idle.set(keyOf(decoy, to), entry)
    },
    closeAll(reason, decoy) {
      if (decoy === undefined) for (const session of [...single]) session.close(reason)
      for (const entry of new Set(idle.values())) if (decoy === undefined || entry.decoy === decoy) closeIdle(entry, reason)
    },
    stop: () => clearInterval(sweep),
  }
}

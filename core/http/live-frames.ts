/** Frames of one commit, each serialised once however many sockets want it. */
import type { StoredEvent } from '@shenlou/contract/event'
import { type Actor, maySee } from '../actor.ts'

/** Larger commits are cut: the rest is skipped (events) or read from the database (sessions). Characters. */
export const maxFrame = 1_048_576

/** Which events a feed wants. Terminal bytes come only when they are named: they are for who watches that session. */
export interface EventWish {
  kinds: ReadonlySet<string> | null
  /** Equal for equal wishes of equal readers. */
  key: string
}

export const eventWish = (actor: Actor, kinds: readonly string[] | undefined): EventWish => ({
  kinds: kinds ? new Set(kinds) : null,
  key: JSON.stringify([actor.scopes, kinds ? [...kinds].sort() : null]),
})

export const wanted = (wish: EventWish, kind: string): boolean => (wish.kinds ? wish.kinds.has(kind) : kind !== 'terminal.data')

export interface Frames {
  position: number
  /** The frame for a wish; `left` counts events that did not fit. Undefined when nothing is wanted. */
  events(actor: Actor, wish: EventWish, skipped: number): { frame: Buffer; left: number } | undefined
  /** How many events a wish would get. */
  count(actor: Actor, wish: EventWish): number
  /** The frame of one session's events above `after`; `whole` is false when they did not fit. */
  session(actor: Actor, session: string, after: number): { frame: Buffer; whole: boolean } | undefined
}

export function framesOf(events: readonly StoredEvent[], position: number): Frames {
  const texts = new Map<StoredEvent, string>()
  const text = (event: StoredEvent): string => {
    let found = texts.get(event)
    if (found === undefined) {
      found = JSON.stringify(event)
      texts.set(event, found)
    }
    return found
  }
  const shared = new Map<string, { frame: Buffer; left: number } | undefined>()
  const sessions = new Map<string, StoredEvent[]>()
  for (const event of events) {
    if (!event.session) continue
    const list = sessions.get(event.session)
    if (list) list.push(event)
    else sessions.set(event.session, [event])
  }
  const seen = (actor: Actor, wish: EventWish): StoredEvent[] => events.filter((event) => wanted(wish, event.kind) && event.proof === undefined && maySee(actor, event.scope))
  const build = (actor: Actor, wish: EventWish, skipped: number) => {
    const list = seen(actor, wish)
    if (list.length === 0 && skipped === 0) return undefined
    const { joined, taken } = join(list, text)
    const left = list.length - taken
    return { frame: eventsFrame(joined, position, skipped + left), left }
  }
  return {
    position,
    count: (actor, wish) => seen(actor, wish).length,
    events(actor, wish, skipped) {
      if (skipped > 0) return build(actor, wish, skipped)
      if (!shared.has(wish.key)) shared.set(wish.key, build(actor, wish, 0))
      return shared.get(wish.key)
    },
    session(actor, session, after) {
      const list = sessions.get(session)?.filter((event) => event.position > after && maySee(actor, event.scope))
      if (!list?.length) return undefined
      const key = `session ${session} ${list.length} ${list[0]?.position}`
      const found = shared.get(key)
      if (found) return { frame: found.frame, whole: found.left === 0 }
      const { joined, taken } = join(list, text)
      const made = { frame: sessionFrame(session, joined), left: list.length - taken }
      shared.set(key, made)
      return { frame: made.frame, whole: made.left === 0 }
    },
  }
}

function join(list: readonly StoredEvent[], text: (event: StoredEvent) => string): { joined: string; taken: number } {
  let joined = ''
  let taken = 0
  for (const event of list) {
    const next = text(event)
    if (taken > 0 && joined.length + next.length > maxFrame) break
    joined += taken > 0 ? `,${next}` : next
    taken++
  }
  return { joined, taken }
}

export const eventsFrame = (joined: string, position: number, skipped: number): Buffer =>
  Buffer.from(`{"type":"events","events":[${joined}],"position":${position},"skipped":${skipped}}`)
export const sessionFrame = (session: string, joined: string): Buffer =>
  Buffer.from(`{"type":"session-events","session":${JSON.stringify(session)},"events":[${joined}]}`)

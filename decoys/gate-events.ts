/** What workers say, checked and stamped by the gate: a worker's word counts for what happened, never for whom or where. */
import { eventKinds } from '@shenlou/contract/event-kinds'
import type { EventDraft } from '@shenlou/contract/event'
import { uuid } from '@shenlou/contract/primitives'
import type { Journal } from '@shenlou/link/uplink-types'
import { uuidv7 } from '@shenlou/link/uuid'
import type { ConnectionFacts } from './gate-connection.ts'

export interface GateEvents {
  readonly sessions: number
  /** Appends an event; resolves when it is durable. */
  append(draft: EventDraft): Promise<unknown>
  /**
   * An event as a worker said it, on a connection or, for one of its running sessions, without. Answers when it will be durable, or nothing when it was
   * refused (and logged).
   */
  say(worker: object, payload: Buffer, facts: ConnectionFacts | undefined): Promise<unknown> | undefined
  /** A worker is gone: its sessions end. */
  workerGone(worker: object): void
  /** Bytes of events that are not durable yet are too many: stop listening to workers until the callback. */
  readonly congested: boolean
  uncongested(listener: () => void): void
  problems(): string[]
  /** Resolves when everything said so far is durable or lost. */
  settled(): Promise<void>
}

interface RunningSession {
  worker: object
  facts: ConnectionFacts
  openedAt: number
  /** It changed the process of a plant: what comes of that may be said after its end. */
  wrote?: true
}

const maxEventBytes = 512 * 1024
const maxPendingBytes = 8 * 1024 * 1024
const maxSessions = 200_000
/** Sessions that changed a plant and ended, of which consequences may still come. */
const maxEnded = 2000

export function openGateEvents({ journal, log }: { journal: Journal; log(line: string): void }): GateEvents {
  const sessions = new Map<string, RunningSession>()
  const ended = new Map<string, RunningSession>()
  const pending = new Set<Promise<unknown>>()
  let pendingBytes = 0
  let waiting: (() => void)[] = []
  let lost = 0
  let refused = 0

  const append = (draft: EventDraft, bytes = 512): Promise<unknown> => {
    pendingBytes += bytes
    const durable = journal.append(draft)
    const counted = durable.then(
      () => {},
      (error: Error) => {
        lost += 1
        if (lost === 1 || lost % 1000 === 0) log(`${lost} events could not be written to the journal: ${error.message}`)
      },
    )
    const settled = counted.then(() => {
      pending.delete(settled)
      pendingBytes -= bytes
      if (pendingBytes > maxPendingBytes / 2) return
      const now = waiting
      waiting = []
      for (const listener of now) listener()
    })
    pending.add(settled)
    return durable
  }
  const refuse = (why: string): undefined => {
    refused += 1
    if (refused === 1 || refused % 1000 === 0) log(`refused ${refused} events of workers, the last because ${why}`)
    return undefined
  }

  return {
    get sessions() {
      return sessions.size
    },
    append: (draft) => append(draft),
    say(worker, payload, facts) {
      if (payload.length > maxEventBytes) return refuse(`it had ${payload.length} bytes`)
      let event: Record<string, unknown>
      try {
        event = JSON.parse(payload.toString()) as Record<string, unknown>
      } catch {
        return refuse('it was not JSON')
      }
      const { id, time, session, kind, body } = event
      if (typeof kind !== 'string' || !Object.hasOwn(eventKinds, kind)) return refuse('its kind is not in the catalogue')
      if (eventKinds[kind as keyof typeof eventKinds].emitter !== 'decoy') return refuse(`a worker may not say ${kind}`)
      if (!uuid.safeParse(id).success || !uuid.safeParse(session).success) return refuse('its id or session is not a UUID')
      if (typeof time !== 'number' || !(time > 0) || typeof body !== 'object' || body === null) return refuse('its time or body is not one')
      const sessionId = session as string
      const running = sessions.get(sessionId) ?? (kind === 'plant.affected' && !facts ? ended.get(sessionId) : undefined)
      if (!running) {
        if (kind !== 'session.opened' || !facts) return refuse(`session ${sessionId} is not open`)
        if (sessions.size >= maxSessions) return refuse(`${maxSessions} sessions are open`)
        sessions.set(sessionId, { worker, facts, openedAt: Date.now() })
      } else if (running.worker !== worker || (facts && facts.decoy !== running.facts.decoy)) return refuse(`session ${sessionId} is not this decoy's`)
      if (kind === 'industrial.requested' && running && (body as { changed?: unknown }).changed === true) running.wrote = true
      if (kind === 'session.closed') {
        sessions.delete(sessionId)
        if (running?.wrote) ended.set(sessionId, running)
        const [oldest] = ended.keys()
        if (ended.size > maxEnded && oldest !== undefined) ended.delete(oldest)
      }
      if (facts) facts.session ??= sessionId
      const known = facts ?? (running as RunningSession).facts
      return append(
        {
          id,
          time,
          ...(facts ? { connection: facts.connection } : {}),
          session: sessionId,
          decoy: known.decoy,
          service: known.service,
          source: facts ? known.source : { ip: known.source.ip },
          destination: known.destination,
          via: known.via,
          kind,
          body,
        } as EventDraft,
        payload.length + 512,
      )
    },
    workerGone(worker) {
      for (const [id, session] of ended) if (session.worker === worker) ended.delete(id)
      for (const [id, { worker: owner, facts, openedAt }] of sessions) {
        if (owner !== worker) continue
        sessions.delete(id)
        const { decoy, service, source, destination, via } = facts
        const body = { reason: 'the worker ended', durationMs: Date.now() - openedAt }
        append({
          id: uuidv7(),
          time: Date.now(),
          session: id,
          decoy,
          service,
          source: { ip: source.ip },
          destination,
          via,
          kind: 'session.closed',
          body,
        }).catch(() => {})
      }
    },
    get congested() {
      return pendingBytes > maxPendingBytes
    },
    uncongested: (listener) => void waiting.push(listener),
    problems: () => [
      ...(lost > 0 ? [`journal-full ${lost} events were not kept`] : []),
      ...(refused > 0 ? [`other ${refused} events of workers were refused`] : []),
    ],
    async settled() {
      while (pending.size > 0) await Promise.all(pending)
    },
  }
}

/** In-process messages between parts of the core. All are sent after the commit of what they tell. */
import type { StoredEvent } from '@shenlou/contract/event'
import type { IncidentSummary, SensorSummary, SessionSummary, TicketSummary } from '@shenlou/contract/records'

/** Topics and their messages. `scope` is the path that a reader must be allowed to see. */
export interface BusMessages {
  /** Events in order of position; everything up to `position` is committed. */
  committed: { events: StoredEvent[]; position: number }
  session: { record: SessionSummary; scope: string }
  incident: { record: IncidentSummary; scope: string }
  ticket: { record: TicketSummary; scope: string }
  sensor: { record: SensorSummary; scope: string }
  /** The inbox of this person changed. */
  notices: { person: string }
  /** A source was registered. */
  source: { id: string }
  /** The desired state of this sensor changed. */
  config: { sensor: string }
}
export type BusTopic = keyof BusMessages

export interface Bus {
  /** Calls `listener` for each message until the returned function is called. */
  on<T extends BusTopic>(topic: T, listener: (message: BusMessages[T]) => void): () => void
  /** Tells every listener; one that throws hinders no other. */
  emit<T extends BusTopic>(topic: T, message: BusMessages[T]): void
}

/** An empty bus. `failed` hears of listeners that throw. */
export function createBus(failed: (topic: BusTopic, error: unknown) => void = () => {}): Bus {
  const listeners = new Map<BusTopic, Set<(message: never) => void>>()
  return {
    on(topic, listener) {
      const set = listeners.get(topic) ?? new Set()
      listeners.set(topic, set)
      const own = (message: never) => listener(message)
      set.add(own)
      return () => set.delete(own)
    },
    emit(topic, message) {
      for (const listener of [...(listeners.get(topic) ?? [])]) {
        try {
          listener(message as never)
        } catch (error) {
          failed(topic, error)
        }
      }
    },
  }
}

/** The one live socket: topics with a position to resume from, back-off with jitter, frames handed to whoever listens. */
import type { StoredEvent } from '@shenlou/contract/event'
import type { LiveAsk, LiveFrame } from '@shenlou/contract/live'
import { clean } from './evidence.ts'

type FrameOf<T extends LiveFrame['type']> = Extract<LiveFrame, { type: T }>
type Listener = (frame: LiveFrame) => void
type EventsListener = (events: StoredEvent[], skipped: number) => void
type SessionTopic = { after: number; listeners: Set<(events: StoredEvent[]) => void> }

class Live {
  status = $state<'off' | 'connecting' | 'open' | 'lost'>('off')
  /** Server clock minus this device's clock, in ms. */
  skew = $state(0)
  #socket: WebSocket | undefined
  #wanted = false
  #tries = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Everything up to here was received; unknown until the first frame of a feed. */
  #position: number | undefined
  /** What was committed up to here needs no frame: the core's position at the first hello, or the newest row that a list has read since. */
  #floor = 0
  #frames = new Map<LiveFrame['type'], Set<Listener>>()
  #events = new Set<EventsListener>()
  #sessions = new Map<string, SessionTopic>()

  start(): void {
    if (this.#wanted) return
    this.#wanted = true
    this.#connect()
  }

  stop(): void {
    this.#wanted = false
    clearTimeout(this.#timer)
    this.#socket?.close()
    this.#socket = undefined
    this.#position = undefined
    this.#floor = 0
    this.status = 'off'
  }

  /** Calls `listener` for every frame of one type; answers the function that ends it. */
  on<T extends LiveFrame['type']>(type: T, listener: (frame: FrameOf<T>) => void): () => void {
    const set = this.#frames.get(type) ?? new Set()
    this.#frames.set(type, set)
    set.add(listener as Listener)
    return () => void set.delete(listener as Listener)
  }

  /** Follows all events from now on. After a lost connection the feed goes on from the last position seen. */
  events(listener: EventsListener): () => void {
    this.#events.add(listener)
    if (this.#events.size === 1) this.#askEvents(false)
    return () => {
      this.#events.delete(listener)
      if (this.#events.size > 0) return
      this.seen(this.#position ?? 0)
      this.#position = undefined
      this.#send({ type: 'drop', topic: 'events' })
    }
  }

  /** Tells that a list has read what was committed up to a position. */
  seen(position: number): void {
    this.#floor = Math.max(this.#floor, position)
  }

  /** Follows one session, terminal bytes included, from after a position. */
  session(id: string, after: number, listener: (events: StoredEvent[]) => void): () => void {
    const topic = this.#sessions.get(id) ?? { after, listeners: new Set() }
    this.#sessions.set(id, topic)
    topic.listeners.add(listener)
    this.#send({ type: 'session', session: id, after: topic.after })
    return () => {
      topic.listeners.delete(listener)
      if (topic.listeners.size > 0) return
      this.#sessions.delete(id)
      this.#send({ type: 'drop', topic: 'session', session: id })
    }
  }

  /** A first ask starts now; one after a lost connection goes on from the last frame or, before any, from where the core stood. */
  #askEvents(again: boolean): void {
    const after = this.#position ?? (again ? this.#floor : 0)
    this.#send({ type: 'events', ...(after > 0 ? { after } : {}) })
  }

  #send(ask: LiveAsk): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(ask))
  }

  #connect(): void {
    this.status = this.#tries === 0 ? 'connecting' : 'lost'
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/v1/live`)
    this.#socket = socket
    socket.onopen = () => {
      this.#tries = 0
      this.status = 'open'
      if (this.#events.size > 0) this.#askEvents(true)
      for (const [session, topic] of this.#sessions) this.#send({ type: 'session', session, after: topic.after })
    }
    socket.onmessage = (message) => this.#receive(JSON.parse(String(message.data), clean) as LiveFrame)
    socket.onclose = () => {
      if (this.#socket !== socket || !this.#wanted) return
      this.status = 'lost'
      const wait = Math.min(15_000, 400 * 2 ** this.#tries) * (0.5 + Math.random() / 2)
      this.#tries = Math.min(this.#tries + 1, 8)
      this.#timer = setTimeout(() => this.#connect(), wait)
    }
  }

  #receive(frame: LiveFrame): void {
    if (frame.type === 'hello') {
      this.skew = frame.clock - Date.now()
      if (this.#floor === 0) this.seen(frame.position)
    }
    if (frame.type === 'events') {
      this.#position = Math.max(this.#position ?? 0, frame.position)
      for (const listener of this.#events) listener(frame.events, frame.skipped)
    }
    if (frame.type === 'session-events') {
      const topic = this.#sessions.get(frame.session)
      const fresh = topic ? frame.events.filter((event) => event.position > topic.after) : []
      const last = fresh.at(-1)
      if (topic && last) {
        topic.after = last.position
        for (const listener of topic.listeners) listener(fresh)
      }
    }
    for (const listener of this.#frames.get(frame.type) ?? []) listener(frame)
  }
}

export const live = new Live()

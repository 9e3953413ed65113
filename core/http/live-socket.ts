/** One socket of the live channel: its feeds, its place in each, and what happens when it reads slower than we write. */
import { type LiveAsk, liveAsk } from '@shenlou/contract/live'
import { uuid } from '@shenlou/contract/primitives'
import type { WebSocket } from 'ws'
import type { Actor } from '../actor.ts'
import type { Core } from '../core.ts'
import { type EventRow, eventColumns, toEvent } from '../store/event-rows.ts'
import { visibleTo } from '../store/visible.ts'
import { type EventWish, eventsFrame, eventWish, type Frames, sessionFrame } from './live-frames.ts'

/** Above this many unsent bytes events are skipped and counted, sessions fall back to the database, records are kept once each. */
const highWater = 1_048_576
const lowWater = 262_144
const maxSessions = 64
const maxRecords = 1000
/** Rows read at once: more while they are small, so that a reader far behind gets there. */
const pages = { first: 100, least: 25, most: 2000 }
/** Asks a socket may make in ten seconds. */
const maxAsks = 100

export interface LiveSocket {
  actor: Actor
  /** Takes the frames of one commit, in order of position. */
  committed(frames: Frames): void
  /** Sends a record's frame; under back-pressure the latest of each key is kept. */
  record(key: string, frame: Buffer): void
  waitingBytes(): number
  ping(): void
  /** Closes it, telling why. */
  end(reason: string): void
  terminate(): void
}

interface Feed {
  /** All up to here was sent, skipped, or is not wanted. */
  position: number
  /** Follows commits; else it is reading the database, or is to. */
  live: boolean
  reading: boolean
  dropped: boolean
  page: number
}
interface EventFeed extends Feed {
  wish: EventWish
  skipped: number
}

export function openLiveSocket({ core, ws, actor, watermark }: { core: Core; ws: WebSocket; actor: Actor; watermark: () => number }): LiveSocket {
  let events: EventFeed | undefined
  const sessions = new Map<string, Feed>()
  const records = new Map<string, Buffer>()
  let asks = 0
  let asksSince = core.clock()
  let drained = Promise.withResolvers<void>()

  const full = (): boolean => ws.bufferedAmount > highWater
  const send = (frame: Buffer): void => {
    if (ws.readyState === ws.OPEN) ws.send(frame, { binary: false }, sent)
  }
  /** After a write has left: what was held back goes on. */
  const sent = (): void => {
    if (ws.bufferedAmount > lowWater) return
    drained.resolve()
    drained = Promise.withResolvers()
    for (const [key, frame] of records) {
      if (full()) return
      records.delete(key)
      send(frame)
    }
    if (events && events.skipped > 0 && events.live && !full()) {
      send(eventsFrame('', events.position, events.skipped))
      events.skipped = 0
    }
    for (const [session, feed] of sessions) if (!feed.live && !feed.reading) catchUp(feed, sessionPage(session))
  }

  /** Reads from the database until the feed stands at the watermark, then lets it follow: nothing is missed or sent twice. */
  const catchUp = (feed: Feed, page: (feed: Feed, mark: number) => Promise<{ frame: Buffer | undefined; to: number }>): void => {
    feed.live = false
    feed.reading = true
    const run = async (): Promise<void> => {
      for (;;) {
        const mark = watermark()
        if (feed.dropped || ws.readyState !== ws.OPEN) return
        if (feed.position >= mark) break
        const { frame, to } = await page(feed, mark)
        if (feed.dropped) return
        feed.position = to
        const bytes = frame?.length ?? 0
        feed.page = bytes > highWater ? Math.max(feed.page >> 1, pages.least) : bytes < lowWater ? Math.min(feed.page << 1, pages.most) : feed.page
        if (frame) send(frame)
        if (full()) await drained.promise
      }
      feed.reading = false
      feed.live = true
    }
    run().catch((error: Error) => {
      core.log(`the live channel could not read: ${error.message}`)
      ws.close(1011, 'the database does not answer')
    })
  }
  const eventPage = async (feed: Feed, mark: number) => {
    const { wish } = feed as EventFeed
    const kinds = wish.kinds ? core.sql`event.kind = any(${[...wish.kinds]}::text[])` : core.sql`event.kind <> 'terminal.data'`
    const rows = await core.sql<EventRow[]>`select ${eventColumns(core.sql)} from event where event.position > ${feed.position} and event.position <= ${mark}
      and ${kinds} and event.proof is null and ${visibleTo(core.sql, actor, 'event.scope')} order by event.position limit ${feed.page}`
    const to = rows.length < feed.page ? mark : (rows.at(-1)?.position ?? mark)
    return { frame: rows.length > 0 ? eventsFrame(texts(rows), to, 0) : undefined, to }
  }
  const sessionPage = (session: string) => async (feed: Feed, mark: number) => {
    const rows = await core.sql<EventRow[]>`select ${eventColumns(core.sql)} from event where event.session = ${session} and event.position > ${feed.position}
      and event.position <= ${mark} and ${visibleTo(core.sql, actor, 'event.scope')} order by event.position limit ${feed.page}`
    const to = rows.length < feed.page ? mark : (rows.at(-1)?.position ?? mark)
    return { frame: rows.length > 0 ? sessionFrame(session, texts(rows)) : undefined, to }
  }

  const drop = (session: string): void => {
    const feed = sessions.get(session)
    if (feed) feed.dropped = true
    sessions.delete(session)
  }
  const dropEvents = (): void => {
    if (events) events.dropped = true
    events = undefined
  }
  const take = (ask: LiveAsk): void => {
    if (ask.type === 'drop') {
      if (ask.topic === 'events') dropEvents()
      else if (ask.session) drop(ask.session)
      else for (const session of [...sessions.keys()]) drop(session)
      return
    }
    const permission = ask.type === 'events' ? 'event.read' : 'session.read'
    if (!actor.permissions.has(permission)) {
      ws.close(1008, `this needs the permission ${permission}`)
      return
    }
    const feed: Feed = { position: ask.after ?? watermark(), live: false, reading: false, dropped: false, page: pages.first }
    if (ask.type === 'events') {
      dropEvents()
      events = { ...feed, wish: eventWish(actor, ask.kinds), skipped: 0 }
      catchUp(events, eventPage)
      return
    }
    drop(ask.session)
    if (!uuid.safeParse(ask.session).success) ws.close(1008, 'a session is named by its UUID')
    else if (sessions.size >= maxSessions) ws.close(1008, `at most ${maxSessions} sessions are followed at once`)
    else {
      sessions.set(ask.session, feed)
      catchUp(feed, sessionPage(ask.session))
    }
  }
  ws.on('message', (data, binary) => {
    const now = core.clock()
    if (now - asksSince > 10_000) {
      asks = 0
      asksSince = now
    }
    const ask = ++asks > maxAsks || binary ? undefined : parseAsk(String(data))
    if (ask) take(ask)
    else ws.close(1008, 'that is no question of this channel')
  })
  ws.on('error', () => ws.terminate())
  ws.on('close', () => {
    dropEvents()
    for (const session of [...sessions.keys()]) drop(session)
    records.clear()
    drained.resolve()
  })
  send(Buffer.from(JSON.stringify({ type: 'hello', position: watermark(), clock: core.clock() })))

  return {
    actor,
    committed(frames) {
      for (const [session, feed] of sessions) {
        if (!feed.live) continue
        const found = frames.session(actor, session, feed.position)
        if (found && (full() || !found.whole)) feed.live = false
        else {
          feed.position = frames.position
          if (found) send(found.frame)
        }
        if (!feed.live && !full()) catchUp(feed, sessionPage(session))
      }
      if (!events?.live || frames.position <= events.position) return
      events.position = frames.position
      if (full()) events.skipped += frames.count(actor, events.wish)
      else {
        const found = frames.events(actor, events.wish, events.skipped)
        if (found) events.skipped = 0
        if (found) send(found.frame)
      }
    },
    record(key, frame) {
      if (!full()) {
        send(frame)
        return
      }
      records.delete(key)
      records.set(key, frame)
      if (records.size > maxRecords) ws.close(1013, 'this reader is too slow')
    },
    waitingBytes: () => ws.bufferedAmount,
    ping() {
      if (ws.readyState === ws.OPEN) ws.ping()
    },
    end(reason) {
      ws.close(1008, reason)
      // One that does not answer the close is not kept.
      setTimeout(() => ws.terminate(), 1000).unref()
    },
    terminate: () => ws.terminate(),
  }
}

const texts = (rows: readonly EventRow[]): string => rows.map((row) => JSON.stringify(toEvent(row))).join(',')

function parseAsk(text: string): LiveAsk | undefined {
  try {
    return liveAsk.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

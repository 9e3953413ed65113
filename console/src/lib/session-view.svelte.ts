/** Everything that a session's page shows: the summary, its events, its terminal, all kept up to date while it lives. */
import type { RouteAnswer } from '@shenlou/contract/api'
import type { StoredEvent } from '@shenlou/contract/event'
import type { EventBody } from '@shenlou/contract/event-kinds'
import type { FindingSummary, PlantPicture, Recording, SessionSummary } from '@shenlou/contract/records'
import { ApiProblem, call, sentence } from './api.ts'
import { fromBase64 } from './evidence.ts'
import { live } from './live.svelte.ts'
import { isIndustrial } from './industrial.ts'
import { marksOf } from './marks.ts'
import { type Frame, Player } from './player.svelte.ts'
import { session as person } from './session.svelte.ts'

const streams = { input: 'i', output: 'o', error: 'e' } as const

function size(text: string): [number, number] {
  const [columns = 80, rows = 24] = text.split('x').map(Number)
  return clampSize(columns, rows)
}
const clampSize = (columns: number, rows: number): [number, number] => [Math.min(500, Math.max(2, columns || 80)), Math.min(200, Math.max(1, rows || 24))]

export class SessionView {
  summary = $state.raw<SessionSummary | undefined>(undefined)
  events = $state.raw<StoredEvent[]>([])
  findings = $state.raw<FindingSummary[]>([])
  /** Why the findings shown are not those of now. */
  findingsProblem = $state('')
  marks = $state.raw<Recording['marks']>([])
  cut = $state(false)
  /** What the plant behind an industrial decoy is called; undefined when the core does not know it any more. */
  plant = $state.raw<PlantPicture | undefined>(undefined)
  /** Frames of a terminal, not counting what an industrial session is played by. */
  terminal = $state(0)
  problem = $state('')
  missing = $state(false)
  ready = $state(false)
  readonly player = new Player()
  readonly id: string
  #ends: (() => void)[] = []
  /** It lived when it was opened: findings, and with them marks, come while it is watched. */
  #followed = false
  #stop = new AbortController()

  constructor(id: string) {
    this.id = id
    this.player.speed = person.preference('replay.speed', 1)
    this.player.cutIdle = person.preference('replay.cutIdle', true)
    void this.#load()
  }

  close(): void {
    this.#stop.abort()
    this.player.pause()
    for (const end of this.#ends) end()
  }

  async #load(): Promise<void> {
    const signal = this.#stop.signal
    const params = { id: this.id }
    try {
      this.summary = await call('session', { params, signal })
      this.#ends.push(
        live.on('session', ({ session }) => {
          if (session.id === this.id) this.summary = session
        }),
      )
      const isLive = this.summary.live
      this.#followed = isLive
      const last = await this.#loadEvents(isLive)
      if (isLive) {
        this.player.follow()
        if (!signal.aborted) this.#ends.push(live.session(this.id, last, (events) => this.#take(events)))
      }
      await this.#loadRecording(isLive)
      if (this.summary.industrial) await this.#loadPlant()
      if (!isLive && this.player.count > 0) this.player.seek(this.player.duration)
      this.ready = true
      await this.refreshFindings()
    } catch (error) {
      if (signal.aborted) return
      this.missing = error instanceof ApiProblem && error.status === 404
      this.problem = sentence(error)
    }
  }

  /** Reads all events page by page; terminal bytes only of a live session, an ended one has its recording. */
  async #loadEvents(isLive: boolean): Promise<number> {
    let after = 0
    for (;;) {
      const page: RouteAnswer<'sessionEvents'> = await call('sessionEvents', {
        params: { id: this.id },
        query: { after, limit: 2000, terminal: isLive ? 'true' : 'false' },
        signal: this.#stop.signal,
      })
      this.#take(page.events)
      after = page.events.at(-1)?.position ?? after
      if (!page.more || page.events.length === 0) return after
    }
  }

  async #loadPlant(): Promise<void> {
    this.plant = await call('sessionPlant', { params: { id: this.id }, signal: this.#stop.signal }).catch((error) => {
      if (error instanceof ApiProblem && error.status === 404) return undefined
      throw error
    })
  }

  async #loadRecording(isLive: boolean): Promise<void> {
    const recording = await call('recording', { params: { id: this.id }, signal: this.#stop.signal }).catch((error) => {
      if (error instanceof ApiProblem && error.status === 404) return undefined
      throw error
    })
    if (!recording) return
    this.marks = recording.marks
    this.cut = recording.cut
    if (isLive) return
    this.terminal += recording.frames.length
    if (recording.frames.length > 0) this.player.add([{ at: 0, kind: 'r', size: clampSize(recording.columns, recording.rows) }])
    this.player.add(recording.frames.map(([at, kind, data]) => (kind === 'r' ? { at, kind, size: size(data) } : { at, kind, bytes: fromBase64(data) })))
  }

  refreshFindings = async (): Promise<void> => {
    if (!person.can('incident.read')) return
    try {
      this.findings = (await call('findings', { query: { session: this.id, limit: 200 }, signal: this.#stop.signal })).items
      this.findingsProblem = ''
      // The recording's marks are those of the moment it was read.
      if (this.#followed && this.summary) this.marks = marksOf(this.findings, this.id, this.summary.startedAt)
    } catch (error) {
      if (!this.#stop.signal.aborted) this.findingsProblem = sentence(error)
    }
  }

  #take(events: StoredEvent[]): void {
    const started = this.summary?.startedAt ?? events[0]?.time ?? 0
    const shown: StoredEvent[] = []
    const frames: Frame[] = []
    for (const event of events) {
      const at = Math.max(0, event.time - started)
      if (event.kind === 'terminal.data') {
        const body = event.body as EventBody<'terminal.data'>
        frames.push({ at, kind: streams[body.stream], bytes: fromBase64(body.data) })
        this.terminal += 1
        continue
      }
      if (event.kind === 'terminal.opened' || event.kind === 'terminal.resized') {
        const body = event.body as EventBody<'terminal.resized'>
        if (this.summary?.live) frames.push({ at, kind: 'r', size: clampSize(body.columns, body.rows) })
      }
      // Drawn by nobody: it gives the time line its length, and playing its pace.
      if (isIndustrial(event)) frames.push({ at, kind: 'i' })
      if (event.kind === 'recording.cut') this.cut = true
      shown.push(event)
    }
    if (frames.length > 0) this.player.add(frames)
    if (shown.length > 0) this.events = [...this.events, ...shown]
    if (this.ready && shown.length > 0) this.#findingsSoon()
  }

  #timer: ReturnType<typeof setTimeout> | undefined
  /** Findings follow their events by a moment. */
  #findingsSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.refreshFindings()
    }, 2000)
    this.#ends.push(() => clearTimeout(this.#timer))
  }
}

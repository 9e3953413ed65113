/** Plays terminal frames into whatever draws them: follow live, pause, seek, speed, idle gaps cut short. */

/** One frame: `at` in ms since the session started; bytes for output, a size for a resize. */
export type Frame = { at: number; kind: 'o' | 'e' | 'i' | 'r'; bytes?: Uint8Array; size?: [columns: number, rows: number] }
/** What draws the frames. */
export type Screen = { write(bytes: Uint8Array): void; resize(columns: number, rows: number): void; reset(): void }

/** Gaps longer than this are played as this long when idle time is cut. */
const idleMs = 1500

export class Player {
  position = $state(0)
  duration = $state(0)
  playing = $state(false)
  /** Following a live session: frames are drawn as they come. */
  following = $state(false)
  speed = $state(1)
  cutIdle = $state(true)
  count = $state(0)
  #frames: Frame[] = []
  #next = 0
  #screen: Screen | undefined
  #tick = 0
  #last = 0

  /** Sets the screen and draws what has passed up to the present position. Answers the function that takes it away. */
  attach(screen: Screen): () => void {
    this.#screen = screen
    this.#redraw()
    return () => {
      this.#screen = undefined
      this.pause()
    }
  }

  /** Adds frames in order of time. */
  add(frames: Frame[]): void {
    this.#frames.push(...frames)
    this.count = this.#frames.length
    const end = this.#frames.at(-1)?.at ?? 0
    this.duration = Math.max(this.duration, end)
    if (this.following) {
      this.#drawUpTo(Number.POSITIVE_INFINITY)
      this.position = this.duration
    }
  }

  follow(): void {
    this.pause()
    this.following = true
    this.seek(this.duration)
    this.following = true
  }

  play(): void {
    if (this.position >= this.duration) this.seek(0)
    this.following = false
    this.playing = true
    this.#last = performance.now()
    this.#tick = requestAnimationFrame(this.#step)
  }

  pause(): void {
    this.playing = false
    cancelAnimationFrame(this.#tick)
  }

  /** Goes to a time; drawing backwards begins anew. */
  seek(at: number): void {
    this.following = false
    const target = Math.min(Math.max(0, at), this.duration)
    if (target < this.position) {
      this.#next = 0
      this.#screen?.reset()
    }
    this.position = target
    this.#drawUpTo(target)
  }

  #step = (time: number): void => {
    if (!this.playing) return
    let forward = Math.min(250, time - this.#last) * this.speed
    this.#last = time
    const upcoming = this.#frames[this.#next]?.at ?? this.duration
    const gap = upcoming - this.position
    if (this.cutIdle && gap > idleMs) forward = Math.max(forward, gap - idleMs)
    this.position = Math.min(this.duration, this.position + forward)
    this.#drawUpTo(this.position)
    if (this.position >= this.duration) this.pause()
    else this.#tick = requestAnimationFrame(this.#step)
  }

  #redraw(): void {
    this.#next = 0
    this.#screen?.reset()
    this.#drawUpTo(this.following ? Number.POSITIVE_INFINITY : this.position)
  }

  #drawUpTo(at: number): void {
    for (let frame = this.#frames[this.#next]; frame && frame.at <= at; frame = this.#frames[++this.#next]) {
      // Without a screen the frames only pass: a session may have nothing to draw and still be played.
      if (!this.#screen) continue
      if (frame.kind === 'r' && frame.size) this.#screen.resize(frame.size[0], frame.size[1])
      else if (frame.kind !== 'i' && frame.bytes) this.#screen.write(frame.bytes)
    }
  }
}

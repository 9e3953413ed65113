/** One plant of a host: its undisturbed run, the seats of those who look at it, the branches of those who wrote. */
import { type Act, type Acts, openActs, perform } from './acts.ts'
import { openEngine, stepMs } from './engine.ts'
import { type Layout, layOut } from './layout.ts'
import { openPast, type Past } from './past.ts'
import type { Consequence, PlantsOptions, Snapshot } from './plant.ts'
import { type Ledger, openLedger } from './consequences.ts'
import { openDeviations } from './deviations.ts'
import { openRun, type Run } from './run.ts'
import { decodePlant, encodePlant, type SavedFacts } from './saved.ts'

const dayMs = 86_400_000
const daySteps = dayMs / stepMs
const hourSteps = 3_600_000 / stepMs
/** What a machine needs from cold to its usual day. */
const comingIn = 1.5 * hourSteps
/** A saved state from further in the future than this belongs to another clock. */
const aheadSteps = 600 * 10
/** A run is at the clock when it is not further behind than a minute. */
const nearSteps = 600
/** Where the acts are kept: no adversary's name begins so. */
const actsName = '.acts'
/** More are not kept beside the branches: the one with the most is saved in full. */
const maxActs = 64

export interface Branch {
  readonly run: Run
  readonly since: number
  readonly ledger: Ledger
  /** Tells where its process left the undisturbed one, when both are at the same step. */
  readonly compare: () => void
  /** How many acts it holds. */
  acts: number
  dirty: boolean
  savedAt: number
}

/** What one adversary sees of one plant, in any number of views. */
export interface Seat {
  readonly site: PlantSite
  readonly adversary: string
  branch: Branch | undefined
  seen: number
  /** Open views. */
  views: number
  readonly steps: Set<(snapshot: Snapshot) => void>
  readonly consequences: Set<(consequence: Consequence) => void>
  readonly run: Run
}

export interface PlantSite {
  readonly id: string
  readonly layout: Layout
  readonly past: Past
  readonly ready: boolean
  readonly watched: boolean
  readonly base: Run
  /** Every branch there is, in memory or saved, with when it was last seen. */
  readonly branches: Map<string, number>
  start(wake: () => void): Promise<void>
  seat(adversary: string, wake: () => void): Promise<Seat>
  /** Makes a branch of the seat if it has none. */
  split(seat: Seat): Branch
  /** Does something to the seat's branch, and makes one if there is none. It is kept by the next `flush`, at the end of this turn of the loop at the latest. */
  act(seat: Seat, kind: Act['kind'], id: string, value: number, note: string): boolean
  /** Saves what was done. */
  flush(): void
  drop(adversary: string): void
  /** True when the plant and its loaded branches are at `target`; gives up at `until` (performance.now). */
  advance(target: number, until: number): boolean
  keep(now: number, after: { everyMs: number; changedMs: number; unseenMs: number }): void
  saveAll(): void
}

interface Host {
  stepNow(): number
  bound(keep: Seat): void
  report(what: string, work: () => void): void
}

export function openPlantSite(plant: PlantsOptions['plants'][number], options: PlantsOptions, host: Host): PlantSite {
  const { id } = plant
  const layout = layOut(plant.template, plant.seed)
  const engine = openEngine(layout)
  const past = openPast(layout)
  const seats = new Map<string, Promise<Seat> | Seat>()
  const loaded = new Map<string, Seat>()
  const branches = new Map<string, number>()
  let base: Run | undefined
  let acts: Acts = openActs(layout, undefined)
  let flushing = false
  let savedAt = 0
  let waiting: { run: Run; target: number; done: () => void }[] = []

  const caughtUp = (run: Run, target: number, wake: () => void): Promise<void> =>
    new Promise((done) => {
      waiting.push({ run, target, done })
      wake()
    })
  /** Where a plant that was away for long begins again: the hour 24 h back, so that hosts started in one hour agree to the digit. */
  const resumeStep = (): number => Math.floor((host.stepNow() - daySteps) / hourSteps) * hourSteps

  const startBase = (saved: ReturnType<typeof decodePlant>): Run => {
    const now = host.stepNow()
    if (saved && now - saved.facts.step <= daySteps && saved.facts.step <= now + aheadSteps) {
      const run = openRun(engine, saved.f, saved.facts.step)
      run.history.decode(saved.days)
      return run
    }
    const step = resumeStep()
    // A cold machine needs a while to come in; nobody sees that.
    const f = engine.begin(step - comingIn)
    const run = openRun(engine, f, step - comingIn, step)
    if (saved && saved.facts.step <= now) {
      run.history.decode(saved.days)
      // A counter never goes back, however long nobody counted.
      for (const { tag, source } of layout.tags) if (tag.type === 'count') f[source] = Math.max(f[source]!, saved.f[source]!)
    }
    return run
  }
  const ledgerOf = (seat: Seat, run: Run, facts?: SavedFacts): Ledger =>
    openLedger(
      base!,
      () => run.step * stepMs,
      (consequence) => {
        for (const listener of seat.consequences) host.report(`plant ${id}`, () => listener(consequence))
      },
      facts?.writes ?? [],
      facts?.told ?? [],
      (unitId) =>
        (layout.unitIndex.get(unitId)?.tags ?? [])
          .filter(({ guards, source, touched }) => guards && run.f[touched] === 1 && run.f[source] !== base!.f[source])
          .map(({ tag, source }) => ({ tag: tag.id, value: run.f[source]! })),
      (tag) => tag.endsWith('.Mode') || ['setpoint', 'drive', 'reset'].includes(layout.index.get(tag)?.tag.role ?? ''),
    )
  const save = (seat: Seat): void => {
    const { branch } = seat
    if (!branch) return
    const { run, ledger, since } = branch
    const facts: SavedFacts = { fingerprint: layout.fingerprint, step: run.step, since, writes: ledger.writes, told: [...ledger.told], acts: branch.acts }
    branch.dirty = false
    branch.savedAt = options.clock()
    options.save(id, seat.adversary, encodePlant(facts, run.f, run.history.encode))
    acts.forget(seat.adversary)
  }
  /** Branches that begin are saved whole, which is little; of others what was done since. */
  const flush = (): void => {
    flushing = false
    for (const seat of loaded.values()) if (seat.branch?.savedAt === 0) save(seat)
    while (acts.size > maxActs) {
      // Those of branches that nobody has opened since a crash are all there is of them.
      const seat = loaded.get(acts.most(loaded.keys()) ?? '')
      if (!seat?.branch) break
      save(seat)
    }
    const changed = acts.changed()
    if (changed) options.save(id, actsName, changed)
  }
  const saveBase = (): void => {
    savedAt = options.clock()
    const facts: SavedFacts = { fingerprint: layout.fingerprint, step: base!.step, branches: [...branches] }
    options.save(id, '', encodePlant(facts, base!.f, base!.history.encode))
  }
  const forget = (adversary: string): void => {
    branches.delete(adversary)
    acts.forget(adversary)
    options.save(id, adversary, new Uint8Array(0))
    flush()
  }
  const openSeat = async (adversary: string, wake: () => void): Promise<Seat> => {
    const seat: Seat = {
      site,
      adversary,
      branch: undefined,
      seen: options.clock(),
      views: 0,
      steps: new Set(),
      consequences: new Set(),
      get run() {
        return seat.branch?.run ?? base!
      },
    }
    const bytes = adversary === '' ? undefined : await options.load(id, adversary)
    if (bytes && bytes.length > 0) {
      const saved = decodePlant(layout, bytes)
      if (!saved || saved.facts.since === undefined) {
        options.log(`plant ${id}: the branch of ${adversary} does not fit the plant as it is now and is dropped`)
        forget(adversary)
      } else {
        const now = host.stepNow()
        const step = now - saved.facts.step > daySteps || saved.facts.step > now + aheadSteps ? resumeStep() : saved.facts.step
        const run = openRun(engine, saved.f, step)
        run.history.decode(saved.days)
        const ledger = ledgerOf(seat, run, saved.facts)
        run.watch = ledger.watch
        const done = saved.facts.acts ?? 0
        const left = acts.after(adversary, saved.facts.since, done)
        const compare = openDeviations(layout, base!, run, ledger)
        const branch = { run, since: saved.facts.since, ledger, compare, acts: left.at(-1)?.n ?? done, dirty: left.length > 0, savedAt: options.clock() }
        run.due.push(...left.map((act) => ({ step: act.step, work: () => void perform(layout, run, ledger, act) })))
        seat.branch = branch
        branches.set(adversary, options.clock())
        host.bound(seat)
        loaded.set(adversary, seat)
        await caughtUp(run, now, wake)
      }
    }
    loaded.set(adversary, seat)
    return seat
  }

  let startedBase: Promise<void> | undefined
  const site: PlantSite = {
    id,
    layout,
    past,
    branches,
    get ready() {
      return base !== undefined
    },
    get watched() {
      for (const { views } of loaded.values()) if (views > 0) return true
      return false
    },
    get base() {
      return base!
    },
    start(wake) {
      startedBase ??= (async () => {
        const bytes = await options.load(id, '').catch((error: Error) => {
          options.log(`plant ${id}: what was saved cannot be read (${error.message}); it begins again from its calendar`)
          return undefined
        })
        const saved = decodePlant(layout, bytes)
        if (bytes && bytes.length > 0 && !saved) options.log(`plant ${id}: the saved plant is of another template or seed; it begins again from its calendar`)
        const kept = await options.load(id, actsName).catch((error: Error) => {
          options.log(`plant ${id}: what was written last cannot be read (${error.message})`)
          return undefined
        })
        acts = openActs(layout, kept)
        for (const [adversary, seen] of saved?.facts.branches ?? []) branches.set(adversary, seen)
        for (const adversary of acts.adversaries) branches.set(adversary, options.clock())
        base = startBase(saved)
        savedAt = options.clock()
        await caughtUp(base, host.stepNow(), wake)
        // The calendar gives the same curve within its noise, but counters must not go back if the host ends before the first regular save.
        if (!saved) host.report(`plant ${id}`, saveBase)
      })()
      return startedBase
    },
    async seat(adversary, wake) {
      await site.start(wake)
      let seat = seats.get(adversary)
      if (!seat) {
        seat = openSeat(adversary, wake)
        seats.set(adversary, seat)
        try {
          seats.set(adversary, await seat)
        } catch (error) {
          seats.delete(adversary)
          throw error
        }
      }
      const opened = await seat
      opened.seen = options.clock()
      const now = host.stepNow()
      if (opened.run.step < now) await caughtUp(opened.run, now, wake)
      return opened
    },
    split(seat) {
      if (seat.branch) return seat.branch
      const from = base!
      const run = openRun(engine, from.f.slice(), from.step)
      const ledger = ledgerOf(seat, run)
      run.watch = ledger.watch
      const compare = openDeviations(layout, from, run, ledger)
      seat.branch = { run, since: from.step * stepMs, ledger, compare, acts: 0, dirty: true, savedAt: 0 }
      branches.set(seat.adversary, options.clock())
      host.bound(seat)
      return seat.branch
    },
    act(seat, kind, name, value, note) {
      const branch = site.split(seat)
      const { run, ledger, since } = branch
      const act: Act = { n: branch.acts + 1, step: run.step, kind, id: name, value, note }
      if (!perform(layout, run, ledger, act)) return false
      branch.acts = act.n
      branch.dirty = true
      if (branch.savedAt !== 0) acts.add(seat.adversary, since, act)
      if (!flushing) queueMicrotask(() => host.report(`plant ${id}`, flush))
      flushing = true
      return true
    },
    flush() {
      if (flushing) flush()
    },
    drop(adversary) {
      const seat = loaded.get(adversary)
      if (seat) seat.branch = undefined
      forget(adversary)
    },
    advance(target, until) {
      const left = (): number => until - performance.now()
      const publish =
        (steps: () => Iterable<Seat>) =>
        (snapshot: Snapshot): void => {
          for (const seat of steps()) for (const listener of seat.steps) host.report(`plant ${id}`, () => listener(snapshot))
        }
      const undisturbed = publish(() => [...loaded.values()].filter(({ branch, steps }) => !branch && steps.size > 0))
      let there = base!.advance(target, Math.max(1, left()), undisturbed)
      for (const seat of loaded.values()) {
        if (!seat.branch || left() <= 0) {
          if (seat.branch && seat.branch.run.step < target) there = false
          continue
        }
        if (!seat.branch.run.advance(target, Math.max(1, left()), seat.steps.size > 0 ? publish(() => [seat]) : undefined)) there = false
        else if (seat.consequences.size > 0) seat.branch?.compare()
      }
      if (waiting.length > 0) {
        const done = waiting.filter((one) => one.run.step >= one.target)
        waiting = waiting.filter((one) => one.run.step < one.target)
        for (const one of done) one.done()
      }
      return there
    },
    keep(now, { everyMs, changedMs, unseenMs }) {
      // What still catches up is saved when it is there: halfway it would be as old as what is kept.
      const current = (run: Run): boolean => host.stepNow() - run.step <= nearSteps
      for (const [adversary, seat] of loaded) {
        if (seat.views > 0) seat.seen = now
        const { branch } = seat
        if (branch) branches.set(adversary, seat.seen)
        if (branch && current(branch.run) && now - branch.savedAt >= (branch.dirty ? changedMs : everyMs)) save(seat)
        if (seat.views === 0 && now - seat.seen > (branch ? unseenMs : everyMs)) {
          save(seat)
          loaded.delete(adversary)
          seats.delete(adversary)
        }
      }
      flush()
      if (current(base!) && now - savedAt >= everyMs) saveBase()
    },
    saveAll() {
      if (!base) return
      for (const seat of loaded.values()) save(seat)
      flush()
      saveBase()
      for (const one of waiting) one.done()
      waiting = []
    },
  }
  return site
}

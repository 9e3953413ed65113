/** The plants of a decoy host: one undisturbed run each, a branch for every adversary that wrote, all kept up with the clock in small slices. */
import { stepMs } from './engine.ts'
import type { Plants, PlantsOptions, PlantView } from './plant.ts'
import { openPlantSite, type PlantSite, type Seat } from './site.ts'
import { openView } from './view.ts'

/** The loop is held for no longer than this at a time. */
const sliceMs = 8
const tickMs = 100
const idleTickMs = 1000
/** Work on the days before the first record, per tick. */
const pastMs = 4
const saveEveryMs = 5 * 60_000
/** A branch that was written to; until then its acts are kept. */
const saveChangedMs = 30_000
const dayMs = 86_400_000

export function openPlants(options: PlantsOptions): Plants {
  const { clock, log } = options
  const maxBranches = options.maxBranches ?? 256
  let closed = false
  /** Takes back the next slice. */
  let cancel: (() => void) | undefined
  let behind = false
  const stepNow = (): number => Math.floor(clock() / stepMs)

  /** The oldest branch gives way, wherever it is. */
  const bound = (keep: Seat): void => {
    const all = [...sites.values()].flatMap((site) => [...site.branches].map(([adversary, seen]) => ({ site, adversary, seen })))
    for (let over = all.length - maxBranches; over > 0; over--) {
      const rest = all.filter(({ site, adversary }) => site.branches.has(adversary) && !(site === keep.site && adversary === keep.adversary))
      const oldest = rest.reduce<(typeof rest)[number] | undefined>((least, one) => (!least || one.seen < least.seen ? one : least), undefined)
      if (!oldest) return
      log(`plant ${oldest.site.id}: the branch of ${oldest.adversary}, last seen ${new Date(oldest.seen).toISOString()}, is dropped: ${maxBranches} are kept`)
      oldest.site.drop(oldest.adversary)
    }
  }
  const report = (what: string, work: () => void): void => {
    try {
      work()
    } catch (error) {
      log(`${what}: ${(error as Error).message}`)
    }
  }
  const sites = new Map<string, PlantSite>()
  for (const plant of options.plants) {
    if (sites.has(plant.id)) throw new Error(`plant ${plant.id} is given twice`)
    sites.set(plant.id, openPlantSite(plant, options, { stepNow, bound, report }))
  }

  /** One slice: what is behind goes on, oldest debts first; then saving and forgetting. */
  const pump = (): void => {
    cancel = undefined
    if (closed) return
    const until = performance.now() + sliceMs
    behind = false
    let watched = false
    let again = false
    for (const site of sites.values()) {
      watched ||= site.watched
      if (!site.ready) continue
      if (!site.advance(stepNow(), until)) behind = true
      report(`plant ${site.id}`, () => site.keep(clock(), { everyMs: saveEveryMs, changedMs: saveChangedMs, unseenMs: dayMs }))
      if (!behind && !site.past.ready) {
        if (performance.now() < until) site.past.work(site.past.wanted ? until - performance.now() : pastMs)
        if (!site.past.ready && site.past.wanted) again = true
      }
    }
    behind ||= again
    schedule(watched)
  }
  const schedule = (watched: boolean): void => {
    if (closed || cancel) return
    if (behind) {
      const next = setImmediate(pump)
      cancel = () => clearImmediate(next)
    } else {
      const busy = watched || [...sites.values()].some(({ past }) => !past.ready)
      const next = setTimeout(pump, busy ? tickMs : idleTickMs).unref()
      cancel = () => clearTimeout(next)
    }
  }
  const wake = (): void => {
    cancel?.()
    cancel = undefined
    behind = true
    schedule(true)
  }
  const started = [...sites.values()].map((site) => site.start(wake).catch((error: Error) => log(`plant ${site.id}: ${error.message}`)))

  return {
    async open(plant, adversary): Promise<PlantView> {
      const site = sites.get(plant)
      if (!site) throw new Error(`there is no plant '${plant}'; known: ${[...sites.keys()].join(', ') || 'none'}`)
      if (adversary.startsWith('.')) throw new Error(`'${adversary}' is no name of an adversary`)
      if (adversary.length > 200) throw new Error('the name of an adversary is longer than 200 letters')
      const seat = await site.seat(adversary, wake)
      wake()
      return openView(seat, { clock, stepNow, report })
    },
    flush() {
      for (const site of sites.values()) report(`plant ${site.id}`, site.flush)
    },
    async close() {
      await Promise.all(started)
      closed = true
      cancel?.()
      for (const site of sites.values()) report(`plant ${site.id}`, site.saveAll)
    },
  }
}

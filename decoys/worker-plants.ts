/** The plants that a worker's devices share: made when the gate names them, kept by the gate, seen by each adversary in its own way. */
import type { PlantConfig } from '@shenlou/contract/sensor'
import type { Plants, PlantsOptions, PlantView } from './plant/plant.ts'

/** A plant as the gate hands it on, with its share of the host's branches. */
export type WorkerPlant = PlantConfig & { maxBranches?: number }
export type OpenPlants = (options: PlantsOptions) => Plants

export interface WorkerPlants {
  /** Makes a plant known and begins to catch up with the clock, so that its first visitor need not wait for it; one that changed begins anew. */
  add(plant: WorkerPlant): void
  /** Rejects for a plant that is not known. */
  open(plant: string, adversary: string): Promise<PlantView>
  /** Saves what was written since: before anything is said or answered of it. */
  flush(): void
  /** Saves all of them. */
  close(): Promise<void>
}
export interface WorkerPlantsOptions {
  /** Loads the engine: only a worker with devices needs it. */
  engine(): Promise<OpenPlants>
  load: PlantsOptions['load']
  save: PlantsOptions['save']
  log(line: string): void
}

export function openWorkerPlants({ engine, load, save, log }: WorkerPlantsOptions): WorkerPlants {
  const known = new Map<string, { text: string; opened: Promise<Plants> }>()
  const running = new Set<Plants>()
  const begin = ({ id, template, seed, maxBranches }: WorkerPlant): Promise<Plants> =>
    engine().then((openPlants) => {
      const plants = openPlants({ plants: [{ id, template, seed }], clock: Date.now, load, save, log, ...(maxBranches === undefined ? {} : { maxBranches }) })
      running.add(plants)
      return plants
    })
  const end = async (plants: Plants): Promise<void> => {
    await plants.close()
    running.delete(plants)
  }
  return {
    add(config) {
      const text = JSON.stringify([config.template, config.seed])
      const before = known.get(config.id)
      if (before?.text === text) return
      before?.opened.then(end).catch((error: Error) => log(`plant ${config.id}: ${error.message}`))
      const opened = begin(config)
      // Whoever opens it gets the reason.
      opened.catch(() => undefined)
      known.set(config.id, { text, opened })
    },
    async open(plant, adversary) {
      const entry = known.get(plant)
      if (!entry) throw new Error(`plant ${plant} is not known here`)
      return (await entry.opened).open(plant, adversary)
    },
    flush() {
      for (const plants of running) plants.flush()
    },
    async close() {
      await Promise.all([...known.values()].map(async ({ opened }) => end(await opened)))
    },
  }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlantTemplate } from '@shenlou/contract/plant'
import type { Plants, PlantView } from './plant/plant.ts'
import { openWorkerPlants } from './worker-plants.ts'

/** An engine that only counts. */
function counting() {
  const begun: string[] = []
  const closed: string[] = []
  const flushed: string[] = []
  const plants = openWorkerPlants({
    engine: async () => (options) => {
      const [plant] = options.plants
      begun.push(`${plant?.id} ${plant?.seed}`)
      return {
        open: async (id: string, adversary: string) => ({ id: `${id} of ${adversary}` }) as unknown as PlantView,
        flush: () => void flushed.push(`${plant?.id} ${plant?.seed}`),
        close: async () => void closed.push(`${plant?.id} ${plant?.seed}`),
      } satisfies Plants
    },
    load: async () => undefined,
    save: () => undefined,
    log: () => undefined,
  })
  return { begun, closed, flushed, plants }
}
const config = (id: string, seed: string) => ({ id, seed, template: {} as PlantTemplate })
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('a plant begins to catch up when it is named, before anybody visits a device of it', async () => {
  const { begun, plants } = counting()
  plants.add(config('paint', 'aa'))
  await turn()
  assert.deepEqual(begun, ['paint aa'])
  assert.equal((await plants.open('paint', 'address:x/203.0.113.7')).id, 'paint of address:x/203.0.113.7')
  assert.equal(begun.length, 1)
  await plants.close()
})

test('a plant that is named again runs on, one that changed begins anew and the earlier one is closed', async () => {
  const { begun, closed, plants } = counting()
  plants.add(config('paint', 'aa'))
  plants.add(config('paint', 'aa'))
  plants.add(config('paint', 'bb'))
  await turn()
  assert.deepEqual([begun, closed], [['paint aa', 'paint bb'], ['paint aa']])
  await plants.close()
  assert.deepEqual(closed, ['paint aa', 'paint bb'])
})

test('what was written is saved in every plant that runs', async () => {
  const { flushed, plants } = counting()
  plants.flush()
  plants.add(config('paint', 'aa'))
  plants.add(config('field', 'bb'))
  plants.add(config('paint', 'cc'))
  await turn()
  plants.flush()
  assert.deepEqual(flushed, ['field bb', 'paint cc'])
  await plants.close()
  plants.flush()
  assert.equal(flushed.length, 2)
})

test('a plant that nobody named is refused', async () => {
  await assert.rejects(counting().plants.open('paint', 'x'), /plant paint is not known here/)
})

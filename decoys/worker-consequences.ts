/** What adversaries' writes lead to in a plant: watched for half an hour after the last write, also when the connection that wrote is long gone. */
import { escapeText } from '@shenlou/contract/bytes'
import type { EventBody } from '@shenlou/contract/event-kinds'
import type { Consequence, PlantView } from './plant/plant.ts'

type Say = (body: EventBody<'plant.affected'>) => void

export interface Consequences {
  /** A session wrote a tag: what is put down to it is said by `say`. A later writer of the same tag takes its place. */
  wrote(plant: string, adversary: string, tag: string, say: Say): void
  close(): void
}

const watchMs = 31 * 60_000
const maxWatched = 256
const maxTags = 500

interface Watch {
  writers: Map<string, Say>
  view: Promise<PlantView>
  timer: NodeJS.Timeout | undefined
}

export function openConsequences({ open, log }: { open(plant: string, adversary: string): Promise<PlantView>; log(line: string): void }): Consequences {
  const watches = new Map<string, Watch>()

  const end = (key: string): void => {
    const watch = watches.get(key)
    watches.delete(key)
    clearTimeout(watch?.timer)
    watch?.view.then((view) => view.release()).catch(() => {})
  }
  const begin = (key: string, plant: string, adversary: string): Watch => {
    const writers = new Map<string, Say>()
    const view = open(plant, adversary)
    view.then(
      (opened) => opened.onConsequence((consequence) => writers.get(consequence.after.tag)?.(bodyOf(opened, consequence))),
      (error: Error) => log(`plant ${plant}: ${error.message}`),
    )
    const watch: Watch = { writers, view, timer: undefined }
    watches.set(key, watch)
    const [oldest] = watches.keys()
    if (watches.size > maxWatched && oldest !== undefined) end(oldest)
    return watch
  }

  return {
    wrote(plant, adversary, tag, say) {
      const key = `${plant}\n${adversary}`
      const watch = watches.get(key) ?? begin(key, plant, adversary)
      clearTimeout(watch.timer)
      watch.timer = setTimeout(() => end(key), watchMs).unref()
      watch.writers.delete(tag)
      watch.writers.set(tag, say)
      const [oldest] = watch.writers.keys()
      if (watch.writers.size > maxTags && oldest !== undefined) watch.writers.delete(oldest)
    },
    close() {
      for (const key of [...watches.keys()]) end(key)
    },
  }
}

const round = (value: number): number => (Number.isFinite(value) ? Number(value.toPrecision(7)) : 0)

function bodyOf(view: PlantView, { kind, id, tag, value, limit, otherwise, after, defeated = [] }: Consequence): EventBody<'plant.affected'> {
  const found = view.tag(tag)
  const roleOf = (name: string) => view.tag(name)?.role ?? 'state'
  return {
    plant: view.id,
    consequence: kind,
    id: escapeText(id),
    tag,
    ...(found ? { name: found.title, unit: found.unit } : {}),
    value: round(value),
    ...(limit === undefined ? {} : { limit: round(limit) }),
    ...(otherwise === undefined ? {} : { otherwise: round(otherwise) }),
    after: { tag: after.tag, value: round(after.value), time: after.at, role: after.tag.endsWith('.Mode') ? 'drive' : roleOf(after.tag) },
    ...(defeated.length === 0 ? {} : { defeated: defeated.slice(0, 16).map((one) => ({ tag: one.tag, value: round(one.value), role: roleOf(one.tag) })) }),
  }
}

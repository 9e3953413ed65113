/** Names of sensors, which events and sessions carry by id. Read once when first asked for, kept up to date by the live channel. */
import { call, sentence } from './api.ts'
import { live } from './live.svelte.ts'
import { session } from './session.svelte.ts'

let names = $state.raw<Record<string, string>>({})
let problem = $state('')
let asked = -1

async function read(): Promise<void> {
  try {
    names = Object.fromEntries((await call('sensors')).items.map((sensor) => [sensor.id, sensor.name]))
    problem = ''
  } catch (error) {
    problem = sentence(error)
  }
}
live.on('sensor', ({ sensor }) => {
  if (names[sensor.id] !== sensor.name) names = { ...names, [sensor.id]: sensor.name }
})

/** The name of a sensor; its id while that is not known, or where this person may not see sensors. */
export function sensorName(id: string): string {
  if (asked !== session.round && session.can('sensor.read')) {
    asked = session.round
    queueMicrotask(() => void read())
  }
  return names[id] ?? id
}

/** Why names may be missing; empty when they are there. */
export const namesProblem = (): string => problem

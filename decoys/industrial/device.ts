/** An industrial device of a decoy: its identity drawn from the seed, its view of the plant, its pace. Every protocol of the device works through one. */
import type { DeviceTemplate, WireValue } from '@shenlou/contract/device'
import { pictureTags } from '@shenlou/contract/plant-symbols'
import type { Context, Session } from '../decoy.ts'
import type { Persona } from '../persona.ts'
import type { PlantView, WriteResult } from '../plant/plant.ts'

export interface DeviceIdentity {
  /** As its engineer named it. */
  readonly plantName: string
  readonly stationName: string
  readonly modules: readonly { slot: number; orderNumber: string; name: string; hardware: string; firmware: string; serial: string }[]
}

export interface Device {
  readonly template: DeviceTemplate
  readonly persona: Persona
  readonly identity: DeviceIdentity
  /** The plant as this adversary sees it. */
  readonly plant: PlantView
  /** The plant's tag that a source of a map stands for; undefined for a constant or a state of the device. */
  tagOf(from: string): string | undefined
  /** A source's present value in engineering units. Booleans are 0 and 1. */
  read(from: string): number
  /** Writes an engineering value as the map allows. */
  write(value: Pick<WireValue, 'from' | 'write'>, to: number): WriteResult
  readonly mode: 'run' | 'stop'
  setMode(mode: 'run' | 'stop'): void
  /** Milliseconds since its last boot. */
  uptimeMs(): number
  /** What its clock shows, ms since 1970 UTC. */
  plantTime(): number
  /** Resolves when the device's answer would leave: at the end of its program's cycle and what its communication takes besides. */
  pace(): Promise<void>
  /** Stops sampling the plant. */
  close(): void
}

const sampleMs = 5000
/** Tags in a sample, those of the pictures first; the rest of a larger device is counted as omitted. */
const maxSampled = 160
const maxSampledAlarms = 64
const maxRemembered = 1000
/** When the plant was sampled last, by decoy and adversary: tools open a connection for each request. */
const lastSampled = new Map<string, number>()
/** When a session was given a sample last: several flows of datagrams are one session, and one of them samples. */
const lastGiven = new Map<string, number>()

/** What a device is called, drawn from the seed of its decoy: the same on every port and for every visitor. */
export function deviceIdentity(persona: Persona): DeviceIdentity {
  const device = persona.template.device
  if (!device) throw new Error(`persona ${persona.template.id} has no device section`)
  const site = (persona.organisation.domain.split('.')[0] ?? '').replaceAll('-', '').slice(0, 10)
  const fill = (purpose: string, pattern: string): string =>
    [...pattern.replaceAll('{site}', site)]
      .map((sign, at) =>
        sign === '#'
          ? String(persona.number(`${purpose} ${at}`, 0, 9))
          : sign === '@'
            ? ('ABCDEFGHJKLMNPQRSTUVWXYZ'[persona.number(`${purpose} ${at}`, 0, 23)] as string)
            : sign,
      )
      .join('')
  return {
    plantName: fill('device plant', persona.pick('device plant name', device.plantName)),
    stationName: fill('device station', persona.pick('device station name', device.stationName)),
    modules: device.modules.map(({ slot, orderNumber, name, hardware, firmware, serialPattern }) => ({
      slot,
      orderNumber,
      name,
      hardware,
      firmware,
      serial: fill(`device module ${slot}`, serialPattern),
    })),
  }
}

/**
 * Opens the device behind a connection. From its first reading on the session gets what the plant does (`plant.sampled` every 5 s). Throws when the persona is no device or the decoy belongs to no plant.
 */
export function openDevice(context: Context, session: Session): Device {
  const { persona } = context
  const template = persona.template.device
  if (!template || !context.plant) throw new Error(`decoy ${context.decoy} is no device of a plant`)
  const cycleMs = persona.number('device cycle', Math.round(template.cycleMs[0] * 100), Math.round(template.cycleMs[1] * 100)) / 100
  const { units } = context
  const plant = (): PlantView => context.plant as PlantView
  const own = Object.values(units)

  const tagOf = (from: string): string | undefined => {
    if (from.startsWith('=') || from.startsWith('@')) return undefined
    const dot = from.indexOf('.')
    const unit = units[from.slice(0, dot)]
    return unit === undefined ? undefined : `${unit}${from.slice(dot)}`
  }
  const alarmsOf = () =>
    plant()
      .alarms()
      .filter(({ id, state }) => state !== 'normal' && state !== 'returned' && own.some((unit) => id.startsWith(`${unit}.`)))
  const mode = (): 'run' | 'stop' => (own.length > 0 && own.every((unit) => plant().mode(unit) === 'stop') ? 'stop' : 'run')
  const uptimeMs = (): number => Math.max(0, context.clock() - persona.bootedAt)

  const all = samplingOrder(plant(), own)
  const sampled = new Set(all.slice(0, maxSampled))
  /** What a session read or wrote is sampled too, in place of the last that nobody asked for. */
  const asked = new Set<string>()
  const follow = (tag: string): void => {
    if (asked.has(tag) || asked.size >= maxSampled) return
    asked.add(tag)
    if (sampled.has(tag) || !all.includes(tag)) return
    const spare = [...sampled].findLast((each) => !asked.has(each))
    if (spare !== undefined) sampled.delete(spare)
    sampled.add(tag)
  }
  const sample = (): void => {
    remember(lastGiven, session.id, performance.now())
    const { snapshot, branched, id } = plant()
    const values = [...sampled].map((tag) => [tag, snapshot.value(tag)] as const).filter(([, value]) => Number.isFinite(value))
    const bad = values.flatMap(([tag]) => (snapshot.good(tag) ? [] : [tag]))
    session.emit('plant.sampled', {
      plant: id,
      branched,
      values: Object.fromEntries(values.map(([tag, value]) => [tag, Number(value.toPrecision(7))])),
      alarms: alarmsOf()
        .sort((a, b) => a.priority - b.priority)
        .slice(0, maxSampledAlarms)
        .map(({ id: alarm, tag, priority }) => ({ id: alarm, tag, priority })),
      ...(bad.length > 0 ? { bad } : {}),
      ...(all.length > values.length ? { omitted: all.length - values.length } : {}),
    })
  }
  let sampler: NodeJS.Timeout | undefined
  /** Who only knocks sees nothing of the plant, so nothing of it is recorded. */
  const watched = (): void => {
    if (sampler) return
    const key = `${context.decoy}\n${context.adversary.id}`
    const now = performance.now()
    const last = lastSampled.get(key)
    if (last === undefined || now - last >= sampleMs) sample()
    remember(lastSampled, key, now)
    sampler = setInterval(() => {
      if (performance.now() - (lastGiven.get(session.id) ?? 0) >= sampleMs * 0.9) sample()
    }, sampleMs).unref()
  }

  return {
    template,
    persona,
    identity: deviceIdentity(persona),
    get plant() {
      return plant()
    },
    tagOf,
    read(from) {
      if (from.startsWith('=')) return Number(from.slice(1))
      const tag = tagOf(from)
      if (tag !== undefined) follow(tag)
      watched()
      if (from.startsWith('@alarm.')) {
        const id = tagOf(from.slice(7))
        return alarmsOf().some((alarm) => alarm.id === id) ? 1 : 0
      }
      if (from === '@alarms') return alarmsOf().length
      if (from === '@mode') return mode() === 'run' ? 1 : 0
      if (from === '@heartbeat') return mode() === 'run' ? Math.floor(uptimeMs() / cycleMs) % 32_768 : 0
      if (from === '@uptime') return Math.floor(uptimeMs() / 1000)
      return tag === undefined ? 0 : plant().snapshot.value(tag)
    },
    write({ from, write }, to) {
      const tag = tagOf(from)
      if (tag === undefined || write === 'no') return { accepted: false, before: 0, reason: 'read-only' }
      const result = plant().write(tag, to, { access: write, note: session.id })
      follow(tag)
      watched()
      if (result.accepted) context.wrotePlant(tag)
      return result
    },
    get mode() {
      return mode()
    },
    setMode(next) {
      for (const unit of own) {
        plant().setMode(unit, next)
        context.wrotePlant(`${unit}.Mode`)
      }
    },
    uptimeMs,
    plantTime: () => (own[0] === undefined ? context.clock() : plant().controllerClock(own[0])),
    async pace() {
      const [least, most] = template.latencyMs
      const toEnd = cycleMs - (uptimeMs() % cycleMs)
      // Communication is served between cycles; a busy program now and then misses one.
      const missed = Math.random() < 0.04 ? cycleMs : 0
      await context.latency(toEnd + missed + least + Math.random() * (most - least))
    },
    close() {
      clearInterval(sampler)
    },
  }
}

/** The tags of these units: first those of their pictures, then the others in the plant's order. */
function samplingOrder(plant: PlantView, units: readonly string[]): string[] {
  const drawn = plant.template.units.flatMap(({ id, equipment }) => {
    const picture = units.includes(id) ? plant.template.equipment[equipment]?.picture : undefined
    return picture ? pictureTags(picture).map((tag) => `${id}.${tag}`) : []
  })
  const own = plant.tags().flatMap(({ id, unitId }) => (units.includes(unitId) ? [id] : []))
  const known = new Set(own)
  return [...new Set([...drawn.filter((tag) => known.has(tag)), ...own])]
}

function remember(times: Map<string, number>, key: string, now: number): void {
  times.delete(key)
  times.set(key, now)
  const [oldest] = times.keys()
  if (times.size > maxRemembered && oldest !== undefined) times.delete(oldest)
}

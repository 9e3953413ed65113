/** Files that a device writes as its plant runs: curves of the historian and the list of alarms, the same numbers that its other protocols gave at that time. */
import type { DeviceFile } from '@shenlou/contract/ftp'
import type { Context } from '../../decoy.ts'
import { fillName, isLive } from '../../world/tree-embedded.ts'
import type { FileStat } from '../../world/files.ts'

/** Rows of a file: the historian's minutes reach further back, but a device clears what is older than a day. */
const mostRows = 1440

export interface LiveFiles {
  /** What lies at a path by now, where the device writes it and this adversary has changed nothing about it. */
  read(path: string): Buffer | undefined
  /** As the world has it, with the size and the time of what the device has written by now. */
  stat(path: string): FileStat | undefined
  /** Makes it a file like any other, with what it holds now: before it is moved or added to. */
  settle(path: string): void
}

export function openLiveFiles(context: Context): LiveFiles {
  const { persona } = context
  const own = new Map((persona.template.ftp?.files ?? []).filter(isLive).map((file) => [fillName(persona, file.path), file]))
  const made = (path: string): { bytes: Buffer; at: number } | undefined => {
    const file = own.get(path)
    if (!file || !context.plant || context.world.files.stat(path)?.mtime !== persona.installedAt) return undefined
    return file.kind === 'alarms' ? alarmList(context, file) : curves(context, file)
  }
  const stat = (path: string): FileStat | undefined => {
    const found = context.world.files.stat(path)
    const live = made(path)
    return found && live ? { ...found, size: live.bytes.length, mtime: live.at } : found
  }
  return {
    read: (path) => made(path)?.bytes,
    stat,
    settle(path) {
      const live = made(path)
      if (live) context.world.files.write(path, live.bytes, { at: live.at, mode: 0o666 })
    },
  }
}

const tagOf = (context: Context, from: string): string => {
  const dot = from.indexOf('.')
  return `${context.units[from.slice(0, dot)] ?? ''}${from.slice(dot)}`
}

/** Plant time as the device writes it, in its own zone. */
const stamp = (context: Context, ms: number): string => new Date(ms + context.world.host.offsetMinutes * 60_000).toISOString().slice(0, 19).replace('T', ' ')

const text = (lines: string[]): Buffer => Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1')

/** `time,NAME,…` and a row for each whole `everyS`, oldest first; as many as fit into about `bytes`. */
function curves(context: Context, { values, everyS, bytes }: DeviceFile): { bytes: Buffer; at: number } | undefined {
  const plant = context.plant
  if (!plant) return undefined
  const every = everyS * 1000
  const end = Math.floor(plant.snapshot.at / every) * every
  const rows = Math.max(1, Math.min(mostRows, Math.floor(86_400_000 / every), Math.floor(bytes / (21 + values.length * 7))))
  const from = end - (rows - 1) * every
  const columns = values.map(({ from: source }) => {
    const tag = tagOf(context, source)
    return new Map(rows < 2 ? [] : plant.history(tag, from, end, rows).map(({ at, value }) => [at, value]))
  })
  const lines = [`time,${values.map(({ from: source }) => source.slice(source.indexOf('.') + 1)).join(',')}`]
  for (let at = from; at <= end; at += every) {
    const row = columns.map((column, nth) => column.get(at)?.toFixed(values[nth]?.decimals ?? 1) ?? '')
    if (row.some((cell) => cell !== '')) lines.push(`${stamp(context, at)},${row.join(',')}`)
  }
  return { bytes: text(lines), at: end }
}

/** `time,alarm,state,priority`: what became of each alarm of the device's units last, oldest first. */
function alarmList(context: Context, { bytes }: DeviceFile): { bytes: Buffer; at: number } | undefined {
  const units = Object.values(context.units)
  const found = (context.plant?.alarms() ?? [])
    .filter(({ id, since }) => since > 0 && units.some((unit) => id.startsWith(`${unit}.`)))
    .sort((a, b) => a.since - b.since)
  const lines = found.map(({ id, since, state, priority }) => `${stamp(context, since)},${id.slice(id.indexOf('.') + 1)},${state},${priority}`)
  const most = Math.max(1, Math.floor(bytes / 48))
  return { bytes: text(['time,alarm,state,priority', ...lines.slice(-most)]), at: found.at(-1)?.since ?? context.persona.bootedAt }
}

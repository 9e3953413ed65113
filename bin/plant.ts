/** `shenlou plant run TEMPLATE`: a day of a plant before anybody meets it, in the terminal and as a picture. */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { type PlantTemplate, plantTemplate } from '@shenlou/contract/plant'
import { parseYaml } from '@shenlou/core/operate/yaml'
import { dateOf, toSvg, toText } from '@shenlou/decoys/plant/picture'
import { lastWorkedDay, type Trace, traceOf, worthDrawing } from '@shenlou/decoys/plant/trace'
import type { Invocation } from './commands.ts'
import { SettingsError } from './settings.ts'
import { line } from './terminal.ts'

const usage = "'shenlou plant' is used as: shenlou plant run TEMPLATE [--hours 24] [--seed TEXT] [--tags A,B] [--picture FILE.svg]"
const shown = { text: 6, picture: 14 }

export async function plant({ positionals: [verb, file], rest }: Invocation): Promise<number> {
  if (verb !== 'run' || !file) throw new SettingsError(usage)
  const hours = Number(rest.hours ?? 24)
  if (!(hours > 0 && hours <= 24 * 14)) throw new SettingsError(`--hours: must be a number up to ${24 * 14}, not '${String(rest.hours)}'`)
  const picture = rest.picture === undefined ? undefined : String(rest.picture)
  if (picture !== undefined && !picture.endsWith('.svg')) throw new SettingsError(`--picture: '${picture}' must end in .svg; any browser shows it`)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new SettingsError(`${file}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message}`)
  }
  const parsed = parseYaml(text, plantTemplate)
  if ('faults' in parsed) {
    for (const fault of parsed.faults) line(`${file}:${fault.line}:${fault.column}: ${fault.path ? `${fault.path}: ` : ''}${fault.message}`)
    return 1
  }
  const template = parsed.value
  const seed = seedOf(String(rest.seed ?? template.id))
  const from = lastWorkedDay(template, seed, Date.now())
  const width = Math.max(40, Math.min(120, process.stdout.columns ?? 100)) - 1
  const given = rest.tags === undefined ? undefined : String(rest.tags).split(',').filter(Boolean)
  const trace = run(template, seed, from, hours, given ?? worthDrawing(template, shown.text), width)
  line(`${template.title.en} ${template.title.zh}, ${hours} h from ${dateOf(trace, from)}, seed ${seed.slice(0, 8)}`)
  for (const row of toText(trace)) line(row)
  line('━ production  ╌ break  ▹ start  ▾ running down')
  for (const { at, id, title, trip } of trace.happened.slice(0, 20))
    line(
      `${new Date(at + template.calendar.utcOffset * 60_000).toISOString().slice(0, 19).replace('T', ' ')}  ${trip ? 'trip ' : 'alarm'}  ${id}  ${title.en} ${title.zh}`,
    )
  if (trace.happened.length > 20) line(`and ${trace.happened.length - 20} more alarms and trips`)
  if (picture !== undefined) {
    const fine = run(template, seed, from, hours, given ?? worthDrawing(template, shown.picture), 1440)
    try {
      writeFileSync(picture, toSvg(fine))
    } catch (error) {
      throw new SettingsError(`--picture: ${(error as Error).message}`)
    }
    line(`written: ${picture}`)
  }
  return 0
}

/** 64 hexadecimal digits are a seed as it is; any other text becomes one. */
const seedOf = (text: string): string => (/^[0-9a-f]{64}$/.test(text) ? text : createHash('sha256').update(text).digest('hex'))

function run(template: PlantTemplate, seed: string, from: number, hours: number, tags: string[], columns: number): Trace {
  try {
    return traceOf(template, seed, from, hours, tags.slice(0, 40), columns)
  } catch (error) {
    throw new SettingsError(`--tags: ${(error as Error).message}`)
  }
}

/** What a plant costs: a step of each model and of all five, a day replayed, a branch kept. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { plantTemplate } from '@shenlou/contract/plant'
import { parseYaml } from '@shenlou/core/operate/yaml'
import { openEngine } from '@shenlou/decoys/plant/engine'
import { layOut } from '@shenlou/decoys/plant/layout'
import { openRun } from '@shenlou/decoys/plant/run'
import { median, type Row } from './row.ts'

const templates = ['paint-line', 'test-field', 'batching-plant', 'crane-yard', 'utilities']
const steps = 200_000
const rounds = 3
const seed = '5a'.repeat(32)
/** 09:00 in China on a worked day. */
const from = Date.UTC(2026, 9, 20, 1) / 100

function engineOf(name: string, oneUnit: boolean) {
  const parsed = parseYaml(readFileSync(join(import.meta.dirname, `../templates/plants/${name}.yaml`), 'utf8'), plantTemplate)
  if ('faults' in parsed) throw new Error(`${name}: ${parsed.faults[0]?.message}`)
  const template = oneUnit ? { ...parsed.value, units: parsed.value.units.slice(0, 1) } : parsed.value
  return openEngine(layOut(template, seed))
}

/** µs of processor time a step. */
function cost(work: () => void): number {
  const spent = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(spent)
  return (user + system) / steps
}

export async function run(): Promise<Row[]> {
  const rows: Row[] = []
  let all = 0
  for (const name of templates) {
    const engine = engineOf(name, true)
    const f = engine.begin(from)
    let step = from
    const each = median(
      Array.from({ length: rounds }, () =>
        cost(() => {
          for (let i = 0; i < steps; i++) engine.advance(f, ++step)
        }),
      ),
    )
    all += each
    rows.push({ what: `step of one unit, ${name}`, value: each, unit: 'µs' })
  }
  rows.push({ what: 'step of all five models', value: all, unit: 'µs', target: '< 10 µs', met: all < 10 })
  rows.push({ what: '24 h of all five replayed', value: (all * 864_000) / 1e6, unit: 's of CPU' })

  const engine = engineOf('paint-line', false)
  const live = openRun(engine, engine.begin(from), from)
  const published = median(
    Array.from({ length: rounds }, () =>
      cost(() => {
        for (let i = 0; i < steps; i += 10) live.advance(live.step + 10, 1000, () => undefined)
      }),
    ),
  )
  rows.push({ what: 'step of a paint line, historian and a snapshot each', value: published, unit: 'µs', target: '< 10 µs', met: published < 10 })

  globalThis.gc?.()
  const before = process.memoryUsage()
  const branches = Array.from({ length: 64 }, () => {
    const branch = openRun(engine, live.f.slice(), live.step)
    branch.advance(live.step + 700, 1000)
    return branch
  })
  const after = process.memoryUsage()
  const each = (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / branches.length / 1024
  rows.push({ what: 'memory of a branch of a paint line', value: each, unit: 'KiB', target: '≤ 1 MiB', met: each <= 1024 })
  return rows
}

if (import.meta.main) {
  const { table } = await import('./row.ts')
  console.log(table(await run()))
}

/** `node test/fuzz/alone.ts NAME SEED INPUTS MS`: fuzzes one service of industrial devices in a process of its own and prints what came of it as JSON. */
import { deviceTargets, industrialTargets } from './industrial.ts'
import { fuzz } from './run.ts'

const [name = '', seed = '', inputs = '', ms = ''] = process.argv.slice(2)
const open = { ...industrialTargets, ...deviceTargets }[name]
if (!open) throw new Error(`no service '${name}' to fuzz`)
const target = await open()
const bounds = { inputs: Number(inputs), ms: Number(ms) }
// What code compiles to, and the buffers that as many connections at once take, is resident after a pass with other inputs.
await fuzz(target, { ...bounds, seed: `${seed} before` })
const count = await fuzz(target, { ...bounds, seed })
await target.close()
console.log(JSON.stringify(count))

/** Starts a contained program that never ends by itself and says its process id; contain.test.ts kills this and looks for the other. */
import { spawnContained } from './contain.ts'

if (process.argv[2] === 'hang') for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
const child = spawnContained(JSON.parse(process.argv[2] as string), { module: import.meta.url, args: ['hang'] })
child.stderr?.pipe(process.stderr)
// It hangs for certain once it runs; how soon does not matter, the parent may die at any moment.
setTimeout(() => console.log(child.pid), 500)

/** Says with exit code 0 that node runs here and reads our code; started by contain.ts to try a way of containment. Plain JavaScript, since it is waited for. */
import { readFileSync } from 'node:fs'

process.exit(readFileSync(new URL('worker-main.ts', import.meta.url)).length > 0 ? 0 : 1)

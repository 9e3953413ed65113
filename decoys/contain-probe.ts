/** Says with exit code 0 that node runs here and reads our code; started by contain.ts to try a way of containment. */
import { workerFrame } from './worker-link.ts'

process.exit(workerFrame.DATA > 0 ? 0 : 1)

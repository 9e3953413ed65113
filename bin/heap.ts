/** How Node is held to the memory of its role. */
import type { RoleName } from './role-process.ts'

// Without a bound Node lets garbage grow with the machine's memory. A sensor's young generation is small: most of what a session makes lives as long as it.
const sensor = ['--max-old-space-size=256', '--max-semi-space-size=2']
export const heapFlags: Record<RoleName, string[]> = { core: ['--max-old-space-size=1024'], decoys: sensor, relay: sensor }

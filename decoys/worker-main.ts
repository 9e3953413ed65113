/** Entry of a worker process: `node worker-main.ts SERVICES-MODULE`, with the gate's socket as file descriptor 3. */
import { Socket } from 'node:net'
import { runWorker, type Services } from './worker.ts'

for (const name of Object.keys(process.env)) delete process.env[name]
const socket = new Socket({ fd: 3, readable: true, writable: true })
const { services, openWorld, plantEngine } = (await import(process.argv[2] as string)) as Services
const exit = (): never => process.exit(0)
const { log } = runWorker({ socket, services, openWorld, ...(plantEngine ? { plantEngine } : {}), exit })

// One connection's fault must not take the others' sessions; a worker that keeps failing is begun anew.
let faults = 0
setInterval(() => {
  faults = 0
}, 60_000).unref()
const onFault = (error: unknown): void => {
  log(`fault in a worker: ${error instanceof Error ? error.stack : String(error)}`)
  faults += 1
  if (faults > 50) process.exit(70)
}
process.on('uncaughtException', onFault)
process.on('unhandledRejection', onFault)
process.on('SIGINT', () => {}) // the gate says when to stop

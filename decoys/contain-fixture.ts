/** Tries to break out and says on descriptor 3 what came of each try, as JSON; contain.test.ts starts it as a worker. */
import { execFileSync } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { connect } from 'node:net'

const [targets] = process.argv.slice(2).map((text) => JSON.parse(text)) as [
  { port: number; socket: string; files: Record<string, string>; pid: number; env: boolean },
]
const outcomes: Record<string, string> = {}
const attempt = async (name: string, run: () => unknown): Promise<void> => {
  try {
    outcomes[name] = `reached: ${String(await run()).slice(0, 80)}`
  } catch (error) {
    outcomes[name] = (error as NodeJS.ErrnoException).code ?? (error as Error).message
  }
}
const reach = (to: { port: number; host?: string } | { path: string }): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(to, () => resolve('connected'))
    socket.on('error', reject)
  })

await attempt('connect out', () => reach({ port: targets.port, host: '127.0.0.1' }))
await attempt('connect out to the internet', () => reach({ port: 53, host: '192.0.2.53' }))
await attempt('database socket', () => reach({ path: targets.socket }))
await attempt('resolve a name', () => lookup('example.com'))
for (const [name, file] of Object.entries(targets.files)) await attempt(name, () => readFileSync(file))
await attempt('list the data folder', () => readdirSync(targets.files.folder ?? '/root'))
await attempt('environment of the gate', () => readFileSync(`/proc/${targets.pid}/environ`))
await attempt('signal the gate', () => process.kill(targets.pid, 0))
await attempt('run a program', () => execFileSync('/bin/sh', ['-c', 'echo ran']))
await attempt('write a file', () => writeFileSync('/tmp/written', 'x'))
await attempt('change our code', () => writeFileSync(new URL('worker.ts', import.meta.url), ''))
await attempt('become root', () => process.setuid?.(0))
outcomes.environment = Object.keys(process.env).join(' ')
outcomes.user = String(process.getuid?.())
writeSync(3, JSON.stringify(outcomes))
process.exit(0)

/** SSH through everything: relay, decoy host, core and database share the servers' core; the load has another. */
import { install } from '../test/installation.ts'
import { find } from '../test/processes.ts'
import { pinLoad, servers, treeCpuMs } from './process-cost.ts'
import { median, percentile, type Row } from './row.ts'
import { execRate, keys, overTcp, type SshServer } from './ssh-load.ts'

const count = 300

export async function run(): Promise<Row[]> {
  const unpin = pinLoad()
  const site = await install({ prefix: servers })
  try {
    const server: SshServer = { connect: overTcp(site.ports.ssh), username: 'root', password: await site.password('portal') }
    const start = site.process.pid as number
    const parts = [find(start, 'gate') as number, find(start, 'relay') as number]
    await execRate(server, count, 8)
    const before = parts.map(treeCpuMs)
    const perSecond = await execRate(server, count, 8)
    const [host = 0, relay = 0] = parts.map((pid, i) => (treeCpuMs(pid) - (before[i] as number)) / count)
    const typed = await keys(server)
    return [
      { what: 'SSH login + exec through relay, core and database', value: perSecond, unit: '/s', note: 'all on one core' },
      { what: 'CPU a session, decoy host', value: host, unit: 'ms' },
      { what: 'CPU a session, relay', value: relay, unit: 'ms' },
      { what: 'Enter to prompt, 50 shells, p50', value: median(typed.enter), unit: 'ms' },
      { what: 'Enter to prompt, 50 shells, p99', value: percentile(typed.enter, 0.99), unit: 'ms' },
      { what: 'key to echo, 50 shells, p50', value: median(typed.echo), unit: 'ms' },
      { what: 'key to echo, 50 shells, p99', value: percentile(typed.echo, 0.99), unit: 'ms' },
    ]
  } finally {
    await site.remove()
    unpin()
  }
}

if (import.meta.main) {
  const { table } = await import('./row.ts')
  console.log(table(await run()))
  process.exit(0)
}

/**
 * One relay that answers for 4,096 idle addresses: how long the kernel takes to be told, what the relay holds in memory, connections a second and their latency beside a
 * plain listener and HAProxy with PROXY headers on the same bridge. Servers share one core, the load has another; rounds take turns, medians count.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { heapFlags } from '../bin/heap.ts'
import { createAuthority } from '../link/authority.ts'
import { issueIdentity, saveIdentity } from '../link/identity.ts'
import { type LanHost, noLan, openLan } from '../relay/idle/lan-fixture.ts'
import { below } from '../test/processes.ts'
import { pin, treeCpuMs, treeMemoryMib } from './process-cost.ts'
import { addressOf, type Load, macOf, port } from './relay-roles.ts'
import { median, type Row, table } from './row.ts'

const hosts = 4096
/** Of these the load dials so many, known to its ARP cache beforehand. */
const dialled = 256
const rounds = 3
const roundMs = 3000
const roles = join(import.meta.dirname, 'relay-roles.ts')

/** Measures all three and answers one row a figure. */
export async function run(): Promise<Row[]> {
  const reason = noLan()
  if (reason) throw new Error(`it needs ${reason}; run it as root on Linux`)
  const dir = mkdtempSync(join(tmpdir(), 'relay-bench-'))
  chmodSync(dir, 0o755)
  const lan = openLan()
  const children: ChildProcess[] = []
  const ended = async (child: ChildProcess): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('close', resolve))
    }
  }
  /** Resolves with its first line. */
  const start = async (
    within: LanHost | undefined,
    pinned: boolean,
    program: string,
    ...args: string[]
  ): Promise<{ child: ChildProcess; line: string; said(): string }> => {
    const [name, words] = pinned ? pin(program, args) : [program, args]
    const child = within ? within.start(name, ...words) : spawn(name, words, { stdio: ['pipe', 'pipe', 'pipe'] })
    children.push(child)
    let said = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-20_000)
    })
    const line = await new Promise<string>((resolve, reject) => {
      if (child.stdout) createInterface(child.stdout).once('line', resolve)
      child.once('exit', (code) => reject(new Error(`${args.join(' ')} ended with ${code}: ${said}`)))
    })
    return { child, line, said: () => said }
  }

  try {
    const authority = await createAuthority(join(dir, 'ca'), randomBytes(32))
    const save = async (kind: 'relay' | 'decoys', folder: string): Promise<string> => {
      const { sensor, key, certificate, ca } = await issueIdentity(authority, kind)
      await saveIdentity(join(dir, folder), { sensor, role: kind, name: kind, door: '127.0.0.1:1', key, certificate, ca })
      return sensor
    }
    const gateSensor = await save('decoys', 'gate')
    await save('relay', 'timing')
    await save('relay', 'real')
    const gate = await start(undefined, true, process.execPath, roles, 'gate', join(dir, 'gate'))
    const relay = (engine: 'timing' | 'real') => {
      lan.plugIn()
      return start(
        undefined,
        true,
        process.execPath,
        ...heapFlags.relay,
        roles,
        'relay',
        join(dir, engine),
        gate.line,
        gateSensor,
        lan.interface,
        String(hosts),
        engine,
      )
    }

    const timing = await relay('timing')
    const loadMs = Number(/claimed \d+ in ([\d.]+) ms/.exec(timing.said())?.[1])
    await ended(timing.child)
    const begun = performance.now()
    const real = await relay('real')
    const claimedS = (performance.now() - begun) / 1000
    const pid = real.child.pid as number
    const atRestMib = treeMemoryMib(pid)
    const captureMib = treeMemoryMib(below(pid).find(({ parent }) => parent === pid)?.pid ?? 0)

    const attacker = lan.host('at', '10.77.95.2/19')
    const plain = lan.host('pl', '10.77.95.3/19')
    const proxy = lan.host('ha', '10.77.95.4/19')
    await start(plain, true, process.execPath, roles, 'service', 'plain', String(port))
    const backend = await start(proxy, true, process.execPath, roles, 'service', 'proxied', '8080')
    const settings = join(dir, 'haproxy.cfg')
    writeFileSync(
      settings,
      `global\n  nbthread 1\n  maxconn 5000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\nlisten front\n  bind 0.0.0.0:${port} backlog 4096\n  server back 127.0.0.1:8080 send-proxy-v2\n`,
    )
    const [haproxy, words] = pin('haproxy', ['-f', settings, '-db'])
    const front = proxy.start(haproxy, ...words)
    children.push(front)

    const used = Array.from({ length: dialled }, (_, nth) => nth * (hosts / dialled))
    const known = used.map((nth) => `neigh replace ${addressOf(nth)} lladdr ${macOf(nth)} dev eth0 nud permanent`).join('\n')
    writeFileSync(join(dir, 'neighbours'), `${known}\n`)
    attacker.run('ip', '-batch', join(dir, 'neighbours'))
    attacker.run('sysctl', '-q', '-w', 'net.ipv4.ip_local_port_range=10000 65000', 'net.ipv4.tcp_tw_reuse=1')
    const subjects = {
      relay: { addresses: used.map(addressOf), pids: [real.child.pid as number, gate.child.pid as number] },
      plain: { addresses: ['10.77.95.3'], pids: [] as number[] },
      haproxy: { addresses: ['10.77.95.4'], pids: [front.pid as number, backend.child.pid as number] },
    }
    const figures: Record<keyof typeof subjects, (Load & { cpuUs: number })[]> = { relay: [], plain: [], haproxy: [] }
    for (let round = 0; round < rounds; round++)
      for (const [name, { addresses, pids }] of Object.entries(subjects) as [keyof typeof subjects, (typeof subjects)['relay']][]) {
        const cpu = (): number => pids.reduce((sum, pid) => sum + treeCpuMs(pid), 0)
        const before = cpu()
        const loading = await start(attacker, false, 'taskset', '-c', '1', process.execPath, roles, 'load', addresses.join(','), String(roundMs))
        const load = JSON.parse(loading.line) as Load
        figures[name].push({ ...load, cpuUs: ((cpu() - before) * 1000) / (load.connections * (roundMs / 1000)) })
      }
    const afterMib = treeMemoryMib(pid)

    const of = (name: keyof typeof subjects, figure: keyof Load | 'cpuUs'): number => median(figures[name].map((each) => each[figure]))
    const beside = (what: string, unit: string, figure: keyof Load | 'cpuUs', against: 'plain' | 'haproxy', more: boolean): Row => {
      const [value, other] = [of('relay', figure), of(against, figure)]
      const name = against === 'plain' ? 'plain listener' : 'HAProxy'
      return { what, value, unit, against: { name, value: other }, ratio: more ? value / other : other / value }
    }
    return [
      { what: `relay: kernel told of ${hosts} claims`, value: loadMs / 1000, unit: 's', target: '<= 1 s', met: loadMs <= 1000 },
      { what: 'relay: until all are claimed, probes and a quiet second in it', value: claimedS, unit: 's' },
      { what: 'relay: memory, with its capture process', value: atRestMib, unit: 'MiB', target: '<= 120 MiB', met: atRestMib <= 120 },
      { what: 'relay: of that its capture process and what it started, the program itself counted again', value: captureMib, unit: 'MiB' },
      { what: 'relay: the same after the load', value: afterMib, unit: 'MiB' },
      beside('relay: connections', '/s', 'connections', 'plain', true),
      { ...beside('relay: connections', '/s', 'connections', 'haproxy', true), note: 'with first-hop facts, journal and TLS' },
      beside('relay: CPU of a connection, both ends', 'us', 'cpuUs', 'haproxy', false),
      beside('relay: connect, ask, answer, end', 'ms', 'setupMs', 'plain', false),
      beside('relay: connect, ask, answer, end', 'ms', 'setupMs', 'haproxy', false),
      beside('relay: round trip p50', 'ms', 'rttMs', 'plain', false),
      beside('relay: round trip p50', 'ms', 'rttMs', 'haproxy', false),
    ]
  } finally {
    for (const child of children) await ended(child)
    await lan.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

if (import.meta.main) console.log(table(await run()))

import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { findContainment, spawnContained } from './contain.ts'

const dir = mkdtempSync(join(tmpdir(), 'shenlou-contain-'))
const linux = { skip: process.platform !== 'linux' && 'containment is for Linux' }
const files = {
  "the gate's key": join(dir, 'identity.json'),
  'the journal': join(dir, 'journal', '0000000000000001.journal'),
  "another decoy's seed": join(dir, 'config.json'),
  folder: dir,
}
const socket = join(dir, '.s.PGSQL.5432')
let port = 0
let connections = 0
const servers: Server[] = []

before(async () => {
  mkdirSync(join(dir, 'journal'), { mode: 0o700 })
  for (const file of Object.values(files)) if (file !== dir) writeFileSync(file, 'what no worker may read', { mode: 0o600 })
  chmodSync(dir, 0o700)
  for (const where of [{ port: 0, host: '127.0.0.1' }, { path: socket }]) {
    const server = createServer((connection) => {
      connections += 1
      connection.destroy()
    })
    await new Promise<void>((resolve) => server.listen(where, resolve))
    servers.push(server)
  }
  port = (servers[0]!.address() as { port: number }).port
})
after(() => {
  for (const server of servers) server.close()
  rmSync(dir, { recursive: true, force: true })
})

async function probe(kernelOnly: boolean): Promise<{ outcomes: Record<string, string>; contained: boolean; way: string }> {
  const containment = await findContainment(dir)
  const child = spawnContained(containment, {
    module: new URL('contain-fixture.ts', import.meta.url).href,
    args: [JSON.stringify({ port, socket, files, pid: process.pid })],
    kernelOnly,
  })
  let said = ''
  let errors = ''
  ;(child.stdio[3] as Readable).on('data', (chunk) => {
    said += chunk
  })
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  await new Promise((resolve) => child.on('close', resolve))
  assert.ok(said, `the probe said nothing: ${errors}`)
  return { outcomes: JSON.parse(said) as Record<string, string>, contained: containment.contained, way: containment.way }
}

for (const kernelOnly of [false, true]) {
  const what = kernelOnly ? 'also where the kernel alone holds it' : 'as it is started'
  test(`a worker reaches no network, key, journal, seed, database or other process, ${what}`, linux, async (context) => {
    const { outcomes, contained, way } = await probe(kernelOnly)
    context.diagnostic(JSON.stringify(outcomes))
    if (!contained) return context.skip(`the kernel here refuses to contain (${way}); a decoy host says so`)
    const { environment, user, ...tries } = outcomes
    // Where only user and network are its own, programs of the system can be run and the temporary folder written; neither leads anywhere.
    const allowed = way === 'namespace-root' && kernelOnly ? ['run a program', 'write a file'] : []
    for (const [name, outcome] of Object.entries(tries)) {
      if (name === 'become root' && process.getuid?.() !== 0) continue // root of its own empty user namespace, without a capability
      if (!allowed.includes(name)) assert.doesNotMatch(outcome, /^reached/, name)
    }
    assert.equal(environment, '')
    if (process.getuid?.() === 0) assert.notEqual(user, '0')
    assert.equal(connections, 0)
    assert.ok(readFileSync(new URL('worker.ts', import.meta.url)).length > 0)
  })
}

test('a contained program ends when its parent is gone, though it would not by itself', linux, async () => {
  const containment = await findContainment(dir)
  const fixture = new URL('contain-orphan-fixture.ts', import.meta.url)
  const { spawn } = await import('node:child_process')
  const parent = spawn(process.execPath, [fixture.pathname, JSON.stringify(containment)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (chunk) => resolve(Number(chunk))))
  const family = [pid, ...childrenOf(pid)]
  assert.ok(family.every(runs))
  parent.kill('SIGKILL')
  for (let left = 300; family.some(runs); left--) {
    assert.ok(left > 0, 'the worker lives on')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
})

const childrenOf = (pid: number): number[] => {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  return [...children, ...children.flatMap(childrenOf)]
}
const runs = (pid: number): boolean => existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))

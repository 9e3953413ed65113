/** Portal against nginx, in one run: GET of the same page and POST of a form with keep-alive, requests a second and the ratio. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Row } from './row.ts'

interface Server {
  port: number
  child: ChildProcess
  stop(): Promise<void>
}

const pinned = (program: string, args: string[], core: number): [string, string[]] =>
  availableParallelism() > 1 ? ['taskset', ['-c', String(core), program, ...args]] : [program, args]

async function startPortal(): Promise<Server & { login: string; form: string }> {
  const [program, args] = pinned(process.execPath, [join(import.meta.dirname, '../decoys/portal/bench-fixture.ts')], 0)
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  const told = JSON.parse(line.toString()) as { port: number; login: string; form: string }
  return { ...told, child, stop: () => stopped(child) }
}

async function startNginx(folder: string, page: Buffer): Promise<Server> {
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  writeFileSync(join(folder, 'index.html'), page)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((part) => `${part}_temp_path ${folder}/${part};`).join(' ')
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr crit;\nevents {}\nhttp { include /etc/nginx/mime.types; access_log ${folder}/access.log; keepalive_requests 100000000; ${temporary}\nserver { listen 127.0.0.1:${port}; root ${folder}; location = /login { default_type text/html; return 200 "${'x'.repeat(2000)}"; } } }\n`,
  )
  const [program, args] = pinned('nginx', ['-c', join(folder, 'nginx.conf'), '-e', 'stderr'], 0)
  const child = spawn(program, args, { stdio: 'ignore' })
  for (let i = 0; i < 200; i++) {
    const up = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('connect', () => resolve(socket.destroy() !== undefined)).on('error', () => resolve(false))
    })
    if (up) return { port, child, stop: () => stopped(child) }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('nginx did not start; is it installed?')
}

async function stopped(child: ChildProcess): Promise<void> {
  child.kill()
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** CPU seconds of a process so far, from /proc. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}
const rssMiB = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024

/** Answers of a raw keep-alive connection are counted by their length, which is the same for all. */
async function load(server: Server, request: () => string, seconds: number, connections: number): Promise<{ perS: number; cpuUs: number }> {
  let count = 0
  let stop = false
  const worker = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true })
      let buffer = Buffer.alloc(0)
      const send = (): void => {
        if (stop) {
          socket.destroy()
          resolve()
        } else socket.write(request(), 'latin1')
      }
      const open = (): void => {
        socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true }, send)
        listen()
      }
      const listen = (): void => {
        socket.on('error', reject)
        socket.on('data', (part) => {
          buffer = buffer.length === 0 ? part : Buffer.concat([buffer, part])
          const end = buffer.indexOf('\r\n\r\n')
          if (end < 0) return
          const head = buffer.toString('latin1', 0, end)
          const length = /\r\nContent-Length: (\d+)/.exec(head)
          const whole = length ? buffer.length >= end + 4 + Number(length[1]) : buffer.subarray(-5).toString('latin1') === '0\r\n\r\n'
          if (!whole) return
          buffer = Buffer.alloc(0)
          count++
          if (head.includes('\r\nConnection: close')) {
            socket.removeAllListeners('data')
            socket.destroy()
            open()
          } else send()
        })
      }
      socket.on('connect', send)
      listen()
    })
  const workers = Promise.all(Array.from({ length: connections }, worker))
  await new Promise((resolve) => setTimeout(resolve, 700))
  const [from, cpuFrom, started] = [count, cpuSeconds(server.child.pid as number), performance.now()]
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const [requests, cpu, elapsed] = [count - from, cpuSeconds(server.child.pid as number) - cpuFrom, (performance.now() - started) / 1000]
  stop = true
  await workers
  return { perS: requests / elapsed, cpuUs: (cpu * 1e6) / Math.max(1, requests) }
}

/** Measures portal and nginx in turn, servers on one core and the load on another where there are two. */
export async function run(seconds = 3): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-bench-'))
  const portal = await startPortal()
  const page = Buffer.from(await (await fetch(`http://127.0.0.1:${portal.port}/`)).arrayBuffer())
  const nginx = await startNginx(folder, page)
  try {
    const rows: Row[] = []
    const headers = 'Host: www.example.cn\r\nUser-Agent: bench/1\r\nAccept: */*\r\n'
    let serial = 0
    const get = (): string => `GET / HTTP/1.1\r\n${headers}\r\n`
    const post = (): string => {
      const body = `${portal.form}=hunter-${serial++}`
      return `POST ${portal.login} HTTP/1.1\r\n${headers}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    }
    for (const [name, request] of [
      ['GET', get],
      ['POST', post],
    ] as const) {
      const ours = await load(portal, request, seconds, 50)
      const theirs = await load(nginx, name === 'POST' ? () => post().replace(portal.login, '/login') : request, seconds, 50)
      rows.push({
        what: `portal ${name}, keep-alive, every request said`,
        value: ours.perS,
        unit: '/s',
        against: { name: 'nginx', value: theirs.perS },
        ratio: ours.perS / theirs.perS,
        target: '>= 0.4 x nginx',
        met: ours.perS >= 0.4 * theirs.perS,
        note: name === 'POST' ? 'a sign-in judged and a page made, against a fixed text' : 'the same page, access log on',
      })
      rows.push({
        what: `portal ${name}, CPU a request`,
        value: ours.cpuUs,
        unit: 'us',
        against: { name: 'nginx', value: theirs.cpuUs },
        ratio: theirs.cpuUs / ours.cpuUs,
      })
    }
    rows.push({ what: 'portal memory after it', value: rssMiB(portal.child.pid as number), unit: 'MiB RSS' })
    return rows
  } finally {
    await portal.stop()
    await nginx.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Kill -9 of core, gate, worker, relay and PostgreSQL in turn, under load. Clients write down what they saw answered; then the database
 * must hold each of those exactly once, and no sensor may have a gap.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import type { StoredEvent } from '@shenlou/contract/event'
import { type Installation, until } from './installation.ts'
import { find, type Victim } from './processes.ts'

export interface LossCount {
  kills: number
  httpAnswered: number
  commandsAnswered: number
  missing: string[]
  twice: string[]
  gaps: number
  events: number
}

const victims: readonly Victim[] = ['core', 'gate', 'worker', 'relay', 'postgres']

/** One request on a connection of its own; resolves to whether the whole answer was seen. */
function request(port: number, token: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' })
    const parts: Buffer[] = []
    const done = (seen: boolean): void => {
      socket.destroy()
      resolve(seen)
    }
    const whole = (): boolean => {
      const text = Buffer.concat(parts).toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      const length = /\r\nContent-Length: (\d+)/i.exec(text.slice(0, head))
      return head > 0 && (length ? text.length >= head + 4 + Number(length[1]) : /\r\n0\r\n\r\n$/.test(text))
    }
    socket.setTimeout(4000, () => done(false))
    socket.on('error', () => done(false))
    socket.on('close', () => done(whole()))
    socket.on('data', (part: Buffer) => {
      parts.push(part)
      if (whole()) done(true)
    })
    socket.write(`GET /search?q=${token} HTTP/1.1\r\nHost: www\r\nConnection: close\r\n\r\n`)
  })
}

/** One login and command; resolves to whether its output was seen. */
function command(port: number, password: string, token: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = new ssh2.Client()
    let output = ''
    const done = (): void => {
      clearTimeout(timer)
      client.destroy()
      resolve(output.includes(token))
    }
    const timer = setTimeout(done, 5000)
    client.on('error', done).on('close', done)
    client.on('ready', () => {
      client.exec(`echo ${token}`, (error, channel) => {
        if (error) return done()
        channel.on('data', (part: Buffer) => {
          output += part.toString('latin1')
        })
        channel.on('close', done)
      })
    })
    client.connect({ host: '127.0.0.1', port, username: 'root', password, readyTimeout: 4000 })
  })
}

async function everyEvent(site: Installation): Promise<StoredEvent[]> {
  const all: StoredEvent[] = []
  for (let after = 0; ; ) {
    const { events } = await site.call('events', { query: { after, limit: 500 } })
    all.push(...events)
    const last = events.at(-1)
    if (!last) return all
    after = last.position
  }
}

export async function countLoss(site: Installation, folder: string, rounds: number): Promise<LossCount> {
  const file = join(folder, 'answered')
  appendFileSync(file, '')
  const password = await site.password('router')
  const start = site.process.pid as number
  let running = true
  let number = 0
  const worker = async (kind: 'http' | 'command'): Promise<void> => {
    while (running) {
      const token = `${kind}-${process.pid}-${++number}-end`
      const seen = kind === 'http' ? await request(site.ports.portal, token) : await command(site.ports.router, password, token)
      if (seen) appendFileSync(file, `${token}\n`)
      else await new Promise((done) => setTimeout(done, 20))
    }
  }
  const load = [worker('http'), worker('http'), worker('http'), worker('command'), worker('command')]
  const answered = (): string[] => readFileSync(file, 'utf8').split('\n').filter(Boolean)

  let kills = 0
  try {
    for (let round = 0; round < rounds; round++) {
      for (const victim of victims) {
        const before = answered().length
        await until(`answers before ${victim} is killed in round ${round}`, () => answered().length > before + 5, 60_000)
        const pid = await until(`${victim} to be there`, () => find(start, victim), 30_000)
        process.kill(pid, 'SIGKILL')
        kills++
        await until(
          `${victim} to be back`,
          () => {
            const next = find(start, victim)
            return next !== undefined && next !== pid
          },
          30_000,
        )
      }
    }
    const before = answered().length
    await until('answers after the last kill', () => answered().length > before + 20, 60_000)
  } finally {
    running = false
    await Promise.all(load)
  }
  const tokens = answered()
  // The queues are empty when every sensor says so and nothing more is committed.
  await until(
    'the queues to drain',
    async () =>
      (await site.call('sensors', {})).items.filter(({ role }) => role !== 'source').every(({ connected, queueEvents }) => connected && queueEvents === 0),
    60_000,
  )
  const counted = new Map<string, number>()
  let events: StoredEvent[] = []
  await until(
    'all answered tokens, or no more events',
    async () => {
      const now = await everyEvent(site)
      const settled = now.length === events.length && now.length > 0
      events = now
      return settled
    },
    60_000,
  )
  for (const event of events) {
    const text = event.kind === 'http.exchanged' ? String(event.body.target) : event.kind === 'command.executed' ? String(event.body.input) : ''
    const token = /(?:http|command)-\d+-\d+-end/.exec(text)?.[0]
    if (token) counted.set(token, (counted.get(token) ?? 0) + 1)
  }
  const sensors = (await site.call('sensors', {})).items
  return {
    kills,
    httpAnswered: tokens.filter((token) => token.startsWith('http')).length,
    commandsAnswered: tokens.filter((token) => token.startsWith('command')).length,
    missing: tokens.filter((token) => !counted.has(token)),
    twice: tokens.filter((token) => (counted.get(token) ?? 0) > 1),
    gaps: sensors.reduce((sum, { missingEvents }) => sum + missingEvents, 0),
    events: events.length,
  }
}

/** Clients that know what they saw answered, and the comparison with what the database holds. */
import { createConnection } from 'node:net'
import ssh2 from 'ssh2'
import type { StoredEvent } from '@shenlou/contract/event'
import { type Installation, until } from './installation.ts'

/** One request on a connection of its own; resolves to whether the whole answer was seen. */
export function request(port: number, token: string, localAddress = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1', localAddress })
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
export function command(port: number, password: string, token: string, localAddress = '127.0.0.1'): Promise<boolean> {
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
    client.connect({ host: '127.0.0.1', port, username: 'root', password, readyTimeout: 4000, localAddress })
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

export interface Stored {
  missing: string[]
  twice: string[]
  gaps: number
  events: number
}

/** Waits until the sensors' queues are empty, then looks for each token: `http-` ones in requests, `command-` ones in commands. */
export async function compareWithStore(site: Installation, tokens: readonly string[]): Promise<Stored> {
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
    missing: tokens.filter((token) => !counted.has(token)),
    twice: tokens.filter((token) => (counted.get(token) ?? 0) > 1),
    gaps: sensors.reduce((sum, { missingEvents }) => sum + missingEvents, 0),
    events: events.length,
  }
}

/** From an attacker's key to an analyst's screen: 200 live shells typing, one console watching each in turn. */
import type { Client, ClientChannel } from 'ssh2'
import { WebSocket } from 'ws'
import { install, until } from '../test/installation.ts'
import { percentile, type Row } from './row.ts'
import { openShell, overTcp, type SshServer, sourceOf } from './ssh-load.ts'

const shells = 200
const keysEach = 40
const gapMs = 200

export async function run(): Promise<Row[]> {
  const site = await install()
  const clients: Client[] = []
  try {
    await site.signIn()
    const channels: ClientChannel[] = []
    const server: SshServer = { connect: overTcp(site.ports.ssh), username: 'root', password: await site.password('portal') }
    const open = async (i: number): Promise<void> => {
      const { client, channel } = await openShell(server, i)
      clients.push(client)
      channels[i] = channel
    }
    for (let i = 0; i < shells; i += 20) await Promise.all(Array.from({ length: 20 }, (_, k) => open(i + k)))
    const sessions = await until('all sessions', async () => {
      const { items } = await site.call('sessions', { query: { live: 'true', limit: 500 } })
      return items.length >= shells && items
    })
    const bySource = new Map(sessions.map(({ source, id }) => [source, id]))

    // One console watches a screenful of sessions; five of them watch all.
    const sockets = Array.from(
      { length: 5 },
      () => new WebSocket(`${site.url.replace('http', 'ws')}/api/v1/live`, { headers: { cookie: site.cookie(), origin: site.url } }),
    )
    await Promise.all(sockets.map((socket) => new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))))
    const sent = new Map<string, number>()
    const times: number[] = []
    const order = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEF'
    const onMessage = (data: Buffer): void => {
      const frame = JSON.parse(data.toString('utf8'))
      if (frame.type !== 'session-events') return
      for (const event of frame.events) {
        if (event.kind !== 'terminal.data' || event.body.stream !== 'output') continue
        const key = `${frame.session} ${Buffer.from(event.body.data, 'base64').toString('latin1')}`
        const at = sent.get(key)
        if (at === undefined) continue
        sent.delete(key)
        times.push(performance.now() - at)
      }
    }
    for (const socket of sockets) socket.on('message', onMessage)
    for (const [i, { id }] of sessions.entries()) sockets[i % sockets.length]?.send(JSON.stringify({ type: 'session', session: id }))
    await Promise.all(
      channels.map(async (channel, i) => {
        const session = bySource.get(sourceOf(i))
        await new Promise((done) => setTimeout(done, (i * gapMs) / shells))
        for (let k = 0; k < keysEach; k++) {
          const key = order[k] as string
          sent.set(`${session} ${key}`, performance.now())
          channel.write(key)
          await new Promise((done) => setTimeout(done, gapMs))
        }
      }),
    )
    await until('every key on the screen', () => times.length === shells * keysEach, 10_000).catch(() => undefined)
    for (const socket of sockets) socket.close()
    return [
      { what: `attacker's key to console, ${shells} live sessions, p50`, value: percentile(times, 0.5), unit: 'ms' },
      { what: 'p95', value: percentile(times, 0.95), unit: 'ms', target: '≤ 300 ms', met: percentile(times, 0.95) <= 300 },
      { what: 'longest', value: Math.max(...times), unit: 'ms', target: '≤ 1,000 ms', met: Math.max(...times) <= 1000 },
      { what: 'keys seen', value: times.length, unit: `of ${shells * keysEach}`, met: times.length === shells * keysEach },
    ]
  } finally {
    for (const client of clients) client.destroy()
    await site.remove()
  }
}

if (import.meta.main) {
  const { table } = await import('./row.ts')
  console.log(table(await run()))
  process.exit(0)
}

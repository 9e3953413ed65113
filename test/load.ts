/** Many attackers at once on SSH and portal, an analyst who follows one of them in the browser, and what all of it costs in memory. */
import { spawn } from 'node:child_process'
import { command, compareWithStore, request, type Stored } from './answered.ts'
import { openConsole, sshOptions } from './clients.ts'
import { type Installation, until } from './installation.ts'
import { memoryMiB, type Role, shown } from './memory.ts'

export interface LoadCount extends Stored {
  answered: number
  refused: number
  /** Milliseconds from a line at the followed attacker's client to the same line in the analyst's browser, ascending. */
  followedMs: number[]
  /** Memory by role, one sample a round. */
  memory: Record<Role, number>[]
}

export interface LoadOptions {
  attackers: number
  ms: number
  progress?(line: string): void
}

/** A shell that stays open, and what it printed. */
async function followed(site: Installation, password: string) {
  const client = spawn('sshpass', ['-p', password, 'ssh', '-tt', ...sshOptions, '-p', String(site.ports.ssh), 'root@127.0.0.1'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  let output = ''
  client.stdout.on('data', (part: Buffer) => {
    output += part.toString('latin1')
  })
  await until('a prompt', () => output.includes('# '), 30_000)
  return {
    async say(text: string): Promise<void> {
      client.stdin.write(`echo ${text}\r`)
      // The echo of the keys and the answer.
      await until(`${text} at the client`, () => output.split(text).length > 2, 30_000)
    },
    async end(): Promise<void> {
      const gone = new Promise((done) => client.once('exit', done))
      client.stdin.write('exit\r')
      await gone
    },
  }
}

/** Applies the load for `ms`, then compares what every client saw answered with the database. The installation must be signed in. */
export async function applyLoad(site: Installation, { attackers, ms, progress = () => undefined }: LoadOptions): Promise<LoadCount> {
  const password = await site.password('router')
  const target = await followed(site, await site.password('portal'))
  const live = await until('the followed session', async () =>
    (await site.call('sessions', { query: { live: 'true' } })).items.find(({ loggedIn, service }) => loggedIn && service === 'ssh'),
  )
  const tokens: string[] = []
  const followedMs: number[] = []
  const memory: LoadCount['memory'] = []
  let refused = 0
  let number = 0
  let end = 0

  const attacker = async (nth: number): Promise<void> => {
    // As from many machines: one source alone is held to a share.
    const address = `127.0.${1 + (nth % 100)}.${1 + (nth % 200)}`
    while (Date.now() < end) {
      const kind = nth % 2 === 0 ? 'http' : 'command'
      const token = `${kind}-${process.pid}-${++number}-end`
      const seen = kind === 'http' ? await request(site.ports.portal, token, address) : await command(site.ports.router, password, token, address)
      if (seen) tokens.push(token)
      else refused++
    }
  }
  const { page, close } = await openConsole(site)
  try {
    await page.goto(`${site.url}/sessions/${live.id}`)
    await page.waitForSelector('.xterm-rows')
    end = Date.now() + ms
    const load = Array.from({ length: attackers }, (_, nth) => attacker(nth))
    const everyMs = Math.max(1000, ms / 40)
    for (let round = 1; Date.now() < end; round++) {
      const begun = Date.now()
      const mark = `mark${round}m`
      await target.say(mark)
      const answeredAt = Date.now()
      await page.waitForFunction((text) => (document.querySelector('.xterm-rows')?.textContent?.split(text).length ?? 0) > 2, mark, { timeout: 20_000 })
      followedMs.push(Date.now() - answeredAt)
      memory.push(memoryMiB(site.process.pid as number))
      progress(`${tokens.length} answered, ${refused} refused, followed in ${followedMs.at(-1)} ms, MiB: ${shown(memory.at(-1) as Record<Role, number>)}`)
      await new Promise((done) => setTimeout(done, Math.max(0, begun + everyMs - Date.now())))
    }
    await Promise.all(load)
  } finally {
    await close()
    await target.end()
  }
  return { answered: tokens.length, refused, followedMs: followedMs.sort((a, b) => a - b), memory, ...(await compareWithStore(site, tokens)) }
}

/**
 * Kill -9 of core, gate, worker, relay and PostgreSQL in turn, under load. Clients write down what they saw answered; then the database
 * must hold each of those exactly once, and no sensor may have a gap.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { command, compareWithStore, request, type Stored } from './answered.ts'
import { type Installation, until } from './installation.ts'
import { find, type Victim } from './processes.ts'

export interface LossCount extends Stored {
  kills: number
  httpAnswered: number
  commandsAnswered: number
}

const victims: readonly Victim[] = ['core', 'gate', 'worker', 'relay', 'postgres']

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
  return {
    kills,
    httpAnswered: tokens.filter((token) => token.startsWith('http')).length,
    commandsAnswered: tokens.filter((token) => token.startsWith('command')).length,
    ...(await compareWithStore(site, tokens)),
  }
}

/** What nmap takes the hosts of a relay for, by their TCP class. docs/relay.md has its words. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { TcpClass } from '@shenlou/contract/segment'
import { type Driven, drive, hall, idle } from '../relay/capture/driven-fixture.ts'
import { type Lan, type LanHost, noLan, openLan } from '../relay/idle/lan-fixture.ts'
import { use } from './park-fixture.ts'

interface Guess {
  name: string
  percent: number
}
const guessesOf = (text: string): Guess[] => {
  const exact = /^OS details: (.*)$/m.exec(text)?.[1]
  if (exact) return exact.split(', ').map((name) => ({ name, percent: 100 }))
  const line = /^Aggressive OS guesses: (.*)$/m.exec(text)?.[1] ?? ''
  return [...line.matchAll(/([^%]+?) \((\d+)%\)(?:, )?/g)].map(([, name = '', percent]) => ({ name, percent: Number(percent) }))
}

describe('nmap -O', () => {
  let lan: Lan
  let attacker: LanHost
  let relay: Driven
  const hosts: Record<TcpClass, ReturnType<typeof idle>> = {
    linux: idle('10.77.0.51', 1),
    windows: idle('10.77.0.52', 2, { tcp: 'windows' }),
    embedded: idle('10.77.0.53', 3, { tcp: 'embedded' }),
  }
  before(async () => {
    const reason = noLan()
    if (reason) throw new Error(`it needs ${reason}; run this test as root on Linux`)
    lan = openLan()
    lan.plugIn()
    attacker = lan.host('at', '10.77.0.10/24')
    relay = drive({ interfaces: [lan.interface], segments: [hall(lan.interface)], hosts: Object.values(hosts), tcp: [22, 80], udp: [] })
    await relay.claimed(3)
  })
  after(async () => {
    await relay?.end()
    await lan?.close()
  })

  /** The guesses of the best of three scans: its timing suffers from a busy machine. */
  async function look(tcp: TcpClass): Promise<Guess[]> {
    let best: Guess[] = []
    for (let nth = 0; nth < 3; nth++) {
      const { text } = await use(attacker, 'nmap', '-n', '-O', '--osscan-guess', '-p', '22,80,81,443', hosts[tcp].address)
      const guesses = guessesOf(text)
      assert.ok(guesses.length > 0, text)
      if ((guesses[0]?.percent ?? 0) > (best[0]?.percent ?? 0)) best = guesses
    }
    return best
  }
  const families: Record<TcpClass, RegExp> = {
    linux: /Linux/,
    windows: /Microsoft Windows/,
    embedded: /embedded|camera|router|gateway|controller|PLC|VxWorks|Linux/i,
  }
  for (const tcp of Object.keys(hosts) as TcpClass[])
    test(`names the family of the class ${tcp}`, async (t) => {
      const guesses = await look(tcp)
      t.diagnostic(`shown: nmap -O on ${tcp}: ${guesses.map(({ name, percent }) => `${name} (${percent}%)`).join(', ')}`)
      const best = guesses.filter(({ percent }) => percent === guesses[0]?.percent)
      assert.ok(
        best.some(({ name }) => families[tcp].test(name)),
        JSON.stringify(guesses),
      )
      if (tcp !== 'windows') assert.ok(!best.some(({ name }) => families.windows.test(name)), JSON.stringify(guesses))
    })
})

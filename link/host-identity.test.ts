import assert from 'node:assert/strict'
import { hkdfSync } from 'node:crypto'
import { test } from 'node:test'
import type { PersonaTemplate } from '@shenlou/contract/persona'
import { drawHostname, drawMac, hostDraw, tcpClassOf } from './host-identity.ts'

const seed = 'ab'.repeat(32)
const organisation = { name: { zh: '海川', en: 'Haichuan' }, domain: 'hai-chuan.cn' }
const persona = { hardware: { macPrefixes: ['00:1b:1b'], serialPattern: '##' }, host: { hostname: ['{site}-plc##'] } } as unknown as PersonaTemplate

test('what is drawn is HKDF of the seed, salted by the decoy', () => {
  const { draw } = hostDraw({ seed, decoy: 'a', persona: 'p' })
  for (const bytes of [3, 32, 33, 255])
    assert.deepEqual(draw('mac', bytes), Buffer.from(hkdfSync('sha256', Buffer.from(seed, 'hex'), 'persona a', 'mac', bytes)), `${bytes} bytes`)
  assert.throws(() => hostDraw({ seed: 'x', decoy: 'a', persona: 'p' }), /decoy a: the seed is not 32 bytes/)
})

test('a host that steps aside has the next MAC address and another name, in longer numbers when short ones run out', () => {
  const drawer = hostDraw({ seed, decoy: 'a', persona: 'p' })
  const last = (mac: string): number => Number.parseInt(mac.replaceAll(':', '').slice(6), 16)
  const [first, second] = [drawMac(persona, drawer), drawMac(persona, drawer, 1)]
  assert.match(first, /^00:1b:1b(:[0-9a-f]{2}){3}$/)
  assert.equal(last(second), (last(first) + 1) % 0x1000000)
  assert.equal(last(drawMac(persona, drawer, 0x1000000 - last(first))), 0)
  assert.match(drawHostname(persona, organisation, drawer), /^haichuan-plc\d\d$/)
  const names = Array.from({ length: 12 }, (_, step) => drawHostname(persona, organisation, drawer, step))
  assert.ok(new Set(names).size > 9)
  assert.match(names[5] as string, /^haichuan-plc\d{3}$/)
  assert.match(names[9] as string, /^haichuan-plc\d{4}$/)
})

test('a system looks from outside as its family does', () => {
  assert.deepEqual(['linux', 'windows', 'embedded'].map(tcpClassOf), ['linux', 'windows', 'embedded'])
})

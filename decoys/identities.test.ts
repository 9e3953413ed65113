import assert from 'node:assert/strict'
import { test } from 'node:test'
import { personaTemplate } from '@shenlou/contract/persona'
import type { DecoyConfig } from '@shenlou/contract/sensor'
import { createIdentities } from './identities.ts'
import { drawPersona } from './persona.ts'
import { serverTemplate } from './persona-fixture.ts'

const organisation = { name: { zh: '海川重工', en: 'Haichuan Heavy' }, domain: 'haichuan-heavy.cn' }
const persona = { ...personaTemplate.parse(serverTemplate), ssh: undefined, web: undefined }
const decoys = (count: number): DecoyConfig[] =>
  Array.from({ length: count }, (_, at) => ({ id: `d-${at}`, persona, organisation, seed: String(at % 10).repeat(64), secrets: {}, services: [] }))

test('every decoy is told of in turns, as the host that it shows', () => {
  const identities = createIdentities()
  const all = decoys(120)
  identities.set(all)
  const said = new Map<string, string>()
  for (let now = 1000; now < 31_000; now += 5000) for (const each of identities.next(now)) said.set(each.decoy, each.hostname)
  assert.equal(said.size, 120)
  for (const { id, seed } of all.slice(0, 5))
    assert.equal(said.get(id), drawPersona({ template: persona, organisation, seed, decoy: id, secrets: {} }).hostname)
})

test('asking twice in one turn answers the same, and a decoy that cannot be drawn is passed over', () => {
  const identities = createIdentities()
  identities.set([...decoys(2), { ...(decoys(1)[0] as DecoyConfig), id: 'broken', seed: 'x' }])
  assert.deepEqual(identities.next(1000), identities.next(1400))
  assert.deepEqual(
    identities.next(2000).map(({ decoy }) => decoy),
    ['d-0', 'd-1'],
  )
})

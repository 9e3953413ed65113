import assert from 'node:assert/strict'
import { test } from 'node:test'
import { personaTemplate } from '@shenlou/contract/persona'
import type { DecoysConfig } from '@shenlou/contract/sensor'
import { shareTemplates } from './gate-share.ts'
import { serverTemplate } from './persona-fixture.ts'

const decoy = (id: string, more: object = {}): DecoysConfig['decoys'][number] => ({
  id,
  persona: { ...personaTemplate.parse(serverTemplate), ...more },
  organisation: { name: { zh: '海川', en: 'Haichuan' }, domain: 'haichuan.cn' },
  seed: '07'.repeat(32),
  secrets: {},
  services: [],
})

test('decoys of one persona share it, those of another do not, and what tells them apart stays the same', () => {
  const decoys = [decoy('a'), decoy('b'), decoy('c', { id: 'other' })]
  const before = structuredClone(decoys)
  const digests = shareTemplates(decoys)
  assert.deepEqual(decoys, before)
  assert.equal(decoys[0]?.persona, decoys[1]?.persona)
  assert.notEqual(decoys[0]?.persona, decoys[2]?.persona)
  assert.equal(new Set(digests).size, 3)
  assert.deepEqual(shareTemplates([decoy('a'), decoy('b'), decoy('c')]).slice(0, 2), digests.slice(0, 2))
  assert.notEqual(shareTemplates([{ ...decoy('a'), seed: '08'.repeat(32) }])[0], digests[0])
})

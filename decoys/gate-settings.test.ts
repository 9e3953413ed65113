import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSettings } from './gate-settings.ts'

test('settings that do not fit are named and their service is left out; the others get their defaults', () => {
  const { services, problems } = parseSettings([
    { service: 'ssh', settings: {} },
    { service: 'portal', settings: { login: { accounts: 'all' } } },
    { service: 'of-a-test', settings: { any: 1 } },
  ])
  assert.deepEqual(
    services.map(({ service }) => service),
    ['ssh', 'of-a-test'],
  )
  assert.deepEqual(services[0]?.settings, { login: { accounts: [] } })
  assert.deepEqual(services[1]?.settings, { any: 1 })
  assert.equal(problems.length, 1)
  assert.match(problems[0] as string, /^portal: login\.accounts: /)
})

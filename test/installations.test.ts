/** Never a default identity: two fresh installations share nothing that names a host, and no bytes but those that real servers send. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Capture, capture, grams } from './capture.ts'
import { type Installation, install } from './installation.ts'
import { realServers } from './real-servers.ts'

const reviewed = readFileSync(join(import.meta.dirname, 'common-bytes.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [fragment = '', reason = ''] = line.split('\t')
    return { fragment: JSON.parse(fragment) as string, reason }
  })

const allowed = grams(Buffer.from(reviewed.map(({ fragment }) => fragment).join('\0\0\0\0\0\0\0\0'), 'latin1'))

/** Runs of eight bytes that both captures hold and that neither the real servers nor the reviewed list explain. */
function unexplained(one: Map<string, Buffer>, two: Map<string, Buffer>, real: Set<string>): string[] {
  const left = grams(Buffer.concat([...one.values()]))
  const right = grams(Buffer.concat([...two.values()]))
  return [...left].filter((gram) => right.has(gram) && !real.has(gram) && !allowed.has(gram))
}

describe('two fresh installations', () => {
  const sites: Installation[] = []
  const captures: Capture[] = []
  let real: Set<string>
  before(async () => {
    for (let i = 0; i < 2; i++) {
      const site = await install()
      sites.push(site)
      captures.push(await capture(site))
      await site.stop()
    }
    real = await realServers()
  })
  after(async () => {
    for (const site of sites) await site.remove()
  })

  test('share no value of an identity field', () => {
    const [one, two] = captures as [Capture, Capture]
    for (const field of [
      'host key',
      'certificate serial',
      'certificate subject',
      'certificate key',
      'hostname',
      'cookie name',
      'cookie value',
      'etag',
      'asset',
      'favicon',
      'page id',
      'mac',
      'password',
    ]) {
      const left = one.identity.get(field)
      const right = two.identity.get(field)
      assert.ok(left && left.size > 0 && right && right.size > 0, `${field} was captured`)
      assert.deepEqual(
        [...left].filter((value) => right.has(value)),
        [],
        field,
      )
    }
  })

  test('share no eight bytes but those of real servers and a reviewed list of at most 60 lines', (t) => {
    assert.ok(reviewed.length <= 60 && reviewed.every(({ reason }) => reason.length > 10), 'the list is short and each line has its reason')
    const [one, two] = captures as [Capture, Capture]
    const left = unexplained(one.bytes, two.bytes, real)
    t.diagnostic(
      `shown: ${[...one.bytes.values()].reduce((sum, part) => sum + part.length, 0)} bytes captured, ${left.length} unexplained runs, ${reviewed.length} reviewed lines`,
    )
    assert.deepEqual(
      left.slice(0, 60).map((gram) => JSON.stringify(gram)),
      [],
    )
  })

  test('a constant planted in both captures is found', () => {
    const planted = captures.map(({ bytes }) => new Map([...bytes, ['planted', Buffer.from('svr04-default-identity')]]))
    const [one, two] = planted as [Map<string, Buffer>, Map<string, Buffer>]
    assert.ok(unexplained(one, two, real).some((gram) => 'svr04-default-identity'.includes(gram)))
  })
})

/** Never a default identity: two fresh installations share nothing that names a host, and a constant common to both is found. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Capture, capture } from './capture.ts'
import { reviewed, unexplained } from './common-bytes.ts'
import { type Installation, install } from './installation.ts'
import { realServers } from './real-servers.ts'

const fields = [
  'host key',
  'certificate serial',
  'certificate subject',
  'certificate issuer',
  'certificate key',
  'hostname',
  'cookie name',
  'cookie value',
  'etag',
  'asset',
  'favicon',
  'mac',
  'machine id',
  'password',
] as const

describe('two fresh installations', () => {
  const sites: Installation[] = []
  const captures: Capture[] = []
  before(async () => {
    for (let i = 0; i < 2; i++) {
      const site = await install()
      sites.push(site)
      captures.push(await capture(site))
      await site.stop()
    }
  })
  after(async () => {
    for (const site of sites) await site.remove()
  })

  test('share no value of an identity field', () => {
    const [one, two] = captures as [Capture, Capture]
    for (const field of [...fields, 'page id']) {
      const left = one.identity.get(field) ?? new Set()
      const right = two.identity.get(field) ?? new Set()
      if (field !== 'page id') assert.ok(left.size > 0 && right.size > 0, `${field} was captured`)
      assert.deepEqual(
        [...left].filter((value) => right.has(value)),
        [],
        field,
      )
    }
  })

  test('share few bytes that neither real servers nor the reviewed list explain, and a planted constant is among them', async (t) => {
    assert.ok(reviewed.length <= 60 && reviewed.every(({ reason }) => reason.length > 10), 'the list is short and each line has its reason')
    const [one, two] = captures as [Capture, Capture]
    const real = await realServers()
    const found = unexplained(one.bytes, two.bytes, real)
    const count = [...found.values()].reduce((sum, runs) => sum + runs.length, 0)
    t.diagnostic(
      `shown: ${[...one.bytes.values()].reduce((sum, part) => sum + part.length, 0)} bytes captured, ${count} unexplained runs of eight: ${[...found].map(([part, runs]) => `${part} ${runs.length}`).join(', ')}`,
    )
    const plant = (from: Map<string, Buffer>): Map<string, Buffer> => new Map([...from, ['planted', Buffer.from('svr04-default-identity')]])
    const planted = unexplained(plant(one.bytes), plant(two.bytes), real)
    assert.ok(planted.get('planted')?.some((gram) => 'svr04-default-identity'.includes(gram)))
    // What is left are words of everyday English and columns of `last` and `ps` that fell alike; a constant of ours would add its whole length.
    assert.ok((found.get('portal') ?? []).length <= 60, (found.get('portal') ?? []).slice(0, 40).join(' | '))
    assert.ok(
      count <= 600,
      [...found.values()]
        .flat()
        .slice(0, 60)
        .map((gram) => JSON.stringify(gram))
        .join(' '),
    )
  })
})

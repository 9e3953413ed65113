/** The wire itself: pieces, pipelines, limits, silence and random bytes. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { services } from '@shenlou/contract/services'
import { defineDecoy } from '../decoy.ts'
import type { Dialect } from './answer.ts'
import { clean, cleanFields } from './clean.ts'
import { type Harness, host } from './harness-fixture.ts'
import { nginxDialect } from './nginx.ts'
import { webPersona } from './persona-fixture.ts'
import { serveHttp, type Site } from './wire.ts'

const file = { body: Buffer.from('hello\n'), type: 'text/plain', modified: 1_700_000_000 }
const longPage = Buffer.from(`a${'\u4f60'.repeat(6000)}`)
const pages: Record<string, Buffer> = { text: Buffer.from('\n<p>\u4f60\u597d\\ \u202e \x1b[2J</p>'), long: longPage, binary: Buffer.alloc(16_385, 0xff) }
const site: Site = {
  reads: (head) => head.path === '/app',
  answer: ({ head, body }) =>
    head.path === '/app'
      ? { kind: 'page', status: 200, type: 'text/html', headers: [], body: pages[head.query] ?? Buffer.from(`${body.size}`) }
      : head.path === '/f'
        ? { kind: 'file', file }
        : { kind: 'error', status: 404 },
}
const quick = (dialect: Dialect): Dialect => ({ ...dialect, timeouts: { head: 150, body: 150, keepAlive: 150 }, keepAliveRequests: 3 })
const server = (dialect: Dialect) =>
  defineDecoy({
    name: 'portal',
    transport: 'tcp',
    settings: services.portal.settings,
    serve: (connection, context) =>
      serveHttp(connection, context, { dialect, site, secure: false, port: 80, address: '127.0.0.1', session: context.session() }),
  })
const dialect = nginxDialect({ version: '1.20.1', server: 'nginx/1.20.1', bodyLimit: 300_000 })
let normal: Harness
let hasty: Harness
before(async () => {
  const persona = webPersona(0)
  normal = await host(server(dialect), persona, {})
  hasty = await host(server(quick(dialect)), persona, {})
})
after(async () => {
  await normal.close()
  await hasty.close()
})

/** Sends pieces one by one; all that came until the server ended. */
async function talk(port: number, pieces: readonly (string | Buffer)[], end = false): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const parts: Buffer[] = []
  socket.on('data', (part) => parts.push(part))
  socket.on('error', () => {})
  await once(socket, 'connect')
  for (const piece of pieces) {
    socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)
    if (pieces.length > 1) await new Promise((resolve) => setImmediate(resolve))
  }
  if (end) socket.end()
  await once(socket, 'close')
  return Buffer.concat(parts).toString('latin1')
}
const last = 'GET /f HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

test('a request that comes byte by byte is answered like one that comes at once', async () => {
  const dateless = (text: string): string => text.replace(/Date: [^\r]+/, '')
  assert.equal(dateless(await talk(normal.port, [...last])), dateless(await talk(normal.port, [last])))
})

test('pipelined requests are answered in order, each said before the next', async () => {
  const before = normal.of('http.exchanged').length
  const out = await talk(normal.port, [`GET /f HTTP/1.1\r\nHost: x\r\n\r\nPOST /app HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde${last}`])
  assert.deepEqual(
    [...out.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]),
    ['200', '200', '200'],
  )
  assert.deepEqual(
    normal
      .of('http.exchanged')
      .slice(before)
      .map(({ target, body }) => [target, body]),
    [
      ['/f', ''],
      ['/app', 'abcde'],
      ['/f', ''],
    ],
  )
})

test('the same head again, and one that only begins the same, are each answered as their own', async () => {
  const before = normal.of('http.exchanged').length
  const post = 'POST /app HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n'
  const out = await talk(normal.port, [
    `${post}one`,
    `${post}two`,
    'POST /app HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nX: y\r\n\r\nthr',
    `${post.slice(0, 20)}`,
    `${post.slice(20)}fou`,
    last,
  ])
  assert.equal(out.match(/HTTP\/1\.1 200 OK/g)?.length, 5)
  assert.deepEqual(
    normal
      .of('http.exchanged')
      .slice(before)
      .map(({ body, headers }) => [body, (headers as unknown[]).length]),
    [
      ['one', 2],
      ['two', 2],
      ['thr', 3],
      ['fou', 2],
      ['', 2],
    ],
  )
})

test('a chunked body is decoded across pieces, with extensions and trailers', async () => {
  const out = await talk(normal.port, [
    'POST /app HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n',
    '3;a="b"\r',
    '\nab',
    'c\r\n2\r\nde\r\n',
    '0\r\nT: 1\r\n\r\n',
    last,
  ])
  assert.match(out, /\r\n\r\n1\r\n5\r\n0\r\n\r\nHTTP\/1\.1 200/)
})

test('a body beyond the limit gets 413 and what came is kept as far as it goes', async () => {
  const out = await talk(
    normal.port,
    ['POST /app HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n', `60000\r\n${'z'.repeat(0x60000)}\r\n0\r\n\r\n`],
    true,
  )
  assert.match(out, /^HTTP\/1\.1 413 /)
  const said = normal.of('http.exchanged').at(-1) as { status: number; body: string; file: { size: number } }
  assert.equal(said.status, 413)
  assert.ok(said.body.length === 65_536 && said.file.size > 300_000)
})

test('a binary body whose text would not fit an event is kept as a file besides', async () => {
  const bytes = Buffer.alloc(40_000, 0x01)
  await talk(normal.port, [
    Buffer.concat([Buffer.from(`POST /app HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${bytes.length}\r\n\r\n`), bytes]),
  ])
  const said = normal.of('http.exchanged').at(-1) as { body: string; file: { sha256: string } }
  assert.equal(said.body.length, 65_536)
  assert.deepEqual(normal.blobs.get(said.file.sha256), bytes)
})

test('a body that comes after its answer is kept whole', async () => {
  const before = normal.of('file.uploaded').length
  const socket = connect({ port: normal.port, host: '127.0.0.1', noDelay: true })
  socket.write('POST /f HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 23\r\n\r\ncmd=')
  await once(socket, 'data')
  socket.write('id;uname -a; whoami')
  await once(socket, 'close')
  const [said] = normal.of('file.uploaded').slice(before) as { path: string; file: { sha256: string } }[]
  assert.equal(said?.path, '/f')
  assert.equal(normal.blobs.get(said?.file.sha256 ?? '')?.toString(), 'cmd=id;uname -a; whoami')
})

test('the answer is said: its text when it was made for the request, its hash when it is a file', async () => {
  const seen = async (request: string): Promise<Record<string, unknown>> => {
    await talk(normal.port, [`${request}\r\nHost: x\r\nConnection: close\r\n\r\n`])
    return normal.of('http.exchanged').at(-1) as Record<string, unknown>
  }
  const made = await seen('GET /app?text HTTP/1.1')
  assert.equal(made.responseBody, '\\x0a<p>\u4f60\u597d\\\\ \\xe2\\x80\\xae \\x1b[2J</p>')
  assert.equal(made.responseSha256, undefined)
  const long = await seen('GET /app?long HTTP/1.1')
  assert.equal(long.responseBody, `a${'\u4f60'.repeat(5461)}`)
  assert.equal(long.responseSha256, createHash('sha256').update(longPage).digest('hex'))
  const binary = await seen('GET /app?binary HTTP/1.1')
  assert.equal(binary.responseBody, '\\xff'.repeat(16_384))
  const whole = await seen('GET /f HTTP/1.1')
  const part = await seen('GET /f HTTP/1.1\r\nRange: bytes=1-2')
  for (const { responseSha256, responseBody } of [whole, part])
    assert.deepEqual([responseSha256, responseBody], [createHash('sha256').update('hello\n').digest('hex'), undefined])
  assert.match((await seen('GET /none HTTP/1.1')).responseBody as string, /404 Not Found/)
  const bare = await seen('HEAD /f HTTP/1.1')
  assert.deepEqual([bare.responseSha256, bare.responseBody, bare.responseSize], [undefined, undefined, 0])
})

test('silence ends a connection as the server does: without a word', async () => {
  assert.equal(await talk(hasty.port, ['']), '')
  assert.equal(await talk(hasty.port, ['GET / HT']), '')
  assert.match(await talk(hasty.port, ['GET /f HTTP/1.1\r\nHost: x\r\n\r\n']), /^HTTP\/1\.1 200 [\s\S]*hello\n$/)
  assert.equal(await talk(hasty.port, ['POST /app HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab']), '')
  assert.deepEqual(
    new Set(hasty.of('protocol.violated').map(({ reason }) => reason)),
    new Set(['request head did not end in time', 'request body ended early: timeout']),
  )
})

test('after its number of requests a connection is closed', async () => {
  const out = await talk(hasty.port, ['GET /f HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(9)])
  assert.deepEqual(
    [...out.matchAll(/Connection: (\S+)/g)].map((match) => match[1]),
    ['keep-alive', 'keep-alive', 'close'],
  )
})

test('header bombs stay bounded in events', () => {
  const many = cleanFields(Array.from({ length: 5000 }, (_, i) => [`X-${i}`, 'v'] as const))
  assert.equal(many.length, 200)
  assert.ok((many.at(-1)?.[1].length ?? 0) <= 16_384)
  assert.equal(clean('\x1b'.repeat(5000), 1000).length, 1000)
  assert.match(clean('\x1b'.repeat(5000), 1001), /^(\\x1b)+$/)
  assert.match(clean('\\'.repeat(5000), 1001), /^(\\\\)+$/)
})

test('two thousand mutated requests neither crash nor hang the server', async () => {
  let state = 20_261_123
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 4_294_967_296) * below)
  }
  const seeds = [
    last,
    'POST /app HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde',
    'POST /app HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
    'GET http://x/%2e%2e/f?a=b#c HTTP/1.0\r\nRange: bytes=0-1,3-\r\nIf-None-Match: W/"a"\r\nCookie: a=b\r\n\r\n',
    'POST /app HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=q\r\nContent-Length: 90\r\n\r\n--q\r\nContent-Disposition: form-data; name="f"; filename="a.php"\r\n\r\n<?php 1;\r\n--q--\r\n',
  ]
  const mutate = (): Buffer => {
    let bytes = Buffer.from(seeds[next(seeds.length)] as string, 'latin1')
    for (let times = next(6) + 1; times > 0; times--) {
      const at = next(bytes.length)
      const how = next(5)
      if (how === 0) bytes[at] = next(256)
      else if (how === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + next(12))])
      else if (how === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(next(bytes.length)), bytes.subarray(at)])
      else if (how === 3) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(next(9000), next(256)), bytes.subarray(at)])
      else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(['\r\n', '\0', ':', ' ', '%', '/../', '\t'][next(7)] as string), bytes.subarray(at)])
      if (bytes.length === 0) bytes = Buffer.from('x')
    }
    return bytes
  }
  let done = 0
  const work = async (): Promise<void> => {
    while (done < 2000) {
      done++
      await talk(hasty.port, [mutate()], next(2) === 0)
    }
  }
  await Promise.all(Array.from({ length: 64 }, work))
  assert.deepEqual(hasty.of('failed'), [])
  assert.match(await talk(hasty.port, [last]), /^HTTP\/1\.1 200 /)
})

/** The negative space: odd and hostile requests get from our wire the bytes that the real nginx sends. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer as createApplication, type Server } from 'node:http'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { execFileSync } from 'node:child_process'
import { defineDecoy } from '../decoy.ts'
import type { Answer, StaticFile } from './answer.ts'
import { type Harness, host } from './harness-fixture.ts'
import { nginxDialect } from './nginx.ts'
import { webPersona } from './persona-fixture.ts'
import { serveHttp, type Site } from './wire.ts'
import { services } from '@shenlou/contract/services'

const modified = 1_700_000_000
const text = (body: string, type: string): StaticFile => ({ body: Buffer.from(body), type, modified })
const files = new Map<string, StaticFile>([
  ['/index.html', text(`<!doctype html><title>x</title><p>${'page '.repeat(200)}</p>\n`, 'text/html')],
  ['/a.txt', text('0123456789abcdef'.repeat(64), 'text/plain')],
  ['/dir/b.css', text('p{}', 'text/css')],
  ['/sub/index.html', text('<p>sub</p>', 'text/html')],
])
const missing = text('<h1>not here</h1><p>nor anywhere</p>\n', 'text/html')
/** What an application behind the server answers. */
const made = '<!doctype html><p>made for you</p>\n'

const h = (line: string, ...rest: string[]): string => `${[line, ...rest].join('\r\n')}\r\n\r\n`
const H = 'Host: x'
const C = 'Connection: close'
const long = (size: number): string => 'a'.repeat(size)

/** Sent to both; the name says what is odd. */
const requests: Record<string, string> = {
  'plain get': h('GET / HTTP/1.1', H, C),
  'keep-alive, then another': h('GET /a.txt HTTP/1.1', H) + h('GET /none HTTP/1.1', H, C),
  'HTTP/1.0': h('GET / HTTP/1.0'),
  'HTTP/1.0 keep-alive': h('GET /a.txt HTTP/1.0', 'Connection: keep-alive') + h('GET /a.txt HTTP/1.0'),
  'HTTP/0.9': 'GET /\r\n',
  'HTTP/0.9 missing': 'GET /none\r\n',
  'HTTP/0.9 POST': 'POST /\r\n',
  'HTTP/2.0': h('GET / HTTP/2.0', H),
  'HTTP/9.9': h('GET / HTTP/9.9', H),
  'HTTP/1.2': h('GET / HTTP/1.2', H, C),
  'HTTP/1.100': h('GET / HTTP/1.100', H),
  'HTTP/0.9 spelled': h('GET / HTTP/0.9', H),
  'HTP/1.1': h('GET / HTP/1.1', H),
  'no version digit': h('GET / HTTP/', H),
  'http lower case': h('GET / http/1.1', H),
  'trailing space in request line': h('GET / HTTP/1.1  ', H, C),
  'two spaces': h('GET  /  HTTP/1.1', H, C),
  'tab in request line': h('GET\t/ HTTP/1.1', H),
  'space in target': h('GET /a b HTTP/1.1', H),
  'control in target': h('GET /a\x01 HTTP/1.1', H),
  'NUL in target': h('GET /a\0 HTTP/1.1', H),
  'lower-case method': h('get / HTTP/1.1', H),
  'unknown method': h('BREW / HTTP/1.1', H, C),
  PUT: h('PUT /a.txt HTTP/1.1', H, C, 'Content-Length: 2').concat('xx'),
  DELETE: h('DELETE /a.txt HTTP/1.1', H, C),
  'PUT a folder': h('PUT / HTTP/1.1', H, C),
  OPTIONS: h('OPTIONS / HTTP/1.1', H, C),
  'OPTIONS *': h('OPTIONS * HTTP/1.1', H, C),
  TRACE: h('TRACE / HTTP/1.1', H, C),
  CONNECT: h('CONNECT x:443 HTTP/1.1', H),
  'CONNECT /': h('CONNECT / HTTP/1.1', H),
  PROPFIND: h('PROPFIND / HTTP/1.1', H, C),
  'POST to a file': h('POST /a.txt HTTP/1.1', H, C, 'Content-Length: 3').concat('a=b'),
  'POST to a file, keep-alive': `${h('POST /a.txt HTTP/1.1', H, 'Content-Length: 3')}a=b${h('GET /a.txt HTTP/1.1', H, C)}`,
  'POST to nothing': h('POST /none HTTP/1.1', H, C, 'Content-Length: 3').concat('a=b'),
  HEAD: h('HEAD /a.txt HTTP/1.1', H, C),
  'HEAD missing': h('HEAD /none HTTP/1.1', H, C),
  'HEAD unknown version': h('HEAD / HTTP/3.0', H),
  'absolute form': h('GET http://y/a.txt HTTP/1.1', H, C),
  'absolute form without path': h('GET http://y HTTP/1.1', H, C),
  'absolute form with query': h('GET http://y?q HTTP/1.1', H, C),
  'absolute form with bad host': h('GET http://y_z/ HTTP/1.1', H, C),
  'no Host': h('GET / HTTP/1.1'),
  'empty Host': h('GET / HTTP/1.1', 'Host:', C),
  'two Hosts': h('GET / HTTP/1.1', H, 'Host: y', C),
  'bad Host': h('GET / HTTP/1.1', 'Host: a/b', C),
  'Host with dots': h('GET / HTTP/1.1', 'Host: a..b', C),
  'Host with port': h('GET /dir HTTP/1.1', 'Host: Www.X:9', C),
  'underscore header': h('GET / HTTP/1.1', H, 'X_y: 1', C),
  'header without colon': h('GET / HTTP/1.1', H, 'nonsense', C),
  'header with space in name': h('GET / HTTP/1.1', H, 'X y: 1', C),
  'space before colon': h('GET / HTTP/1.1', H, 'X : 1', C),
  'folded header': h('GET / HTTP/1.1', H, ' folded', C),
  'colon first': h('GET / HTTP/1.1', H, ': 1', C),
  'NUL in header': h('GET / HTTP/1.1', H, 'X: a\0b', C),
  'bare LF': `GET / HTTP/1.1\n${H}\n${C}\n\n`,
  'bare CR in header': h('GET / HTTP/1.1', H, 'X: a\rb', C),
  'empty lines first': `\r\n\r\n${h('GET /a.txt HTTP/1.1', H, C)}`,
  'long target': h(`GET /${long(9000)} HTTP/1.1`, H, C),
  'long target that fits': h(`GET /${long(8100)} HTTP/1.1`, H, C),
  'long header': h('GET / HTTP/1.1', H, `X: ${long(9000)}`, C),
  'header that fits': h('GET /a.txt HTTP/1.1', H, `X: ${long(8000)}`, C),
  'many headers': h('GET /a.txt HTTP/1.1', H, C, ...Array.from({ length: 500 }, (_, i) => `X-${i}: ${long(30)}`)),
  'too many headers': h('GET / HTTP/1.1', H, C, ...Array.from({ length: 900 }, (_, i) => `X-${i}: ${long(30)}`)),
  'TLS hello': '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03',
  'SSH banner': 'SSH-2.0-Go\r\n',
  'RDP cookie': '\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00',
  garbage: '\x80\xff\x00garbage\r\n\r\n',
  'bad Content-Length': h('POST /a.txt HTTP/1.1', H, 'Content-Length: x'),
  'negative Content-Length': h('POST /a.txt HTTP/1.1', H, 'Content-Length: -1'),
  'plus Content-Length': h('POST /a.txt HTTP/1.1', H, 'Content-Length: +1').concat('x'),
  'two Content-Lengths': h('POST /a.txt HTTP/1.1', H, 'Content-Length: 1', 'Content-Length: 1').concat('x'),
  'Content-Length list': h('POST /a.txt HTTP/1.1', H, 'Content-Length: 1, 1').concat('x'),
  'huge Content-Length': h('POST /a.txt HTTP/1.1', H, 'Content-Length: 99999999'),
  'overflowing Content-Length': h('POST /a.txt HTTP/1.1', H, 'Content-Length: 99999999999999999999'),
  'length and chunked': h('POST /a.txt HTTP/1.1', H, 'Content-Length: 5', 'Transfer-Encoding: chunked').concat('0\r\n\r\n'),
  'unknown coding': h('POST /a.txt HTTP/1.1', H, 'Transfer-Encoding: gzip'),
  'identity coding': h('POST /a.txt HTTP/1.1', H, 'Transfer-Encoding: identity'),
  'chunked with space': h('POST /a.txt HTTP/1.1', H, 'Transfer-Encoding : chunked').concat('0\r\n\r\n'),
  'chunked tab': h('POST /a.txt HTTP/1.1', H, C, 'Transfer-Encoding: \tchunked').concat('0\r\n\r\n'),
  'chunked twice': h('POST /a.txt HTTP/1.1', H, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked').concat('0\r\n\r\n'),
  'chunked list': h('POST /a.txt HTTP/1.1', H, 'Transfer-Encoding: chunked, identity').concat('0\r\n\r\n'),
  'chunked in HTTP/1.0': h('POST /a.txt HTTP/1.0', 'Transfer-Encoding: chunked').concat('0\r\n\r\n'),
  'chunked body': h('POST /a.txt HTTP/1.1', H, C, 'Transfer-Encoding: chunked').concat('3\r\nabc\r\n0\r\n\r\n'),
  'chunked get, then another': `${h('GET /a.txt HTTP/1.1', H, 'Transfer-Encoding: chunked')}3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n${h('GET /a.txt HTTP/1.1', H, C)}`,
  'bad chunk': h('GET /a.txt HTTP/1.1', H, 'Transfer-Encoding: chunked').concat('zz\r\n'),
  'bad chunk to a file by POST': h('POST /a.txt HTTP/1.1', H, 'Transfer-Encoding: chunked').concat('zz\r\n'),
  'expect continue': h('POST /a.txt HTTP/1.1', H, C, 'Content-Length: 3', 'Expect: 100-continue').concat('abc'),
  'expect nonsense': h('GET /a.txt HTTP/1.1', H, C, 'Expect: tea'),
  'dot segments': h('GET /dir/../a.txt HTTP/1.1', H, C),
  'above the root': h('GET /../etc/passwd HTTP/1.1', H, C),
  'encoded above the root': h('GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1', H, C),
  'encoded slash': h('GET /dir%2fb.css HTTP/1.1', H, C),
  'double slashes': h('GET //dir///b.css HTTP/1.1', H, C),
  'dot at the end': h('GET /dir/. HTTP/1.1', H, C),
  'bad escape': h('GET /%zz HTTP/1.1', H, C),
  'short escape': h('GET /%4 HTTP/1.1', H, C),
  'NUL escape': h('GET /a%00 HTTP/1.1', H, C),
  fragment: h('GET /a.txt#x HTTP/1.1', H, C),
  'query and fragment': h('GET /dir?x=1#y HTTP/1.1', H, C),
  'folder without slash': h('GET /dir HTTP/1.1', H, C),
  'folder without index': h('GET /dir/ HTTP/1.1', H, C),
  'folder with index': h('GET /sub/ HTTP/1.1', H, C),
  'file as folder': h('GET /a.txt/ HTTP/1.1', H, C),
  'below a file': h('GET /a.txt/b HTTP/1.1', H, C),
  'dot file': h('GET /.git/config HTTP/1.1', H, C),
  'missing for Chrome': h('GET /.env HTTP/1.1', H, C, 'User-Agent: Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36'),
  'missing for MSIE': h('GET /.env HTTP/1.1', H, C, 'User-Agent: Mozilla/4.0 (compatible; MSIE 8.0; Windows)'),
  range: h('GET /a.txt HTTP/1.1', H, C, 'Range: bytes=2-5'),
  'suffix range': h('GET /a.txt HTTP/1.1', H, C, 'Range: bytes=-5'),
  'open range': h('GET /a.txt HTTP/1.1', H, C, 'Range: bytes=1020-'),
  'range beyond': h('GET /a.txt HTTP/1.1', H, C, 'Range: bytes=5000-'),
  'reversed range': h('GET /a.txt HTTP/1.1', H, C, 'Range: bytes=5-2'),
  'bad range': h('GET /a.txt HTTP/1.1', H, C, 'Range: bytes=a-b'),
  'other unit': h('GET /a.txt HTTP/1.1', H, C, 'Range: lines=1-2'),
  'ranges that overlap': h('GET /a.txt HTTP/1.1', H, C, 'Range: bytes=0-,0-,0-'),
  'range with If-Range': h('GET /a.txt HTTP/1.1', H, C, 'Range: bytes=0-1', 'If-Range: "nope"'),
  'if-none-match': h('GET /a.txt HTTP/1.1', H, C, 'If-None-Match: "6553f100-400"'),
  'if-none-match star': h('GET /a.txt HTTP/1.1', H, C, 'If-None-Match: *'),
  'if-none-match weak': h('GET /a.txt HTTP/1.1', H, C, 'If-None-Match: "x", W/"6553f100-400"'),
  'if-modified-since': h('GET /a.txt HTTP/1.1', H, C, 'If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT'),
  'if-modified-since later': h('GET /a.txt HTTP/1.1', H, C, 'If-Modified-Since: Tue, 14 Nov 2024 22:13:20 GMT'),
  'if-modified-since nonsense': h('GET /a.txt HTTP/1.1', H, C, 'If-Modified-Since: yesterday'),
  'if-match': h('GET /a.txt HTTP/1.1', H, C, 'If-Match: "nope"'),
  'if-unmodified-since': h('GET /a.txt HTTP/1.1', H, C, 'If-Unmodified-Since: Tue, 14 Nov 2000 22:13:20 GMT'),
  'pipelined then bad': `${h('GET /a.txt HTTP/1.1', H)}BAD\r\n\r\n`,
  'smuggled prefix': `${h('POST /a.txt HTTP/1.1', H, 'Content-Length: 6', 'Transfer-Encoding:\tchunked')}0\r\n\r\nG`,
  'obs-fold smuggling': h('POST /a.txt HTTP/1.1', H, 'Transfer-Encoding:', ' chunked').concat('0\r\n\r\n'),
  'websocket upgrade': h('GET /a.txt HTTP/1.1', H, 'Connection: Upgrade', 'Upgrade: websocket') + h('GET /a.txt HTTP/1.1', H, C),
  'h2 preface': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'star target': h('GET * HTTP/1.1', H, C),
  'authority target': h('GET x:80 HTTP/1.1', H, C),
  'empty target': h('GET  HTTP/1.1', H),
  'only method': 'GET\r\n\r\n',
}

/** Where our answer may differ, each with the reason. Empty: it differs nowhere. */
const reviewed: Record<string, string> = {}

let harness: Harness
let secure: Harness
let realPort = 0
let realTls = 0
let realGzip = 0
let gzipping: Harness
let application: Server
let child: ReturnType<typeof spawn>
let folder: string

const site: Site = {
  reads: () => false,
  answer({ head }): Answer {
    const { path } = head
    const file = files.get(path)
    if (file) return { kind: 'file', file }
    if (path === '/made') return { kind: 'page', status: 200, type: 'text/html; charset=utf-8', headers: [['Set-Cookie', 'a=b']], body: Buffer.from(made) }
    if (path === '/moved') return { kind: 'page', status: 302, reason: 'Found', type: 'text/html', headers: [['Location', '/x']], body: Buffer.alloc(0) }
    if (/\/\./.test(path)) return { kind: 'error', status: 403 }
    if (!['GET', 'HEAD', 'POST'].includes(head.method)) return { kind: 'error', status: 405 }
    const index = path.endsWith('/') ? files.get(`${path}index.html`) : undefined
    if (index) return { kind: 'file', file: index }
    if (path === '/dir/') return { kind: 'error', status: 403 }
    if (path === '/dir' || path === '/sub') return { kind: 'redirect', status: 301, target: `${path}/${head.query && `?${head.query}`}` }
    return { kind: 'error', status: 404 }
  },
}

const freePort = async (): Promise<number> => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

before(async () => {
  const persona = webPersona(0)
  const version = /nginx\/([\d.]+)/.exec(execFileSync('sh', ['-c', 'nginx -v 2>&1'], { encoding: 'utf8' }))?.[1] ?? ''
  folder = mkdtempSync(join(tmpdir(), 'shenlou-nginx-'))
  const root = join(folder, 'root')
  for (const [path, { body }] of [...files, ['/missing.html', missing] as const]) {
    const at = join(root, path)
    mkdirSync(join(at, '..'), { recursive: true })
    writeFileSync(at, body)
    utimesSync(at, modified, modified)
  }
  writeFileSync(join(folder, 'key.pem'), persona.keys['tls-key'] as string)
  writeFileSync(join(folder, 'cert.pem'), persona.keys['tls-certificate'] as string)
  realPort = await freePort()
  realTls = await freePort()
  realGzip = await freePort()
  const applicationPort = await freePort()
  const behind = `proxy_pass http://127.0.0.1:${applicationPort}; proxy_http_version 1.1; proxy_redirect off;`
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((part) => `${part}_temp_path ${folder}/${part};`).join(' ')
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/log crit;\nevents {}\nhttp { include /etc/nginx/mime.types; access_log off; ${temporary} keepalive_timeout 65;\nserver { listen 127.0.0.1:${realPort}; listen 127.0.0.1:${realTls} ssl; ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem; root ${root}; error_page 404 /missing.html; location ~ /\\. { deny all; } }\nserver { listen 127.0.0.1:${realGzip}; root ${root}; gzip on; error_page 404 /missing.html; location ~ /\\. { deny all; } location /made { ${behind} } location /moved { ${behind} } } }\n`,
  )
  application = createApplication((request, response) => {
    response.sendDate = false
    if (request.url === '/moved') response.writeHead(302, { 'Content-Type': 'text/html', Location: '/x' }).end()
    else {
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Set-Cookie': 'a=b', 'Transfer-Encoding': 'chunked' })
      response.end(request.method === 'HEAD' ? undefined : made)
    }
  })
  application.listen(applicationPort, '127.0.0.1')
  child = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-e', 'stderr'], { stdio: 'ignore' })
  const dialect = nginxDialect({ version, server: `nginx/${version}`, pages: new Map([[404, missing]]) })
  const serve = (isSecure: boolean, with_ = dialect) =>
    defineDecoy({
      name: 'portal',
      transport: 'tcp',
      settings: services.portal.settings,
      async serve(connection, context) {
        const port = connection.destination.port
        await serveHttp(connection, context, {
          dialect: with_,
          site,
          secure: isSecure,
          port,
          address: '127.0.0.1',
          session: context.session(),
          plainOnTls: isSecure,
        })
      },
    })
  gzipping = await host(
    serve(false, nginxDialect({ version, server: `nginx/${version}`, gzip: true, pages: new Map([[404, missing]]) })),
    persona,
    {},
    { port: realGzip },
  )
  harness = await host(serve(false), persona, {}, { port: realPort })
  secure = await host(serve(true), persona, {}, { port: realTls })
  for (let i = 0; i < 200; i++) {
    const up = await new Promise<boolean>((resolve) => {
      const socket = connect(realPort, '127.0.0.1')
      socket.on('connect', () => resolve(socket.destroy() !== undefined)).on('error', () => resolve(false))
    })
    if (up) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('nginx did not start')
})
after(async () => {
  await harness.close()
  await secure.close()
  await gzipping.close()
  application.closeAllConnections()
  application.close()
  child.kill()
  await once(child, 'exit')
  rmSync(folder, { recursive: true })
})

/** Sends bytes; what comes back, and whether the server ended the connection within a moment. */
function ask(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const parts: Buffer[] = []
    let quiet: NodeJS.Timeout | undefined
    const done = (how: string) => (): void => {
      clearTimeout(quiet)
      socket.destroy()
      resolve(Buffer.concat(parts).toString('latin1') + how)
    }
    const arm = (): void => {
      clearTimeout(quiet)
      quiet = setTimeout(done('<open>'), 700)
    }
    socket.on('data', (part) => {
      parts.push(part)
      arm()
    })
    socket.on('end', done('<end>'))
    socket.on('error', done('<reset>'))
    socket.write(Buffer.from(bytes, 'latin1'))
    arm()
  })
}

/** What may differ without being seen: the date, and a multipart mark. */
const normal = (text: string): string => text.replace(/\r\nDate: [^\r]+/g, '\r\nDate: D').replace(/<reset>$/, '<end>')

test('every odd request is answered as the real nginx answers it', async () => {
  const different: string[] = []
  await Promise.all(
    Object.entries(requests).map(async ([name, bytes]) => {
      const [real, ours] = await Promise.all([ask(realPort, bytes), ask(harness.port, bytes)])
      if (normal(real) !== normal(ours) && !reviewed[name])
        different.push(`${name}\n--- nginx\n${normal(real).slice(0, 700)}\n--- ours\n${normal(ours).slice(0, 700)}`)
    }),
  )
  assert.deepEqual(different, [], different.join('\n\n'))
  for (const name of Object.keys(reviewed)) assert.ok(requests[name], `${name} is still in the table`)
})

test('compression is offered, refused and framed as nginx does', async () => {
  const accepts = ['gzip', 'gzip, deflate, br', 'deflate, gzip;q=1.0', 'gzip;q=0', 'identity', '*', 'xgzip', 'br,gzip ; q=0.5']
  const asked = [
    ...accepts.map((accept) => h('GET /index.html HTTP/1.1', H, C, `Accept-Encoding: ${accept}`)),
    h('GET /a.txt HTTP/1.1', H, C, 'Accept-Encoding: gzip'),
    h('HEAD /index.html HTTP/1.1', H, C, 'Accept-Encoding: gzip'),
    h('GET /index.html HTTP/1.0', 'Accept-Encoding: gzip'),
    h('GET /index.html HTTP/1.1', H, C, 'Accept-Encoding: gzip', 'Via: 1.1 p'),
    h('GET /index.html HTTP/1.1', H, C, 'Accept-Encoding: gzip', 'Range: bytes=0-3'),
    h('GET /none HTTP/1.1', H, C, 'Accept-Encoding: gzip'),
    h('HEAD /none HTTP/1.1', H, C, 'Accept-Encoding: gzip'),
    h('GET /.git/config HTTP/1.1', H, C, 'Accept-Encoding: gzip'),
    h('DELETE /a.txt HTTP/1.1', H, C, 'Accept-Encoding: gzip'),
    h('GET /made HTTP/1.1', H, C),
    h('GET /made HTTP/1.1', H, C, 'Accept-Encoding: gzip'),
    h('HEAD /made HTTP/1.1', H, C, 'Accept-Encoding: gzip'),
    h('GET /made HTTP/1.0', 'Accept-Encoding: gzip'),
    h('GET /moved HTTP/1.1', H, C, 'Accept-Encoding: gzip'),
  ]
  const headOf = (text: string): string => normal(text.slice(0, text.indexOf('\r\n\r\n')))
  for (const bytes of asked) {
    const [real, ours] = await Promise.all([ask(realGzip, bytes), ask(gzipping.port, bytes)])
    assert.equal(headOf(ours), headOf(real), bytes)
    if (!/\nContent-Encoding/.test(real)) assert.equal(normal(ours), normal(real))
  }
})

test('plain HTTP on the TLS port is refused in the words of nginx', async () => {
  for (const bytes of [h('GET / HTTP/1.1', H), h('GET / HTTP/1.1'), 'SSH-2.0-x\r\n', h('POST / HTTP/1.0', 'Content-Length: 3').concat('abc')]) {
    const [real, ours] = await Promise.all([ask(realTls, bytes), ask(secure.port, bytes)])
    assert.equal(normal(ours), normal(real))
  }
})

test('what was malformed is said as such, with its bytes', () => {
  const violated = harness.of('protocol.violated')
  assert.ok(violated.length >= 30)
  assert.ok(violated.some((body) => body.reason === 'invalid method' && (body.data as string).startsWith('\\x16\\x03\\x01')))
})

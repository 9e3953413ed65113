import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { type ClientHello, helloSize, ja3, ja4, parseClientHello } from './client-hello.ts'

/** The first bytes that a real client sends. */
async function helloOf(program: string, ...args: string[]): Promise<Buffer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const child = execFile(
    program,
    args.map((arg) => arg.replace('PORT', String(port))),
    () => {},
  )
  const [socket] = await once(server, 'connection')
  const [bytes] = await once(socket, 'data')
  socket.destroy()
  server.close()
  if (child.exitCode === null) await once(child, 'exit')
  return bytes as Buffer
}

test('the hello of openssl s_client is read whole', async () => {
  const bytes = await helloOf(
    'openssl',
    's_client',
    '-connect',
    '127.0.0.1:PORT',
    '-servername',
    'www.example.cn',
    '-tls1_2',
    '-cipher',
    'ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA',
    '-alpn',
    'http/1.1',
  )
  assert.equal(helloSize(bytes.subarray(0, 5)), bytes.length)
  const hello = parseClientHello(bytes) as ClientHello
  assert.equal(hello.version, 0x0303)
  assert.deepEqual(hello.ciphers, [0xc02f, 0x002f, 0x00ff])
  assert.equal(hello.serverName, 'www.example.cn')
  assert.deepEqual(hello.alpn, ['http/1.1'])
  assert.match(ja4(hello), /^t12d03\d\dh1_/)
})

test('the hello of curl names TLS 1.3 and its protocols', async () => {
  const hello = parseClientHello(await helloOf('curl', '-sk', 'https://localhost:PORT/', '--resolve', 'localhost:PORT:127.0.0.1')) as ClientHello
  assert.ok(hello.supportedVersions.includes(0x0304))
  assert.equal(hello.serverName, 'localhost')
  assert.match(ja4(hello), /^t13d\d{4}h2_[0-9a-f]{12}_[0-9a-f]{12}$/)
})

/** JA4's published example: Chrome with GREASE, shuffled extensions sort back. */
const published: ClientHello = {
  version: 0x0303,
  ciphers: [0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035],
  extensions: [0x2a2a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015],
  groups: [0x3a3a, 29, 23, 24],
  pointFormats: [0],
  signatureAlgorithms: [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
  supportedVersions: [0x4a4a, 0x0304, 0x0303],
  alpn: ['h2', 'http/1.1'],
  serverName: 'x',
}

test('JA4 of the published example is the published value', () => {
  assert.equal(ja4(published), 't13d1516h2_8daaf6152771_e5627efa2ab1')
})

test('GREASE changes neither JA3 nor JA4', () => {
  const other = {
    ...published,
    ciphers: [0xfafa, ...published.ciphers.slice(1)],
    extensions: [0xcaca, ...published.extensions.slice(1)],
    groups: [0xdada, 29, 23, 24],
  }
  assert.equal(ja3(other), ja3(published))
  assert.equal(ja4(other), ja4(published))
})

test('an ALPN value that is not text is shown by its hexadecimal ends, none as 00', () => {
  assert.match(ja4({ ...published, alpn: ['\xab\xcd'] }), /^t13d1516ad_/)
  assert.match(ja4({ ...published, alpn: [] }), /^t13d151600_/)
  assert.match(
    ja4({ ...published, extensions: [], signatureAlgorithms: [], ciphers: [], supportedVersions: [], alpn: [] }),
    /^t12i000000_000000000000_000000000000$/,
  )
})

test('a hello cut or changed anywhere is read within bounds', async () => {
  const bytes = await helloOf('openssl', 's_client', '-connect', '127.0.0.1:PORT')
  for (let end = 0; end < bytes.length; end++) parseClientHello(bytes.subarray(0, end))
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] as number) ^ 0xff
    const hello = parseClientHello(changed)
    if (hello) assert.match(ja4(hello), /^t[0-9s]{2}[di]\d{4}.{2}_[0-9a-f]{12}_[0-9a-f]{12}$/s)
  }
})

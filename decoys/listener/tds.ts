/** TDS, what clients of Microsoft SQL Server send first ([MS-TDS] 2.2.3.1, 2.2.6.4 LOGIN7, 2.2.6.5 PRELOGIN), and the few answers to it. */

/** Packet: `type(1) status(1) length(2) spid(2) packet(1) window(1)`. Its length, or undefined when this is no client's packet. */
export function tdsLength(bytes: Buffer): number | undefined {
  if (bytes.length < 8 || ![0x01, 0x02, 0x03, 0x0e, 0x10, 0x11, 0x12].includes(bytes[0] as number) || (bytes[1] as number) > 0x1f) return undefined
  const length = bytes.readUInt16BE(2)
  return length >= 8 && length <= 32_767 && bytes[7] === 0 ? length : undefined
}

/** PRELOGIN begins with its options: token 0 at an offset behind the list of five bytes each. */
export const isPrelogin = (bytes: Buffer): boolean => bytes[0] === 0x12 && bytes.length >= 14 && bytes[8] === 0 && bytes.readUInt16BE(9) < 256

/** What LOGIN7 says: fields are `offset(2) length(2)`, in characters of UTF-16; each byte of the password is XOR A5 with its halves swapped before. */
export function readLogin7(
  packet: Buffer,
): { user: string; password: string; client: string; application: string; server: string; database: string } | undefined {
  const body = packet.subarray(8)
  if (packet[0] !== 0x10 || body.length < 94) return undefined
  const field = (at: number, hidden = false): string => {
    const from = body.readUInt16LE(at)
    const bytes = Buffer.from(body.subarray(from, from + Math.min(256, body.readUInt16LE(at + 2) * 2)))
    if (hidden) for (const [nth, byte] of bytes.entries()) bytes[nth] = (((byte ^ 0xa5) << 4) | ((byte ^ 0xa5) >> 4)) & 0xff
    // As bytes, so that what is no text is kept as well.
    return Buffer.from(bytes.toString('utf16le'), 'utf8').toString('latin1')
  }
  return { client: field(36), user: field(40), password: field(44, true), application: field(48), server: field(52), database: field(68) }
}

const packetOf = (payload: Buffer): Buffer => {
  const head = Buffer.from([4, 1, 0, 0, 0, 0, 1, 0])
  head.writeUInt16BE(8 + payload.length, 2)
  return Buffer.concat([head, payload])
}

/** PRELOGIN answered: version `major.minor.build`, encryption not supported, one instance, no thread, no MARS. */
export function preloginAnswer([major, minor, build]: readonly [number, number, number]): Buffer {
  const data = [Buffer.from([major, minor, build >> 8, build & 0xff, 0, 0]), Buffer.from([2]), Buffer.from([0]), Buffer.alloc(0), Buffer.from([0])]
  const heads: Buffer[] = []
  let offset = data.length * 5 + 1
  for (const [token, { length }] of data.entries()) {
    heads.push(Buffer.from([token, offset >> 8, offset & 0xff, length >> 8, length & 0xff]))
    offset += length
  }
  return packetOf(Buffer.concat([...heads, Buffer.from([0xff]), ...data]))
}

/** Error 18456 and DONE with the error bit: what a refused login is told (2.2.7.10, 2.2.7.6). */
export function loginFailed(user: string, server: string): Buffer {
  const text = (value: string): Buffer => Buffer.from(value, 'utf16le')
  const message = `Login failed for user '${user.slice(0, 128)}'.`
  const name = server.slice(0, 30)
  const body = Buffer.concat([
    Buffer.from([0x18, 0x48, 0, 0, 1, 14]),
    Buffer.from([message.length & 0xff, message.length >> 8]),
    text(message),
    Buffer.from([name.length]),
    text(name),
    Buffer.from([0]),
    Buffer.from([1, 0, 0, 0]),
  ])
  const head = Buffer.from([0xaa, body.length & 0xff, body.length >> 8])
  return packetOf(Buffer.concat([head, body, Buffer.from([0xfd, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])]))
}

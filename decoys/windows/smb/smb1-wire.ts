/** SMB1 on the wire ([MS-CIFS] section 2.2.3): header, words and bytes of one message. */

const protocolId = Buffer.from([0xff, 0x53, 0x4d, 0x42])
export const headSize = 32
export const flags2 = { extendedSecurity: 0x0800, ntStatus: 0x4000, unicode: 0x8000 } as const

export interface Smb1Message {
  command: number
  flags2: number
  tree: number
  user: number
  multiplex: number
  /** Parameter words, two bytes each. */
  words: Buffer
  bytes: Buffer
  /** Where `bytes` begin in the message: its texts are aligned to that. */
  bytesAt: number
  head: Buffer
}

export const isSmb1 = (frame: Buffer): boolean => frame.length >= headSize + 3 && frame.subarray(0, 4).equals(protocolId)

/**
 * FF 'SMB'(4) command(1) status(4) flags(1) flags2(2) process high(2) signature(8) reserved(2) tree(2) process(2) user(2) multiplex(2)
 * word count(1) words(2 each) byte count(2) bytes. Undefined where the counts go beyond the message.
 */
export function readSmb1(frame: Buffer): Smb1Message | undefined {
  if (!isSmb1(frame)) return undefined
  const words = frame.readUInt8(headSize) * 2
  const bytesAt = headSize + 1 + words + 2
  if (bytesAt > frame.length) return undefined
  const count = frame.readUInt16LE(bytesAt - 2)
  if (bytesAt + count > frame.length) return undefined
  return {
    command: frame.readUInt8(4),
    flags2: frame.readUInt16LE(10),
    tree: frame.readUInt16LE(24),
    user: frame.readUInt16LE(28),
    multiplex: frame.readUInt16LE(30),
    words: frame.subarray(headSize + 1, headSize + 1 + words),
    bytes: frame.subarray(bytesAt, bytesAt + count),
    bytesAt,
    head: frame.subarray(0, headSize),
  }
}

export interface Smb1Answer {
  status: number
  words?: Buffer
  bytes?: Buffer
  user?: number
  tree?: number
}

/** The answer to a message; the client's ids are handed back. */
export function encodeSmb1(asked: Smb1Message, { status, words = Buffer.alloc(0), bytes = Buffer.alloc(0), user, tree }: Smb1Answer): Buffer {
  const head = Buffer.from(asked.head)
  head.writeUInt32LE(status, 5)
  head.writeUInt8((head.readUInt8(9) & 0x18) | 0x80, 9)
  head.writeUInt16LE((asked.flags2 & flags2.extendedSecurity) | 0x4001 | (asked.flags2 & flags2.unicode) | (asked.flags2 & 0x0006), 10)
  head.fill(0, 14, 22)
  head.writeUInt16LE(tree ?? asked.tree, 24)
  head.writeUInt16LE(user ?? asked.user, 28)
  const counts = Buffer.from([words.length / 2])
  const size = Buffer.alloc(2)
  size.writeUInt16LE(bytes.length)
  return Buffer.concat([head, counts, words, size, bytes])
}

/** Words of an AndX answer: no other command(1) reserved(1) offset(2), and what follows. */
export const andX = (...more: number[]): Buffer => {
  const words = Buffer.alloc(4 + 2 * more.length)
  words[0] = 0xff
  for (const [at, word] of more.entries()) words.writeUInt16LE(word, 4 + 2 * at)
  return words
}

/** Texts that end in a zero, from `at` on; in Unicode aligned to two bytes of the message. Each at most 512 characters. */
export function readTexts({ bytes, bytesAt, flags2: flags }: Smb1Message, from: number, most: number): string[] {
  const wide = (flags & flags2.unicode) !== 0
  const texts: string[] = []
  let at = wide && (bytesAt + from) % 2 !== 0 ? from + 1 : from
  while (at < bytes.length && texts.length < most) {
    let end = at
    if (wide) while (end + 1 < bytes.length && bytes.readUInt16LE(end) !== 0) end += 2
    else while (end < bytes.length && bytes[end] !== 0) end++
    texts.push(bytes.toString(wide ? 'utf16le' : 'latin1', at, Math.min(end, at + 1024)).toWellFormed())
    at = end + (wide ? 2 : 1)
  }
  return texts
}

/** Texts that end in a zero, as the client takes them, at `at` of the bytes, which begin at `bytesAt` of the message. */
export function writeTexts(flags: number, bytesAt: number, texts: readonly string[]): Buffer {
  if (!(flags & flags2.unicode)) return Buffer.from(texts.map((text) => `${text}\0`).join(''), 'latin1')
  const whole = Buffer.from(texts.map((text) => `${text}\0`).join(''), 'utf16le')
  return bytesAt % 2 === 0 ? whole : Buffer.concat([Buffer.alloc(1), whole])
}

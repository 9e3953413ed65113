/** Distinguished Encoding Rules (X.690) as far as SPNEGO, CredSSP, MCS and a certificate need them: definite lengths of at most four bytes, one-byte tags. */

/** One value: tag(1) length(1, or 0x80 + n and n bytes) content. */
export interface Tlv {
  tag: number
  value: Buffer
  /** Where the next one begins. */
  end: number
}

/** The value at `at`; undefined where there is none or it is cut off (X.690 sections 8.1.2 and 8.1.3). */
export function readTlv(bytes: Buffer, at = 0): Tlv | undefined {
  if (at + 2 > bytes.length) return undefined
  const first = bytes.readUInt8(at + 1)
  let from = at + 2
  let length = first
  if (first >= 0x80) {
    const size = first & 0x7f
    if (size === 0 || size > 4 || from + size > bytes.length) return undefined
    length = bytes.readUIntBE(from, size)
    from += size
  }
  const end = from + length
  return end > bytes.length ? undefined : { tag: bytes.readUInt8(at), value: bytes.subarray(from, end), end }
}

/** The values in the content of a constructed one, at most `most`; what follows a broken one is left out. */
export function children(value: Buffer, most = 32): Tlv[] {
  const found: Tlv[] = []
  for (let at = 0; at < value.length && found.length < most; ) {
    const next = readTlv(value, at)
    if (!next) break
    found.push(next)
    at = next.end
  }
  return found
}

/** The content of the first child with that tag. */
export const child = (value: Buffer | undefined, tag: number): Buffer | undefined => value && children(value).find((each) => each.tag === tag)?.value

/** The length of a whole value that `bytes` begins with; undefined while its head is not there yet. Throws a RangeError on a head that it cannot have. */
export function wholeLength(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined
  const first = bytes.readUInt8(1)
  if (first < 0x80) return 2 + first
  const size = first & 0x7f
  if (size === 0 || size > 4) throw new RangeError(`a length of ${size} bytes`)
  if (bytes.length < 2 + size) return undefined
  return 2 + size + bytes.readUIntBE(2, size)
}

/** Encodes one value. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(content)
  if (value.length < 0x80) return Buffer.concat([Buffer.from([tag, value.length]), value])
  const size = value.length < 0x100 ? 1 : value.length < 0x1_0000 ? 2 : 3
  const head = Buffer.alloc(2 + size)
  head[0] = tag
  head[1] = 0x80 | size
  head.writeUIntBE(value.length, 2, size)
  return Buffer.concat([head, value])
}

/** INTEGER of up to 32 bits without a sign. */
export function integer(value: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes.writeUInt32BE(value, 1)
  let from = 1
  while (from < 4 && bytes[from] === 0) from++
  return der(0x02, bytes.subarray((bytes[from] as number) >= 0x80 ? from - 1 : from))
}

/** OBJECT IDENTIFIER by its dotted text (X.690 section 8.19). */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes: number[] = []
  for (const part of [first * 40 + second, ...rest]) {
    const groups = [part % 128]
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left % 128) | 0x80)
    bytes.push(...groups)
  }
  return der(0x06, Uint8Array.from(bytes))
}

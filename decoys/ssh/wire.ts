/** SSH's data types (RFC 4251 section 5), bounded. */

/** Message numbers (RFC 4250 section 4.1). */
export const message = {
  DISCONNECT: 1,
  IGNORE: 2,
  UNIMPLEMENTED: 3,
  DEBUG: 4,
  SERVICE_REQUEST: 5,
  SERVICE_ACCEPT: 6,
  EXT_INFO: 7,
  KEXINIT: 20,
  USERAUTH_REQUEST: 50,
  USERAUTH_FAILURE: 51,
  USERAUTH_SUCCESS: 52,
  USERAUTH_BANNER: 53,
  USERAUTH_PK_OK: 60,
  USERAUTH_INFO_REQUEST: 60,
  USERAUTH_INFO_RESPONSE: 61,
  GLOBAL_REQUEST: 80,
  REQUEST_SUCCESS: 81,
  REQUEST_FAILURE: 82,
  CHANNEL_OPEN: 90,
  CHANNEL_OPEN_CONFIRMATION: 91,
  CHANNEL_OPEN_FAILURE: 92,
  CHANNEL_WINDOW_ADJUST: 93,
  CHANNEL_DATA: 94,
  CHANNEL_EXTENDED_DATA: 95,
  CHANNEL_EOF: 96,
  CHANNEL_CLOSE: 97,
  CHANNEL_REQUEST: 98,
  CHANNEL_SUCCESS: 99,
  CHANNEL_FAILURE: 100,
} as const

/** Thrown where a message ends before what it promises. */
export class Malformed extends Error {}

/** Reads one message from its beginning; throws Malformed at its end. */
export class Reader {
  #at = 1
  readonly bytes: Buffer
  constructor(bytes: Buffer, from = 1) {
    this.bytes = bytes
    this.#at = from
  }
  get position(): number {
    return this.#at
  }
  get left(): number {
    return this.bytes.length - this.#at
  }
  byte(): number {
    if (this.#at >= this.bytes.length) throw new Malformed('message ends early')
    return this.bytes[this.#at++] as number
  }
  bool(): boolean {
    return this.byte() !== 0
  }
  uint32(): number {
    if (this.#at + 4 > this.bytes.length) throw new Malformed('message ends early')
    this.#at += 4
    return this.bytes.readUInt32BE(this.#at - 4)
  }
  uint64(): bigint {
    if (this.#at + 8 > this.bytes.length) throw new Malformed('message ends early')
    this.#at += 8
    return this.bytes.readBigUInt64BE(this.#at - 8)
  }
  /** A view of the message's own bytes. */
  string(): Buffer {
    const length = this.uint32()
    if (this.#at + length > this.bytes.length) throw new Malformed('message ends early')
    this.#at += length
    return this.bytes.subarray(this.#at - length, this.#at)
  }
  /** One character a byte. */
  text(): string {
    return this.string().toString('latin1')
  }
  list(): string[] {
    const text = this.text()
    return text === '' ? [] : text.split(',')
  }
}

/** One part of a message: a number is a uint32, text (one character a byte) and bytes are strings, a boolean is a byte. */
export type Part = number | string | Uint8Array | boolean | { byte: number } | { raw: Uint8Array }

/** A message as bytes. */
export function pack(type: number, ...parts: Part[]): Buffer {
  let size = 1
  for (const part of parts) {
    if (typeof part === 'number') size += 4
    else if (typeof part === 'boolean') size += 1
    else if (typeof part === 'string' || part instanceof Uint8Array) size += 4 + part.length
    else size += 'byte' in part ? 1 : part.raw.length
  }
  const bytes = Buffer.allocUnsafe(size)
  bytes[0] = type
  let at = 1
  for (const part of parts) {
    if (typeof part === 'number') at = bytes.writeUInt32BE(part >>> 0, at)
    else if (typeof part === 'boolean') bytes[at++] = part ? 1 : 0
    else if (typeof part === 'string') {
      at = bytes.writeUInt32BE(part.length, at)
      at += bytes.write(part, at, 'latin1')
    } else if (part instanceof Uint8Array) {
      at = bytes.writeUInt32BE(part.length, at)
      bytes.set(part, at)
      at += part.length
    } else if ('byte' in part) bytes[at++] = part.byte
    else {
      bytes.set(part.raw, at)
      at += part.raw.length
    }
  }
  return bytes
}

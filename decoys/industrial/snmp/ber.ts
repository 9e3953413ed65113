/**
 * BER as SNMP uses it (RFC 3417 section 8): definite lengths only, tags of one byte.
 *
 *   tag(1) length contents
 *   length  0xxxxxxx, or 1000 0nnn and n bytes of it, most significant first
 *   INTEGER           two's complement, as short as can be
 *   OBJECT IDENTIFIER first two arcs as 40 * a + b, then each arc in groups of 7 bits, all but the last with bit 8 set
 */

export type Oid = readonly number[]

export const tags = {
  integer: 0x02,
  octets: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  ip: 0x40,
  counter: 0x41,
  gauge: 0x42,
  ticks: 0x43,
  opaque: 0x44,
  counter64: 0x46,
  noSuchObject: 0x80,
  noSuchInstance: 0x81,
  endOfMibView: 0x82,
} as const

/** A value as RFC 3416 has them. Numbers are whole; `integer` is signed, all others are not. */
export type Value =
  | { type: 'integer' | 'counter' | 'gauge' | 'ticks'; value: number }
  | { type: 'octets' | 'ip' | 'opaque'; value: Buffer }
  | { type: 'oid'; value: Oid }
  | { type: 'counter64'; value: bigint }
  | { type: 'null' | 'noSuchObject' | 'noSuchInstance' | 'endOfMibView' }

export class BerError extends Error {}

/** RFC 3416 section 2.1: at most 128 arcs. */
const maxArcs = 128

export interface BerReader {
  /** Offset of the next element in the bytes that it was opened on. */
  readonly at: number
  readonly more: boolean
  next(): { tag: number; body: Buffer }
  /** The body of the next element, which must have that tag. */
  take(tag: number, what: string): Buffer
  integer(what: string): number
}

/** Reads elements one after the other; throws a BerError at the first that is not whole. */
export function openReader(bytes: Buffer): BerReader {
  let at = 0
  const next = (): { tag: number; body: Buffer } => {
    if (bytes.length - at < 2) throw new BerError('an element is cut off')
    const tag = bytes[at] as number
    if ((tag & 0x1f) === 0x1f) throw new BerError('a tag of more than one byte')
    let length = bytes[at + 1] as number
    at += 2
    if (length >= 0x80) {
      const count = length & 0x7f
      if (count === 0) throw new BerError('an indefinite length')
      if (count > 4 || count > bytes.length - at) throw new BerError('a length of too many bytes')
      length = bytes.readUIntBE(at, count)
      at += count
    }
    if (length > bytes.length - at) throw new BerError('an element is longer than what there is')
    const body = bytes.subarray(at, at + length)
    at += length
    return { tag, body }
  }
  const take = (tag: number, what: string): Buffer => {
    const found = next()
    if (found.tag !== tag) throw new BerError(`${what}: tag ${found.tag} where ${tag} belongs`)
    return found.body
  }
  return {
    get at() {
      return at
    },
    get more() {
      return at < bytes.length
    },
    next,
    take,
    integer: (what) => decodeInteger(take(tags.integer, what)),
  }
}

export function decodeInteger(body: Buffer): number {
  if (body.length < 1 || body.length > 4) throw new BerError('an integer of more than 32 bits')
  return body.readIntBE(0, body.length)
}

function decodeUnsigned(body: Buffer): number {
  const short = body.length === 5 && body[0] === 0 ? body.subarray(1) : body
  if (short.length < 1 || short.length > 4) throw new BerError('a number of more than 32 bits')
  // Some senders leave out the byte that keeps it positive.
  return short.readUIntBE(0, short.length)
}

export function decodeOid(body: Buffer): number[] {
  const arcs: number[] = []
  let arc = 0
  let open = false
  for (const byte of body) {
    if (!open && byte === 0x80) throw new BerError('an arc with leading zeros')
    arc = arc * 128 + (byte & 0x7f)
    if (arc > 0xffffffff) throw new BerError('an arc of more than 32 bits')
    open = byte >= 0x80
    if (open) continue
    if (arcs.length === 0) arcs.push(Math.min(2, Math.floor(arc / 40)), arc < 80 ? arc % 40 : arc - 80)
    else arcs.push(arc)
    if (arcs.length > maxArcs) throw new BerError(`more than ${maxArcs} arcs`)
    arc = 0
  }
  if (open || arcs.length === 0) throw new BerError('an object identifier is cut off')
  return arcs
}

/** A value by its tag; throws for one that SNMP does not have. */
export function decodeValue({ tag, body }: { tag: number; body: Buffer }): Value {
  switch (tag) {
    case tags.integer:
      return { type: 'integer', value: decodeInteger(body) }
    case tags.octets:
      return { type: 'octets', value: body }
    case tags.null:
      return { type: 'null' }
    case tags.oid:
      return { type: 'oid', value: decodeOid(body) }
    case tags.ip:
      if (body.length !== 4) throw new BerError('an address of other than four bytes')
      return { type: 'ip', value: body }
    case tags.counter:
      return { type: 'counter', value: decodeUnsigned(body) }
    case tags.gauge:
      return { type: 'gauge', value: decodeUnsigned(body) }
    case tags.ticks:
      return { type: 'ticks', value: decodeUnsigned(body) }
    case tags.opaque:
      return { type: 'opaque', value: body }
    case tags.counter64:
      if (body.length < 1 || body.length > 9) throw new BerError('a counter of more than 64 bits')
      return { type: 'counter64', value: BigInt.asUintN(64, BigInt(`0x${body.toString('hex')}`)) }
    case tags.noSuchObject:
      return { type: 'noSuchObject' }
    case tags.noSuchInstance:
      return { type: 'noSuchInstance' }
    case tags.endOfMibView:
      return { type: 'endOfMibView' }
  }
  throw new BerError(`a value with tag ${tag}`)
}

/** One element around what is given. */
export function encode(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : length < 0x10000
          ? [tag, 0x82, length >> 8, length & 0xff]
          : [tag, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]
  return Buffer.concat([Buffer.from(head), ...parts])
}

export function encodeInteger(value: number, tag: number = tags.integer): Buffer {
  const length =
    value >= -0x80 && value < 0x80 ? 1 : value >= -0x8000 && value < 0x8000 ? 2 : value >= -0x800000 && value < 0x800000 ? 3 : value < 0x80000000 ? 4 : 5
  const body = Buffer.alloc(length)
  body.writeIntBE(value, 0, length)
  return encode(tag, body)
}

export function encodeOid(oid: Oid): Buffer {
  const [first = 0, second = 0, ...rest] = oid
  const bytes: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const groups = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift((left % 128) + 128)
    bytes.push(...groups)
  }
  return encode(tags.oid, Buffer.from(bytes))
}

export function encodeValue(value: Value): Buffer {
  switch (value.type) {
    case 'integer':
      return encodeInteger(value.value)
    case 'counter':
    case 'gauge':
    case 'ticks':
      return encodeInteger(value.value, tags[value.type])
    case 'octets':
    case 'ip':
    case 'opaque':
      return encode(tags[value.type], value.value)
    case 'oid':
      return encodeOid(value.value)
    case 'counter64': {
      const hex = value.value.toString(16)
      const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
      return encode(tags.counter64, ...((bytes[0] as number) >= 0x80 ? [Buffer.from([0]), bytes] : [bytes]))
    }
    default:
      return encode(tags[value.type])
  }
}

export const parseOid = (text: string): number[] => text.split('.').map(Number)
export const formatOid = (oid: Oid): string => oid.join('.')

/** Negative, 0 or positive, in the order of a walk. */
export function compareOid(a: Oid, b: Oid): number {
  const shared = Math.min(a.length, b.length)
  for (let at = 0; at < shared; at++) {
    const difference = (a[at] as number) - (b[at] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

export const isBelow = (oid: Oid, above: Oid): boolean => oid.length >= above.length && above.every((arc, at) => oid[at] === arc)

/** The ClientHello of a TLS client (RFC 8446 section 4.1.2), read for what it tells about the client: JA3 and JA4. */
import { createHash } from 'node:crypto'

export interface ClientHello {
  /** legacy_version of the hello, such as 0x0303. */
  version: number
  ciphers: number[]
  extensions: number[]
  groups: number[]
  pointFormats: number[]
  signatureAlgorithms: number[]
  supportedVersions: number[]
  /** ALPN protocols as raw Latin-1 text. */
  alpn: string[]
  serverName?: string
}

/** Most bytes of a hello that are looked at. */
export const helloLimit = 16_384

/** Bytes needed to see the whole hello, given its first bytes: the record header tells. */
export function helloSize(first: Uint8Array): number | undefined {
  if (first.length < 5 || first[0] !== 0x16 || first[1] !== 3) return undefined
  return Math.min(helloLimit, 5 + (((first[3] as number) << 8) | (first[4] as number)))
}

/** A cursor over bytes that answers undefined past the end. */
function cursor(bytes: Uint8Array) {
  let at = 0
  const number = (size: number): number | undefined => {
    if (at + size > bytes.length) return undefined
    let value = 0
    for (let i = 0; i < size; i++) value = value * 256 + (bytes[at++] as number)
    return value
  }
  const take = (size: number | undefined): Uint8Array | undefined => {
    if (size === undefined || at + size > bytes.length) return undefined
    at += size
    return bytes.subarray(at - size, at)
  }
  return { number, take, vector: (size: number) => take(number(size)), rest: () => bytes.length - at }
}

function shorts(bytes: Uint8Array | undefined): number[] {
  const out: number[] = []
  if (bytes) for (let i = 0; i + 1 < bytes.length; i += 2) out.push(((bytes[i] as number) << 8) | (bytes[i + 1] as number))
  return out
}

/** Parses TLS records that begin with a ClientHello; undefined when they do not. Fragments over records are joined. */
export function parseClientHello(records: Uint8Array): ClientHello | undefined {
  const parts: Uint8Array[] = []
  const outer = cursor(records.subarray(0, helloLimit))
  while (outer.rest() >= 5) {
    if (outer.number(1) !== 0x16) break
    outer.number(2)
    const fragment = outer.vector(2)
    if (!fragment) break
    parts.push(fragment)
  }
  const message = cursor(Buffer.concat(parts))
  if (message.number(1) !== 1) return undefined
  const body = message.vector(3)
  if (!body) return undefined
  const hello = cursor(body)
  const version = hello.number(2)
  if (version === undefined || !hello.take(32) || !hello.vector(1)) return undefined
  const ciphers = hello.vector(2)
  if (!ciphers || !hello.vector(1)) return undefined
  const out: ClientHello = {
    version,
    ciphers: shorts(ciphers),
    extensions: [],
    groups: [],
    pointFormats: [],
    signatureAlgorithms: [],
    supportedVersions: [],
    alpn: [],
  }
  const extensions = hello.vector(2)
  if (extensions) readExtensions(cursor(extensions), out)
  return out
}

function readExtensions(list: ReturnType<typeof cursor>, out: ClientHello): void {
  while (list.rest() >= 4) {
    const type = list.number(2) as number
    const data = list.vector(2)
    if (!data) return
    out.extensions.push(type)
    const inner = cursor(data)
    if (type === 0) out.serverName = serverName(inner)
    else if (type === 10) out.groups = shorts(inner.vector(2))
    else if (type === 11) out.pointFormats = [...(inner.vector(1) ?? [])]
    else if (type === 13) out.signatureAlgorithms = shorts(inner.vector(2))
    else if (type === 16) out.alpn = protocols(inner.vector(2))
    else if (type === 43) out.supportedVersions = shorts(inner.vector(1))
  }
}

function serverName(data: ReturnType<typeof cursor>): string | undefined {
  const names = data.vector(2)
  if (!names) return undefined
  const list = cursor(names)
  if (list.number(1) !== 0) return undefined
  const name = list.vector(2)
  return name && Buffer.from(name).toString('latin1').slice(0, 255)
}

function protocols(data: Uint8Array | undefined): string[] {
  const out: string[] = []
  if (!data) return out
  const list = cursor(data)
  for (let name = list.vector(1); name && out.length < 100; name = list.vector(1)) out.push(Buffer.from(name).toString('latin1'))
  return out
}

/** GREASE values (RFC 8701) say nothing of the client. */
const isGrease = (value: number): boolean => (value & 0x0f0f) === 0x0a0a && value >> 8 === (value & 0xff)
const real = (values: readonly number[]): number[] => values.filter((value) => !isGrease(value))
const hex4 = (value: number): string => value.toString(16).padStart(4, '0')

/** JA3: MD5 of version, ciphers, extensions, groups and point formats in the client's order. */
export function ja3(hello: ClientHello): string {
  const lists = [hello.ciphers, hello.extensions, hello.groups].map((list) => real(list).join('-'))
  return createHash('md5')
    .update([hello.version, ...lists, hello.pointFormats.join('-')].join(','))
    .digest('hex')
}

const versionNames: Record<number, string> = { 772: '13', 771: '12', 770: '11', 769: '10', 768: 's3', 2: 's2' }
const alphanumeric = /^[0-9A-Za-z]$/
const short = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12)

/** JA4 of a hello over TCP: `t13d1516h2_8daaf6152771_e5627efa2ab1`. */
export function ja4(hello: ClientHello): string {
  const versions = real(hello.supportedVersions)
  const version = versionNames[versions.length > 0 ? Math.max(...versions) : hello.version] ?? '00'
  const ciphers = real(hello.ciphers)
  const extensions = real(hello.extensions)
  const two = (count: number): string => String(Math.min(99, count)).padStart(2, '0')
  const head = `t${version}${hello.extensions.includes(0) ? 'd' : 'i'}${two(ciphers.length)}${two(extensions.length)}${alpnMark(hello.alpn[0])}`
  const cipherHash = ciphers.length === 0 ? '000000000000' : short(ciphers.map(hex4).sort().join(','))
  const listed = extensions
    .filter((type) => type !== 0 && type !== 16)
    .map(hex4)
    .sort()
    .join(',')
  const algorithms = real(hello.signatureAlgorithms).map(hex4).join(',')
  const extensionHash = extensions.length === 0 ? '000000000000' : short(algorithms === '' ? listed : `${listed}_${algorithms}`)
  return `${head}_${cipherHash}_${extensionHash}`
}

/** First and last character of the first ALPN value; where they are not letters or digits, of its hexadecimal form. */
function alpnMark(first: string | undefined): string {
  if (first === undefined || first === '') return '00'
  const [head, tail] = [first[0] as string, first.at(-1) as string]
  if (alphanumeric.test(head) && alphanumeric.test(tail)) return head + tail
  const bytes = Buffer.from(first, 'latin1').toString('hex')
  return (bytes[0] as string) + (bytes.at(-1) as string)
}

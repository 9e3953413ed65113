/** What tells one host from the next, drawn from its seed: by the decoy that shows it and by the core that plans it, so that both say the same. */
import { createHmac, hash } from 'node:crypto'
import type { PersonaTemplate } from '@shenlou/contract/persona'
import type { TcpClass } from '@shenlou/contract/segment'
import type { Organisation } from '@shenlou/contract/template'

export interface HostDraw {
  /** Deterministic bytes for a purpose; different purposes share nothing. */
  draw(purpose: string, bytes: number): Buffer
  /** Deterministic whole number, `from` to `to` inclusive. */
  number(purpose: string, from: number, to: number): number
  pick<T>(purpose: string, from: readonly T[]): T
  /** `#` becomes a digit and `@` one of `letters`. */
  fill(purpose: string, pattern: string, letters: string): string
}

/** How often a host stepped aside for one of its segment that had the same already; 0 is what its seed draws first. */
export interface HostSteps {
  mac: number
  name: number
}

/** Draws for one decoy. `seed`: 32 bytes, hexadecimal; `persona` is its template's id, for errors. */
export function hostDraw({ seed, decoy, persona }: { seed: string; decoy: string; persona: string }): HostDraw {
  if (!/^[0-9a-f]{64}$/.test(seed)) throw new Error(`decoy ${decoy}: the seed is not 32 bytes in hexadecimal; no host is drawn without one`)
  const key = Buffer.from(seed, 'hex')
  const hmac = hmacOf(createHmac('sha256', `persona ${decoy}`).update(key).digest())
  const draw = (purpose: string, bytes: number): Buffer => expand(hmac, purpose, bytes)
  const number = (purpose: string, from: number, to: number): number => {
    const span = BigInt(Math.floor(to) - Math.ceil(from) + 1)
    if (span < 1n) throw new RangeError(`persona ${persona}: nothing lies between ${from} and ${to} for ${purpose}`)
    return Math.ceil(from) + Number(draw(purpose, 16).readBigUInt64BE(0) % span) // 64 bits over a small span: the bias is not measurable
  }
  const pick = <T>(purpose: string, from: readonly T[]): T => {
    if (from.length === 0) throw new RangeError(`persona ${persona}: nothing to pick for ${purpose}`)
    return from[number(purpose, 0, from.length - 1)] as T
  }
  const fill = (purpose: string, pattern: string, letters: string): string =>
    [...pattern]
      .map((sign, at) => (sign === '#' ? number(`${purpose} ${at}`, 0, 9) : sign === '@' ? letters[number(`${purpose} ${at}`, 0, letters.length - 1)] : sign))
      .join('')
  return { draw, number, pick, fill }
}

/** HMAC with SHA-256 (RFC 2104) under one key, by one-shot digests: a segment draws tens of thousands of short values. */
function hmacOf(key: Buffer): (message: Buffer) => Buffer {
  const pad = (byte: number): Buffer => Buffer.from(Array.from({ length: 64 }, (_, at) => (key[at] ?? 0) ^ byte))
  const [inner, outer] = [pad(0x36), pad(0x5c)]
  return (message) => hash('sha256', Buffer.concat([outer, hash('sha256', Buffer.concat([inner, message]), 'buffer')]), 'buffer')
}

/** HKDF-Expand, RFC 5869 section 2.3. */
function expand(hmac: (message: Buffer) => Buffer, info: string, bytes: number): Buffer {
  const name = Buffer.from(info)
  const blocks: Buffer[] = []
  for (let at = 1; (at - 1) * 32 < bytes; at++) blocks.push(hmac(Buffer.concat([...blocks.slice(-1), name, Buffer.of(at)])))
  return Buffer.concat(blocks).subarray(0, bytes)
}

/** Short name of an organisation as its people use it in host names: the first label of the domain, without hyphens. */
const siteName = (organisation: Organisation): string => (organisation.domain.split('.')[0] ?? '').replaceAll('-', '').slice(0, 10) || 'hq'

/** After so many steps aside the numbers of a pattern are taken to be too short, and one digit is added. */
const stepsPerDigit = 4
const letters = 'abcdefghijklmnopqrstuvwxyz'

/** The host's name. A pattern of two digits names a hundred hosts: with more of them the site counts in three, as people do. */
export function drawHostname({ host }: PersonaTemplate, organisation: Organisation, { draw, pick, fill }: HostDraw, step = 0): string {
  const named = (pattern: string): string => pattern.replaceAll('{site}', siteName(organisation))
  if (step === 0) return fill('hostname', named(pick('hostname pattern', host.hostname)), letters)
  const drawn = draw(`hostname ${step}`, 32)
  const pattern = named(host.hostname[drawn.readUInt32BE(0) % host.hostname.length] ?? '')
  const last = pattern.lastIndexOf('#')
  const more = '#'.repeat(last < 0 ? 2 : Math.floor(step / stepsPerDigit))
  const longer = last < 0 ? pattern + more : pattern.slice(0, last) + more + pattern.slice(last)
  return [...longer]
    .map((sign, at) => {
      const byte = drawn[4 + (at % 28)] as number
      return sign === '#' ? byte % 10 : sign === '@' ? letters[byte % letters.length] : sign
    })
    .join('')
}

/** The host's MAC address: a prefix of its maker, and a drawn rest that moves on by one a step. */
export function drawMac({ hardware }: PersonaTemplate, { pick, draw }: HostDraw, step = 0): string {
  const rest = (draw('mac', 3).readUIntBE(0, 3) + step) % 0x1000000
  return `${pick('mac prefix', hardware.macPrefixes)}:${rest.toString(16).padStart(6, '0').replace(/../g, '$&:').slice(0, 8)}`
}

/** The serial number of the machine. */
export const drawSerial = ({ hardware }: PersonaTemplate, { fill }: HostDraw): string => fill('serial', hardware.serialPattern, 'ABCDEFGHJKLMNPQRSTUVWXYZ')

/** How the TCP/IP stack of such a system looks from outside. */
export const tcpClassOf = (family: string): TcpClass => (family === 'windows' || family === 'embedded' ? family : 'linux')

/** The user-based security model (RFC 3414; AES of RFC 3826, SHA-2 of RFC 7860): keys, digests, encryption, and an engine's identity and time. */
import { createCipheriv, createDecipheriv, createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { SnmpUser } from '@shenlou/contract/snmp'
import type { Persona } from '../../persona.ts'

type AuthProtocol = NonNullable<SnmpUser['auth']>['protocol']
type PrivacyProtocol = NonNullable<SnmpUser['privacy']>['protocol']

/** The hash, and how many bytes of its HMAC are sent. */
const digests: Record<AuthProtocol, readonly [hash: string, bytes: number]> = {
  MD5: ['md5', 12],
  SHA: ['sha1', 12],
  'SHA-224': ['sha224', 16],
  'SHA-256': ['sha256', 24],
  'SHA-384': ['sha384', 32],
  'SHA-512': ['sha512', 48],
}

export const digestLength = (protocol: AuthProtocol): number => digests[protocol][1]

const keys = new Map<string, Buffer>()
const maxKeys = 512

/** A password as a key of one engine (RFC 3414 section 2.6 and A.2): hashed over a mebibyte of itself, then with the engine's identifier in between. */
export function localKey(protocol: AuthProtocol, password: string, engineId: Buffer): Buffer {
  const name = `${protocol}\n${engineId.toString('hex')}\n${password}`
  const known = keys.get(name)
  if (known) return known
  const [hash] = digests[protocol]
  const text = Buffer.from(password)
  const mebibyte = Buffer.alloc(1_048_576)
  for (let at = 0; at < mebibyte.length; at += text.length) text.copy(mebibyte, at)
  const wide = createHash(hash).update(mebibyte).digest()
  const key = createHash(hash).update(wide).update(engineId).update(wide).digest()
  const [oldest] = keys.keys()
  if (keys.size >= maxKeys && oldest !== undefined) keys.delete(oldest)
  keys.set(name, key)
  return key
}

/** The digest of a message whose digest field, at `authAt`, counts as zeros. */
function digestOf(protocol: AuthProtocol, key: Buffer, message: Buffer, authAt: number): Buffer {
  const [hash, length] = digests[protocol]
  return createHmac(hash, key)
    .update(message.subarray(0, authAt))
    .update(Buffer.alloc(length))
    .update(message.subarray(authAt + length))
    .digest()
    .subarray(0, length)
}

/** Puts the digest into a message. */
export function sign(protocol: AuthProtocol, key: Buffer, message: Buffer, authAt: number): void {
  digestOf(protocol, key, message, authAt).copy(message, authAt)
}

export function isSigned(protocol: AuthProtocol, key: Buffer, message: Buffer, authAt: number, digest: Buffer): boolean {
  return digest.length === digestLength(protocol) && timingSafeEqual(digest, digestOf(protocol, key, message, authAt))
}

/** DES-CBC is a triple DES with one key three times: OpenSSL 3 has only that by default. RFC 3414 section 8.1.1.1: the last half of the key is mixed with the salt. */
function des(key: Buffer, salt: Buffer): { name: string; key: Buffer; iv: Buffer } {
  const single = key.subarray(0, 8)
  return {
    name: 'des-ede3-cbc',
    key: Buffer.concat([single, single, single]),
    iv: Buffer.from(key.subarray(8, 16).map((byte, at) => byte ^ (salt[at] as number))),
  }
}
/** RFC 3826 section 3.1.2.1: boots, time and salt are the initial vector. */
function aes(key: Buffer, salt: Buffer, boots: number, time: number): { name: string; key: Buffer; iv: Buffer } {
  const iv = Buffer.alloc(16)
  iv.writeUInt32BE(boots, 0)
  iv.writeUInt32BE(time, 4)
  salt.copy(iv, 8)
  return { name: 'aes-128-cfb', key: key.subarray(0, 16), iv }
}

interface Privacy {
  protocol: PrivacyProtocol
  key: Buffer
  boots: number
  time: number
}

/** `salt` of eight bytes. What DES lacks to a whole block is filled with zeros. */
export function encrypt({ protocol, key, boots, time }: Privacy, salt: Buffer, plain: Buffer): Buffer {
  const how = protocol === 'DES' ? des(key, salt) : aes(key, salt, boots, time)
  const cipher = createCipheriv(how.name, how.key, how.iv).setAutoPadding(false)
  const whole = protocol === 'DES' ? Buffer.concat([plain, Buffer.alloc((8 - (plain.length % 8)) % 8)]) : plain
  return Buffer.concat([cipher.update(whole), cipher.final()])
}

/** Undefined when the salt or the length cannot be of that protocol. */
export function decrypt({ protocol, key, boots, time }: Privacy, salt: Buffer, encrypted: Buffer): Buffer | undefined {
  if (salt.length !== 8 || (protocol === 'DES' && encrypted.length % 8 !== 0)) return undefined
  const how = protocol === 'DES' ? des(key, salt) : aes(key, salt, boots, time)
  const decipher = createDecipheriv(how.name, how.key, how.iv).setAutoPadding(false)
  return Buffer.concat([decipher.update(encrypted), decipher.final()])
}

/** RFC 3411 section 5: the maker's number with bit 32 set, 3 for a hardware address, the address. */
export function engineIdOf(persona: Persona, enterprise: number): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE((enterprise | 0x80000000) >>> 0)
  head[4] = 3
  return Buffer.concat([head, Buffer.from(persona.mac.replaceAll(':', ''), 'hex')])
}

/** RFC 3414 section 3.2 step 7: another boot, or more than 150 seconds off. */
export const inTimeWindow = (own: { boots: number; time: number }, theirs: { boots: number; time: number }): boolean =>
  own.boots < 2_147_483_647 && theirs.boots === own.boots && Math.abs(theirs.time - own.time) <= 150

/** Secrets at rest: AES-256-GCM under a key derived from the master key for one purpose (NIST SP 800-38D, RFC 5869). */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const nonceBytes = 12
const tagBytes = 16

/** 32 bytes for one purpose; different purposes share nothing. */
export const deriveKey = (masterKey: Buffer, purpose: string): Buffer => Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), `shenlou ${purpose}`, 32))

/** Layout: nonce(12) ciphertext tag(16). */
export function seal(masterKey: Buffer, purpose: string, plain: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', deriveKey(masterKey, purpose), nonce)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Throws when the bytes were altered, or sealed under another key or purpose. */
export function unseal(masterKey: Buffer, purpose: string, sealed: Buffer): Buffer {
  if (sealed.length < nonceBytes + tagBytes) throw new Error(`sealed ${purpose} is cut short`)
  const decipher = createDecipheriv('aes-256-gcm', deriveKey(masterKey, purpose), sealed.subarray(0, nonceBytes))
  decipher.setAuthTag(sealed.subarray(-tagBytes))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()])
  } catch (cause) {
    throw new Error(`${purpose} does not open with this master key; is master.key the one it was made with?`, { cause })
  }
}

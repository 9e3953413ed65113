/** SSH host keys that follow from drawn bytes. */
import { createECDH, createPrivateKey, createPublicKey } from 'node:crypto'

const text = (value: Uint8Array | string): Buffer => {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** PKCS #8 of a bare ed25519 seed (RFC 8410 section 7) up to the 32 bytes. */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * An ed25519 key from 32 bytes in OpenSSH's own form, unencrypted (openssh-portable PROTOCOL.key):
 * `openssh-key-v1\0 cipher kdf options count(4) public-blob private-section`, the section padded 1, 2, 3… to 8 bytes.
 */
export function ed25519Key(seed: Buffer, check: Buffer, comment: string): string {
  const secret = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, seed]), format: 'der', type: 'pkcs8' })
  const bare = createPublicKey(secret).export({ type: 'spki', format: 'der' }).subarray(-32)
  const blob = Buffer.concat([text('ssh-ed25519'), text(bare)])
  const section = Buffer.concat([check, check, blob, text(Buffer.concat([seed, bare])), text(comment)])
  const padding = Buffer.from(Array.from({ length: (8 - (section.length % 8)) % 8 }, (_, at) => at + 1))
  const all = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    text('none'),
    text('none'),
    text(''),
    Buffer.from([0, 0, 0, 1]),
    text(blob),
    text(Buffer.concat([section, padding])),
  ])
  const lines = all.toString('base64').match(/.{1,70}/g) ?? []
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`
}

/** Order of the group of P-256 (FIPS 186-5, SP 800-186 section 3.2.1.3). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** A P-256 key from at least 40 drawn bytes (FIPS 186-5 A.2.1: reduced with 64 bits to spare), as a SEC 1 PEM text. */
export function ecdsaKey(drawn: Buffer): string {
  const scalar = (BigInt(`0x${drawn.toString('hex')}`) % (order - 1n)) + 1n
  const d = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex')
  const pair = createECDH('prime256v1')
  pair.setPrivateKey(d)
  const point = pair.getPublicKey()
  const b64 = (bytes: Buffer): string => bytes.toString('base64url')
  const jwk = { kty: 'EC', crv: 'P-256', d: b64(d), x: b64(point.subarray(1, 33)), y: b64(point.subarray(33, 65)) }
  return createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'sec1', format: 'pem' }).toString()
}

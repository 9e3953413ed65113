/** Host keys as Dropbear keeps them: the key type and its numbers, as SSH packs them (RFC 4251 section 5), in one binary file a key. */
import { createPrivateKey } from 'node:crypto'
import type { Host } from './host.ts'

type KeyType = 'rsa' | 'ecdsa' | 'ed25519'

/** Bytes of `/etc/dropbear/dropbear_<type>_host_key`; empty when the host has no such key. */
export function dropbearKey(host: Host, type: KeyType): Buffer {
  const pem = host.persona.keys[`ssh-${type}`]
  if (!pem) return Buffer.alloc(0)
  if (type === 'ed25519') {
    // OpenSSH's form ends with: string type, string public, string secret (64 bytes, the public half last), string comment
    const bytes = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
    const at = bytes.lastIndexOf(string(Buffer.from('ssh-ed25519')))
    const secret = bytes.subarray(at + 15 + 36 + 4, at + 15 + 36 + 4 + 64)
    return Buffer.concat([string(Buffer.from('ssh-ed25519')), string(secret)])
  }
  const { n, e, d, p, q, x, y } = createPrivateKey(pem).export({ format: 'jwk' }) as Record<string, string | undefined>
  const number = (text = ''): Buffer => Buffer.from(text, 'base64url')
  if (type === 'rsa') return Buffer.concat([string(Buffer.from('ssh-rsa')), ...[e, n, d, p, q].map((text) => mpint(number(text)))])
  const point = Buffer.concat([Buffer.from([4]), number(x), number(y)])
  return Buffer.concat([string(Buffer.from('ecdsa-sha2-nistp256')), string(Buffer.from('nistp256')), string(point), mpint(number(d))])
}

function string(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** A positive number without leading zeros, and with one when its first bit is set. */
function mpint(bytes: Buffer): Buffer {
  let from = 0
  while (from < bytes.length && bytes[from] === 0) from++
  const plain = bytes.subarray(from)
  return string((plain[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), plain]) : plain)
}

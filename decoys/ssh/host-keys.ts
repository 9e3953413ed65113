/** The persona's host keys as the transport signs with them. */
import { createPrivateKey, sign } from 'node:crypto'
import keyParser, { type ParsedKey } from 'ssh2/lib/protocol/keyParser.js'
import type { Persona } from '../persona.ts'

/** Keys by algorithm name; an RSA key stands under each of its signature algorithms. */
export type HostKeys = Readonly<Record<string, ParsedKey>>

const parsed = new WeakMap<Persona, HostKeys>()

/** Host keys of a persona, parsed once. Throws an Error naming the key that cannot be read. */
export function hostKeys(persona: Persona): HostKeys {
  const known = parsed.get(persona)
  if (known) return known
  const keys: Record<string, ParsedKey> = {}
  for (const name of ['ssh-rsa', 'ssh-ecdsa', 'ssh-ed25519']) {
    const pem = persona.keys[name]
    if (!pem) continue
    const result = keyParser.parseKey(pem)
    const key = Array.isArray(result) ? result[0] : result
    if (!key || key instanceof Error)
      throw new Error(`the host key ${name} of ${persona.template.id} cannot be read: ${key instanceof Error ? key.message : 'empty'}`)
    const signing = prepared(key)
    for (const type of key.type === 'ssh-rsa' ? ['ssh-rsa', 'rsa-sha2-256', 'rsa-sha2-512'] : [key.type]) keys[type] = signing
  }
  parsed.set(persona, keys)
  return keys
}

const hashes: Record<string, string | null> = { 'ssh-rsa': 'sha1', 'ecdsa-sha2-nistp256': 'sha256', 'ssh-ed25519': null }

/** The key with its private half read once; ssh2 would read the PEM text at every handshake, which costs more than the signature. */
function prepared(key: ParsedKey): ParsedKey {
  const secret = createPrivateKey(key.getPrivatePEM())
  const blob = key.getPublicSSH()
  return {
    type: key.type,
    getPublicSSH: () => blob,
    getPrivatePEM: () => key.getPrivatePEM(),
    sign: (data, hash) => sign(hash ?? hashes[key.type] ?? null, data, secret),
    verify: (data, signature, hash) => key.verify(data, signature, hash),
  }
}

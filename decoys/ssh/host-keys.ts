/** The persona's host keys as the transport signs with them. */
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
    for (const type of key.type === 'ssh-rsa' ? ['ssh-rsa', 'rsa-sha2-256', 'rsa-sha2-512'] : [key.type]) keys[type] = key
  }
  parsed.set(persona, keys)
  return keys
}

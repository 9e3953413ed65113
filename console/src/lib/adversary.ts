/** Who an adversary is taken for, in words: by what it was recognised, and by which value. */
import { m } from '../paraglide/messages.js'
import { visible } from './evidence.ts'

const proofs: Record<string, (about: { value: string }) => string> = {
  address: m.adversary_address,
  key: m.adversary_key,
  credential: m.adversary_credential,
  lure: m.adversary_lure,
}

/** `address:group/park/203.0.113.9` becomes "by address 203.0.113.9"; another form is shown as it is. */
export function adversary(id: string): string {
  const at = id.indexOf(':')
  const kind = id.slice(0, at)
  if (at < 0 || !Object.hasOwn(proofs, kind)) return visible(id)
  const value = kind === 'address' ? id.slice(id.lastIndexOf('/') + 1).replace(/^address:/, '') : id.slice(at + 1)
  return proofs[kind]?.({ value: visible(/^[0-9a-f]{40}$/.test(value) ? `${value.slice(0, 12)}…` : value) }) ?? visible(id)
}

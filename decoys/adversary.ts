/** Who an adversary is: the one function that decides it. */
import { createHash } from 'node:crypto'
import type { Adversary, Proof } from './decoy.ts'

/** Weakest first: a planted lure was read by one intruder, a key is held by one, a credential issued to one copy may be passed on. */
const strength: Record<Proof['kind'], number> = { credential: 1, key: 2, lure: 3 }

/**
 * The adversary behind a connection: by the strongest proof it has shown, else by (site, source address), since one private address may be another host at
 * another site. Passive fingerprints never count. Ids are at most 128 characters and hold no secret.
 */
export function who(site: string, ip: string, proofs: readonly Proof[]): Adversary {
  let best: Proof | undefined
  for (const proof of proofs) if (!best || strength[proof.kind] > strength[best.kind]) best = proof
  if (!best) return { id: short('address', `${site}/${ip}`), ip }
  // A fingerprint is public and shown; a credential is a secret and is not.
  return { id: best.kind === 'key' ? short('key', best.value) : `${best.kind}:${digest(best.value)}`, ip }
}

const digest = (value: string): string => createHash('sha256').update(value).digest('hex').slice(0, 40)
const short = (kind: string, value: string): string => (value.length <= 110 && /^[\x21-\x7e]*$/.test(value) ? `${kind}:${value}` : `${kind}:${digest(value)}`)

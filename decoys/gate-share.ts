/** Decoys of one persona as they arrive hold a copy of it each; a thousand devices are a few personas. */
import { createHash } from 'node:crypto'
import type { DecoysConfig } from '@shenlou/contract/sensor'

/** Tells whether two pieces of configuration are the same, without keeping them as text. */
export const digestOf = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('base64')

/** Lets decoys whose personas are equal share one object. Answers, for each decoy in order, the digest of everything that it is. */
export function shareTemplates(decoys: DecoysConfig['decoys']): string[] {
  const shared = new Map<string, DecoysConfig['decoys'][number]['persona']>()
  return decoys.map((decoy) => {
    const { persona, ...rest } = decoy
    const digest = digestOf(persona)
    const first = shared.get(digest)
    if (first) decoy.persona = first
    else shared.set(digest, persona)
    return digestOf([digest, rest])
  })
}

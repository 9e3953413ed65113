/** Reasons that the core writes by itself, in the language shown. What a person wrote, or a newer core says, stays as it is. */
import { m } from '../paraglide/messages.js'
import { actionWords, identityWords, word } from './words.ts'

const sentences: [RegExp, (found: string[]) => string][] = [
  [/^first finding$/, () => m.reason_first()],
  [/^too common to join by$/, () => m.reason_common()],
  [/^(\d{1,9}) findings show it$/, ([n = '']) => m.reason_shown({ n })],
  [/^same ([a-z]{1,20}) within (\d{1,4}) h$/, ([kind = '', n = '']) => m.reason_same({ kind: word(identityWords, kind), n })],
  [/^both hold the ([a-z]{1,20}) of one finding$/, ([kind = '']) => m.reason_both({ kind: word(identityWords, kind) })],
  [/^merged from #(\d{1,9}): (.{0,2000})$/s, ([n = '', why = '']) => m.reason_merged({ n, why: reason(why) })],
  [/^split from #(\d{1,9}): (.{0,2000})$/s, ([n = '', why = '']) => m.reason_split({ n, why: reason(why) })],
  [/^what opened the ticket$/, () => m.reason_opened_ticket()],
  [/^opened$/, () => m.opened()],
  [/^seen again after it was closed: (.{0,1000})$/s, ([what = '']) => m.reason_again({ what })],
  [/^its incident is now that of #(\d{1,9})$/, ([n = '']) => m.reason_joined({ n })],
]

/** The sentence for a reason. */
export function reason(text: string): string {
  for (const [pattern, say] of sentences) {
    const found = pattern.exec(text)
    if (found) return say(found.slice(1))
  }
  return word(actionWords, text)
}

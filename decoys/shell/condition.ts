/** Whether what stands in `[[ … ]]` holds. */
import type { Streams } from './control.ts'
import { expandWord } from './expand.ts'
import { linePattern } from './line-pattern.ts'
import { compile, matches } from './pattern.ts'
import type { Shell } from './shell.ts'
import type { Condition, Word } from './syntax.ts'
import { binary, unary } from './test-command.ts'

/** Evaluates a condition; `&&` and `||` stop early. */
export async function holds(shell: Shell, condition: Condition, streams: Streams): Promise<boolean> {
  const plain = async (word: Word): Promise<string> => (await expandWord(shell, word, streams, 'plain'))[0] ?? ''
  switch (condition.kind) {
    case 'both':
      return (await holds(shell, condition.left, streams)) && holds(shell, condition.right, streams)
    case 'either':
      return (await holds(shell, condition.left, streams)) || holds(shell, condition.right, streams)
    case 'not':
      return !(await holds(shell, condition.of, streams))
    case 'unary':
      return unary[condition.operator]?.(await plain(condition.word), shell.run('[[', streams)) ?? false
    case 'binary': {
      const left = await plain(condition.left)
      const { operator, right } = condition
      if (operator === '=' || operator === '==' || operator === '!=') {
        const [pattern = ''] = await expandWord(shell, right, streams, 'pattern')
        return matches(compile(pattern), left) === (operator !== '!=')
      }
      if (operator === '=~') return regular(shell, left, await expression(shell, right, streams))
      if (/^-(?:eq|ne|lt|le|gt|ge)$/.test(operator)) {
        const [a, b] = [shell.evaluateOrFail(left, streams), shell.evaluateOrFail(await plain(right), streams)]
        return binary[operator]?.(String(a), String(b), shell.run('[[', streams)) ?? false
      }
      return binary[operator]?.(left, await plain(right), shell.run('[[', streams)) ?? false
    }
  }
}

/** A regular expression in which what was quoted stands for itself. */
async function expression(shell: Shell, word: Word, streams: Streams): Promise<string> {
  let source = ''
  for (const part of word) {
    const [text = ''] = await expandWord(shell, [part], streams, 'plain')
    source += part.quoted ? text.replace(/[\\^$.[\]*+?(){}|]/g, '\\$&') : text
  }
  return source.slice(0, 4096)
}

function regular(shell: Shell, text: string, source: string): boolean {
  const find = linePattern(source, { extended: true })
  const match = find?.(text, 0)
  shell.unset('BASH_REMATCH')
  if (!match) return false
  for (let i = 0; i * 2 < match.length; i++) {
    const [from = -1, to = -1] = [match[i * 2], match[i * 2 + 1]]
    shell.setElement('BASH_REMATCH', String(i), from < 0 ? '' : text.slice(from, to))
  }
  return true
}

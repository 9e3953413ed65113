/** Functions of awk, and the splitting of records. */
import { type Awk, closeOutput, evaluate, findOf, number, text, type Value } from './awk-run.ts'
import type { Expression } from './awk-tree.ts'
import { AwkFault } from './awk-tokens.ts'
import { format } from '../print.ts'

/** The fields of a text: by blanks, one character, or a pattern. At most 2,000. */
export function splitFields(awk: Awk, record: string, separator: string): string[] {
  if (record === '') return []
  if (separator === ' ') {
    const trimmed = record.trim()
    return trimmed === '' ? [] : trimmed.split(/[ \t\n]+/, 2000)
  }
  if (separator === '') return [...record.slice(0, 2000)]
  if (separator.length === 1 || /^\\[|.]$/.test(separator)) return record.split(separator.length === 1 ? separator : (separator[1] as string), 2000)
  const find = findOf(awk, separator)
  if (!find) return [record]
  const fields: string[] = []
  let from = 0
  for (let at = 0; fields.length < 2000; ) {
    const hit = find(record, at)
    if (!hit) break
    if (hit[1] === hit[0]) {
      at = hit[0] + 1
      if (at > record.length) break
      continue
    }
    fields.push(record.slice(from, hit[0]))
    from = at = hit[1]
  }
  fields.push(record.slice(from))
  return fields
}

/** Replaces matches: all, the first, or the n-th. */
function replace(awk: Awk, subject: string, source: string, by: string, which: number | 'all', groups: boolean): { text: string; count: number } {
  const find = findOf(awk, source)
  if (!find) return { text: subject, count: 0 }
  let result = ''
  let at = 0
  let count = 0
  for (let n = 1; at <= subject.length && n <= 10_000; n++) {
    const hit = find(subject, at)
    if (!hit) break
    const [start, end] = hit
    result += subject.slice(at, start)
    if (which === 'all' || which === n) {
      count++
      result += by.replace(/\\\\|\\&|&|\\([0-9])/g, (all, digit: string | undefined) =>
        all === '\\&'
          ? '&'
          : all === '\\\\'
            ? '\\'
            : all === '&'
              ? subject.slice(start, end)
              : groups
                ? subject.slice(hit[Number(digit) * 2] ?? 0, hit[Number(digit) * 2 + 1] ?? 0)
                : all,
      )
    } else result += subject.slice(start, end)
    if (end === start) {
      result += subject[end] ?? ''
      at = end + 1
    } else at = end
    if (which !== 'all' && n >= which) break
  }
  return { text: result + subject.slice(at), count }
}

/** Calls a function of awk itself. Throws AwkFault for one it has not. */
export async function builtin(awk: Awk, name: string, args: Expression[], assign: (target: Expression, value: Value) => Promise<void>): Promise<Value> {
  const value = async (i: number): Promise<Value> => (args[i] ? evaluate(awk, args[i] as Expression) : '')
  const string = async (i: number): Promise<string> => text(await value(i))
  const pattern = async (i: number): Promise<string> => {
    const arg = args[i]
    return arg?.kind === 'pattern' ? arg.source : string(i)
  }
  const { shell } = awk.run
  switch (name) {
    case 'length': {
      const [arg] = args
      if (arg?.kind === 'name' && awk.arrays.has(arg.name)) return awk.arrays.get(arg.name)?.size ?? 0
      return arg ? (await string(0)).length : awk.record.length
    }
    case 'substr': {
      const whole = await string(0)
      const from = Math.round(number(await value(1)))
      const size = args[2] ? Math.round(number(await value(2))) : Number.POSITIVE_INFINITY
      return whole.slice(Math.max(0, from - 1), Math.max(0, from - 1 + size))
    }
    case 'index':
      return (await string(0)).indexOf(await string(1)) + 1
    case 'toupper':
      return (await string(0)).toUpperCase()
    case 'tolower':
      return (await string(0)).toLowerCase()
    case 'int':
      return Math.trunc(number(await value(0)))
    case 'sqrt':
      return Math.sqrt(number(await value(0)))
    case 'exp':
      return Math.exp(number(await value(0)))
    case 'log':
      return Math.log(number(await value(0)))
    case 'sin':
      return Math.sin(number(await value(0)))
    case 'cos':
      return Math.cos(number(await value(0)))
    case 'atan2':
      return Math.atan2(number(await value(0)), number(await value(1)))
    case 'rand':
      return Math.random()
    case 'srand':
      return 0
    case 'systime':
      return Math.floor(awk.run.seat.now() / 1000)
    case 'strtonum': {
      const given = await string(0)
      return /^0[xX]/.test(given) ? Number.parseInt(given, 16) || 0 : /^0\d/.test(given) ? Number.parseInt(given, 8) || 0 : number(given)
    }
    case 'sprintf': {
      const values: string[] = []
      for (let i = 1; i < args.length; i++) values.push(await string(i))
      return format(await string(0), values)
    }
    case 'split': {
      const target = args[1]
      const whole = await string(0)
      const fields = splitFields(awk, whole, args[2] ? await pattern(2) : text(awk.variables.get('FS') ?? ' '))
      if (target?.kind === 'name') awk.arrays.set(target.name, new Map(fields.map((field, i) => [String(i + 1), { text: field }])))
      return fields.length
    }
    case 'sub':
    case 'gsub': {
      const target = args[2] ?? ({ kind: 'field', index: { kind: 'number', value: 0 } } as const)
      const { text: changed, count } = replace(awk, text(await evaluate(awk, target)), await pattern(0), await string(1), name === 'gsub' ? 'all' : 1, false)
      if (count > 0) await assign(target, changed)
      return count
    }
    case 'gensub': {
      const how = await string(2)
      return replace(awk, args[3] ? await string(3) : awk.record, await pattern(0), await string(1), /^g/i.test(how) ? 'all' : Number(how) || 1, true).text
    }
    case 'match': {
      const subject = await string(0)
      const hit = findOf(awk, await pattern(1))?.(subject, 0)
      awk.variables.set('RSTART', hit ? hit[0] + 1 : 0)
      awk.variables.set('RLENGTH', hit ? hit[1] - hit[0] : -1)
      const target = args[2]
      if (target?.kind === 'name') {
        const array = new Map<string, Value>()
        for (let i = 0; hit && i * 2 < hit.length; i++)
          if ((hit[i * 2] as number) >= 0) array.set(String(i), { text: subject.slice(hit[i * 2], hit[i * 2 + 1]) })
        awk.arrays.set(target.name, array)
      }
      return hit ? hit[0] + 1 : 0
    }
    case 'system':
      for (const key of [...awk.outputs.keys()]) if (key.startsWith('|')) await closeOutput(awk, key)
      return shell.script('sh', await string(0), [], awk.run, { inline: true })
    case 'close': {
      const key = await string(0)
      for (const mark of ['>', '|']) await closeOutput(awk, mark + key)
      for (const mark of ['<', '|']) awk.inputs.delete(mark + key)
      return 0
    }
    case 'fflush':
      return 0
    default:
      throw new AwkFault(shell.ash ? `Call to undefined function` : `function \`${name}' not defined`, -1)
  }
}

/** Programs that make, repeat and reckon with arguments. */
import type { CommandTable } from '../command.ts'
import { options } from '../command.ts'
import { readAll } from '../io.ts'
import { linePattern } from '../line-pattern.ts'
import { linesOf } from './text-input.ts'

export const argumentCommands: CommandTable = {
  seq(run, given) {
    const args = given.flatMap((a) => (/^-s./.test(a) ? ['-s', a.slice(2)] : /^-w./.test(a) ? ['-w', a.slice(2)] : [a]))
    const numbers = args.filter((a) => /^-?\d+(\.\d+)?$/.test(a)).map(Number)
    const [from = 1, step = 1, to = 1] = numbers.length === 1 ? [1, 1, numbers[0]] : numbers.length === 2 ? [numbers[0], 1, numbers[1]] : numbers
    const separator = args[0] === '-s' ? (args[1] ?? '\n') : '\n'
    const list: number[] = []
    for (let n = from; step > 0 ? n <= to : n >= to; n += step) {
      list.push(n)
      if (list.length >= 200_000 || step === 0) break
    }
    if (list.length > 0) run.out(`${list.join(separator)}\n`)
    return 0
  },
  async yes(run, args) {
    const line = `${args.join(' ') || 'y'}\n`
    const block = line.repeat(Math.ceil(4096 / line.length))
    for (;;) {
      run.out(block)
      if (run.toTerminal) await run.shell.pause(10)
      else await run.shell.flow()
    }
  },
  async xargs(run, args) {
    const { flags, rest } = options(args.slice(0, optionEnd(args)), 'n:I:0rtP:d:L:i')
    const command = [...rest, ...args.slice(optionEnd(args))]
    const text = await readAll(run.input)
    const items = flags.has('0') ? text.split('\0').filter(Boolean) : flags.has('I') ? linesOf(text) : text.split(/\s+/).filter(Boolean)
    if (items.length === 0 && flags.has('r')) return 0
    const [name = 'echo', ...before] = command
    const size = flags.has('I') ? 1 : Math.max(1, Number(flags.get('n') ?? flags.get('L') ?? 5000))
    let status = 0
    for (let at = 0; at === 0 || at < Math.min(items.length, 5000); at += size) {
      const some = items.slice(at, at + size)
      const mark = flags.get('I')
      const words = mark ? before.map((word) => word.replaceAll(mark, some[0] ?? '')) : [...before, ...some]
      await run.shell.step()
      const code = await run.shell.call(name, words, run)
      if (code !== 0) status = code === 127 ? 127 : 123
    }
    return status
  },
  async expr(run, args) {
    const [a = '', operator, b = ''] = args
    if (args.length === 3 && operator && ['+', '-', '*', '/', '%'].includes(operator)) {
      if (!/^-?\d+$/.test(a) || !/^-?\d+$/.test(b)) return run.fault('non-integer argument') + 1
      if (Number(b) === 0 && (operator === '/' || operator === '%')) return run.fault('division by zero') + 1
      const value = Number(run.shell.evaluate(`${a} ${operator} ${b}`))
      run.out(`${value}\n`)
      return value === 0 ? 1 : 0
    }
    if (a === 'length') run.out(`${(operator ?? '').length}\n`)
    else if (operator === ':') {
      const hit = linePattern(`^${b}`, {})?.(a, 0)
      run.out(b.includes('\\(') ? `${hit ? a.slice(hit[2], hit[3]) : ''}\n` : `${hit?.[1] ?? 0}\n`)
      return hit && hit[1] > 0 ? 0 : 1
    } else if (operator && ['=', '!=', '<', '>', '<=', '>='].includes(operator)) {
      const hit = operator === '=' ? a === b : operator === '!=' ? a !== b : run.shell.evaluate(`${Number(a) || 0} ${operator} ${Number(b) || 0}`) !== 0n
      run.out(hit ? '1\n' : '0\n')
      return hit ? 0 : 1
    } else run.out(`${a}\n`)
    return 0
  },
}

/** Where xargs' own options end and the command begins. */
function optionEnd(args: string[]): number {
  let i = 0
  while (i < args.length && (args[i] as string).startsWith('-')) i += /^-[nIPdL]$/.test(args[i] as string) ? 2 : 1
  return Math.min(i, args.length)
}

/** The awk program: its options, operands and input records. */
import type { CommandMain } from '../command.ts'
import { readAll } from '../io.ts'
import { parseAwk } from './awk-parse.ts'
import { apply, type Awk, closeOutput, Leave, number, perform, setRecord, text, type Value } from './awk-run.ts'
import { AwkFault, resolve } from './awk-tokens.ts'
import type { Program } from './awk-tree.ts'
import { texts } from './text-input.ts'

export const runAwk: CommandMain = async (run, args) => {
  const variables = new Map<string, Value>([
    ['FS', ' '],
    ['OFS', ' '],
    ['ORS', '\n'],
    ['RS', '\n'],
    ['NR', 0],
    ['SUBSEP', '\x1c'],
  ])
  let source: string | undefined
  const operands: string[] = []
  const give = (pair: string): void => {
    const at = pair.indexOf('=')
    variables.set(pair.slice(0, at), { text: resolve(pair.slice(at + 1)) })
  }
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string
    if (operands.length > 0 || !/^-./.test(arg)) operands.push(arg)
    else if (arg === '--') {
      operands.push(...args.slice(i + 1))
      break
    } else if (arg === '--version' && !run.shell.ash) return run.out('GNU Awk 4.0.2\nCopyright (C) 1989, 1991-2012 Free Software Foundation.\n'), 0
    else if (arg.startsWith('-F')) variables.set('FS', resolve(arg.slice(2) || (args[++i] ?? '')).replace(/^t$/, '\t'))
    else if (arg.startsWith('-v')) give(arg.slice(2) || (args[++i] ?? ''))
    else if (arg.startsWith('-f')) {
      const { list, status } = await texts(run, [arg.slice(2) || (args[++i] ?? '')])
      if (status) return 2
      source = (source ?? '') + (list[0]?.text ?? '')
    }
  }
  source ??= operands.shift()
  if (source === undefined) {
    run.err(
      run.shell.ash
        ? 'BusyBox v1.30.1 () multi-call binary.\n\nUsage: awk [OPTIONS] [AWK_PROGRAM] [FILE]...\n'
        : "Usage: awk [POSIX or GNU style options] -f progfile [--] file ...\nUsage: awk [POSIX or GNU style options] [--] 'program' file ...\n",
    )
    return run.shell.ash ? 1 : 2
  }
  const broken = (error: AwkFault): number => {
    if (error.at < 0) {
      run.err(
        run.shell.ash ? `awk: ${error.message === 'division by zero' ? 'Division by zero' : error.message}\n` : `awk: cmd. line:1: fatal: ${error.message}\n`,
      )
      return 2
    }
    const before = (source as string).slice(0, error.at)
    const line = before.split('\n').length
    const shown = (source as string).split('\n')[line - 1] ?? ''
    run.err(
      run.shell.ash
        ? `awk: cmd. line:${line}: Unexpected token\n`
        : `awk: cmd. line:${line}: ${shown}\nawk: cmd. line:${line}: ${' '.repeat(error.at - before.lastIndexOf('\n') - 1)}^ ${error.message}\n`,
    )
    return 1
  }
  let program: Program
  try {
    program = parseAwk(source.slice(0, 16_384))
  } catch (error) {
    if (error instanceof AwkFault) return broken(error)
    throw error
  }
  let status = 0
  let records: string[] = []
  let at = 0
  let began = false
  /** The next record of all operands. */
  const next = async (): Promise<string | undefined> => {
    while (at >= records.length) {
      if (began && operands.length === 0) return undefined
      const operand = operands.shift()
      if (operand !== undefined && /^[A-Za-z_]\w*=/.test(operand)) {
        give(operand)
        if (operands.length > 0 || began) continue
      }
      const file = operand === undefined || /^[A-Za-z_]\w*=/.test(operand) ? '-' : operand
      began = true
      let all = ''
      if (file === '-') all = await readAll(run.input)
      else {
        try {
          all = run.seat.fs.read(run.shell.path(file)).toString('latin1')
        } catch {
          run.err(
            run.shell.ash
              ? `awk: ${file}: No such file or directory\n`
              : `awk: cmd. line:1: fatal: cannot open file \`${file}' for reading (No such file or directory)\n`,
          )
          status = 2
          continue
        }
      }
      variables.set('FILENAME', file === '-' ? '' : file)
      variables.set('FNR', 0)
      const separator = text(variables.get('RS') ?? '\n')
      records = separator === '' ? all.split(/\n\n+/) : all.split(separator.slice(0, 64))
      if (records.at(-1) === '' || (separator !== '\n' && records.at(-1) === '\n')) records.pop()
      at = 0
    }
    variables.set('FNR', number(variables.get('FNR') ?? 0) + 1)
    return records[at++]
  }
  const environment = new Map<string, Value>([...run.shell.exported].map((name) => [name, { text: run.shell.get(name) ?? '' }]))
  const awk: Awk = {
    run,
    program,
    variables,
    arrays: new Map([['ENVIRON', environment]]),
    record: '',
    fields: undefined,
    patterns: new Map(),
    outputs: new Map(),
    inputs: new Map(),
    next,
    depth: 0,
  }
  try {
    try {
      for (const rule of program.rules) if (rule.when === 'begin' && rule.body) await perform(awk, rule.body)
      if (program.rules.some((rule) => rule.when !== 'begin'))
        for (let record = await next(); record !== undefined; record = await next()) {
          const n = number(variables.get('NR') ?? 0) + 1
          variables.set('NR', n)
          if (n % 64 === 0) await run.shell.flow()
          setRecord(awk, record)
          try {
            await apply(awk)
          } catch (error) {
            if (!(error instanceof Leave) || error.how !== 'next') throw error
          }
        }
    } catch (error) {
      if (!(error instanceof Leave)) throw error
      if (error.how === 'exit') status = Math.trunc(number(error.value)) & 255
    }
    try {
      for (const rule of program.rules) if (rule.when === 'end' && rule.body) await perform(awk, rule.body)
    } catch (error) {
      if (!(error instanceof Leave)) throw error
      if (error.how === 'exit' && error.value !== '') status = Math.trunc(number(error.value)) & 255
    }
  } catch (error) {
    if (error instanceof AwkFault) return broken(error)
    throw error
  } finally {
    for (const key of [...awk.outputs.keys()]) await closeOutput(awk, key)
  }
  return status
}

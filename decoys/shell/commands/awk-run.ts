/** awk: the evaluation of its tree. Every loop counts steps; values and arrays are bounded. */
import type { Run } from '../command.ts'
import { type Find, linePattern } from '../line-pattern.ts'
import { format } from '../print.ts'
import type { Expression, Program, Statement } from './awk-tree.ts'
import { AwkFault } from './awk-tokens.ts'
import { builtin, splitFields } from './awk-values.ts'

/** A number, a string, or text that came from outside and may look like a number. */
export type Value = number | string | { text: string }

/** Thrown to leave loops, functions, the record, or the program. */
export class Leave extends Error {
  readonly how: 'next' | 'break' | 'continue' | 'exit' | 'return'
  readonly value: Value
  constructor(how: Leave['how'], value: Value = '') {
    super(how)
    this.how = how
    this.value = value
  }
}

const maxValue = 65_536
const maxElements = 50_000
const looksNumeric = (text: string): boolean => /^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/.test(text.slice(0, 64))
export const text = (value: Value): string => {
  if (typeof value === 'string') return value
  if (typeof value !== 'number') return value.text
  return Number.isInteger(value) ? (Math.abs(value) < 1e16 ? String(value) : BigInt(Math.trunc(value)).toString()) : format('%.6g', [String(value)])
}
export const number = (value: Value): number => (typeof value === 'number' ? value : Number.parseFloat(text(value).slice(0, 64)) || 0)
const truth = (value: Value): boolean =>
  typeof value === 'number' ? value !== 0 : typeof value === 'string' ? value !== '' : looksNumeric(value.text) ? number(value) !== 0 : value.text !== ''

/** State of one awk. */
export interface Awk {
  run: Run
  program: Program
  variables: Map<string, Value>
  arrays: Map<string, Map<string, Value>>
  /** The record, and its fields once they were asked for. */
  record: string
  fields: string[] | undefined
  patterns: Map<string, Find | undefined>
  outputs: Map<string, { path?: string; command?: string; text: string; append: boolean }>
  inputs: Map<string, string[]>
  next(): Promise<string | undefined>
  depth: number
}

const string = (awk: Awk, name: string): string => text(awk.variables.get(name) ?? '')

/** The fields of the record. */
export function fieldsOf(awk: Awk): string[] {
  awk.fields ??= splitFields(awk, awk.record, string(awk, 'FS'))
  return awk.fields
}

/** Makes a text the record. */
export function setRecord(awk: Awk, record: string): void {
  awk.record = record.slice(0, maxValue)
  awk.fields = undefined
}

function setField(awk: Awk, index: number, value: string): void {
  if (index === 0) {
    setRecord(awk, value)
    return
  }
  const fields = fieldsOf(awk)
  if (index < 0 || index > 2000) throw new AwkFault('field index out of range', 0)
  while (fields.length < index) fields.push('')
  fields[index - 1] = value.slice(0, maxValue)
  awk.record = fields.join(string(awk, 'OFS'))
}

export function findOf(awk: Awk, source: string): Find | undefined {
  if (!awk.patterns.has(source) && awk.patterns.size < 200) awk.patterns.set(source, linePattern(source, { extended: true }))
  return awk.patterns.get(source)
}

const keyOf = async (awk: Awk, index: Expression[]): Promise<string> => {
  const parts: string[] = []
  for (const one of index) parts.push(text(await evaluate(awk, one)))
  return parts.join('\x1c')
}
const arrayOf = (awk: Awk, name: string): Map<string, Value> => {
  let array = awk.arrays.get(name)
  if (!array) {
    array = new Map()
    awk.arrays.set(name, array)
  }
  return array
}

async function assign(awk: Awk, target: Expression, value: Value): Promise<void> {
  const bounded = typeof value === 'string' ? value.slice(0, maxValue) : value
  if (target.kind === 'field') setField(awk, Math.trunc(number(await evaluate(awk, target.index))), text(bounded))
  else if (target.kind === 'element') {
    const array = arrayOf(awk, target.name)
    const key = await keyOf(awk, target.index)
    if (array.size < maxElements || array.has(key)) array.set(key, bounded)
  } else if (target.kind === 'name') {
    awk.variables.set(target.name, bounded)
    if (target.name === 'NF') {
      const fields = fieldsOf(awk)
      fields.length = Math.min(Math.max(0, Math.trunc(number(bounded))), 2000)
      for (let i = 0; i < fields.length; i++) fields[i] ??= ''
      awk.record = fields.join(string(awk, 'OFS'))
    }
  }
}

const calculate = (operator: string, a: number, b: number): number => {
  if ((operator === '/' || operator === '%') && b === 0) throw new AwkFault(operator === '/' ? 'division by zero' : 'division by zero in %', -1)
  return operator === '+' ? a + b : operator === '-' ? a - b : operator === '*' ? a * b : operator === '/' ? a / b : operator === '%' ? a % b : a ** b
}

function compare(a: Value, b: Value): number {
  const numeric = (value: Value): boolean => typeof value === 'number' || (typeof value === 'object' && (value.text === '' || looksNumeric(value.text)))
  if (numeric(a) && numeric(b)) return number(a) - number(b)
  const [x, y] = [text(a), text(b)]
  return x < y ? -1 : x > y ? 1 : 0
}

async function matched(awk: Awk, subject: string, pattern: Expression): Promise<boolean> {
  const source = pattern.kind === 'pattern' ? pattern.source : text(await evaluate(awk, pattern))
  return findOf(awk, source)?.(subject, 0) !== undefined
}

/** The value of an expression. */
export async function evaluate(awk: Awk, e: Expression): Promise<Value> {
  switch (e.kind) {
    case 'number':
      return e.value
    case 'string':
      return e.value
    case 'pattern':
      return (await matched(awk, awk.record, e)) ? 1 : 0
    case 'name':
      return e.name === 'NF' ? fieldsOf(awk).length : (awk.variables.get(e.name) ?? { text: '' })
    case 'field': {
      const index = Math.trunc(number(await evaluate(awk, e.index)))
      if (index < 0) throw new AwkFault(`attempt to access field ${index}`, -1)
      return index === 0 ? { text: awk.record } : { text: fieldsOf(awk)[index - 1] ?? '' }
    }
    case 'element': {
      const array = arrayOf(awk, e.name)
      const key = await keyOf(awk, e.index)
      if (!array.has(key) && array.size < maxElements) array.set(key, { text: '' })
      return array.get(key) ?? ''
    }
    case 'assign': {
      const value = await evaluate(awk, e.value)
      const result = e.operator === '' ? value : calculate(e.operator, number(await evaluate(awk, e.target)), number(value))
      await assign(awk, e.target, result)
      return result
    }
    case 'step': {
      const before = number(await evaluate(awk, e.target))
      await assign(awk, e.target, before + e.by)
      return e.before ? before + e.by : before
    }
    case 'unary': {
      const value = await evaluate(awk, e.of)
      return e.operator === '!' ? (truth(value) ? 0 : 1) : e.operator === '-' ? -number(value) : number(value)
    }
    case 'binary':
      return binary(awk, e)
    case 'choice':
      return evaluate(awk, truth(await evaluate(awk, e.test)) ? e.yes : e.no)
    case 'in':
      return arrayOf(awk, e.name).has(await keyOf(awk, e.index)) ? 1 : 0
    case 'call':
      return call(awk, e)
    case 'getline':
      return getline(awk, e)
  }
}

async function binary(awk: Awk, e: Extract<Expression, { kind: 'binary' }>): Promise<Value> {
  const { operator } = e
  if (operator === '~' || operator === '!~') return (await matched(awk, text(await evaluate(awk, e.left)), e.right)) === (operator === '~') ? 1 : 0
  const left = await evaluate(awk, e.left)
  if (operator === '&&') return truth(left) && truth(await evaluate(awk, e.right)) ? 1 : 0
  if (operator === '||') return truth(left) || truth(await evaluate(awk, e.right)) ? 1 : 0
  const right = await evaluate(awk, e.right)
  switch (operator) {
    case ' ':
      return (text(left) + text(right)).slice(0, maxValue)
    case '<':
      return compare(left, right) < 0 ? 1 : 0
    case '<=':
      return compare(left, right) <= 0 ? 1 : 0
    case '==':
      return compare(left, right) === 0 ? 1 : 0
    case '!=':
      return compare(left, right) !== 0 ? 1 : 0
    case '>':
      return compare(left, right) > 0 ? 1 : 0
    case '>=':
      return compare(left, right) >= 0 ? 1 : 0
    default:
      return calculate(operator, number(left), number(right))
  }
}

async function call(awk: Awk, e: Extract<Expression, { kind: 'call' }>): Promise<Value> {
  if (e.name === '(') return evaluate(awk, e.args[0] as Expression)
  const own = awk.program.functions.get(e.name)
  if (!own) return builtin(awk, e.name, e.args, (target, value) => assign(awk, target, value))
  if (++awk.depth > 40) throw new AwkFault('function call nested too deep', -1)
  await awk.run.shell.step()
  const saved = own.parameters.map((name) => [name, awk.variables.get(name), awk.arrays.get(name)] as const)
  const passed: { name: string; value?: Value; array?: Map<string, Value> }[] = []
  for (const [i, name] of own.parameters.entries()) {
    const arg = e.args[i]
    const array = arg?.kind === 'name' ? awk.arrays.get(arg.name) : undefined
    passed.push({ name, array, value: arg && !array ? await evaluate(awk, arg) : undefined })
  }
  for (const { name, value, array } of passed) {
    awk.variables.delete(name)
    awk.arrays.delete(name)
    if (array) awk.arrays.set(name, array)
    else if (value !== undefined) awk.variables.set(name, value)
  }
  try {
    await perform(awk, own.body)
    return { text: '' }
  } catch (error) {
    if (error instanceof Leave && error.how === 'return') return error.value
    throw error
  } finally {
    awk.depth--
    for (const [name, value, array] of saved) {
      if (value === undefined) awk.variables.delete(name)
      else awk.variables.set(name, value)
      if (array) awk.arrays.set(name, array)
      else awk.arrays.delete(name)
    }
  }
}

async function getline(awk: Awk, { from, command, into }: Extract<Expression, { kind: 'getline' }>): Promise<Value> {
  let line: string | undefined
  if (from || command) {
    const source = text(await evaluate(awk, (from ?? command) as Expression))
    const key = `${from ? '<' : '|'}${source}`
    let rest = awk.inputs.get(key)
    if (!rest) {
      let all = ''
      if (from) {
        try {
          all = awk.run.seat.fs.read(awk.run.shell.path(source)).toString('latin1')
        } catch {
          return -1
        }
      } else
        await awk.run.shell.script(
          'sh',
          source,
          [],
          {
            ...awk.run,
            toTerminal: false,
            out(piece) {
              all = (all + piece).slice(0, 1_000_000)
            },
          },
          { inline: true },
        )
      rest = all.split('\n')
      if (rest.at(-1) === '') rest.pop()
      if (awk.inputs.size < 50) awk.inputs.set(key, rest)
    }
    line = rest.shift()
  } else {
    line = await awk.next()
    if (line !== undefined) awk.variables.set('NR', number(awk.variables.get('NR') ?? 0) + 1)
  }
  if (line === undefined) return 0
  if (into) await assign(awk, into, { text: line })
  else setRecord(awk, line)
  return 1
}

async function print(awk: Awk, s: Extract<Statement, { kind: 'print' }>): Promise<void> {
  const values: Value[] = []
  for (const arg of s.args) values.push(await evaluate(awk, arg))
  const out = s.format
    ? format(values.map(text).slice(0, 1)[0] ?? '', values.slice(1).map(text))
    : `${values.length === 0 ? awk.record : values.map(text).join(string(awk, 'OFS'))}${string(awk, 'ORS')}`
  if (!s.to) {
    awk.run.out(out)
    return
  }
  const target = text(await evaluate(awk, s.to.target))
  if (target === '/dev/stdout') return awk.run.out(out)
  if (target === '/dev/stderr') return awk.run.err(out)
  const key = `${s.to.operator === '|' ? '|' : '>'}${target}`
  let output = awk.outputs.get(key)
  if (!output) {
    output = { ...(s.to.operator === '|' ? { command: target } : { path: target }), text: '', append: s.to.operator === '>>' }
    if (awk.outputs.size >= 50) return
    awk.outputs.set(key, output)
  }
  output.text = (output.text + out).slice(0, 2_000_000)
}

/** Writes what went to a file or a command. */
export async function closeOutput(awk: Awk, key: string): Promise<void> {
  const output = awk.outputs.get(key)
  if (!output) return
  awk.outputs.delete(key)
  const { run } = awk
  if (output.path !== undefined) run.seat.fs.write(run.shell.path(output.path), Buffer.from(output.text, 'latin1'), { append: output.append })
  else await run.shell.script('sh', output.command ?? '', [], { ...run, input: run.input.of(output.text) }, { inline: true })
}

/** Performs a statement; throws Leave. */
export async function perform(awk: Awk, s: Statement): Promise<void> {
  switch (s.kind) {
    case 'expression':
      await evaluate(awk, s.of)
      return
    case 'print':
      return print(awk, s)
    case 'block':
      for (const one of s.body) await perform(awk, one)
      return
    case 'if':
      if (truth(await evaluate(awk, s.test))) await perform(awk, s.then)
      else if (s.otherwise) await perform(awk, s.otherwise)
      return
    case 'while':
      for (let first = s.first; first || truth(await evaluate(awk, s.test)); first = false) if (await turn(awk, s.body)) return
      return
    case 'for':
      if (s.init) await perform(awk, s.init)
      while (!s.test || truth(await evaluate(awk, s.test))) {
        if (await turn(awk, s.body)) return
        if (s.step) await perform(awk, s.step)
      }
      return
    case 'each':
      for (const key of [...arrayOf(awk, s.array).keys()]) {
        awk.variables.set(s.name, { text: key })
        if (await turn(awk, s.body)) return
      }
      return
    case 'delete':
      if (s.index) arrayOf(awk, s.name).delete(await keyOf(awk, s.index))
      else arrayOf(awk, s.name).clear()
      return
    case 'leave':
      throw new Leave(s.how, s.value ? await evaluate(awk, s.value) : '')
  }
}

/** One turn of a loop; true when it is left. */
async function turn(awk: Awk, body: Statement): Promise<boolean> {
  await awk.run.shell.step()
  try {
    await perform(awk, body)
    return false
  } catch (error) {
    if (!(error instanceof Leave) || (error.how !== 'break' && error.how !== 'continue')) throw error
    return error.how === 'break'
  }
}

/** Runs the rules that a record fits. */
export async function apply(awk: Awk): Promise<void> {
  for (const rule of awk.program.rules) {
    if (rule.when === 'begin' || rule.when === 'end') continue
    if (rule.when?.to) {
      if (!rule.inside && !truth(await evaluate(awk, rule.when.from))) continue
      rule.inside = !truth(await evaluate(awk, rule.when.to))
    } else if (rule.when && !truth(await evaluate(awk, rule.when.from))) continue
    if (rule.body) await perform(awk, rule.body)
    else awk.run.out(`${awk.record}${string(awk, 'ORS')}`)
  }
}

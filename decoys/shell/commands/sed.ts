/** The sed that scripts use: addresses, s///, y, p, d, q, =, a, i, c, n, -n, -i, -e, -E. */
import type { CommandMain } from '../command.ts'
import { type Find, linePattern } from '../line-pattern.ts'
import { reasonOf } from '../seat.ts'
import { texts } from './text-input.ts'

type Address = { line: number } | { last: true } | { find: Find } | undefined
interface Instruction {
  from: Address
  to: Address
  negated: boolean
  name: string
  find?: Find
  by: string
  flags: string
  active: boolean
}

function parseScript(script: string, extended: boolean): Instruction[] {
  const list: Instruction[] = []
  let at = 0
  const delimited = (delimiter: string): string => {
    let text = ''
    for (; at < script.length && script[at] !== delimiter; at++) {
      if (script[at] === '\\' && at + 1 < script.length) {
        if (script[at + 1] === delimiter) text += script[++at]
        else text += `\\${script[++at]}`
      } else text += script[at]
    }
    if (at >= script.length) throw new Error(`-e expression #1, char ${script.length}: unterminated \`s' command`)
    at++
    return text
  }
  const address = (): Address => {
    const number = /^\d+/.exec(script.slice(at, at + 9))
    if (number) {
      at += number[0].length
      return { line: Number(number[0]) }
    }
    if (script[at] === '$') {
      at++
      return { last: true }
    }
    if (script[at] === '/') {
      at++
      const find = linePattern(delimited('/'), { extended })
      if (!find) throw new Error('-e expression #1, char 1: unterminated address regex')
      return { find }
    }
    return undefined
  }
  while (at < script.length && list.length < 500) {
    if (/[\s;{}]/.test(script[at] as string)) {
      at++
      continue
    }
    const from = address()
    let to: Address
    if (script[at] === ',') {
      at++
      to = address()
    }
    while (script[at] === ' ') at++
    const negated = script[at] === '!'
    if (negated) at++
    const name = script[at++]
    if (name === undefined) throw new Error(`-e expression #1, char ${script.length}: missing command`)
    const instruction: Instruction = { from, to, negated, name, by: '', flags: '', active: false }
    if (name === 's' || name === 'y') {
      const delimiter = script[at++] ?? '/'
      const pattern = delimited(delimiter)
      instruction.by = delimited(delimiter)
      const flags = /^[gpiIe0-9]*/.exec(script.slice(at, at + 8))?.[0] ?? ''
      at += flags.length
      instruction.flags = flags
      if (name === 's') {
        instruction.find = linePattern(pattern, { extended, ignoreCase: /i/i.test(flags) })
        if (!instruction.find) throw new Error(`-e expression #1, char ${at}: Unmatched ( or \\(`)
      } else instruction.flags = pattern
    } else if ('aic'.includes(name)) {
      const end = script.indexOf('\n', at)
      instruction.by = script.slice(at, end === -1 ? undefined : end).replace(/^\s*\\?\s*/, '')
      at = end === -1 ? script.length : end + 1
    } else if (!'pPdqn=hHgGxDNlw'.includes(name)) throw new Error(`-e expression #1, char ${at}: unknown command: \`${name}'`)
    list.push(instruction)
  }
  return list
}

function substitute(line: string, { find, by, flags }: Instruction): string | undefined {
  if (!find) return undefined
  let result = ''
  let at = 0
  let hit = false
  const nth = Number(/\d+/.exec(flags)?.[0] ?? 1)
  for (let n = 1; at <= line.length && n < 10_000; n++) {
    const match = find(line, at)
    if (!match) break
    const [start, end] = match
    result += line.slice(at, start)
    if (n >= nth) {
      hit = true
      result += by.replace(/\\([0-9nt&\\])|&/g, (all, c: string | undefined) =>
        all === '&'
          ? line.slice(start, end)
          : c === 'n'
            ? '\n'
            : c === 't'
              ? '\t'
              : c === '&' || c === '\\'
                ? (c as string)
                : line.slice(match[Number(c) * 2] ?? 0, match[Number(c) * 2 + 1] ?? 0),
      )
    } else result += line.slice(start, end)
    if (end === start) {
      result += line[end] ?? ''
      at = end + 1
    } else at = end
    if (n >= nth && !flags.includes('g')) break
  }
  return hit ? result + line.slice(at) : undefined
}

export const runSed: CommandMain = async (run, args) => {
  const scripts: string[] = []
  const files: string[] = []
  let [quiet, extended, inPlace] = [false, false, false]
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string
    if (arg === '-e' || arg === '--expression') scripts.push(args[++i] ?? '')
    else if (arg === '-n' || arg === '--quiet') quiet = true
    else if (arg === '-E' || arg === '-r') extended = true
    else if (arg.startsWith('-i') || arg === '--in-place') inPlace = true
    else if (/^-[nErsu]+$/.test(arg)) {
      quiet ||= arg.includes('n')
      extended ||= /[Er]/.test(arg)
    } else if (arg.startsWith('-') && arg !== '-') return run.fault(`invalid option -- '${arg.slice(1)}'`)
    else files.push(arg)
  }
  if (scripts.length === 0) {
    const script = files.shift()
    if (script === undefined) {
      run.err('Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...\n')
      return 1
    }
    scripts.push(script)
  }
  let program: Instruction[]
  try {
    program = parseScript(scripts.join('\n'), extended)
  } catch (error) {
    return run.fault(error instanceof Error ? error.message : 'bad script')
  }
  const { list, status } = await texts(run, files)
  const groups = inPlace ? list.map((one) => [one]) : [list]
  for (const group of groups) {
    let result = ''
    const write = (text: string): void => {
      if (inPlace) result += text
      else run.out(text)
    }
    const lines = group.flatMap(({ text }) => (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n'))
    const empty = group.every(({ text }) => text === '')
    for (const instruction of program) instruction.active = false
    let hold = ''
    scan: for (let n = 1; n <= lines.length && !empty; n++) {
      if (n % 2000 === 0) await run.shell.step()
      let line = lines[n - 1] as string
      let deleted = false
      let after = ''
      const at = (address: Address): boolean =>
        address === undefined ? true : 'line' in address ? address.line === n : 'last' in address ? n === lines.length : address.find(line, 0) !== undefined
      for (const instruction of program) {
        let chosen: boolean
        if (instruction.to === undefined) chosen = at(instruction.from)
        else if (instruction.active) {
          chosen = true
          if (at(instruction.to) || ('line' in instruction.to && instruction.to.line < n)) instruction.active = false
        } else {
          chosen = at(instruction.from)
          instruction.active = chosen && !('line' in instruction.to && instruction.to.line <= n)
        }
        if (chosen === instruction.negated) continue
        const { name } = instruction
        if (name === 's') {
          const changed = substitute(line, instruction)
          if (changed !== undefined) {
            line = changed.slice(0, 65_536)
            if (instruction.flags.includes('p')) write(`${line}\n`)
          }
        } else if (name === 'y') line = [...line].map((c) => instruction.by[instruction.flags.indexOf(c)] ?? c).join('')
        else if (name === 'p') write(`${line}\n`)
        else if (name === '=') write(`${n}\n`)
        else if (name === 'a') after += `${instruction.by}\n`
        else if (name === 'i') write(`${instruction.by}\n`)
        else if (name === 'd' || name === 'D' || name === 'c') {
          if (name === 'c') write(`${instruction.by}\n`)
          deleted = true
          break
        } else if (name === 'q') {
          if (!quiet) write(`${line}\n`)
          break scan
        } else if (name === 'h') hold = line
        else if (name === 'H') hold = `${hold}\n${line}`.slice(-65_536)
        else if (name === 'g') line = hold
        else if (name === 'G') line = `${line}\n${hold}`.slice(0, 65_536)
        else if (name === 'x') [line, hold] = [hold, line]
        else if (name === 'P') write(`${line.split('\n', 1)[0]}\n`)
        else if (name === 'N') {
          if (n >= lines.length) {
            if (!quiet) write(`${line}\n`)
            deleted = true
            break
          }
          line = `${line}\n${lines[n++]}`.slice(0, 65_536)
        } else if (name === 'n') {
          if (!quiet) write(`${line}\n`)
          line = lines[n++] ?? line
        }
      }
      if (!deleted && !quiet) write(`${line}\n`)
      write(after)
    }
    if (inPlace && group[0]) {
      try {
        run.seat.fs.write(run.shell.path(group[0].name), Buffer.from(result, 'latin1'))
      } catch (error) {
        return run.fault(`couldn't open temporary file: ${reasonOf(error)}`) + 3
      }
    }
  }
  return status ? 2 : 0
}

/** Reading of the operands of programs that work on text. */
import type { Run } from '../command.ts'
import { readAll } from '../io.ts'
import { endless } from '../redirect.ts'
import { reasonOf } from '../seat.ts'

/** Text of operands, `-` and none being standard input; faults are said. */
export async function texts(run: Run, operands: string[]): Promise<{ list: { name: string; text: string }[]; status: number }> {
  const list: { name: string; text: string }[] = []
  let status = 0
  for (const operand of operands.length > 0 ? operands : ['-']) {
    if (operand === '-') {
      list.push({ name: '-', text: await readAll(run.input) })
      continue
    }
    try {
      const device = endless(run.shell, run.shell.path(operand))
      list.push({ name: operand, text: device ? ((await device.read()) ?? '') : run.seat.fs.read(run.shell.path(operand)).toString('latin1') })
    } catch (error) {
      const reason = reasonOf(error)
      run.err(
        run.shell.ash && reason !== 'Is a directory'
          ? `${run.name}: can't open '${operand}': ${reason}\n`
          : `${run.name}: ${run.name === 'head' || run.name === 'tail' ? `cannot open '${operand}' for reading: ` : run.name === 'sed' && reason !== 'Is a directory' ? `can't read ${operand}: ` : `${operand}: `}${reason}\n`,
      )
      status = 1
    }
  }
  return { list, status }
}

/** Lines without their newlines; a last newline begins no line. */
export const linesOf = (text: string): string[] => {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

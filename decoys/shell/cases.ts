/** The text fixtures of the shell: `#` a title, `$` a command line, `>` its further lines, `=` an exit code that is not 0, `!` why it differs from the system's shell, else output. */

export interface ShellCase {
  title: string
  command: string
  output: string
  code: number
  /** Why the shell of today answers otherwise; undefined: it must not. */
  differs?: string
}

/** Cases of a fixture's text (latin1). */
export function readCases(text: string): ShellCase[] {
  return text
    .split(/^# /m)
    .slice(1)
    .map((block) => {
      const [title = '', ...lines] = block.replace(/\n+$/, '').split('\n')
      const of = (sign: string): string[] => lines.filter((line) => line.startsWith(`${sign} `)).map((line) => line.slice(2))
      return {
        title,
        command: lines
          .filter((line) => /^[$>] /.test(line))
          .map((line) => line.slice(2))
          .join('\n'),
        output: lines
          .filter((line) => !/^[$>=!] /.test(line))
          .map((line) => `${line}\n`)
          .join(''),
        code: Number(of('=')[0] ?? 0),
        differs: of('!')[0],
      }
    })
}

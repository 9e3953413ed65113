/** What the shells say of text that is not their language. */
import type { Streams } from './control.ts'
import type { Shell } from './shell.ts'
import { Incomplete, SyntaxFault } from './syntax.ts'

/** Says a fault of the language as the shell does; gives the exit code. */
export function syntaxFault(shell: Shell, error: unknown, streams: Streams, text: string): number {
  if (!(error instanceof SyntaxFault) && !(error instanceof Incomplete)) throw error
  shell.status = shell.dialect === 'bash' && !shell.scripted && !shell.interactive && !shell.modern ? 1 : 2
  if (shell.dialect !== 'bash') {
    const fault = error instanceof SyntaxFault ? `unexpected ${error.token === 'newline' ? 'newline' : `"${error.token}"`}` : 'unterminated quoted string'
    const line = error instanceof SyntaxFault && error.line > 0 ? error.line : 1
    streams.err(
      shell.dialect === 'dash'
        ? `${shell.name}: ${line}: Syntax error: ${fault.replace(/^u/, 'U')}\n`
        : `${shell.name}: ${shell.scripted ? `line ${line}: ` : ''}syntax error: ${fault}\n`,
    )
    return shell.status
  }
  const line = error instanceof SyntaxFault ? Math.max(1, error.line) : text.replace(/\n$/, '').split('\n').length
  const place = shell.interactive ? shell.name : shell.scripted ? `${shell.name}: line ${line}` : `${shell.name}: -c: line ${shell.modern ? line : line - 1}`
  if (error instanceof Incomplete) {
    const open = quoteOf(text)
    if (open) streams.err(`${place}: unexpected EOF while looking for matching \`${open}'\n`)
    // from 5.2 on a quote that is left open is the whole fault
    if (!open || !shell.modern) streams.err(`${place.replace(/(\d+)$/, (n) => String(Number(n) + 1))}: syntax error: unexpected end of file\n`)
  } else {
    streams.err(`${place}: syntax error near unexpected token \`${error.token}'\n`)
    if (!shell.interactive) streams.err(`${place}: \`${(text.split('\n')[line - 1] ?? '').slice(0, 2000)}'\n`)
  }
  return shell.status
}

/** The quote that a text leaves open, as bash names it. */
function quoteOf(text: string): string {
  let open = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string
    if (open === "'") {
      if (c === "'") open = ''
    } else if (c === '\\') i++
    else if (open === '"') {
      if (c === '"') open = ''
    } else if (c === "'" || c === '"' || c === '`') open = c === open ? '' : open || c
  }
  return open
}

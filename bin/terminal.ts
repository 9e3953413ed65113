/** What this program itself says on its terminal; text from elsewhere is escaped before it is printed. */
import { escapeText } from '@shenlou/contract/bytes'

const safe = (text: string): string =>
  text
    .split('\n')
    .map((row) => escapeText(row).replaceAll('\\\\', '\\'))
    .join('\n')

export const line = (text: string): void => void process.stdout.write(`${safe(text)}\n`)

/** One line that tells what is being waited for: rewritten on a terminal, a line each elsewhere. */
export function progress(): { step(text: string): void; done(text: string): void } {
  const terminal = process.stdout.isTTY === true
  return {
    step: (text) => void process.stdout.write(terminal ? `\r\u001b[K${safe(text)} …` : `${safe(text)}\n`),
    done: (text) => void process.stdout.write(terminal ? `\r\u001b[K${text ? `${safe(text)}\n` : ''}` : text ? `${safe(text)}\n` : ''),
  }
}

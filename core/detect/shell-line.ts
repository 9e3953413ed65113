/** A command line taken apart far enough to see which programs it names. It is never run. */

const most = 400

/** Words that stand before the program they run. */
const carriers = new Set([
  'sudo',
  'nohup',
  'exec',
  'time',
  'env',
  'command',
  'busybox',
  'then',
  'do',
  'else',
  'elif',
  'if',
  'while',
  'until',
  '!',
  'builtin',
  'eval',
  'setsid',
  'xargs',
])

/**
 * The simple commands of a line, each as its program's bare name and its arguments with one space between, quotes and backslashes removed:
 * `A=1 sudo /usr/bin/wget 'http://x/y' -O- | sh` gives `wget http://x/y -O-` and `sh`. At most 400.
 */
export function simpleCommands(line: string): string[] {
  const found: string[] = []
  for (const words of split(line)) {
    let at = 0
    while (at < words.length) {
      const word = words[at] as string
      if (/^[A-Za-z_][A-Za-z0-9_]{0,64}=/.test(word)) at++
      else if (carriers.has(nameOf(word)) && at + 1 < words.length) {
        at++
        while (at < words.length && (words[at] as string).startsWith('-')) at++
      } else break
    }
    const program = words[at]
    if (program === undefined) continue
    found.push([nameOf(program), ...words.slice(at + 1)].join(' '))
    if (found.length >= most) break
  }
  return found
}

/** The bare name of a program; one in the folder at hand or among temporary files keeps its path. */
const nameOf = (word: string): string => (/^(?:\.{1,2}|\/tmp|\/var\/tmp|\/dev\/shm)\//.test(word) ? word : word.slice(word.lastIndexOf('/') + 1))

/** Words of each simple command, in order. Text in single quotes is not looked into; `$(`, backquotes and `(` begin a command. */
function* split(line: string): Generator<string[]> {
  let words: string[] = []
  let word = ''
  let begun = false
  let quote = ''
  // The quotes that open brackets and backquotes stand in.
  const outer: { by: string; quote: string }[] = []
  const endWord = (): void => {
    if (begun) words.push(word)
    word = ''
    begun = false
  }
  for (let at = 0; at < line.length; at++) {
    const c = line[at] as string
    if (quote === "'") {
      if (c === "'") quote = ''
      else word += c
      continue
    }
    if (c === '\\') {
      if (line[at + 1] !== '\n') word += line[at + 1] ?? ''
      begun = true
      at++
      continue
    }
    const substitution = c === '`' || (c === '$' && line[at + 1] === '(')
    if (quote === '"' && !substitution) {
      if (c === '"') quote = ''
      else word += c
      continue
    }
    if (c === "'" || c === '"') {
      quote = c
      begun = true
      continue
    }
    // `2>&1` and `&>file` are redirections, not separators.
    const redirects = c === '&' && (line[at - 1] === '>' || line[at + 1] === '>')
    if (substitution || (/[\n;|&(){}]/.test(c) && !redirects && !(c === '{' && line[at - 1] === '$'))) {
      endWord()
      if (words.length > 0) yield words
      words = []
      const closes = c === ')' || (c === '`' && outer.at(-1)?.by === '`')
      if (closes) quote = outer.pop()?.quote ?? ''
      else {
        if (c === '(' || c === '`' || c === '$') outer.push({ by: c, quote })
        quote = ''
      }
      if (c === '$') at++
    } else if (/\s/.test(c)) endWord()
    else {
      word += c
      begun = true
    }
  }
  endWord()
  if (words.length > 0) yield words
}

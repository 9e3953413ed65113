/** What the parser makes of a command line. All text is one character a byte. */

export type WordPart =
  | { kind: 'text'; text: string; quoted: boolean }
  | { kind: 'variable'; name: string; quoted: boolean; operator?: string; argument?: Word; length?: boolean }
  | { kind: 'command'; body: List; quoted: boolean }
  | { kind: 'arithmetic'; text: Word; quoted: boolean }

export type Word = WordPart[]

export interface Redirect {
  fd: number
  kind: '<' | '>' | '>>' | '<<' | '<<<' | '>&' | '<&' | '&>' | '&>>' | '<>'
  target: Word
}

export type Command =
  | { kind: 'simple'; assigns: { name: string; value: Word }[]; words: Word[]; redirects: Redirect[] }
  | { kind: 'group'; body: List; subshell: boolean; redirects: Redirect[] }
  | { kind: 'if'; branches: { test: List; body: List }[]; otherwise?: List; redirects: Redirect[] }
  | { kind: 'while'; test: List; body: List; until: boolean; redirects: Redirect[] }
  | { kind: 'for'; name: string; words?: Word[]; body: List; redirects: Redirect[] }
  | { kind: 'case'; subject: Word; branches: { patterns: Word[]; body: List }[]; redirects: Redirect[] }
  | { kind: 'function'; name: string; body: Command }

export interface Pipeline {
  negated: boolean
  commands: Command[]
}

export interface List {
  items: { first: Pipeline; rest: { operator: '&&' | '||'; pipeline: Pipeline }[]; background: boolean; text: string }[]
}

/** The text ends inside a construct; a terminal asks for another line. */
export class Incomplete extends Error {}

/** The text is no shell language; `token` is what was not expected. */
export class SyntaxFault extends Error {
  readonly token: string
  constructor(token: string) {
    super(`unexpected ${token}`)
    this.token = token
  }
}

/** What the parser makes of a command line. All text is one character a byte. */

export type WordPart =
  | { kind: 'text'; text: string; quoted: boolean }
  | {
      kind: 'variable'
      name: string
      quoted: boolean
      operator?: string
      argument?: Word
      length?: boolean
      /** `${!name}`: the value names the variable; with `[@]`, the indices. */
      indirect?: boolean
      /** `${name[index]}`; `@` and `*` are all elements. */
      index?: Word
    }
  | { kind: 'command'; body: List; quoted: boolean }
  | { kind: 'arithmetic'; text: Word; quoted: boolean }
  | { kind: 'process'; body: List; direction: '<' | '>'; quoted: boolean }

export type Word = WordPart[]

export interface Redirect {
  fd: number
  kind: '<' | '>' | '>>' | '<<' | '<<<' | '>&' | '<&' | '&>' | '&>>' | '<>'
  target: Word
}

export interface Assign {
  name: string
  index?: Word
  append: boolean
  value: Word
  /** `name=(…)`. */
  list?: { index?: Word; value: Word }[]
}

/** What stands in `[[ … ]]`. */
export type Condition =
  | { kind: 'both' | 'either'; left: Condition; right: Condition }
  | { kind: 'not'; of: Condition }
  | { kind: 'unary'; operator: string; word: Word }
  | { kind: 'binary'; operator: string; left: Word; right: Word }

export type Command =
  | { kind: 'simple'; assigns: Assign[]; words: Word[]; redirects: Redirect[]; line: number }
  | { kind: 'arithmetic'; text: Word; redirects: Redirect[] }
  | { kind: 'test'; condition: Condition; redirects: Redirect[] }
  | { kind: 'count'; init: Word; test: Word; step: Word; body: List; redirects: Redirect[] }
  | { kind: 'group'; body: List; subshell: boolean; redirects: Redirect[] }
  | { kind: 'if'; branches: { test: List; body: List }[]; otherwise?: List; redirects: Redirect[] }
  | { kind: 'while'; test: List; body: List; until: boolean; redirects: Redirect[] }
  | { kind: 'for'; name: string; words?: Word[]; body: List; redirects: Redirect[] }
  | { kind: 'case'; subject: Word; branches: { patterns: Word[]; body: List; falls?: ';&' | ';;&' }[]; redirects: Redirect[] }
  | { kind: 'function'; name: string; body: Command }

export interface Pipeline {
  negated: boolean
  timed?: boolean
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
  /** Line of the text, from 1; 0 when not known. */
  line = 0
  constructor(token: string) {
    super(`unexpected ${token}`)
    this.token = token
  }
}

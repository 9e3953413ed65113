/** What the parser makes of an awk program. */

export type Expression =
  | { kind: 'number'; value: number }
  | { kind: 'string'; value: string }
  | { kind: 'pattern'; source: string }
  | { kind: 'name'; name: string }
  | { kind: 'field'; index: Expression }
  | { kind: 'element'; name: string; index: Expression[] }
  | { kind: 'assign'; operator: string; target: Expression; value: Expression }
  | { kind: 'step'; by: 1 | -1; before: boolean; target: Expression }
  | { kind: 'unary'; operator: '!' | '-' | '+'; of: Expression }
  | { kind: 'binary'; operator: string; left: Expression; right: Expression }
  | { kind: 'choice'; test: Expression; yes: Expression; no: Expression }
  | { kind: 'in'; index: Expression[]; name: string }
  | { kind: 'call'; name: string; args: Expression[] }
  | { kind: 'getline'; from?: Expression; command?: Expression; into?: Expression }

export type Statement =
  | { kind: 'expression'; of: Expression }
  | { kind: 'print'; args: Expression[]; format: boolean; to?: { operator: '>' | '>>' | '|'; target: Expression } }
  | { kind: 'block'; body: Statement[] }
  | { kind: 'if'; test: Expression; then: Statement; otherwise?: Statement }
  | { kind: 'while'; test: Expression; body: Statement; first: boolean }
  | { kind: 'for'; init?: Statement; test?: Expression; step?: Statement; body: Statement }
  | { kind: 'each'; name: string; array: string; body: Statement }
  | { kind: 'leave'; how: 'next' | 'break' | 'continue' | 'exit' | 'return'; value?: Expression }
  | { kind: 'delete'; name: string; index?: Expression[] }

export interface Rule {
  when: 'begin' | 'end' | { from: Expression; to?: Expression } | undefined
  body: Statement | undefined
  /** Whether the range of two patterns is inside now. */
  inside: boolean
}

export interface Program {
  rules: Rule[]
  functions: Map<string, { parameters: string[]; body: Statement }>
}

/** Integer expressions of `$((…))`, `((…))`, `let` and `expr`, in 64 bits, without evaluating text as code. */

export interface Names {
  /** Value of a name, or of an element of it. */
  get(name: string, index: string | undefined): string
  set(name: string, index: string | undefined, value: string): void
}

const tokenPattern =
  /\d{1,2}#[0-9A-Za-z@_]+|0[xX][0-9a-fA-F]+|\d+|[A-Za-z_]\w*|\+\+|--|\*\*|<<=|>>=|<<|>>|[<>=!]=|&&|\|\||[-+*/%&|^]=|[-+*/%<>=!&|^~?:(),[\]]|[^\s]/g
const levels: string[][] = [['||'], ['&&'], ['|'], ['^'], ['&'], ['==', '!='], ['<', '>', '<=', '>='], ['<<', '>>'], ['+', '-'], ['*', '/', '%']]
const assigning = /^(?:[-+*/%&|^]|<<|>>)?=$/
const wrap = (value: bigint): bigint => BigInt.asIntN(64, value)

function apply(operator: string, a: bigint, b: bigint): bigint {
  const yes = (is: boolean): bigint => (is ? 1n : 0n)
  switch (operator) {
    case '||':
      return yes(a !== 0n || b !== 0n)
    case '&&':
      return yes(a !== 0n && b !== 0n)
    case '|':
      return a | b
    case '^':
      return a ^ b
    case '&':
      return a & b
    case '==':
      return yes(a === b)
    case '!=':
      return yes(a !== b)
    case '<':
      return yes(a < b)
    case '>':
      return yes(a > b)
    case '<=':
      return yes(a <= b)
    case '>=':
      return yes(a >= b)
    case '<<':
      return wrap(a << (b & 63n))
    case '>>':
      return a >> (b & 63n)
    case '+':
      return wrap(a + b)
    case '-':
      return wrap(a - b)
    case '*':
      return wrap(a * b)
    case '**':
      if (b < 0n) throw new Error('exponent less than 0')
      return wrap(a ** (b > 200n ? 200n : b))
    default:
      if (b === 0n) throw new Error('division by 0 (error token is "0")')
      return operator === '/' ? wrap(a / b) : a % b
  }
}

/** The value of an expression. Throws an Error naming the fault. */
export function arithmetic(text: string, names: Names, nested = 0): bigint {
  const tokens = text.slice(0, 8192).match(tokenPattern) ?? []
  if (tokens.length > 1000) throw new Error('expression too long')
  let at = 0
  let depth = 0
  const deeper = <T>(work: () => T): T => {
    if (++depth > 60) throw new Error('expression recursion level exceeded')
    const value = work()
    depth--
    return value
  }
  const literal = (token: string): bigint => {
    const based = /^(\d+)#(.*)$/.exec(token)
    if (!based) {
      if (/^0\d/.test(token)) {
        if (/[89]/.test(token)) throw new Error(`${token}: value too great for base (error token is "${token}")`)
        return wrap(BigInt(`0o${token.slice(1)}`))
      }
      return wrap(BigInt(token))
    }
    const base = BigInt(based[1] as string)
    let value = 0n
    for (const c of (based[2] as string).slice(0, 64)) {
      const digit = BigInt('0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@_'.indexOf(base <= 36n ? c.toLowerCase() : c))
      if (digit < 0n || digit >= base) throw new Error(`${token}: value too great for base (error token is "${token}")`)
      value = wrap(value * base + digit)
    }
    return value
  }
  const index = (): string | undefined => {
    if (tokens[at] !== '[') return undefined
    at++
    const value = comma()
    if (tokens[at++] !== ']') throw new Error('bad array subscript')
    return String(value)
  }
  const worth = (name: string, of: string | undefined): bigint => {
    const value = names.get(name, of).trim()
    if (value === '') return 0n
    if (/^-?(?:[1-9]\d*|0)$/.test(value)) return wrap(BigInt(value))
    if (nested > 8) throw new Error('expression recursion level exceeded')
    return arithmetic(value, names, nested + 1)
  }
  const primary = (): bigint => {
    const token = tokens[at++]
    if (token === undefined) throw new Error(`${text.trim() === '' ? '' : 'syntax error: operand expected (error token is "'}${tokens.at(-1) ?? ''}")`)
    if (token === '(') {
      const value = deeper(comma)
      if (tokens[at++] !== ')') throw new Error("missing `)'")
      return value
    }
    if (token === '-') return wrap(-deeper(unary))
    if (token === '+') return deeper(unary)
    if (token === '!') return deeper(unary) === 0n ? 1n : 0n
    if (token === '~') return ~deeper(unary)
    if (token === '++' || token === '--') {
      const name = tokens[at++] ?? ''
      const of = index()
      const value = worth(name, of) + (token === '++' ? 1n : -1n)
      names.set(name, of, String(value))
      return value
    }
    if (/^\d/.test(token)) return literal(token)
    if (/^[A-Za-z_]/.test(token)) {
      const of = index()
      const next = tokens[at]
      if (next === '++' || next === '--') {
        at++
        const value = worth(token, of)
        names.set(token, of, String(value + (next === '++' ? 1n : -1n)))
        return value
      }
      if (next !== undefined && assigning.test(next)) {
        at++
        const right = deeper(ternary)
        const value = next === '=' ? right : apply(next.slice(0, -1), worth(token, of), right)
        names.set(token, of, String(value))
        return value
      }
      return worth(token, of)
    }
    throw new Error(`syntax error: operand expected (error token is "${tokens.slice(at - 1).join('')}")`)
  }
  const unary = (): bigint => {
    const base = primary()
    if (tokens[at] !== '**') return base
    at++
    return apply('**', base, deeper(unary))
  }
  const level = (n: number): bigint => {
    const operators = levels[n]
    if (!operators) return unary()
    let left = level(n + 1)
    while (operators.includes(tokens[at] ?? '')) {
      const operator = tokens[at++] as string
      left = apply(operator, left, level(n + 1))
    }
    return left
  }
  const ternary = (): bigint =>
    deeper(() => {
      const test = level(0)
      if (tokens[at] !== '?') return test
      at++
      const yes = comma()
      if (tokens[at++] !== ':') throw new Error("`:' expected for conditional expression")
      const no = ternary()
      return test !== 0n ? yes : no
    })
  const comma = (): bigint => {
    let value = ternary()
    while (tokens[at] === ',') {
      at++
      value = ternary()
    }
    return value
  }
  if (tokens.length === 0) return 0n
  const value = comma()
  if (at < tokens.length) throw new Error(`syntax error in expression (error token is "${tokens.slice(at).join('')}")`)
  return value
}

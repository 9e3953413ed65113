/** Integer expressions of `$((…))` and `expr`, without evaluating text as code. */

/** The value of an expression; `variable` gives the value of a name. Throws an Error naming the fault. */
export function arithmetic(text: string, variable: (name: string) => number, assign: (name: string, value: number) => void): number {
  const tokens = text.match(/\d+|0[xX][0-9a-fA-F]+|[A-Za-z_]\w*|\+\+|--|\*\*|<<|>>|[<>=!]=|&&|\|\||[-+*/%]=|[-+*/%<>=!&|^~?:()]/g) ?? []
  if (tokens.length > 500) throw new Error('expression too long')
  let at = 0
  let depth = 0
  const levels: string[][] = [['||'], ['&&'], ['|'], ['^'], ['&'], ['==', '!='], ['<', '>', '<=', '>='], ['<<', '>>'], ['+', '-'], ['*', '/', '%'], ['**']]
  const apply = (operator: string, a: number, b: number): number => {
    switch (operator) {
      case '||':
        return a !== 0 || b !== 0 ? 1 : 0
      case '&&':
        return a !== 0 && b !== 0 ? 1 : 0
      case '|':
        return a | b
      case '^':
        return a ^ b
      case '&':
        return a & b
      case '==':
        return a === b ? 1 : 0
      case '!=':
        return a !== b ? 1 : 0
      case '<':
        return a < b ? 1 : 0
      case '>':
        return a > b ? 1 : 0
      case '<=':
        return a <= b ? 1 : 0
      case '>=':
        return a >= b ? 1 : 0
      case '<<':
        return a << b
      case '>>':
        return a >> b
      case '+':
        return a + b
      case '-':
        return a - b
      case '*':
        return a * b
      case '**':
        return Math.trunc(a ** Math.min(b, 64))
      default:
        if (b === 0) throw new Error('division by 0')
        return operator === '/' ? Math.trunc(a / b) : a % b
    }
  }
  const primary = (): number => {
    if (++depth > 60) throw new Error('expression too deep')
    try {
      const token = tokens[at++]
      if (token === undefined) return 0
      if (token === '(') {
        const value = expression()
        if (tokens[at++] !== ')') throw new Error("missing `)'")
        return value
      }
      if (token === '-') return -primary()
      if (token === '+') return primary()
      if (token === '!') return primary() === 0 ? 1 : 0
      if (token === '~') return ~primary()
      if (token === '++' || token === '--') {
        const name = tokens[at++] ?? ''
        const value = variable(name) + (token === '++' ? 1 : -1)
        assign(name, value)
        return value
      }
      if (/^\d/.test(token)) return token.startsWith('0') && /^0[0-7]+$/.test(token) ? Number.parseInt(token, 8) : Number(token)
      if (/^[A-Za-z_]/.test(token)) {
        const next = tokens[at]
        if (next === '++' || next === '--') {
          at++
          const value = variable(token)
          assign(token, value + (next === '++' ? 1 : -1))
          return value
        }
        if (next === '=' || (next !== undefined && /^[-+*/%]=$/.test(next))) {
          at++
          const right = expression()
          const value = next === '=' ? right : apply(next[0] as string, variable(token), right)
          assign(token, value)
          return value
        }
        return variable(token)
      }
      throw new Error('syntax error: operand expected')
    } finally {
      depth--
    }
  }
  const level = (n: number): number => {
    const operators = levels[n]
    if (!operators) return primary()
    let left = level(n + 1)
    while (operators.includes(tokens[at] ?? '')) {
      const operator = tokens[at++] as string
      left = apply(operator, left, level(n + 1))
    }
    return left
  }
  const expression = (): number => {
    if (++depth > 60) throw new Error('expression too deep')
    const test = level(0)
    let value = test
    if (tokens[at] === '?') {
      at++
      const yes = expression()
      if (tokens[at++] !== ':') throw new Error('syntax error')
      const no = expression()
      value = test !== 0 ? yes : no
    }
    depth--
    return value
  }
  const value = expression()
  if (at < tokens.length) throw new Error('syntax error in expression')
  return Number.isFinite(value) ? Math.trunc(value) : 0
}

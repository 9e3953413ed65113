/**
 * Regular expressions of grep, sed and awk (POSIX basic and extended), matched by simulating all ways at once, so that no pattern of an attacker can
 * take more than (pattern × line) steps.
 */

type Node =
  | { kind: 'set'; test(code: number): boolean }
  | { kind: 'start' }
  | { kind: 'end' }
  | { kind: 'edge' }
  | { kind: 'split'; a: number; b: number }
  | { kind: 'jump'; a: number }
  | { kind: 'save'; n: number }
  | { kind: 'done' }

type Tree =
  | { kind: 'set'; test(code: number): boolean }
  | { kind: 'start' | 'end' | 'edge' | 'empty' }
  | { kind: 'cat' | 'or'; list: Tree[] }
  | { kind: 'repeat'; of: Tree; least: number; most: number }
  | { kind: 'group'; of: Tree; n: number }

export interface PatternOptions {
  extended?: boolean
  fixed?: boolean
  ignoreCase?: boolean
  word?: boolean
  line?: boolean
}

/** Finds the leftmost longest match at or after `from`: `[start, end, group 1 start, group 1 end, …]`. */
export type Find = (line: string, from: number) => [number, number, ...number[]] | undefined

const maxNodes = 2000
const maxLine = 32_768
/** Steps that all patterns may take before others get their turn; beyond them nothing matches. */
const maxWork = 600_000
let work = 0

/** Lets patterns go on, after other sessions had their turn. */
export function refreshPatterns(): void {
  work = 0
}

/** Whether so much was matched that others should get their turn. */
export const patternsTired = (): boolean => work > maxWork / 2

/** Compiles a pattern; undefined when it is no pattern. */
export function linePattern(pattern: string, options: PatternOptions): Find | undefined {
  const { fixed, ignoreCase, word, line } = options
  const isWord = (c: string | undefined): boolean => c !== undefined && /[A-Za-z0-9_]/.test(c)
  if (fixed && !line && !word) {
    const wanted = ignoreCase ? pattern.toLowerCase() : pattern
    return (text, from) => {
      const at = (ignoreCase ? text.toLowerCase() : text).indexOf(wanted, from)
      return at === -1 ? undefined : [at, at + wanted.length]
    }
  }
  if (!fixed && !line && !word && !ignoreCase && /^[\w /:@=%,-]+$/.test(pattern)) return linePattern(pattern, { fixed: true })
  const source = fixed ? pattern.replace(/[\\^$.[\]*+?(){}|]/g, '\\$&') : pattern
  let nodes: Node[]
  let groups: number
  try {
    ;({ nodes, groups } = build(source, { ...options, extended: options.extended || fixed }))
  } catch {
    return undefined
  }
  const find: Find = (text, from) => simulate(nodes, groups, ignoreCase ? text.toLowerCase() : text, from)
  if (!word && !line) return find
  return (text, from) => {
    for (let at = from; at <= text.length; ) {
      const hit = find(text, at)
      if (!hit) return undefined
      if (line ? hit[0] === 0 && hit[1] === text.length : !isWord(text[hit[0] - 1]) && !isWord(text[hit[1]])) return hit
      if (line) return undefined
      at = hit[0] + 1
    }
    return undefined
  }
}

function build(pattern: string, { extended = false, ignoreCase = false }: PatternOptions): { nodes: Node[]; groups: number } {
  let at = 0
  let groups = 0
  let depth = 0
  const is = (plain: string): boolean => (extended ? pattern[at] === plain : pattern[at] === '\\' && pattern[at + 1] === plain)
  const width = extended ? 1 : 2
  const literal = (c: string): Tree => {
    const code = (ignoreCase ? c.toLowerCase() : c).charCodeAt(0)
    return { kind: 'set', test: (x) => x === code }
  }
  const classes: Record<string, (c: string) => boolean> = {
    d: (c) => /\d/.test(c),
    D: (c) => !/\d/.test(c),
    w: (c) => /\w/.test(c),
    W: (c) => !/\w/.test(c),
    s: (c) => /\s/.test(c),
    S: (c) => !/\s/.test(c),
  }
  const named: Record<string, RegExp> = {
    digit: /\d/,
    alpha: /[A-Za-z]/,
    alnum: /[A-Za-z0-9]/,
    upper: /[A-Z]/,
    lower: /[a-z]/,
    space: /\s/,
    blank: /[ \t]/,
    punct: /[!-/:-@[-`{-~]/,
    xdigit: /[0-9A-Fa-f]/,
    print: /[ -~]/,
  }
  const set = (): Tree => {
    at++
    const negated = pattern[at] === '^'
    if (negated) at++
    const allowed = new Uint8Array(256)
    let first = true
    for (; at < pattern.length && (first || pattern[at] !== ']'); first = false) {
      const name = /^\[:(\w+):\]/.exec(pattern.slice(at, at + 12))
      if (name) {
        const test = named[name[1] as string]
        for (let c = 0; c < 256; c++) if (test?.test(String.fromCharCode(c))) allowed[c] = 1
        at += name[0].length
        continue
      }
      const from = (pattern[at] as string).charCodeAt(0)
      let to = from
      if (pattern[at + 1] === '-' && pattern[at + 2] !== ']' && pattern[at + 2] !== undefined) {
        to = (pattern[at + 2] as string).charCodeAt(0)
        at += 2
      }
      for (let c = from; c <= Math.min(to, 255); c++) allowed[c] = 1
      at++
    }
    if (at >= pattern.length) throw new Error('unmatched [')
    at++
    if (ignoreCase) for (let c = 65; c <= 90; c++) if (allowed[c]) allowed[c + 32] = 1
    return { kind: 'set', test: (x) => (allowed[x & 255] === 1) !== negated }
  }
  const atom = (): Tree => {
    const c = pattern[at] as string
    if (is('(')) {
      at += width
      const n = ++groups
      if (++depth > 50) throw new Error('too deep')
      const of = alternatives()
      if (!is(')')) throw new Error('unmatched (')
      at += width
      depth--
      return { kind: 'group', of, n }
    }
    if (c === '[') return set()
    if (c === '.') {
      at++
      return { kind: 'set', test: () => true }
    }
    if (c === '^') {
      at++
      return { kind: 'start' }
    }
    if (c === '$' && (extended || at === pattern.length - 1 || (pattern[at + 1] === '\\' && /[)|]/.test(pattern[at + 2] ?? '')))) {
      at++
      return { kind: 'end' }
    }
    if (c === '\\') {
      const next = pattern[at + 1]
      if (next === undefined) throw new Error('trailing backslash')
      at += 2
      const known = classes[next]
      if (known) return { kind: 'set', test: (x) => known(String.fromCharCode(x)) }
      if (next === 'b' || next === '<' || next === '>') return { kind: 'edge' }
      if (next === 'n') return literal('\n')
      if (next === 't') return literal('\t')
      return literal(next)
    }
    at++
    return literal(c)
  }
  const piece = (): Tree => {
    let of = atom()
    for (let again = 0; again < 10; again++) {
      if (pattern[at] === '*') {
        at++
        of = { kind: 'repeat', of, least: 0, most: -1 }
      } else if (is('+')) {
        at += width
        of = { kind: 'repeat', of, least: 1, most: -1 }
      } else if (is('?')) {
        at += width
        of = { kind: 'repeat', of, least: 0, most: 1 }
      } else if (is('{')) {
        const m = (extended ? /^\{(\d{0,3})(,?)(\d{0,3})\}/ : /^\\\{(\d{0,3})(,?)(\d{0,3})\\\}/).exec(pattern.slice(at, at + 14))
        if (!m) break
        at += m[0].length
        const least = Number(m[1] || 0)
        of = { kind: 'repeat', of, least, most: m[2] ? (m[3] ? Number(m[3]) : -1) : least }
      } else break
    }
    return of
  }
  const sequence = (): Tree => {
    const list: Tree[] = []
    while (at < pattern.length && !is('|') && !(is(')') && depth > 0)) list.push(piece())
    return list.length === 0 ? { kind: 'empty' } : { kind: 'cat', list }
  }
  function alternatives(): Tree {
    const list = [sequence()]
    while (at < pattern.length && is('|')) {
      at += width
      list.push(sequence())
    }
    return list.length === 1 ? (list[0] as Tree) : { kind: 'or', list }
  }
  const tree = alternatives()
  if (at < pattern.length) throw new Error('unmatched )')
  const nodes: Node[] = []
  const put = (node: Node): number => {
    if (nodes.length >= maxNodes) throw new Error('pattern too large')
    return nodes.push(node) - 1
  }
  const emit = (t: Tree): void => {
    switch (t.kind) {
      case 'set':
        put(t)
        return
      case 'start':
      case 'end':
      case 'edge':
        put({ kind: t.kind })
        return
      case 'cat':
        for (const one of t.list) emit(one)
        return
      case 'group':
        put({ kind: 'save', n: t.n * 2 })
        emit(t.of)
        put({ kind: 'save', n: t.n * 2 + 1 })
        return
      case 'or': {
        const jumps: number[] = []
        t.list.forEach((one, i) => {
          if (i < t.list.length - 1) {
            const split = put({ kind: 'split', a: nodes.length + 1, b: 0 })
            emit(one)
            jumps.push(put({ kind: 'jump', a: 0 }))
            ;(nodes[split] as { b: number }).b = nodes.length
          } else emit(one)
        })
        for (const jump of jumps) (nodes[jump] as { a: number }).a = nodes.length
        return
      }
      case 'repeat': {
        for (let i = 0; i < t.least; i++) emit(t.of)
        if (t.most === -1) {
          const split = put({ kind: 'split', a: nodes.length + 1, b: 0 })
          emit(t.of)
          put({ kind: 'jump', a: split })
          ;(nodes[split] as { b: number }).b = nodes.length
        } else {
          const splits: number[] = []
          for (let i = t.least; i < t.most; i++) {
            splits.push(put({ kind: 'split', a: nodes.length + 1, b: 0 }))
            emit(t.of)
          }
          for (const split of splits) (nodes[split] as { b: number }).b = nodes.length
        }
      }
    }
  }
  emit(tree)
  put({ kind: 'done' })
  return { nodes, groups }
}

function simulate(nodes: Node[], groups: number, whole: string, from: number): ReturnType<Find> {
  const text = whole.length > maxLine ? whole.slice(0, maxLine) : whole
  const isWord = (c: string | undefined): boolean => c !== undefined && /[A-Za-z0-9_]/.test(c)
  type Thread = { pc: number; saves: number[] }
  let best: number[] | undefined
  let current: Thread[] = []
  const mark = new Int32Array(nodes.length).fill(-1)
  const add = (list: Thread[], pc: number, saves: number[], at: number): void => {
    const stack: Thread[] = [{ pc, saves }]
    while (stack.length > 0) {
      const thread = stack.pop() as Thread
      if (mark[thread.pc] === at) continue
      mark[thread.pc] = at
      const node = nodes[thread.pc] as Node
      if (node.kind === 'jump') stack.push({ pc: node.a, saves: thread.saves })
      else if (node.kind === 'split') stack.push({ pc: node.b, saves: thread.saves }, { pc: node.a, saves: thread.saves })
      else if (node.kind === 'save') {
        const copy = [...thread.saves]
        copy[node.n] = at
        stack.push({ pc: thread.pc + 1, saves: copy })
      } else if (node.kind === 'start') {
        if (at === 0) stack.push({ pc: thread.pc + 1, saves: thread.saves })
      } else if (node.kind === 'end') {
        if (at === text.length) stack.push({ pc: thread.pc + 1, saves: thread.saves })
      } else if (node.kind === 'edge') {
        if (isWord(text[at - 1]) !== isWord(text[at])) stack.push({ pc: thread.pc + 1, saves: thread.saves })
      } else list.push(thread)
    }
  }
  for (let at = from; at <= text.length; at++) {
    if (!best) add(current, 0, [at], at)
    const next: Thread[] = []
    const code = text.charCodeAt(at)
    const steps = current
    work += steps.length + 1
    if (work > maxWork) return undefined
    // marks of this position are spent; the next one begins afresh
    for (const { pc, saves } of steps) {
      const node = nodes[pc] as Node
      if (node.kind === 'done') {
        if (!best || (saves[0] as number) < (best[0] as number) || ((saves[0] as number) === (best[0] as number) && at > (best[1] as number))) {
          best = [...saves]
          best[1] = at
        }
      } else if (node.kind === 'set' && at < text.length && node.test(code) && (!best || (saves[0] as number) <= (best[0] as number)))
        add(next, pc + 1, saves, at + 1)
    }
    current = next
    if (best && current.length === 0) break
  }
  if (!best) return undefined
  const found = best
  return Array.from({ length: (groups + 1) * 2 }, (_, i) => found[i] ?? -1) as [number, number]
}

/** What a detection rule is, and whether an event meets it. Rules are data (rules/*.ts); nothing here knows a kind of attack. */
import { escapeText } from '@shenlou/contract/bytes'
import type { EventKind } from '@shenlou/contract/event-kinds'
import type { Severity } from '@shenlou/contract/primitives'
import type { View } from './view.ts'

/**
 * A condition on fields (view.ts). A field with several values meets one when any value does. `matches` is a JavaScript pattern, without
 * case, that must run in linear time: no unbounded repetition, no repetition inside a repeated group (rules.test.ts checks it).
 */
export type Condition =
  | { field: string; is: string | number | boolean }
  | { field: string; in: readonly (string | number)[] }
  | { field: string; matches: string }
  | { field: string; atLeast: number }
  | { all: readonly Condition[] }
  | { any: readonly Condition[] }
  | { not: Condition }

export interface Rule {
  id: string
  /** Rises with every change of what the rule matches or says. */
  version: number
  title: { zh: string; en: string }
  /** Why a match means what the title says. */
  reason: { zh: string; en: string }
  severity: Severity
  confidence: 'low' | 'medium' | 'high'
  techniques: readonly string[]
  kinds: readonly EventKind[]
  when?: Condition
  /**
   * Only `count` matching events of one group within `withinMs` make a finding. With `distinct` they must differ from each other in each
   * of those fields.
   */
  threshold?: { count: number; withinMs: number; by: readonly string[]; distinct?: readonly string[] }
  /** Fields whose values, with the scope, make two matches one finding. */
  per: readonly string[]
  /** Fields shown as evidence besides those that matched. */
  evidence: readonly string[]
  /** A login or an exploit: work for a person whatever its severity, and more than a touch when a known scanner does it. */
  opens?: true
  /** What it says is about our own sensors: told to the inbox of their scope. It makes an incident only when it `opens` one. */
  about?: 'sensor'
  /** Its reason begins with what an operator would say of the event (operator.ts), and that is its first evidence. */
  says?: true
  /** The event already carries a conclusion of another tool: severity, title and techniques are taken from its body. */
  from?: 'alert'
}

/** One matched field: its value around the match, at most 300 characters and escaped, and the condition it met. */
export interface Match {
  field: string
  value: string
  why: string
}

const shownChars = 300

/** Text around `at`, escaped for storing and showing. */
export function excerpt(text: string, at = 0, length = 0): string {
  const start = text.length <= shownChars ? 0 : Math.max(0, Math.min(at - 40, text.length - 200))
  const end = Math.min(text.length, Math.max(at + length, start + 200), start + shownChars)
  // Never half a surrogate pair at either cut.
  const part = text.slice(start, end).toWellFormed()
  const shown = escapeText(part)
  return `${start > 0 ? '…' : ''}${shown}${end < text.length ? '…' : ''}`
}

const compiled = new Map<string, RegExp>()
const pattern = (source: string): RegExp => {
  const known = compiled.get(source) ?? new RegExp(source, 'i')
  compiled.set(source, known)
  return known
}

const valuesOf = (view: View, field: string): (string | number | boolean)[] => {
  const value = view(field)
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? [...value] : [value as string | number | boolean]
}

/** The matches by which `view` meets `condition`; undefined when it does not. */
export function meets(condition: Condition, view: View): Match[] | undefined {
  if ('all' in condition) {
    const found: Match[] = []
    for (const part of condition.all) {
      const matches = meets(part, view)
      if (!matches) return undefined
      found.push(...matches)
    }
    return found
  }
  if ('any' in condition) {
    for (const part of condition.any) {
      const matches = meets(part, view)
      if (matches) return matches
    }
    return undefined
  }
  if ('not' in condition) return meets(condition.not, view) ? undefined : []
  const { field } = condition
  for (const value of valuesOf(view, field)) {
    if ('is' in condition) {
      if (value === condition.is) return [{ field, value: excerpt(String(value)), why: `= ${condition.is}` }]
    } else if ('in' in condition) {
      if (condition.in.includes(value as string)) return [{ field, value: excerpt(String(value)), why: `∈ ${condition.in.slice(0, 12).join(', ')}` }]
    } else if ('atLeast' in condition) {
      if (typeof value === 'number' && value >= condition.atLeast) return [{ field, value: String(value), why: `≥ ${condition.atLeast}` }]
    } else {
      const match = pattern(condition.matches).exec(String(value))
      if (match) return [{ field, value: excerpt(String(value), match.index, match[0].length), why: `~ ${condition.matches}` }]
    }
  }
  return undefined
}

/** The matches of `rule` in one event, with the fields that it shows besides; undefined when it does not match. Thresholds are not looked at. */
export function matchRule(rule: Rule, view: View): Match[] | undefined {
  const matches = rule.when ? meets(rule.when, view) : []
  if (!matches) return undefined
  const shown = new Set(matches.map((match) => match.field))
  for (const field of rule.evidence) {
    if (shown.has(field)) continue
    const text = valuesOf(view, field).join(', ')
    if (text !== '') matches.push({ field, value: excerpt(text), why: '' })
  }
  return matches
}

/** What was done to a ticket or an incident, as people read it: the word of the step and what it carried. */
import { m } from '../paraglide/messages.js'
import { to } from '../router.ts'
import { dateTime } from './format.ts'
import { reason } from './reasons.ts'
import { actionWords, identityWords, severityWords, word } from './words.ts'

/** One part of a step: its name, its text, and where it leads. */
export type Part = { name: string; text: string; href?: string }
type Detail = Record<string, unknown>

/** Steps that the core takes by itself, and those of incidents; the others are a ticket's actions. */
const steps: Record<string, () => string> = {
  open: m.step_open,
  raise: m.step_raise,
  overdue: m.step_overdue,
  merge: m.step_merge,
  'merged-away': m.step_merged_away,
  split: m.step_split,
  'split-off': m.step_split_off,
}

/** The word of a step; one that is newer than this console shows its key. */
export const stepWord = (action: string): string => (Object.hasOwn(steps, action) ? word(steps, action) : word(actionWords, action))

const isObject = (value: unknown): value is Detail => typeof value === 'object' && value !== null && !Array.isArray(value)
const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

const parts: Record<string, (value: unknown, all: Detail) => Part | undefined> = {
  reason: (value) => ({ name: m.reason(), text: reason(plain(value)) }),
  why: (value) => ({ name: m.reason(), text: reason(plain(value)) }),
  until: (value) => ({ name: m.until(), text: typeof value === 'number' ? dateTime(value) : plain(value) }),
  dueAt: (value) => ({ name: m.due(), text: typeof value === 'number' ? dateTime(value) : plain(value) }),
  assignee: (value) => ({ name: m.assignee(), text: isObject(value) ? plain(value.name ?? value.id) : plain(value) }),
  incident: (value, all) => ({
    name: m.incident(),
    text: typeof all.number === 'number' ? `I-${all.number}` : m.open_incident(),
    href: to.incident(plain(value)),
  }),
  other: (value, all) => ({
    name: m.incident(),
    text: typeof all.number === 'number' ? `I-${all.number}` : m.open_incident(),
    href: to.incident(plain(value)),
  }),
  duplicateOf: (value) => ({ name: m.duplicate_of(), text: m.open_ticket(), href: to.ticket(plain(value)) }),
  evidence: (value) => ({
    name: m.evidence(),
    text: isObject(value) ? [value.label, value.why].filter((part) => typeof part === 'string' && part).join(' · ') : plain(value),
  }),
  findings: (value) => ({ name: m.findings(), text: Array.isArray(value) ? String(value.length) : plain(value) }),
  kind: (value, all) =>
    all.value === undefined ? { name: m.kind(), text: plain(value) } : { name: word(identityWords, plain(value)), text: plain(all.value) },
  // Said with what they belong to.
  number: (value, all) => (all.incident === undefined && all.other === undefined ? { name: m.number(), text: plain(value) } : undefined),
  value: (value, all) => (all.kind === undefined ? { name: 'value', text: plain(value) } : undefined),
}

/** The parts of a step's detail; a name that is not known shows as it is. */
export function stepParts(action: string, detail: Detail): Part[] {
  if (action === 'raise' && typeof detail.from === 'string' && typeof detail.to === 'string')
    return [{ name: m.severity(), text: `${word(severityWords, detail.from)} → ${word(severityWords, detail.to)}` }]
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== undefined)
    .flatMap(([name, value]) => (Object.hasOwn(parts, name) ? (parts[name]?.(value, detail) ?? []) : { name, text: plain(value) }))
}

/** How a rule over a command line is written: one finding a session, and always work for a person, for who runs it is already inside. */
import type { Condition, Rule } from '../rule.ts'

const command: Rule['kinds'] = ['command.executed']
const session = ['session', 'source.ip', 'decoy'] as const
/** One simple command of the line (shell-line.ts): program and arguments. */
export const simple = (matches: string): Condition => ({ field: 'command.simple', matches })
/** The whole line, for pipes and redirections. */
export const line = (matches: string): Condition => ({ field: 'command.line', matches })

/** A rule over `command.executed`; `more` changes what differs. */
export const make = (
  id: string,
  zh: string,
  en: string,
  reason: Rule['reason'],
  severity: Rule['severity'],
  techniques: Rule['techniques'],
  when: Condition,
  more: Partial<Rule> = {},
): Rule => ({
  id,
  version: 1,
  title: { zh, en },
  reason,
  severity,
  confidence: 'high',
  techniques,
  kinds: command,
  when,
  per: session,
  evidence: ['body.input', 'body.user', 'body.directory'],
  opens: true,
  ...more,
})

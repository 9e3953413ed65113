/** How a file of rules is written: what its rules have in common is said once. */
import type { Rule } from '../rule.ts'

/** Rules that have `common` where they say nothing else; their version is 1 until they say a higher one. */
export const rulesOf = <C extends Partial<Rule>>(common: C, rules: readonly (Omit<Rule, keyof C | 'version'> & Partial<Rule>)[]): readonly Rule[] =>
  rules.map((rule) => ({ version: 1, ...common, ...rule }) as Rule)

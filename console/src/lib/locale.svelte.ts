/** The console's language: one reactive value that every message reads, so that a switch needs no reload. */
import { overwriteGetLocale, overwriteSetLocale } from '../paraglide/runtime.js'

export type Locale = 'zh' | 'en'
const key = 'shenlou.locale'

function first(): Locale {
  const kept = localStorage.getItem(key)
  if (kept === 'zh' || kept === 'en') return kept
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

let current = $state<Locale>(first())
overwriteGetLocale(() => current)
overwriteSetLocale((next: Locale) => setLocale(next))

/** The language shown now. */
export const locale = (): Locale => current
/** The BCP 47 tag for Intl and `lang`. */
export const tag = (): string => (current === 'zh' ? 'zh-CN' : 'en-GB')

let onChosen: (next: Locale) => void = () => {}
/** Sets who is told of a choice that somebody made. */
export function whenLocaleChosen(then: (next: Locale) => void): void {
  onChosen = then
}
/** Switches the language because somebody chose it: kept on this device and, signed in, for the person. */
export function chooseLocale(next: Locale): void {
  setLocale(next)
  onChosen(next)
}

/** Switches the language at once and keeps it on this device. */
export function setLocale(next: Locale): void {
  current = next
  localStorage.setItem(key, next)
  document.documentElement.lang = tag()
}

/** The half of a bilingual text that fits the language shown. */
export const say = (text: { zh: string; en: string }): string => text[current] || text.en || text.zh

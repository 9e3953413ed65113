/** Light or dark, as chosen or as the system says. Colours are the CSS variables of app.css. */
export type Theme = 'system' | 'light' | 'dark'
const key = 'shenlou.theme'
const system = matchMedia('(prefers-color-scheme: dark)')

const kept = localStorage.getItem(key)
let chosen = $state<Theme>(kept === 'light' || kept === 'dark' ? kept : 'system')
let systemDark = $state(system.matches)
system.addEventListener('change', (event) => {
  systemDark = event.matches
  show()
})

export const theme = (): Theme => chosen
export const isDark = (): boolean => chosen === 'dark' || (chosen === 'system' && systemDark)

function show(): void {
  document.documentElement.classList.toggle('dark', isDark())
}

let onChosen: (next: Theme) => void = () => {}
/** Sets who is told of a choice that somebody made. */
export function whenThemeChosen(then: (next: Theme) => void): void {
  onChosen = then
}
/** Changes the colours because somebody chose so: kept on this device and, signed in, for the person. */
export function chooseTheme(next: Theme): void {
  setTheme(next)
  onChosen(next)
}

/** Changes the colours and keeps the choice on this device. */
export function setTheme(next: Theme): void {
  chosen = next
  localStorage.setItem(key, next)
  show()
}
show()
document.documentElement.lang = localStorage.getItem('shenlou.locale') === 'en' ? 'en-GB' : 'zh-CN'

/** The present value of one colour variable, for canvases. */
export const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()

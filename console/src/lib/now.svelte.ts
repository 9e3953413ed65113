/** The server's time, reactive, moving once a second while the page is shown. */
import { live } from './live.svelte.ts'

let device = $state(Date.now())
setInterval(() => {
  if (!document.hidden) device = Date.now()
}, 1000)

export const now = (): number => device + live.skew

/** Keys of the whole console: `g` and a letter goes to a page. Words are looked up when shown. */
import { m } from '../paraglide/messages.js'

export const jumps: { key: string; path: string; label: () => string }[] = [
  { key: 'o', path: '/overview', label: m.nav_overview },
  { key: 's', path: '/sessions', label: m.nav_sessions },
  { key: 'e', path: '/events', label: m.nav_events },
  { key: 'i', path: '/incidents', label: m.nav_incidents },
  { key: 't', path: '/tickets', label: m.nav_tickets },
  { key: 'n', path: '/sensors', label: m.nav_sensors },
  { key: 'd', path: '/decoys', label: m.nav_decoys },
  { key: 'c', path: '/coverage', label: m.nav_coverage },
  { key: 'p', path: '/templates', label: m.nav_templates },
  { key: 'b', path: '/notices', label: m.nav_notices },
  { key: ',', path: '/settings', label: m.nav_settings },
]

/** Whether keys belong to what is focused: a field, a dialog, a terminal. */
export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  target.closest('input:not([type=checkbox]):not([type=range]), textarea, select, [contenteditable], [role=dialog], [role=menu]') !== null

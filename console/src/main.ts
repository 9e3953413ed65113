import './app.css'
import './lib/theme.svelte.ts'
import { mount } from 'svelte'
import App from './App.svelte'
import { toasts } from './lib/toasts.svelte.ts'
import { m } from './paraglide/messages.js'

// The router takes every click on a link of ours; one with a modifier key is the browser's.
document.addEventListener('click', (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) event.stopPropagation()
})

// A page's script that does not come, because the server is away or was updated, must not look like a dead link.
window.addEventListener('vite:preloadError', () => toasts.say(m.page_not_loaded(), true))

const target = document.getElementById('app')
if (target) mount(App, { target })

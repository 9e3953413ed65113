import './app.css'
import './lib/theme.svelte.ts'
import { mount } from 'svelte'
import App from './App.svelte'

// The router takes every click on a link of ours; one with a modifier key is the browser's.
document.addEventListener('click', (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) event.stopPropagation()
})

const target = document.getElementById('app')
if (target) mount(App, { target })

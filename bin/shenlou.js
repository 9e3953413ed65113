#!/usr/bin/env node
// Plain JavaScript, so that an older Node can still read the sentence below.
const major = Number(process.versions.node.split('.')[0])
if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
  console.error(`shenlou: runs on Linux x64 and arm64 with glibc; this is ${process.platform} ${process.arch}`)
  process.exit(1)
}
if (major < 24) {
  console.error(`shenlou: needs its own Node 24, this is Node ${process.versions.node}; run 'npm ci' here, then start it by 'npm start' or 'npx shenlou'`)
  process.exit(1)
}
// Compiled modules are kept beside the packages and trusted as those are: the next start reads them, and needs no compiler in memory.
const { enableCompileCache, flushCompileCache, registerHooks } = await import('node:module')
const { join } = await import('node:path')
enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/shenlou'))
setTimeout(flushCompileCache, 10_000).unref()
// The schema library brings its messages in fifty languages, which took a third of its time and memory; ours are our own.
registerHooks({
  load: (url, context, next) => (url.endsWith('/zod/v4/locales/index.js') ? { format: 'module', source: '', shortCircuit: true } : next(url, context)),
})
const { heapFlags } = await import('./heap.ts')
const [, script, role] = process.argv
const flags = Object.hasOwn(heapFlags, role ?? '') ? heapFlags[role] : []
// A role that was started by itself takes the bounds of its memory by beginning again in place; what a person gave Node counts above them.
if (!flags.every((flag) => process.execArgv.includes(flag)))
  process.execve(process.execPath, [process.execPath, ...flags, ...process.execArgv, script, ...process.argv.slice(2)])
const { main } = await import('./main.ts')
await main(process.argv.slice(2))

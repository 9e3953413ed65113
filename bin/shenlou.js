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
const { enableCompileCache, flushCompileCache } = await import('node:module')
const { join } = await import('node:path')
enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/shenlou'))
setTimeout(flushCompileCache, 10_000).unref()
const { main } = await import('./main.ts')
await main(process.argv.slice(2))

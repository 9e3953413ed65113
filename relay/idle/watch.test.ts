/** A watch says when it is blind, and begins again. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Frame } from './frames.ts'
import { until } from './lan-fixture.ts'
import { startWatch } from './watch.ts'

const folder = mkdtempSync(join(tmpdir(), 'watch-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const program = (name: string, script: string): string => {
  const path = join(folder, name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return path
}
const header = String.raw`\324\303\262\241\002\000\004\000\000\000\000\000\000\000\000\000\200\002\000\000\001\000\000\000`
const arp = String.raw`\001\000\000\000\000\000\000\000\052\000\000\000\052\000\000\000\377\377\377\377\377\377\002\000\000\000\000\252\010\006\000\001\010\000\006\004\000\001\002\000\000\000\000\252\012\001\002\003\000\000\000\000\000\000\012\001\002\143`

const watch = (path: string, againMs = 20) => {
  const states: [boolean, string][] = []
  const frames: Frame[] = []
  return {
    states,
    frames,
    watch: startWatch({
      device: 'eth9',
      filter: 'arp',
      program: path,
      againMs,
      onFrame: (frame) => frames.push(frame),
      onState: (sees, reason) => states.push([sees, reason]),
    }),
  }
}

test('frames come, then the child dies: blind, with its last words, and seeing again', async () => {
  const {
    states,
    frames,
    watch: running,
  } = watch(
    program(
      'dies',
      `echo 'tcpdump: listening on eth9' >&2; printf '${header}${arp}'; sleep 0.1; echo 'tcpdump: pcap_loop: The interface disappeared' >&2; echo '1 packet captured' >&2; exit 1`,
    ),
  )
  await until('it saw twice', () => states.filter(([sees]) => sees).length >= 2)
  running.close()
  assert.deepEqual(states.slice(0, 3), [
    [true, ''],
    [false, 'tcpdump on eth9 ended with 1: tcpdump: pcap_loop: The interface disappeared'],
    [true, ''],
  ])
  assert.equal(frames[0]?.kind, 'arp')
  assert.equal(running.sees, false)
})

test('a program that is missing, or writes no pcap, is said', async () => {
  const missing = watch(join(folder, 'missing'))
  await until('it is said', () => missing.states.length > 0)
  missing.watch.close()
  assert.match(missing.states[0]?.[1] ?? '', /missing could not be started: .*ENOENT/)
  const odd = watch(program('odd', `echo 'tcpdump: listening on eth9' >&2; echo 'this is certainly no pcap stream at all'; exec sleep 30`))
  await until('it is said', () => odd.states.some(([sees]) => !sees))
  odd.watch.close()
  assert.equal(odd.states.find(([sees]) => !sees)?.[1], 'this is no pcap stream')
})

/** The launcher with programs that behave as a release might: what it takes for healthy, and how it goes back. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, test } from 'node:test'
import { root, until } from './installation.ts'

/** It tells its number and stays, as the former version of each test. */
const stays = 'echo "running $SHENLOU_RELEASE"; exec sleep 1000'
const made: { folder: string; child: ChildProcess }[] = []
afterEach(async () => {
  for (const { folder, child } of made.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    }
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Release 7 on trial over release 6. */
function launch(trial: string, { former = stays, seconds = 60 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-launcher-'))
  chmodSync(folder, 0o755)
  const home = join(folder, 'opt')
  for (const [sequence, script] of [
    [6, former],
    [7, trial],
  ] as const) {
    mkdirSync(join(home, 'versions', `v-${sequence}`), { recursive: true })
    writeFileSync(join(home, 'versions', `v-${sequence}`, 'shenlou-relay'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    writeFileSync(join(home, 'versions', `v-${sequence}`, 'sequence'), `${sequence}\n`)
  }
  mkdirSync(join(home, 'state'))
  writeFileSync(join(home, 'state', 'probation'), '7\n')
  symlinkSync('versions/v-7', join(home, 'current'))
  symlinkSync('versions/v-6', join(home, 'previous'))
  copyFileSync(join(root, 'package/files/relay/launcher'), join(home, 'launcher'))
  chmodSync(join(home, 'launcher'), 0o755)
  const data = join(folder, 'data')
  const child = spawn(join(home, 'launcher'), [], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', SHENLOU_DATA: data, SHENLOU_TRUST: join(folder, 'keys.pem'), SHENLOU_PROBATION: String(seconds) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  made.push({ folder, child })
  const state = (name: string): string => (existsSync(join(home, 'state', name)) ? readFileSync(join(home, 'state', name), 'utf8') : '')
  return { child, state, said: () => said, current: () => readlinkSync(join(home, 'current')), inbox: join(data, 'relay', 'update') }
}

test('one that runs and never says that it is healthy is ended when its time is over, and the former one runs again', async () => {
  const { state, said, current } = launch(stays, { seconds: 2 })
  await until('the former one', () => /running 6/.test(said()))
  assert.equal(said(), 'running 7\nlauncher: release 7: it did not say within 2 s that it is healthy\nlauncher: back to versions/v-6\nrunning 6\n')
  assert.equal(current(), 'versions/v-6')
  assert.deepEqual([state('refused'), state('rolled-back'), state('probation')], ['7\n', '7 it did not say within 2 s that it is healthy\n', ''])
})

test('one that says in time that it is healthy stays, also beyond that time, and is what may not be gone below', async () => {
  const { state, said, current } = launch(
    'mkdir -p "$SHENLOU_DATA/relay/update"; echo $SHENLOU_RELEASE >"$SHENLOU_DATA/relay/update/healthy"; echo up; exec sleep 1000',
    {
      seconds: 2,
    },
  )
  await until('its word', () => /is healthy and stays/.test(said()))
  assert.deepEqual([state('floor'), state('probation'), state('refused'), current()], ['7\n', '', '', 'versions/v-7'])
  await new Promise((resolve) => setTimeout(resolve, 2500))
  assert.equal(said(), 'up\nlauncher: release 7 is healthy and stays\n')
})

test('what was put off stays in the inbox for another time; what was refused goes', async () => {
  for (const [code, stayed] of [
    [75, true],
    [1, false],
  ] as const) {
    // As a relay that asks once for an update, and an installer that ends with the code.
    const former = `if [ "$1" = install-update ]; then echo "asked"; exit ${code}; fi
[ ! -e "$SHENLOU_DATA/asked" ] || { echo again; exec sleep 1000; }
mkdir -p "$SHENLOU_DATA/relay/update/ready"; touch "$SHENLOU_DATA/asked" "$SHENLOU_DATA/relay/update/ready/package.tar.gz"; exit 75`
    const { said, inbox, current } = launch('exit 3', { former })
    await until('the second start', () => /again/.test(said()))
    assert.match(said(), /it ended by itself with 3 before it was healthy\n.*back to versions\/v-6\nasked\nagain\n$/)
    assert.equal(existsSync(join(inbox, 'ready', 'package.tar.gz')), stayed)
    assert.equal(current(), 'versions/v-6')
  }
})

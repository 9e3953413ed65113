import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { giveFolder, makeFolderFor, onlyCapabilities, relayUser } from './privilege.ts'

const skip = process.getuid?.() === 0 ? false : 'giving folders away needs root'

test('a data folder that the relay could not come to without root is refused before anything is taken', { skip }, () => {
  const top = mkdtempSync(join(tmpdir(), 'privilege-'))
  try {
    assert.throws(() => makeFolderFor(join(top, 'data', 'relay'), relayUser), { message: new RegExp(`chmod o\\+x ${top}, or choose another --data$`) })
    chmodSync(top, 0o755)
    makeFolderFor(join(top, 'other', 'relay'), relayUser)
    assert.equal(statSync(join(top, 'other')).mode & 0o777, 0o755)
    assert.equal(statSync(join(top, 'other', 'relay')).mode & 0o777, 0o700)
  } finally {
    rmSync(top, { recursive: true })
  }
})

test('a folder is given with what is in it, and not what its links point to', { skip }, () => {
  const top = mkdtempSync(join(tmpdir(), 'privilege-'))
  try {
    const folder = join(top, 'relay')
    mkdirSync(join(folder, 'journal'), { recursive: true })
    writeFileSync(join(folder, 'journal', 'lock'), '')
    writeFileSync(join(top, 'other'), '')
    symlinkSync(join(top, 'other'), join(folder, 'link'))
    mkdirSync(join(top, 'elsewhere'))
    writeFileSync(join(top, 'elsewhere', 'file'), '')
    symlinkSync(join(top, 'elsewhere'), join(folder, 'journal', 'folder'))
    giveFolder(folder, relayUser)
    assert.equal(statSync(join(folder, 'journal', 'lock')).uid, relayUser)
    for (const root of ['other', 'elsewhere', 'elsewhere/file']) assert.equal(statSync(join(top, root)).uid, 0, root)
  } finally {
    rmSync(top, { recursive: true })
  }
})

test('a process gets the capabilities that are named and no other', () => {
  const options = onlyCapabilities(1, ['net_admin'])
  for (const set of ['bounding-set', 'inh-caps', 'ambient-caps']) assert.ok(options.includes(`--${set}=-all,+net_admin`))
  assert.ok(options.includes('--no-new-privs'))
})

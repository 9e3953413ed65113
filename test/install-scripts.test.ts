/** install.sh and uninstall.sh of both packages, run as a person runs them: in a root of their own, where `systemctl` writes down what it is asked. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { makeReleaseKey } from '@shenlou/link/release'
import { madePackage, unpack } from './packages.ts'

const skip = process.platform === 'linux' && process.getuid?.() === 0 ? false : 'a root of its own needs root on Linux'
const folders: string[] = []

/** A machine's files: its own /etc, /opt, /var; programs of this one, which it cannot change. All mounts end with each command. */
function machine() {
  const root = mkdtempSync(join(tmpdir(), 'shenlou-root-'))
  folders.push(root)
  chmodSync(root, 0o755)
  for (const name of ['etc/systemd/system', 'etc/default', 'opt', 'var/lib', 'media', 'usr', 'proc', 'dev', 'tmp', 'root', 'fake'])
    mkdirSync(join(root, name), { recursive: true })
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name))
  for (const name of ['login.defs', 'nsswitch.conf', 'pam.d', 'ld.so.cache'])
    if (existsSync(`/etc/${name}`)) cpSync(`/etc/${name}`, join(root, 'etc', name), { recursive: true })
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n')
  writeFileSync(join(root, 'etc/shadow'), 'root:*:19000:0:99999:7:::\n', { mode: 0o600 })
  writeFileSync(join(root, 'etc/gshadow'), 'root:*::\n', { mode: 0o600 })
  writeFileSync(join(root, 'fake/systemctl'), '#!/bin/sh\necho "$*" >>/calls\n', { mode: 0o755 })
  const mounts = `mount --bind /usr ${root}/usr && mount -o remount,bind,ro ${root}/usr && mount --bind /dev ${root}/dev && mount --bind /proc ${root}/proc`
  return {
    root,
    at: (path: string) => join(root, path),
    /** Runs in it, under the umask of a hardened machine. */
    run(command: string): { status: number | null; text: string } {
      const { status, stdout, stderr } = spawnSync(
        'unshare',
        [
          '--mount',
          '--propagation',
          'private',
          'sh',
          '-c',
          `set -e; ${mounts}; umask 077; exec chroot ${root} /usr/bin/env -i PATH=/fake:/usr/sbin:/usr/bin:/sbin:/bin sh -c '${command}'`,
        ],
        { encoding: 'utf8', timeout: 60_000 },
      )
      return { status, text: stdout + stderr }
    },
    calls(): string[] {
      const text = existsSync(join(root, 'calls')) ? readFileSync(join(root, 'calls'), 'utf8').trim() : ''
      rmSync(join(root, 'calls'), { force: true })
      return text === '' ? [] : text.split('\n')
    },
    /** Every file below, with its mode, owner and what it holds. */
    files(...paths: string[]): Record<string, string> {
      const found: Record<string, string> = {}
      const look = (path: string): void => {
        const full = join(root, path)
        if (!existsSync(full) && !lstatSync(full, { throwIfNoEntry: false })) return
        const { mode, uid, gid, size } = lstatSync(full)
        const link = lstatSync(full).isSymbolicLink() ? ` -> ${readlinkSync(full)}` : ''
        found[path] = `${(mode & 0o7777).toString(8)} ${uid}:${gid}${link || (lstatSync(full).isFile() ? ` ${size}` : '')}`
        if (lstatSync(full).isDirectory()) for (const name of readdirSync(full)) look(join(path, name))
      }
      for (const path of paths) look(path)
      return found
    },
  }
}
after(() => {
  for (const folder of folders) {
    assert.ok(!readFileSync('/proc/self/mounts', 'utf8').includes(folder))
    rmSync(folder, { recursive: true, force: true })
  }
})
const own = (files: Record<string, string>): void => {
  for (const [path, text] of Object.entries(files)) assert.match(text, /^\d+ 0:0/, path)
}

describe('scripts of the packages', { skip }, () => {
  test('the relay: installed twice, removed twice; keys, settings and enrolment stay until they are purged', async () => {
    const box = machine()
    const here = unpack(await madePackage('relay'), box.at('media')).slice(box.root.length)
    writeFileSync(box.at('media/keys.pem'), makeReleaseKey().publicKey)
    writeFileSync(box.at('media/not-keys.pem'), 'nothing')
    const users = readFileSync(box.at('etc/passwd'), 'utf8')
    const paths = ['opt', 'etc/shenlou-relay', 'etc/systemd', 'var']

    assert.match(box.run(`${here}/install.sh --trust /media/not-keys.pem`).text, /holds no public key/)
    assert.deepEqual(readdirSync(box.at('opt')), [])
    const first = box.run(`${here}/install.sh --capture --trust /media/keys.pem`)
    assert.equal(first.status, 0, first.text)
    assert.match(first.text, /^relay 0\.1\.0 is installed: put the token into/)
    const installed = box.files(...paths)
    own(installed)
    const modes = (path: string): string | undefined => installed[path]?.split(' ')[0]
    for (const [path, mode] of Object.entries({
      'opt/shenlou-relay': '755',
      'opt/shenlou-relay/launcher': '755',
      'opt/shenlou-relay/state': '755',
      'opt/shenlou-relay/versions/0.1.0-0': '755',
      'opt/shenlou-relay/versions/0.1.0-0/shenlou-relay': '755',
      'opt/shenlou-relay/versions/0.1.0-0/sequence': '644',
      'etc/shenlou-relay': '755',
      'etc/shenlou-relay/relay.env': '600',
      'etc/shenlou-relay/trusted-keys.pem': '644',
      'etc/systemd/system/shenlou-relay.service': '644',
      'etc/systemd/system/shenlou-relay.service.d': '755',
      'etc/systemd/system/shenlou-relay.service.d/capture.conf': '644',
    }))
      assert.equal(modes(path), mode, path)
    assert.match(installed['opt/shenlou-relay/current'] ?? '', / -> versions\/0\.1\.0-0$/)
    assert.deepEqual(box.calls(), ['daemon-reload'])
    assert.equal(box.run('setpriv --reuid=64100 --regid=64100 --clear-groups /opt/shenlou-relay/current/shenlou-relay --version').text, '0.1.0\n')

    writeFileSync(box.at('etc/shenlou-relay/relay.env'), 'SHENLOU_CAPTURE=eth1\n')
    mkdirSync(box.at('var/lib/shenlou-relay/relay'), { recursive: true })
    writeFileSync(box.at('var/lib/shenlou-relay/relay/identity'), 'a key')
    writeFileSync(box.at('opt/shenlou-relay/state/floor'), '12\n')
    const before = box.files(...paths)
    assert.equal(box.run(`${here}/install.sh --capture`).status, 0)
    assert.deepEqual(box.files(...paths), before)
    assert.equal(readFileSync(box.at('etc/shenlou-relay/relay.env'), 'utf8'), 'SHENLOU_CAPTURE=eth1\n')
    assert.deepEqual(box.calls(), ['daemon-reload'])

    assert.match(box.run(`${here}/uninstall.sh`).text, /^removed; enrolment stays/)
    assert.deepEqual(box.calls(), ['disable --now shenlou-relay', 'daemon-reload'])
    const kept = box.files(...paths)
    assert.deepEqual(
      Object.keys(kept).filter((path) => /shenlou/.test(path)),
      Object.keys(before).filter((path) => /^(etc\/shenlou-relay|var\/lib\/shenlou-relay)/.test(path)),
    )
    assert.equal(box.run(`${here}/uninstall.sh`).status, 0)
    assert.deepEqual([box.files(...paths), box.calls()], [kept, []])
    assert.equal(box.run(`${here}/uninstall.sh --purge`).status, 0)
    assert.deepEqual(
      Object.keys(box.files(...paths)).filter((path) => /shenlou/.test(path)),
      [],
    )
    assert.equal(readFileSync(box.at('etc/passwd'), 'utf8'), users)
  })

  test('core and decoy host: the same, and their users are made once and go with a purge only', async () => {
    const box = machine()
    const here = unpack(await madePackage('site'), box.at('media')).slice(box.root.length)
    const users = (): string[] => readFileSync(box.at('etc/passwd'), 'utf8').trim().split('\n').slice(1)
    const paths = ['opt', 'etc', 'var']
    assert.match(box.run(`${here}/install.sh cores`).text, /there is no role/)
    const first = box.run(`${here}/install.sh`)
    assert.equal(first.status, 0, first.text)
    assert.deepEqual(box.calls(), ['daemon-reload'])
    assert.deepEqual(
      users().map((row) =>
        row
          .split(':')
          .filter((_, at) => [0, 5, 6].includes(at))
          .join(' '),
      ),
      ['shenlou /nonexistent /usr/sbin/nologin', 'shenlou-decoys /nonexistent /usr/sbin/nologin'],
    )
    const installed = box.files('opt', 'etc/shenlou', 'etc/systemd')
    own(installed)
    for (const [path, mode] of Object.entries({
      'opt/shenlou': '755',
      'opt/shenlou/0.1.0/shenlou': '755',
      'etc/shenlou/core.env': '600',
      'etc/shenlou/decoys.env': '600',
      'etc/systemd/system/shenlou-core.service': '644',
      'etc/systemd/system/shenlou-decoys.service': '644',
    }))
      assert.equal(installed[path]?.split(' ')[0], mode, path)
    assert.match(installed['opt/shenlou/current'] ?? '', / -> 0\.1\.0$/)
    const asUser = box.run('setpriv --reuid=shenlou --regid=shenlou --init-groups /opt/shenlou/current/shenlou --version')
    assert.equal(asUser.text, '0.1.0\n')

    mkdirSync(box.at('var/lib/shenlou/core'), { recursive: true })
    writeFileSync(box.at('var/lib/shenlou/core/master.key'), 'a key')
    writeFileSync(box.at('etc/shenlou/core.env'), 'SHENLOU_HTTP=127.0.0.1:1\n')
    const before = box.files(...paths)
    assert.equal(box.run(`${here}/install.sh`).status, 0)
    assert.deepEqual([box.files(...paths), box.calls()], [before, ['daemon-reload']])

    assert.equal(box.run(`${here}/uninstall.sh`).status, 0)
    assert.deepEqual(box.calls(), ['disable --now shenlou-core', 'disable --now shenlou-decoys', 'daemon-reload'])
    assert.deepEqual(readdirSync(box.at('opt')), [])
    assert.equal(readFileSync(box.at('var/lib/shenlou/core/master.key'), 'utf8'), 'a key')
    assert.equal(readFileSync(box.at('etc/shenlou/core.env'), 'utf8'), 'SHENLOU_HTTP=127.0.0.1:1\n')
    assert.equal(users().length, 2)
    const kept = box.files(...paths)
    assert.equal(box.run(`${here}/uninstall.sh`).status, 0)
    assert.deepEqual(box.files(...paths), kept)
    assert.equal(box.run(`${here}/uninstall.sh --purge`).status, 0)
    assert.deepEqual([users(), readdirSync(box.at('var/lib')), existsSync(box.at('etc/shenlou'))], [[], [], false])
  })
})

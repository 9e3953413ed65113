/** The pristine tree of a host: one shared by all hosts of a template, and a small one of what is this host's own. */
import type { PersonaTemplate } from '@shenlou/contract/persona'
import type { Persona } from '../persona.ts'
import { type BaseTree, layer, TreeBuilder } from './base.ts'
import type { Host } from './host.ts'
import { addProc } from './proc.ts'
import { addPrograms } from './programs.ts'
import { embeddedTree } from './tree-embedded.ts'
import { addOpenwrt } from './tree-openwrt.ts'
import { addServer } from './tree-server.ts'

const shared = new WeakMap<PersonaTemplate, BaseTree>()
const own = new WeakMap<Persona, BaseTree>()

/** The tree of a host; built when it is first asked for. */
export function baseTree(host: Host): BaseTree {
  const { persona } = host
  const known = own.get(persona)
  if (known) return known
  // Of Windows no file is served yet.
  if (persona.template.os.family !== 'linux') {
    const device = embeddedTree(persona)
    own.set(persona, device)
    return device
  }
  let common = shared.get(persona.template)
  if (!common) {
    const build = new TreeBuilder()
    addDevices(build, host)
    addProc(build, host)
    addPrograms(build, host)
    if (host.flavour === 'openwrt') addOpenwrt(build)
    else addServer(build, host)
    common = build.tree()
    shared.set(persona.template, common)
  }
  const mine = new TreeBuilder()
  for (const account of persona.accounts) {
    if (account.uid < 500 || !account.home.startsWith('/home/')) continue
    const owner = { uid: account.uid, gid: account.gid, time: persona.installedAt + persona.number(`home-${account.name}`, 2, 200) * 86_400_000 }
    mine.dir(account.home, host.flavour === 'ubuntu' ? 0o755 : 0o700, owner)
    if (host.flavour === 'openwrt') continue
    for (const [name, text] of Object.entries(host.apt ? ubuntuSkeleton : centosSkeleton)) mine.file(`${account.home}/${name}`, text, 0o644, owner)
  }
  const tree = layer(mine.tree(), common)
  own.set(persona, tree)
  return tree
}

export const centosSkeleton = {
  '.bash_logout': '# ~/.bash_logout\n\n',
  '.bash_profile':
    '# .bash_profile\n\n# Get the aliases and functions\nif [ -f ~/.bashrc ]; then\n\t. ~/.bashrc\nfi\n\n# User specific environment and startup programs\n\nPATH=$PATH:$HOME/.local/bin:$HOME/bin\n\nexport PATH\n',
  '.bashrc':
    "# .bashrc\n\n# Source global definitions\nif [ -f /etc/bashrc ]; then\n\t. /etc/bashrc\nfi\n\n# Uncomment the following line if you don't like systemctl's auto-paging feature:\n# export SYSTEMD_PAGER=\n\n# User specific aliases and functions\n",
}
export const ubuntuSkeleton = {
  '.bash_logout':
    '# ~/.bash_logout: executed by bash(1) when login shell exits.\n\nif [ "$SHLVL" = 1 ]; then\n    [ -x /usr/bin/clear_console ] && /usr/bin/clear_console -q\nfi\n',
  '.bashrc':
    '# ~/.bashrc: executed by bash(1) for non-login shells.\n\ncase $- in\n    *i*) ;;\n      *) return;;\nesac\n\nHISTCONTROL=ignoreboth\nHISTSIZE=1000\nHISTFILESIZE=2000\n',
  '.profile':
    '# ~/.profile: executed by the command interpreter for login shells.\n\nif [ -n "$BASH_VERSION" ]; then\n    if [ -f "$HOME/.bashrc" ]; then\n\t. "$HOME/.bashrc"\n    fi\nfi\n',
}

function addDevices(build: TreeBuilder, host: Host): void {
  build.dir('/dev', 0o755, { time: 'boot' })
  const character: [string, number, number, number, number?][] = [
    ['null', 1, 3, 0o666],
    ['zero', 1, 5, 0o666],
    ['full', 1, 7, 0o666],
    ['random', 1, 8, 0o666],
    ['urandom', 1, 9, 0o666],
    ['kmsg', 1, 11, 0o644],
    ['tty', 5, 0, 0o666, 5],
    ['console', 5, 1, 0o600, 5],
    ['ptmx', 5, 2, 0o666, 5],
    ['tty0', 4, 0, 0o620, 5],
    ['tty1', 4, 1, 0o620, 5],
    ['ttyS0', 4, 64, 0o660, 20],
    ['watchdog', 10, 130, 0o600],
  ]
  for (const [name, major, minor, mode, gid] of character) build.device(`/dev/${name}`, 'character', [major, minor], mode, gid)
  build.dir('/dev/pts', 0o755, { time: 'boot' })
  build.dir('/dev/shm', 0o1777, { time: 'boot' })
  build.link('/dev/fd', '/proc/self/fd', { time: 'boot' })
  build.link('/dev/stdin', '/proc/self/fd/0', { time: 'boot' })
  build.link('/dev/stdout', '/proc/self/fd/1', { time: 'boot' })
  build.link('/dev/stderr', '/proc/self/fd/2', { time: 'boot' })
  if (host.flavour === 'openwrt') {
    for (let i = 0; i < 7; i++) {
      build.device(`/dev/mtd${i}`, 'character', [90, i * 2], 0o600)
      build.device(`/dev/mtdblock${i}`, 'block', [31, i], 0o600)
    }
    return
  }
  build.device('/dev/sda', 'block', [8, 0], 0o660, 6)
  build.device('/dev/sda1', 'block', [8, 1], 0o660, 6)
  build.device('/dev/sda2', 'block', [8, 2], 0o660, 6)
  if (host.flavour === 'debian') build.device('/dev/sda3', 'block', [8, 3], 0o660, 6)
  if (host.flavour === 'centos') {
    build.device('/dev/dm-0', 'block', [253, 0], 0o660, 6)
    build.device('/dev/dm-1', 'block', [253, 1], 0o660, 6)
    build.device('/dev/dm-2', 'block', [253, 2], 0o660, 6)
    build.link('/dev/mapper/centos-root', '../dm-0', { time: 'boot' })
    build.link('/dev/mapper/centos-swap', '../dm-1', { time: 'boot' })
    build.link('/dev/mapper/centos-home', '../dm-2', { time: 'boot' })
  }
}

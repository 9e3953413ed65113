/** What a login shell's variables are before the first command. */
import type { Seat } from './seat.ts'

/** Variables of a login: those that programs get, and those of the shell alone. */
export function environmentOf(seat: Seat, directory: string): { exported: Record<string, string>; own: Record<string, string> } {
  const { host } = seat.world
  const { user } = seat
  const path = {
    openwrt: '/usr/sbin:/usr/bin:/sbin:/bin',
    ubuntu: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games:/usr/local/games',
    debian: user.uid === 0 ? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' : '/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games',
    centos:
      user.uid === 0
        ? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/root/bin'
        : `/usr/local/bin:/usr/bin:/usr/local/sbin:/usr/sbin:${user.home}/.local/bin:${user.home}/bin`,
  }[host.flavour]
  const exported: Record<string, string> = {
    USER: user.name,
    LOGNAME: user.name,
    HOME: user.home,
    PATH: path,
    SHELL: user.shell,
    PWD: directory,
    SHLVL: '1',
    SSH_CLIENT: `${seat.source.ip} ${seat.source.port} ${seat.destination.port}`,
    SSH_CONNECTION: `${seat.source.ip} ${seat.source.port} ${seat.destination.ip} ${seat.destination.port}`,
  }
  const own: Record<string, string> = {
    IFS: ' \t\n',
    PS1: host.flavour === 'centos' ? '[\\u@\\h \\W]\\$ ' : '\\u@\\h:\\w\\$ ',
    PS2: '> ',
    PS4: '+ ',
    OPTIND: '1',
  }
  if (host.flavour === 'openwrt') return { exported, own }
  exported.LANG = 'C' // bytes are characters here, and quotes in messages are plain ones
  // Dropbear opens no PAM session that would name a mail box
  if (host.flavour !== 'debian') Object.assign(exported, { MAIL: `/var/${host.flavour === 'centos' ? 'spool/' : ''}mail/${user.name}` })
  if (host.flavour === 'centos')
    Object.assign(exported, { HOSTNAME: host.persona.hostname, HISTSIZE: '1000', XDG_SESSION_ID: String(host.persona.number('session-id', 90, 4000)) })
  Object.assign(own, {
    BASH: '/bin/bash',
    BASH_VERSION: { ubuntu: '4.4.20(1)-release', debian: '5.2.15(1)-release', centos: '4.2.46(2)-release' }[host.flavour],
    HISTFILE: `${user.home}/.bash_history`,
    UID: String(user.uid),
    EUID: String(user.uid),
    HOSTNAME: host.persona.hostname,
    HOSTTYPE: 'x86_64',
    OSTYPE: 'linux-gnu',
    MACHTYPE: host.apt ? 'x86_64-pc-linux-gnu' : 'x86_64-redhat-linux-gnu',
  })
  return { exported, own }
}

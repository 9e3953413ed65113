/** What a Debian 12 box with Dropbear has and an Ubuntu server has not: release texts, ifupdown, Dropbear's files. */
import type { TreeBuilder } from './base.ts'
import { dropbearKey } from './dropbear-keys.ts'
import type { Host } from './host.ts'
import { uuidOf } from './proc.ts'

const time = Date.parse('2024-02-10T09:12:00Z')

/** Adds the files of `/etc`, `/boot/efi` and `/lib` that are Debian's own. */
export function addDebian(build: TreeBuilder, host: Host): void {
  const { release, codename } = host.persona.template.os
  const major = release.split('.')[0] as string
  const old = { time }
  build.file(
    '/usr/lib/os-release',
    `PRETTY_NAME="Debian GNU/Linux ${major} (${codename})"\nNAME="Debian GNU/Linux"\nVERSION_ID="${major}"\nVERSION="${major} (${codename})"\nVERSION_CODENAME=${codename}\nID=debian\nHOME_URL="https://www.debian.org/"\nSUPPORT_URL="https://www.debian.org/support"\nBUG_REPORT_URL="https://bugs.debian.org/"\n`,
    0o644,
    old,
  )
  build.link('/etc/os-release', '../usr/lib/os-release', old)
  build.file('/etc/debian_version', `${release}\n`, 0o644, old)
  build.file('/etc/issue', `Debian GNU/Linux ${major} \\n \\l\n\n`, 0o644, old)
  build.file('/etc/issue.net', `Debian GNU/Linux ${major}\n`, 0o644, old)
  build.file(
    '/etc/motd',
    '\nThe programs included with the Debian GNU/Linux system are free software;\nthe exact distribution terms for each program are described in the\nindividual files in /usr/share/doc/*/copyright.\n\nDebian GNU/Linux comes with ABSOLUTELY NO WARRANTY, to the extent\npermitted by applicable law.\n',
    0o644,
    old,
  )
  build.file(
    '/etc/apt/sources.list',
    `deb http://mirrors.aliyun.com/debian/ ${codename} main non-free-firmware\ndeb http://mirrors.aliyun.com/debian-security/ ${codename}-security main non-free-firmware\ndeb http://mirrors.aliyun.com/debian/ ${codename}-updates main non-free-firmware\n`,
  )
  build.file(
    '/etc/network/interfaces',
    ({ host: h, network }) =>
      `# This file describes the network interfaces available on your system\n# and how to activate them. For more information, see interfaces(5).\n\nsource /etc/network/interfaces.d/*\n\n# The loopback network interface\nauto lo\niface lo inet loopback\n\n# The primary network interface\nallow-hotplug ${h.interfaceName}\niface ${h.interfaceName} inet static\n\taddress ${network.address}/${network.prefix}\n\tgateway ${network.gateway}\n\tdns-nameservers ${network.resolvers.join(' ')}\n\tdns-search ${h.persona.domain}\n`,
  )
  build.dir('/etc/network/interfaces.d')
  build.file('/etc/resolv.conf', ({ host: h, network }) => `search ${h.persona.domain}\n${network.resolvers.map((r) => `nameserver ${r}\n`).join('')}`)
  for (const type of ['rsa', 'ecdsa', 'ed25519'] as const) build.file(`/etc/dropbear/dropbear_${type}_host_key`, ({ host: h }) => dropbearKey(h, type), 0o600)
  build.file('/etc/default/dropbear', ({ network }) => {
    const port = network.port('ssh')
    return `# The TCP port that Dropbear listens on\n${port === 22 ? '#DROPBEAR_PORT=22' : `DROPBEAR_PORT=${port}`}\n\n#DROPBEAR_RECEIVE_WINDOW=65536\n\n#DROPBEAR_EXTRA_ARGS=""\n`
  })
  build.file('/etc/default/locale', 'LANG=C\n')
  build.file('/usr/lib/sftp-server', 113_072, 0o755, old)
  build.file(
    '/usr/lib/systemd/system/dropbear.service',
    '[Unit]\nDescription=Lightweight SSH server\nDocumentation=man:dropbear(8)\nAfter=network.target\n\n[Service]\nEnvironment=DROPBEAR_PORT=22 DROPBEAR_RECEIVE_WINDOW=65536\nEnvironmentFile=-/etc/default/dropbear\nExecStart=/usr/sbin/dropbear -EF -p "$DROPBEAR_PORT" -W "$DROPBEAR_RECEIVE_WINDOW" $DROPBEAR_EXTRA_ARGS\nKillMode=process\nRestart=on-failure\n\n[Install]\nWantedBy=multi-user.target\n',
    0o644,
    old,
  )
  build.dir('/boot/efi/EFI/debian', 0o700)
}

/** `/etc/fstab` as the installer leaves it. */
export const debianFstab = (host: Host): string =>
  `# /etc/fstab: static file system information.\n#\n# <file system> <mount point>   <type>  <options>       <dump>  <pass>\n# / was on /dev/sda2 during installation\nUUID=${uuidOf(host, 'root-uuid')} /               ext4    errors=remount-ro 0       1\n# /boot/efi was on /dev/sda1 during installation\nUUID=${efiUuid(host)}  /boot/efi       vfat    umask=0077      0       1\n# swap was on /dev/sda3 during installation\nUUID=${uuidOf(host, 'swap-uuid')} none            swap    sw              0       0\n`

/** Serial number of the EFI partition, as blkid prints it. */
export const efiUuid = (host: Host): string =>
  uuidOf(host, 'efi-uuid')
    .slice(0, 9)
    .toUpperCase()
    .replace(/^(.{4})(.{4})-?$/, '$1-$2')

/** A CentOS or Ubuntu server's own files. */
import type { TreeBuilder } from './base.ts'
import { addAccounts } from './etc.ts'
import type { Host } from './host.ts'
import { addDebian, debianFstab } from './tree-debian.ts'
import { kernelLog } from './kernel-log.ts'
import { type Entry, logFile } from './logs.ts'
import { mounts, uuidOf } from './proc.ts'
import { centosSkeleton, ubuntuSkeleton } from './tree.ts'

const time = Date.parse('2019-08-09T01:31:00Z')

/** Adds `/boot`, `/etc`, `/home`, `/root`, `/usr`, `/var` and what the persona's services bring. */
export function addServer(build: TreeBuilder, host: Host): void {
  const centos = host.flavour === 'centos'
  for (const path of [
    '/boot',
    '/home',
    '/media',
    '/mnt',
    '/opt',
    '/srv',
    '/run/lock',
    '/usr/games',
    '/usr/include',
    '/usr/libexec',
    '/usr/local/bin',
    '/usr/local/etc',
    '/usr/local/lib',
    '/usr/local/sbin',
    '/usr/local/share',
    '/usr/share/doc',
    '/usr/share/man',
    '/usr/src',
    '/var/cache',
    '/var/db',
    '/var/empty',
    '/var/lib/rpm',
    '/var/local',
    '/var/log/audit',
    '/var/opt',
    '/var/spool/cron',
    '/var/spool/mail',
    '/etc/cron.hourly',
    '/etc/cron.daily',
    '/etc/cron.weekly',
    '/etc/cron.d',
    '/etc/init.d',
    '/etc/systemd/system/multi-user.target.wants',
    '/etc/profile.d',
    '/etc/ssh',
    '/etc/security',
    '/etc/sysconfig/network-scripts',
    '/etc/yum.repos.d',
    '/etc/pam.d',
    '/etc/skel',
  ]) {
    if (!centos && /rpm|yum|sysconfig/.test(path)) continue
    if (host.flavour === 'debian' && path === '/etc/ssh') continue
    build.dir(path)
  }
  build.dir('/root', centos ? 0o550 : 0o700)
  for (const path of ['/tmp', '/var/tmp', '/run/screen']) build.dir(path, 0o1777, { time: 'boot' })
  build.link('/var/run', '../run')
  build.link('/var/lock', '../run/lock')
  build.link('/var/mail', 'spool/mail')
  if (!centos) build.dir('/lost+found', 0o700)
  addAccounts(build)
  addBoot(build, host)
  if (host.flavour === 'debian') addDebian(build, host)
  else {
    addRelease(build, host)
    addNetwork(build, centos)
    addSsh(build, centos)
  }
  const skeleton = centos ? centosSkeleton : ubuntuSkeleton
  for (const [name, text] of Object.entries(skeleton)) {
    build.file(`/root/${name}`, text, 0o644, { time })
    build.file(`/etc/skel/${name}`, text, 0o644, { time })
  }
  build.file(
    '/root/.bash_history',
    ({ host: h }) =>
      h.persona.template.web
        ? 'systemctl restart nginx\ntail -f /var/log/nginx/error.log\ndf -h\nfree -m\ntop\nvi /etc/nginx/nginx.conf\nnginx -t\nsystemctl reload nginx\nexit\n'
        : `ip addr\ndf -h\nfree -${h.flavour === 'debian' ? 'm' : 'g'}\ntop\ncd /opt\nls\ncrontab -l\nsystemctl status ${h.flavour === 'centos' ? 'chronyd' : 'cron'}\nlast | head\nexit\n`,
    0o600,
  )
  if (centos)
    build.file(
      '/root/anaconda-ks.cfg',
      ({ host: h }) =>
        `#version=DEVEL\n# System authorization information\nauth --enableshadow --passalgo=sha512\n# Use CDROM installation media\ncdrom\n# Keyboard layouts\nkeyboard --vckeymap=us --xlayouts='us'\n# System language\nlang en_US.UTF-8\n\n# Network information\nnetwork  --bootproto=static --device=${h.interfaceName} --hostname=${h.persona.hostname}\n\n# System timezone\ntimezone ${h.persona.template.host.timezone} --isUtc\n`,
      0o600,
    )
  build.file('/etc/fstab', ({ host: h }) => fstab(h))
  build.file('/etc/mtab', ({ host: h }) => mounts(h))
  build.file(
    '/etc/shells',
    centos
      ? '/bin/sh\n/bin/bash\n/sbin/nologin\n/usr/bin/sh\n/usr/bin/bash\n/usr/sbin/nologin\n'
      : '# /etc/shells: valid login shells\n/bin/sh\n/bin/dash\n/bin/bash\n/bin/rbash\n',
    0o644,
    { time },
  )
  build.file(
    '/etc/profile',
    '# /etc/profile\n\n# System wide environment and startup programs, for login setup\n# Functions and aliases go in /etc/bashrc\n\numask 022\n',
    0o644,
    { time },
  )
  build.file(centos ? '/etc/bashrc' : '/etc/bash.bashrc', '# System wide functions and aliases\n', 0o644, { time })
  build.file('/etc/crontab', 'SHELL=/bin/bash\nPATH=/sbin:/bin:/usr/sbin:/usr/bin\nMAILTO=root\n\n# For details see man 4 crontabs\n', 0o644, { time })
  build.file(
    '/etc/sudoers',
    centos
      ? 'Defaults   !visiblepw\nDefaults    always_set_home\nDefaults    env_reset\nDefaults    secure_path = /sbin:/bin:/usr/sbin:/usr/bin\n\nroot\tALL=(ALL) \tALL\n%wheel\tALL=(ALL)\tALL\n'
      : 'Defaults\tenv_reset\nDefaults\tmail_badpass\nDefaults\tsecure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"\n\nroot\tALL=(ALL:ALL) ALL\n%admin ALL=(ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n',
    0o440,
    { time },
  )
  if (centos) build.file('/etc/locale.conf', 'LANG="C"\n')
  else if (host.flavour === 'ubuntu') build.file('/etc/default/locale', 'LANG=C\n')
  build.file('/etc/rc.local', '#!/bin/bash\n\ntouch /var/lock/subsys/local\n', 0o644, { time })
  build.file('/etc/sysctl.conf', '# sysctl settings are defined through files in\n# /usr/lib/sysctl.d/, /run/sysctl.d/, and /etc/sysctl.d/.\n', 0o644, { time })
  build.file('/etc/nsswitch.conf', 'passwd:     files sss\nshadow:     files sss\ngroup:      files sss\nhosts:      files dns\n', 0o644, { time })
  build.file(
    '/etc/login.defs',
    'MAIL_DIR\t/var/spool/mail\nPASS_MAX_DAYS\t99999\nPASS_MIN_DAYS\t0\nPASS_MIN_LEN\t5\nPASS_WARN_AGE\t7\nUID_MIN                  1000\nUID_MAX                 60000\nENCRYPT_METHOD SHA512 \n',
    0o644,
    { time },
  )
  build.link('/etc/localtime', ({ host: h }) => `../usr/share/zoneinfo/${h.persona.template.host.timezone}`)
  addLogs(build, centos)
  if (host.persona.template.web) addWeb(build)
}

function addBoot(build: TreeBuilder, host: Host): void {
  const { kernel } = host.persona.template.os
  const at = Date.parse(host.flavour === 'centos' ? '2020-10-19T16:36:00Z' : host.flavour === 'debian' ? '2024-02-01T10:05:40Z' : '2021-06-11T10:11:00Z')
  build.file(`/boot/vmlinuz-${kernel}`, 6_769_256, 0o755, { time: at })
  build.file(`/boot/System.map-${kernel}`, 61_244, 0o600, { time: at })
  build.file(
    `/boot/config-${kernel}`,
    `#\n# Automatically generated file; DO NOT EDIT.\n# Linux/${host.persona.template.os.architecture} ${kernel} Kernel Configuration\n#\nCONFIG_64BIT=y\nCONFIG_X86_64=y\nCONFIG_MODULES=y\n`,
    0o644,
    { time: at },
  )
  build.dir(host.flavour === 'centos' ? '/boot/grub2' : '/boot/grub', 0o755)
  build.dir(`/lib/modules/${kernel}`.replace(/^\/lib/, host.flavour === 'ubuntu' ? '/lib' : '/usr/lib'))
}

function addRelease(build: TreeBuilder, host: Host): void {
  const { release, codename } = host.persona.template.os
  if (host.flavour === 'centos') {
    const text = `CentOS Linux release ${release} (Core)\n`
    build.file('/etc/centos-release', text, 0o644, { time: Date.parse('2020-11-23T15:44:00Z') })
    build.link('/etc/redhat-release', 'centos-release')
    build.link('/etc/system-release', 'centos-release')
    build.file(
      '/etc/os-release',
      'NAME="CentOS Linux"\nVERSION="7 (Core)"\nID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"\nPRETTY_NAME="CentOS Linux 7 (Core)"\nANSI_COLOR="0;31"\nCPE_NAME="cpe:/o:centos:centos:7"\nHOME_URL="https://www.centos.org/"\nBUG_REPORT_URL="https://bugs.centos.org/"\n\nCENTOS_MANTISBT_PROJECT="CentOS-7"\nCENTOS_MANTISBT_PROJECT_VERSION="7"\nREDHAT_SUPPORT_PRODUCT="centos"\nREDHAT_SUPPORT_PRODUCT_VERSION="7"\n\n',
      0o644,
      { time: Date.parse('2020-11-23T15:44:00Z') },
    )
    build.file('/etc/issue', '\\S\nKernel \\r on an \\m\n\n', 0o644, { time })
    build.file(
      '/etc/yum.repos.d/CentOS-Base.repo',
      '[base]\nname=CentOS-$releasever - Base\nbaseurl=http://mirrors.aliyun.com/centos/$releasever/os/$basearch/\ngpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7\n\n[updates]\nname=CentOS-$releasever - Updates\nbaseurl=http://mirrors.aliyun.com/centos/$releasever/updates/$basearch/\ngpgcheck=1\n',
      0o644,
      { time },
    )
    build.file('/etc/selinux/config', '# This file controls the state of SELinux on the system.\nSELINUX=disabled\nSELINUXTYPE=targeted\n')
    build.file('/etc/motd', '', 0o644, { time: Date.parse('2013-06-07T14:31:00Z') })
    return
  }
  build.file(
    '/etc/os-release',
    `NAME="Ubuntu"\nVERSION="${release} LTS (Bionic Beaver)"\nID=ubuntu\nID_LIKE=debian\nPRETTY_NAME="Ubuntu ${release} LTS"\nVERSION_ID="18.04"\nHOME_URL="https://www.ubuntu.com/"\nSUPPORT_URL="https://help.ubuntu.com/"\nBUG_REPORT_URL="https://bugs.launchpad.net/ubuntu/"\nPRIVACY_POLICY_URL="https://www.ubuntu.com/legal/terms-and-policies/privacy-policy"\nVERSION_CODENAME=${codename}\nUBUNTU_CODENAME=${codename}\n`,
    0o644,
    { time },
  )
  build.file(
    '/etc/lsb-release',
    `DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=18.04\nDISTRIB_CODENAME=${codename}\nDISTRIB_DESCRIPTION="Ubuntu ${release} LTS"\n`,
    0o644,
    { time },
  )
  build.file('/etc/debian_version', 'buster/sid\n', 0o644, { time })
  build.file('/etc/issue', `Ubuntu ${release} LTS \\n \\l\n\n`, 0o644, { time })
  build.file(
    '/etc/apt/sources.list',
    'deb http://mirrors.aliyun.com/ubuntu/ bionic main restricted universe multiverse\ndeb http://mirrors.aliyun.com/ubuntu/ bionic-updates main restricted universe multiverse\ndeb http://mirrors.aliyun.com/ubuntu/ bionic-security main restricted universe multiverse\n',
  )
}

function addNetwork(build: TreeBuilder, centos: boolean): void {
  build.file('/etc/resolv.conf', ({ host, network }) =>
    centos
      ? `# Generated by NetworkManager\nsearch ${host.persona.domain}\n${network.resolvers.map((r) => `nameserver ${r}\n`).join('')}`
      : `nameserver 127.0.0.53\noptions edns0\nsearch ${host.persona.domain}\n`,
  )
  if (centos) {
    build.file('/etc/sysconfig/network-scripts/ifcfg-lo', 'DEVICE=lo\nIPADDR=127.0.0.1\nNETMASK=255.0.0.0\nONBOOT=yes\nNAME=loopback\n', 0o644, { time })
    build.file('/etc/sysconfig/network', '# Created by anaconda\n')
    build.file('/etc/sysconfig/selinux', 'SELINUX=disabled\nSELINUXTYPE=targeted\n')
  } else {
    build.file(
      '/etc/netplan/01-netcfg.yaml',
      ({ host, network }) =>
        `network:\n  version: 2\n  renderer: networkd\n  ethernets:\n    ${host.interfaceName}:\n      addresses: [${network.address}/${network.prefix}]\n      gateway4: ${network.gateway}\n      nameservers:\n        addresses: [${network.resolvers.join(', ')}]\n`,
    )
  }
}

function addSsh(build: TreeBuilder, centos: boolean): void {
  build.file(
    '/etc/ssh/sshd_config',
    ({ host, network }) => {
      const ssh = host.persona.template.ssh
      const port = network.port('ssh')
      return `#\t$OpenBSD: sshd_config,v 1.100 2016/08/15 12:32:04 naddy Exp $\n\n${port === 22 ? '#Port 22' : `Port ${port}`}\n#AddressFamily any\n#ListenAddress 0.0.0.0\n\nHostKey /etc/ssh/ssh_host_rsa_key\nHostKey /etc/ssh/ssh_host_ecdsa_key\nHostKey /etc/ssh/ssh_host_ed25519_key\n\nKexAlgorithms ${ssh?.kex.join(',')}\nCiphers ${ssh?.cipher.join(',')}\nMACs ${ssh?.mac.join(',')}\n\nSyslogFacility AUTHPRIV\nLoginGraceTime ${ssh?.loginGraceS}\nPermitRootLogin yes\nMaxAuthTries ${ssh?.maxTries}\nPubkeyAuthentication yes\nPasswordAuthentication yes\nPermitEmptyPasswords no\nChallengeResponseAuthentication ${ssh?.methods.includes('keyboard-interactive') ? 'yes' : 'no'}\nGSSAPIAuthentication no\nUsePAM yes\nAllowTcpForwarding no\nAllowAgentForwarding no\nX11Forwarding no\nPrintMotd no\nUseDNS no\n\nSubsystem\tsftp\t${centos ? '/usr/libexec/openssh/sftp-server' : '/usr/lib/openssh/sftp-server'}\n`
    },
    0o600,
  )
  build.file('/etc/ssh/ssh_config', 'Host *\n\tGSSAPIAuthentication yes\n\tForwardX11Trusted yes\n\tSendEnv LANG LC_*\n', 0o644, { time })
  build.file('/etc/ssh/moduli', '#    $OpenBSD: moduli,v 1.18 2016/08/11 01:42:11 dtucker Exp $\n', 0o644, { time })
  for (const [type, size] of [
    ['rsa', 1679],
    ['ecdsa', 227],
    ['ed25519', 411],
  ] as const) {
    build.file(`/etc/ssh/ssh_host_${type}_key`, ({ host }) => host.persona.keys[`ssh-${type}`] ?? '\n'.repeat(size), centos ? 0o640 : 0o600)
  }
  build.file(centos ? '/usr/libexec/openssh/sftp-server' : '/usr/lib/openssh/sftp-server', 88_608, 0o755, { time })
}

function addLogs(build: TreeBuilder, centos: boolean): void {
  const log = (path: string, wanted: (entry: Entry) => boolean): void =>
    build.file(path, (view) => logFile(view, wanted), centos ? 0o600 : 0o640, { time: 'now', gid: centos ? 0 : 4 })
  log(centos ? '/var/log/secure' : '/var/log/auth.log', ({ facility }) => facility === 'authpriv')
  log(centos ? '/var/log/messages' : '/var/log/syslog', ({ facility }) => facility !== 'authpriv' && !(centos && facility === 'cron'))
  if (centos) log('/var/log/cron', ({ facility }) => facility === 'cron')
  else log('/var/log/kern.log', ({ facility }) => facility === 'kern')
  build.file('/var/log/dmesg', ({ host }) => kernelLog(host), 0o644, { time: 'boot' })
  build.file('/var/log/wtmp', 48_384, 0o664, { time: 'now' })
  build.file('/var/log/lastlog', 292_292, 0o644, { time: 'now' })
  build.file('/var/log/btmp', '', 0o600)
  if (centos) {
    build.file('/var/log/boot.log', '', 0o644, { time: 'boot' })
    build.file('/var/log/yum.log', '', 0o600)
  }
}

function addWeb(build: TreeBuilder): void {
  build.dir('/usr/share/nginx/html')
  build.dir('/var/log/nginx', 0o755)
  build.file(
    '/etc/nginx/nginx.conf',
    ({ host }) =>
      `user nginx;\nworker_processes auto;\nerror_log /var/log/nginx/error.log;\npid /run/nginx.pid;\n\nevents {\n    worker_connections 1024;\n}\n\nhttp {\n    access_log  /var/log/nginx/access.log;\n    sendfile            on;\n    keepalive_timeout   65;\n    include             /etc/nginx/mime.types;\n    default_type        application/octet-stream;\n\n    server {\n        listen       80 default_server;\n        listen       443 ssl;\n        server_name  www.${host.persona.domain};\n        root         /usr/share/nginx/html;\n        ssl_certificate     /etc/pki/nginx/server.crt;\n        ssl_certificate_key /etc/pki/nginx/private/server.key;\n    }\n}\n`,
  )
  build.file('/etc/nginx/mime.types', 'types {\n    text/html  html htm shtml;\n    text/css   css;\n}\n', 0o644, { time })
  build.file('/etc/pki/nginx/server.crt', ({ host }) => host.persona.keys['tls-certificate'] ?? '')
  build.file('/etc/pki/nginx/private/server.key', ({ host }) => host.persona.keys['tls-key'] ?? '', 0o600)
  build.file('/var/log/nginx/access.log', '', 0o664, { time: 'now' })
  build.file('/var/log/nginx/error.log', '', 0o664, { time: 'now' })
}

export const rootUuid = (host: Host): string => uuidOf(host, 'root-uuid')

function fstab(host: Host): string {
  const boot = uuidOf(host, 'boot-uuid')
  if (host.flavour === 'debian') return debianFstab(host)
  if (host.flavour === 'ubuntu') return `UUID=${rootUuid(host)} / ext4 defaults 0 0\n/swap.img\tnone\tswap\tsw\t0\t0\n`
  return `\n#\n# /etc/fstab\n# Created by anaconda\n#\n/dev/mapper/centos-root /                       xfs     defaults        0 0\nUUID=${boot} /boot                   xfs     defaults        0 0\n/dev/mapper/centos-home /home                   xfs     defaults        0 0\n/dev/mapper/centos-swap swap                    swap    defaults        0 0\n`
}

/** Programs of each flavour: where they lie and how large they are. A server's are files, a router's are links to BusyBox. */
import type { TreeBuilder } from './base.ts'
import type { Host } from './host.ts'

const coreutils =
  'base64 basename cat chgrp chmod chown cksum cp csplit cut date dd df dir dirname du echo env expand expr factor false fold groups head hostid id install join link ln logname ls md5sum mkdir mkfifo mknod mktemp mv nice nl nohup nproc od paste pinky pr printenv printf pwd readlink realpath rm rmdir seq sha1sum sha256sum sha512sum shred shuf sleep sort split stat stty sum sync tac tail tee test timeout touch tr true truncate tsort tty uname uniq unlink uptime users vdir wc who whoami yes ['.split(
    ' ',
  )
const user =
  'arch awk bash chattr clear crontab curl dmesg egrep fgrep file find flock free gawk getent gpg grep gunzip gzip hostname iconv ionice ipcs kill killall last lastb less lesspipe localectl locale logger login lsattr lsblk lscpu man more mount mountpoint nano nslookup dig host openssl passwd perl pgrep ping pkill pmap ps pwdx python3 renice rev rpm scp script sdiff sed setsid sftp sh ssh ssh-add ssh-agent ssh-copy-id ssh-keygen ssh-keyscan strings su sudo systemctl journalctl tar telnet nc tmux top tput umount unxz vi vim vmstat w watch wget whereis which write xargs xxd xz yum zcat zip unzip'.split(
    ' ',
  )
const admin =
  'adduser agetty arp arping blkid chpasswd chroot cron crond ethtool fdisk fsck groupadd groupdel halt ifconfig ifdown ifup init insmod ip iptables iptables-save ip6tables ldconfig lsmod lsof losetup mkfs mkswap modprobe netstat nologin parted poweroff reboot rmmod route service shutdown sshd ss swapoff swapon sysctl tcpdump useradd userdel usermod vipw visudo'.split(
    ' ',
  )

const busybox = {
  bin: 'ash board_detect cat chgrp chmod chown config_generate cp date dd df dmesg echo egrep false fgrep fsync grep gunzip gzip ipcalc.sh kill ln lock login login.sh ls mkdir mknod mktemp mount mv netmsg netstat nice passwd pidof ping ping6 ps pwd rm rmdir sed sh sleep sync tar touch true umount uname vi zcat'.split(
    ' ',
  ),
  sbin: 'askfirst block halt hotplug-call ifconfig ifdown ifstatus ifup init insmod ip jffs2mark jffs2reset kmodloader logd logread lsmod modinfo modprobe mount_root netifd pivot_root poweroff procd reboot rmmod route rpcd start-stop-daemon switch_root swconfig sysctl sysupgrade ubusd uci udhcpc urngd validate_data wifi'.split(
    ' ',
  ),
  'usr/bin':
    '[ [[ awk basename bunzip2 bzcat clear cmp crontab cut dirname du env expr find flock free head hexdump hostid id jshn jsonfilter killall less logger md5sum mkfifo nc nslookup opkg passwd pgrep pkill printf readlink reset scp seq sha256sum sort ssh strings tail tee test time top tr traceroute ubus uclient-fetch uniq unzip uptime wc wget which xargs yes curl'.split(
      ' ',
    ),
  'usr/sbin': 'brctl chroot crond dnsmasq dropbear fw3 ip6tables iptables iw nft ntpd ntpd-hotplug odhcpd pppd uhttpd'.split(' '),
}
const notBusybox = new Set(
  'netifd board_detect config_generate ipcalc.sh login.sh netmsg block procd ubusd uci urngd validate_data logd logread askfirst mount_root jffs2mark jffs2reset swconfig kmodloader sysupgrade wifi init ip ifstatus jshn jsonfilter opkg ubus uclient-fetch dropbear dnsmasq fw3 ip6tables iptables iw odhcpd pppd rpcd uhttpd curl'.split(
    ' ',
  ),
)

const size = (name: string): number => {
  let h = 5381
  for (let i = 0; i < name.length; i++) h = (Math.imul(h, 33) ^ name.charCodeAt(i)) >>> 0
  return 21_000 + ((h % 118_000) & ~7)
}
const known: Record<string, number> = {
  bash: 964_536,
  sshd: 852_888,
  ssh: 774_544,
  systemctl: 402_440,
  vim: 2_294_208,
  perl: 11_400,
  python2: 7_144,
  'python2.7': 7_144,
  openssl: 555_288,
  curl: 167_416,
  wget: 397_264,
  nginx: 1_263_112,
  tar: 345_992,
  sudo: 147_336,
  ls: 117_608,
  cat: 54_080,
  ip: 464_032,
  gawk: 428_584,
  top: 106_864,
  ps: 100_112,
  rpm: 19_984,
}

/** Adds the programs. */
export function addPrograms(build: TreeBuilder, host: Host): void {
  if (host.flavour === 'openwrt') {
    const time = Date.parse('2020-09-06T16:19:39Z')
    build.file('/bin/busybox', 382_837, 0o755, { time })
    for (const [directory, names] of Object.entries(busybox)) {
      const up = directory.includes('/') ? '../../bin/busybox' : directory === 'bin' ? 'busybox' : '../bin/busybox'
      for (const name of names) {
        const path = `/${directory}/${name}`
        if (!notBusybox.has(name) && !['ssh', 'scp'].includes(name)) build.link(path, up, { time })
        else if (name === 'ssh' || name === 'scp') build.link(path, '../sbin/dropbear', { time })
        else build.file(path, name === 'dropbear' ? 177_449 : size(name), 0o755, { time })
      }
    }
    for (const name of ['libc.so', 'libgcc_s.so.1', 'libubox.so', 'libubus.so', 'libuci.so', 'libblobmsg_json.so'])
      build.file(`/lib/${name}`, name === 'libc.so' ? 573_996 : size(name), 0o755, { time })
    build.link('/lib/ld-musl-mipsel-sf.so.1', 'libc.so', { time })
    return
  }
  const centos = host.flavour === 'centos'
  const debian = host.flavour === 'debian'
  const merged = centos || debian
  const time = Date.parse(centos ? '2020-08-20T02:36:11Z' : debian ? '2023-04-23T21:23:00Z' : '2018-01-18T09:43:00Z')
  if (merged) {
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
      build.dir(`/usr/${name}`, centos ? 0o555 : 0o755)
      build.link(`/${name}`, `usr/${name}`)
    }
  }
  const put = (directory: string, name: string): void => build.file(`${directory}/${name}`, known[name] ?? size(name), 0o755, { time })
  const inBin = new Set(
    'bash cat chgrp chmod chown cp date dd df dir dmesg echo egrep false fgrep findmnt grep gunzip gzip hostname ip journalctl kill less ln login loginctl ls lsblk mkdir mknod mktemp more mount mountpoint mv nano nc netstat ping ps pwd readlink rm rmdir sed sh sleep ss stty su sync systemctl tar tempfile touch true umount uname vdir which zcat'.split(
      ' ',
    ),
  )
  const apt = [
    'apt',
    'apt-get',
    'apt-cache',
    'dpkg',
    ...(debian ? ['busybox', 'dbclient', 'dropbearkey', 'python3.11'] : ['lsb_release', 'netplan', 'python3.6']),
  ]
  const lean = new Set('gawk unzip zip strings telnet nc host dig nslookup watch tmux parted tcpdump ethtool lsof git unxz'.split(' '))
  for (const name of [...coreutils, ...user, 'cmp', 'diff', 'hexdump', 'stdbuf', ...(centos ? ['python2.7', 'yum-config-manager', 'repoquery'] : apt)]) {
    if (name === 'sh' || (debian && lean.has(name))) continue
    if (!centos && (name === 'yum' || name === 'rpm' || name === 'nano' || name === 'python2.7')) {
      if (name === 'nano') put(debian ? '/usr/bin' : '/bin', name)
      continue
    }
    if (centos && (name === 'nano' || name === 'python3' || name === 'nc' || name === 'telnet')) continue
    put(!merged && inBin.has(name) ? '/bin' : '/usr/bin', name)
  }
  for (const name of admin) {
    if (centos && (name === 'netstat' || name === 'cron')) continue
    if (!centos && (name === 'crond' || name === 'ss' || name === 'netstat')) continue
    if (debian && (lean.has(name) || name === 'sshd' || name === 'ip')) continue
    put(
      !merged && !/^(adduser|arp|chroot|chpasswd|useradd|userdel|usermod|groupadd|groupdel|cron|sshd|service|tcpdump|visudo|vipw)$/.test(name)
        ? '/sbin'
        : '/usr/sbin',
      name,
    )
  }
  if (centos) {
    build.link('/usr/bin/sh', 'bash')
    build.link('/usr/bin/python', 'python2')
    build.link('/usr/bin/python2', 'python2.7')
    put('/usr/bin', 'netstat')
    if (host.persona.template.web?.server === 'nginx') put('/usr/sbin', 'nginx')
    for (const name of ['useradd', 'sudo']) build.nodes.get(`/usr/bin/${name}`)
  } else if (debian) {
    build.file('/usr/bin/dash', 125_640, 0o755, { time })
    build.link('/usr/bin/sh', 'dash')
    for (const name of ['ip', 'ss', 'netstat']) put('/usr/bin', name)
    build.link('/usr/sbin/ip', '/usr/bin/ip')
    build.file('/usr/sbin/dropbear', 284_624, 0o755, { time: Date.parse('2024-01-19T15:30:00Z') })
    build.link('/usr/bin/python3', 'python3.11')
  } else {
    build.file('/bin/dash', 121_432, 0o755, { time })
    build.link('/bin/sh', 'dash')
    build.file('/bin/netstat', 155_000, 0o755, { time })
    build.file('/bin/ss', 143_848, 0o755, { time })
    build.file('/usr/sbin/cron', 47_416, 0o755, { time })
  }
  for (const name of ['passwd', 'sudo', 'su', 'mount', 'umount', 'ping', 'crontab']) {
    for (const directory of ['/usr/bin', '/bin']) {
      const node = build.nodes.get(`${directory}/${name}`)
      if (node) build.nodes.set(`${directory}/${name}`, { ...node, mode: 0o4755 })
    }
  }
  if (debian) {
    const lib = '/usr/lib/x86_64-linux-gnu'
    for (const [name, bytes] of [
      ['libc.so.6', 1_922_136],
      ['libm.so.6', 907_784],
      ['libpthread.so.0', 14_480],
      ['libcrypto.so.3', 4_709_496],
      ['ld-linux-x86-64.so.2', 210_968],
    ] as const)
      build.file(`${lib}/${name}`, bytes, 0o755, { time })
    build.link('/usr/lib64/ld-linux-x86-64.so.2', '/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2')
    return
  }
  const lib = centos ? '/usr/lib64' : '/lib/x86_64-linux-gnu'
  for (const [name, bytes] of [
    ['libc-2.17.so', 2_156_592],
    ['libcrypto.so.1.0.2k', 2_521_144],
    ['libpthread-2.17.so', 142_144],
    ['libm-2.17.so', 1_136_944],
  ] as const)
    build.file(`${lib}/${centos ? name : name.replace('2.17', '2.27').replace('1.0.2k', '1.1')}`, bytes, 0o755, { time })
  build.link(`${lib}/libc.so.6`, centos ? 'libc-2.17.so' : 'libc-2.27.so')
  build.link(centos ? '/usr/lib64/ld-linux-x86-64.so.2' : '/lib64/ld-linux-x86-64.so.2', centos ? 'ld-2.17.so' : '/lib/x86_64-linux-gnu/ld-2.27.so')
  build.file(centos ? '/usr/lib64/ld-2.17.so' : '/lib/x86_64-linux-gnu/ld-2.27.so', 163_312, 0o755, { time })
}

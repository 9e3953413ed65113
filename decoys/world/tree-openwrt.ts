/** An OpenWrt router's own files. */
import type { TreeBuilder } from './base.ts'
import { dropbearKey } from './dropbear-keys.ts'
import { addAccounts } from './etc.ts'

const time = Date.parse('2020-09-06T16:19:39Z')

/** Adds `/etc/config`, the banner, init scripts and the writable places. */
export function addOpenwrt(build: TreeBuilder): void {
  for (const path of [
    '/etc/config',
    '/etc/crontabs',
    '/etc/dropbear',
    '/etc/hotplug.d',
    '/etc/init.d',
    '/etc/rc.d',
    '/etc/uci-defaults',
    '/etc/opkg',
    '/lib/functions',
    '/lib/modules',
    '/mnt',
    '/overlay',
    '/rom',
    '/root',
    '/usr/lib',
    '/usr/share',
    '/www/cgi-bin',
    '/www/luci-static',
  ])
    build.dir(path, path === '/etc/dropbear' ? 0o700 : 0o755, { time })
  for (const path of ['/tmp', '/tmp/lock', '/tmp/run', '/tmp/log', '/tmp/state']) build.dir(path, path === '/tmp' ? 0o1777 : 0o755, { time: 'boot' })
  build.link('/var', 'tmp', { time })
  build.link('/etc/resolv.conf', '/tmp/resolv.conf', { time })
  build.link('/etc/mtab', '/proc/mounts', { time })
  build.link('/etc/TZ', '/tmp/TZ', { time })
  addAccounts(build)
  build.file(
    '/etc/banner',
    '  _______                     ________        __\n |       |.-----.-----.-----.|  |  |  |.----.|  |_\n |   -   ||  _  |  -__|     ||  |  |  ||   _||   _|\n |_______||   __|_____|__|__||________||__|  |____|\n          |__| W I R E L E S S   F R E E D O M\n -----------------------------------------------------\n OpenWrt 19.07.4, r11208-ce6496d796\n -----------------------------------------------------\n',
    0o644,
    { time },
  )
  build.file(
    '/etc/openwrt_release',
    "DISTRIB_ID='OpenWrt'\nDISTRIB_RELEASE='19.07.4'\nDISTRIB_REVISION='r11208-ce6496d796'\nDISTRIB_TARGET='ramips/mt7620'\nDISTRIB_ARCH='mipsel_24kc'\nDISTRIB_DESCRIPTION='OpenWrt 19.07.4 r11208-ce6496d796'\nDISTRIB_TAINTS=''\n",
    0o644,
    { time },
  )
  build.file('/etc/openwrt_version', 'r11208-ce6496d796\n', 0o644, { time })
  build.file(
    '/etc/os-release',
    'NAME="OpenWrt"\nVERSION="19.07.4"\nID="openwrt"\nID_LIKE="lede openwrt"\nPRETTY_NAME="OpenWrt 19.07.4"\nVERSION_ID="19.07.4"\nHOME_URL="https://openwrt.org/"\nBUG_URL="https://bugs.openwrt.org/"\nSUPPORT_URL="https://forum.openwrt.org/"\nBUILD_ID="r11208-ce6496d796"\nOPENWRT_BOARD="ramips/mt7620"\nOPENWRT_ARCH="mipsel_24kc"\nOPENWRT_TAINTS=""\nOPENWRT_DEVICE_MANUFACTURER="OpenWrt"\nOPENWRT_DEVICE_PRODUCT="Generic"\nOPENWRT_DEVICE_REVISION="v0"\nOPENWRT_RELEASE="OpenWrt 19.07.4 r11208-ce6496d796"\n',
    0o644,
    { time },
  )
  build.file(
    '/etc/config/system',
    ({ host }) =>
      `\nconfig system\n\toption hostname '${host.persona.hostname}'\n\toption timezone 'CST-8'\n\toption zonename 'Asia/Shanghai'\n\toption ttylogin '0'\n\toption log_size '64'\n\toption urandom_seed '0'\n\nconfig timeserver 'ntp'\n\toption enabled '1'\n\tlist server '0.openwrt.pool.ntp.org'\n\tlist server '1.openwrt.pool.ntp.org'\n`,
  )
  build.file(
    '/etc/config/network',
    ({ host, network }) =>
      `\nconfig interface 'loopback'\n\toption ifname 'lo'\n\toption proto 'static'\n\toption ipaddr '127.0.0.1'\n\toption netmask '255.0.0.0'\n\nconfig interface 'lan'\n\toption type 'bridge'\n\toption ifname 'eth0.1'\n\toption proto 'static'\n\toption ipaddr '${network.address}'\n\toption netmask '${network.netmask}'\n\nconfig interface 'wan'\n\toption ifname 'eth0.2'\n\toption proto 'dhcp'\n\nconfig device 'lan_dev'\n\toption name 'eth0.1'\n\toption macaddr '${host.persona.mac}'\n`,
  )
  build.file(
    '/etc/config/dropbear',
    ({ network }) =>
      `config dropbear\n\toption PasswordAuth 'on'\n\toption RootPasswordAuth 'on'\n\toption Port         '${network.port('ssh')}'\n#\toption BannerFile   '/etc/banner'\n`,
  )
  build.file(
    '/etc/config/firewall',
    "config defaults\n\toption syn_flood\t1\n\toption input\t\tACCEPT\n\toption output\t\tACCEPT\n\toption forward\t\tREJECT\n\nconfig zone\n\toption name\t\tlan\n\tlist   network\t\t'lan'\n\toption input\t\tACCEPT\n\nconfig zone\n\toption name\t\twan\n\tlist   network\t\t'wan'\n\toption input\t\tREJECT\n\toption masq\t\t1\n",
    0o644,
    { time },
  )
  build.file(
    '/etc/config/dhcp',
    "config dnsmasq\n\toption domainneeded '1'\n\toption localise_queries '1'\n\toption local '/lan/'\n\toption domain 'lan'\n\nconfig dhcp 'lan'\n\toption interface 'lan'\n\toption start '100'\n\toption limit '150'\n\toption leasetime '12h'\n",
    0o644,
    { time },
  )
  build.file(
    '/etc/config/wireless',
    ({ host }) =>
      `config wifi-device 'radio0'\n\toption type 'mac80211'\n\toption channel '11'\n\toption hwmode '11g'\n\toption path 'platform/10180000.wmac'\n\toption htmode 'HT20'\n\toption disabled '1'\n\nconfig wifi-iface 'default_radio0'\n\toption device 'radio0'\n\toption network 'lan'\n\toption mode 'ap'\n\toption ssid '${host.persona.hostname}'\n\toption encryption 'none'\n`,
  )
  build.file('/etc/dropbear/dropbear_rsa_host_key', ({ host }) => dropbearKey(host, 'rsa'), 0o600)
  build.file('/etc/dropbear/authorized_keys', '', 0o600)
  build.file('/etc/fstab', '# <file system> <mount point> <type> <options> <dump> <pass>\n', 0o644, { time })
  build.file('/etc/inittab', '::sysinit:/etc/init.d/rcS S boot\n::shutdown:/etc/init.d/rcS K shutdown\n::askconsole:/usr/libexec/login.sh\n', 0o644, { time })
  build.file(
    '/etc/profile',
    '#!/bin/sh\n[ -e /tmp/.failsafe ] && export FAILSAFE=1\n\n[ -f /etc/banner ] && cat /etc/banner\n[ -n "$FAILSAFE" ] && cat /etc/banner.failsafe\n\nexport PATH="/usr/sbin:/usr/bin:/sbin:/bin"\nexport HOME=$(grep -e "^${USER:-root}:" /etc/passwd | cut -d ":" -f 6)\nexport HOME=${HOME:-/root}\nexport PS1=\'\\u@\\h:\\w\\$ \'\n',
    0o644,
    { time },
  )
  build.file(
    '/etc/rc.local',
    '# Put your custom commands here that should be executed once\n# the system init finished. By default this file does nothing.\n\nexit 0\n',
    0o644,
    { time },
  )
  build.file('/etc/shells', '/bin/ash\n', 0o644, { time })
  build.file('/etc/sysctl.conf', '# Defaults are configured in /etc/sysctl.d/* and can be customized in this file\n', 0o644, { time })
  for (const name of ['boot', 'cron', 'dnsmasq', 'done', 'dropbear', 'firewall', 'log', 'network', 'odhcpd', 'rpcd', 'sysntpd', 'system', 'uhttpd'])
    build.file(`/etc/init.d/${name}`, `#!/bin/sh /etc/rc.common\n\nSTART=${10 + name.length * 3}\n\nUSE_PROCD=1\n`, 0o755, { time })
  build.file('/tmp/resolv.conf', 'search lan\nnameserver 127.0.0.1\n', 0o644, { time: 'boot' })
  build.file('/tmp/resolv.conf.auto', ({ network }) => `# Interface wan\n${network.resolvers.map((r) => `nameserver ${r}\n`).join('')}`, 0o644, {
    time: 'boot',
  })
  build.file('/tmp/TZ', 'CST-8\n', 0o644, { time: 'boot' })
  build.file('/tmp/dhcp.leases', '', 0o644, { time: 'boot' })
}

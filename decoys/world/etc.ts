/** Texts of `/etc` that every flavour has: accounts, names, resolvers. */
import type { TreeBuilder, View } from './base.ts'

type System = [name: string, uid: number, gid: number, text: string, home: string, shell: string]

const centos: System[] = [
  ['bin', 1, 1, 'bin', '/bin', '/sbin/nologin'],
  ['daemon', 2, 2, 'daemon', '/sbin', '/sbin/nologin'],
  ['adm', 3, 4, 'adm', '/var/adm', '/sbin/nologin'],
  ['lp', 4, 7, 'lp', '/var/spool/lpd', '/sbin/nologin'],
  ['sync', 5, 0, 'sync', '/sbin', '/bin/sync'],
  ['shutdown', 6, 0, 'shutdown', '/sbin', '/sbin/shutdown'],
  ['halt', 7, 0, 'halt', '/sbin', '/sbin/halt'],
  ['mail', 8, 12, 'mail', '/var/spool/mail', '/sbin/nologin'],
  ['operator', 11, 0, 'operator', '/root', '/sbin/nologin'],
  ['games', 12, 100, 'games', '/usr/games', '/sbin/nologin'],
  ['ftp', 14, 50, 'FTP User', '/var/ftp', '/sbin/nologin'],
  ['nobody', 99, 99, 'Nobody', '/', '/sbin/nologin'],
  ['systemd-network', 192, 192, 'systemd Network Management', '/', '/sbin/nologin'],
  ['dbus', 81, 81, 'System message bus', '/', '/sbin/nologin'],
  ['polkitd', 999, 998, 'User for polkitd', '/', '/sbin/nologin'],
  ['sshd', 74, 74, 'Privilege-separated SSH', '/var/empty/sshd', '/sbin/nologin'],
  ['postfix', 89, 89, '', '/var/spool/postfix', '/sbin/nologin'],
  ['chrony', 996, 994, '', '/var/lib/chrony', '/sbin/nologin'],
]
const ubuntu: System[] = [
  ['daemon', 1, 1, 'daemon', '/usr/sbin', '/usr/sbin/nologin'],
  ['bin', 2, 2, 'bin', '/bin', '/usr/sbin/nologin'],
  ['sys', 3, 3, 'sys', '/dev', '/usr/sbin/nologin'],
  ['sync', 4, 65534, 'sync', '/bin', '/bin/sync'],
  ['games', 5, 60, 'games', '/usr/games', '/usr/sbin/nologin'],
  ['man', 6, 12, 'man', '/var/cache/man', '/usr/sbin/nologin'],
  ['lp', 7, 7, 'lp', '/var/spool/lpd', '/usr/sbin/nologin'],
  ['mail', 8, 8, 'mail', '/var/mail', '/usr/sbin/nologin'],
  ['news', 9, 9, 'news', '/var/spool/news', '/usr/sbin/nologin'],
  ['uucp', 10, 10, 'uucp', '/var/spool/uucp', '/usr/sbin/nologin'],
  ['proxy', 13, 13, 'proxy', '/bin', '/usr/sbin/nologin'],
  ['www-data', 33, 33, 'www-data', '/var/www', '/usr/sbin/nologin'],
  ['backup', 34, 34, 'backup', '/var/backups', '/usr/sbin/nologin'],
  ['nobody', 65534, 65534, 'nobody', '/nonexistent', '/usr/sbin/nologin'],
  ['systemd-network', 100, 102, 'systemd Network Management,,,', '/run/systemd/netif', '/usr/sbin/nologin'],
  ['systemd-resolve', 101, 103, 'systemd Resolver,,,', '/run/systemd/resolve', '/usr/sbin/nologin'],
  ['syslog', 102, 106, '', '/home/syslog', '/usr/sbin/nologin'],
  ['messagebus', 103, 107, '', '/nonexistent', '/usr/sbin/nologin'],
  ['_apt', 104, 65534, '', '/nonexistent', '/usr/sbin/nologin'],
  ['lxd', 105, 65534, '', '/var/lib/lxd/', '/bin/false'],
  ['uuidd', 106, 110, '', '/run/uuidd', '/usr/sbin/nologin'],
  ['sshd', 109, 65534, '', '/run/sshd', '/usr/sbin/nologin'],
]
const debian: System[] = [
  ...ubuntu.filter(([name]) => !/^(systemd-|syslog|messagebus|_apt|lxd|uuidd|sshd)/.test(name)),
  ['list', 38, 38, 'Mailing List Manager', '/var/list', '/usr/sbin/nologin'],
  ['irc', 39, 39, 'ircd', '/run/ircd', '/usr/sbin/nologin'],
  ['_apt', 42, 65534, '', '/nonexistent', '/usr/sbin/nologin'],
  ['systemd-network', 998, 998, 'systemd Network Management', '/', '/usr/sbin/nologin'],
  ['messagebus', 100, 107, '', '/nonexistent', '/usr/sbin/nologin'],
  ['systemd-timesync', 997, 997, 'systemd Time Synchronization', '/', '/usr/sbin/nologin'],
]
const openwrt: System[] = [
  ['daemon', 1, 1, 'daemon', '/var', '/bin/false'],
  ['ftp', 55, 55, 'ftp', '/home/ftp', '/bin/false'],
  ['logd', 514, 514, 'logd', '/var/run/logd', '/bin/false'],
  ['network', 101, 101, 'network', '/var', '/bin/false'],
  ['nobody', 65534, 65534, 'nobody', '/var', '/bin/false'],
  ['dnsmasq', 453, 453, 'dnsmasq', '/var/run/dnsmasq', '/bin/false'],
]
const systems = { centos, ubuntu, debian, openwrt }

const extraGroups = {
  centos:
    'bin:x:1:\ndaemon:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\ndisk:x:6:\nlp:x:7:\nmem:x:8:\nkmem:x:9:\nwheel:x:10:{people}\ncdrom:x:11:\nmail:x:12:postfix\nman:x:15:\ndialout:x:18:\nfloppy:x:19:\ngames:x:20:\ntape:x:33:\nvideo:x:39:\nftp:x:50:\nlock:x:54:\naudio:x:63:\nnobody:x:99:\nusers:x:100:\nutmp:x:22:\nutempter:x:35:\ninput:x:997:\nsystemd-journal:x:190:\nsystemd-network:x:192:\ndbus:x:81:\npolkitd:x:998:\nssh_keys:x:995:\nsshd:x:74:\npostdrop:x:90:\npostfix:x:89:\nchrony:x:994:\n',
  ubuntu:
    'daemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:syslog{,people}\ntty:x:5:\ndisk:x:6:\nlp:x:7:\nmail:x:8:\nnews:x:9:\nuucp:x:10:\nman:x:12:\nproxy:x:13:\nkmem:x:15:\ndialout:x:20:\ncdrom:x:24:{people}\nfloppy:x:25:\ntape:x:26:\nsudo:x:27:{people}\naudio:x:29:\ndip:x:30:\nwww-data:x:33:\nbackup:x:34:\nshadow:x:42:\nutmp:x:43:\nvideo:x:44:\nplugdev:x:46:\nstaff:x:50:\ngames:x:60:\nusers:x:100:\nnogroup:x:65534:\nsystemd-journal:x:101:\nsystemd-network:x:102:\nsystemd-resolve:x:103:\ninput:x:104:\ncrontab:x:105:\nsyslog:x:106:\nmessagebus:x:107:\nlxd:x:108:\nmlocate:x:109:\nuuidd:x:110:\nssh:x:111:\n',
  debian:
    'daemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\ndisk:x:6:\nlp:x:7:\nmail:x:8:\nnews:x:9:\nuucp:x:10:\nman:x:12:\nproxy:x:13:\nkmem:x:15:\ndialout:x:20:\nfax:x:21:\nvoice:x:22:\ncdrom:x:24:{people}\nfloppy:x:25:{people}\ntape:x:26:\nsudo:x:27:{people}\naudio:x:29:{people}\ndip:x:30:{people}\nwww-data:x:33:\nbackup:x:34:\noperator:x:37:\nlist:x:38:\nirc:x:39:\nsrc:x:40:\nshadow:x:42:\nutmp:x:43:\nvideo:x:44:{people}\nsasl:x:45:\nplugdev:x:46:{people}\nstaff:x:50:\ngames:x:60:\nusers:x:100:{people}\nnogroup:x:65534:\nsystemd-journal:x:999:\nsystemd-network:x:998:\ncrontab:x:101:\ninput:x:102:\nsgx:x:103:\nkvm:x:104:\nrender:x:105:\nnetdev:x:106:{people}\nmessagebus:x:107:\nsystemd-timesync:x:997:\n',
  openwrt:
    'daemon:x:1:\nadm:x:4:\nmail:x:8:\ndialout:x:20:\naudio:x:29:\nwww-data:x:33:\nftp:x:55:\nusers:x:100:\nnetwork:x:101:\nnogroup:x:65534:\nlogd:x:514:\ndnsmasq:x:453:dnsmasq\n',
}

/** The account that the web server's workers run as, where the system brings none. */
function webUser(host: View['host']): System[] {
  const { web } = host.persona.template
  if (!web || host.flavour !== 'centos') return []
  return [
    web.server === 'apache'
      ? ['apache', 48, 48, 'Apache', '/usr/share/httpd', '/sbin/nologin']
      : ['nginx', 997, 993, 'Nginx web server', '/var/lib/nginx', '/sbin/nologin'],
  ]
}

/** Adds accounts, host name, resolvers and hosts. */
export function addAccounts(build: TreeBuilder): void {
  const rows = ({ host }: View): System[] => {
    const taken = new Set<string>()
    const mine: System[] = host.persona.accounts.map((a) => [a.name, a.uid, a.gid, a.fullName + (host.apt && a.uid >= 1000 ? ',,,' : ''), a.home, a.shell])
    const [root, rest] = [mine.filter((a) => a[1] === 0), mine.filter((a) => a[1] !== 0)]
    return [...root, ...systems[host.flavour], ...webUser(host), ...rest].filter(([name]) => !taken.has(name) && taken.add(name))
  }
  build.file('/etc/passwd', (view) =>
    rows(view)
      .map(([name, uid, gid, text, home, shell]) => `${name}:x:${uid}:${gid}:${text}:${home}:${shell}\n`)
      .join(''),
  )
  build.file('/etc/passwd-', (view) =>
    rows(view)
      .slice(0, -1)
      .map(([name, uid, gid, text, home, shell]) => `${name}:x:${uid}:${gid}:${text}:${home}:${shell}\n`)
      .join(''),
  )
  build.file('/etc/group', (view) => {
    const { host } = view
    const people = host.persona.accounts
      .filter((a) => a.uid >= 1000 && a.fullName !== '')
      .slice(0, 2)
      .map((a) => a.name)
      .join(',')
    const groups = extraGroups[host.flavour].replaceAll('{people}', people).replaceAll('{,people}', people ? `,${people}` : '')
    const own = host.persona.accounts.filter((a) => a.uid !== 0 && !groups.includes(`\n${a.name}:`)).map((a) => `${a.name}:x:${a.gid}:\n`)
    const web = webUser(host).map(([name, , gid]) => `${name}:x:${gid}:\n`)
    return `root:x:0:\n${groups}${web.join('')}${own.join('')}`
  })
  build.file(
    '/etc/shadow',
    (view) => {
      const { host } = view
      const day = Math.floor(host.persona.installedAt / 86_400_000)
      const hash = (name: string): string => {
        const letters = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
        const bytes = host.persona.draw(`shadow ${name}`, 110)
        const take = (from: number, n: number): string => [...bytes.subarray(from, from + n)].map((b) => letters[b & 63]).join('')
        if (host.flavour === 'debian') return `$y$j9T$${take(0, 22)}$${take(22, 43)}`
        return host.flavour === 'openwrt' ? `$1$${take(0, 8)}$${take(8, 22)}` : `$6$${take(0, host.flavour === 'centos' ? 16 : 8)}$${take(16, 86)}`
      }
      return rows(view)
        .map(
          ([name, uid]) =>
            `${name}:${uid === 0 || uid >= 1000 ? hash(name) : '*'}:${uid === 0 ? day : uid >= 1000 ? day + host.persona.number(`shadow-day-${name}`, 1, 300) : host.flavour === 'centos' ? 18353 : day - 300}:0:99999:7:::\n`,
        )
        .join('')
    },
    0o600,
  )
  build.file('/etc/hostname', ({ host }) => `${host.persona.hostname}\n`)
  build.file(
    '/etc/hosts',
    ({ host, network }) =>
      `127.0.0.1   localhost${host.flavour === 'centos' ? ' localhost.localdomain localhost4 localhost4.localdomain4' : ''}\n::1         localhost${host.flavour === 'centos' ? ' localhost.localdomain localhost6 localhost6.localdomain6' : ' ip6-localhost ip6-loopback'}\n${host.flavour === 'openwrt' ? '' : `${network.address}  ${host.persona.hostname}.${host.persona.domain} ${host.persona.hostname}\n`}`,
  )
  build.file('/etc/timezone', ({ host }) => `${host.persona.template.host.timezone}\n`)
  build.file('/etc/machine-id', ({ host }) => `${host.persona.machineId}\n`, 0o444)
  build.file('/etc/protocols', 'ip\t0\tIP\nicmp\t1\tICMP\ntcp\t6\tTCP\nudp\t17\tUDP\nipv6\t41\tIPv6\n')
  build.file(
    '/etc/services',
    'ftp             21/tcp\nssh             22/tcp\ntelnet          23/tcp\nsmtp            25/tcp\ndomain          53/tcp\ndomain          53/udp\nhttp            80/tcp\nntp             123/udp\nhttps           443/tcp\nmysql           3306/tcp\n',
  )
}

/** The processes of a host: kernel threads, services of the flavour, and what the live logins run. */
import type { Host } from './host.ts'
import type { Logins } from './logins.ts'

export interface Process {
  pid: number
  ppid: number
  user: string
  uid: number
  /** Command line as ps shows it; kernel threads in brackets. */
  command: string
  tty: string
  state: string
  /** Milliseconds since 1970 UTC. */
  startedAt: number
  /** KiB. */
  virtual: number
  resident: number
  /** Seconds of processor time used at `now`. */
  cpu: number
}

export interface Processes {
  readonly revision: number
  all(now: number): Process[]
  get(pid: number, now: number): Process | undefined
  /** Ends a process; false when there is none, or it will not die. */
  kill(pid: number, now: number): boolean
  killed(): number[]
  /** Starts a service of the adversary's, which outlives the login; gives its pid. */
  start(command: string, user: string, now: number): number
  started(): SavedProcess[]
}

export type SavedProcess = [pid: number, command: string, user: string, startedAt: number]

type Service = [name: string, command: string, user: string, virtual: number, resident: number]

const kernel = [
  'kthreadd',
  'rcu_gp',
  'kworker/0:0H',
  'mm_percpu_wq',
  'ksoftirqd/0',
  'rcu_sched',
  'migration/0',
  'watchdog/0',
  'kdevtmpfs',
  'netns',
  'khungtaskd',
  'kswapd0',
  'kblockd',
  'kauditd',
  'scsi_eh_0',
]
const kernelOld = [
  'kthreadd',
  'kworker/0:0H',
  'ksoftirqd/0',
  'migration/0',
  'rcu_bh',
  'rcu_sched',
  'lru-add-drain',
  'watchdog/0',
  'kdevtmpfs',
  'netns',
  'khungtaskd',
  'writeback',
  'kintegrityd',
  'bioset',
  'kblockd',
  'md',
  'edac-poller',
  'kswapd0',
  'ksmd',
  'crypto',
  'kthrotld',
  'scsi_eh_0',
  'xfsalloc',
  'xfsaild/dm-0',
  'kauditd',
]

const services: Record<Host['flavour'], Service[]> = {
  centos: [
    ['systemd-journald', '/usr/lib/systemd/systemd-journald', 'root', 39056, 7120],
    ['systemd-udevd', '/usr/lib/systemd/systemd-udevd', 'root', 48704, 5384],
    ['auditd', '/sbin/auditd', 'root', 55532, 1080],
    ['polkitd', '/usr/lib/polkit-1/polkitd --no-debug', 'polkitd', 612348, 13060],
    ['dbus-daemon', '/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation', 'dbus', 58240, 2512],
    ['systemd-logind', '/usr/lib/systemd/systemd-logind', 'root', 26384, 1768],
    ['chronyd', '/usr/sbin/chronyd', 'chrony', 117808, 1684],
    ['crond', '/usr/sbin/crond -n', 'root', 126388, 1676],
    ['agetty', '/sbin/agetty --noclear tty1 linux', 'root', 110208, 860],
    ['tuned', '/usr/bin/python2 -Es /usr/sbin/tuned -l -P', 'root', 574284, 17432],
    ['rsyslogd', '/usr/sbin/rsyslogd -n', 'root', 222740, 5880],
    ['master', '/usr/libexec/postfix/master -w', 'root', 89704, 2176],
    ['qmgr', 'qmgr -l -t unix -u', 'postfix', 89876, 4104],
  ],
  ubuntu: [
    ['systemd-journald', '/lib/systemd/systemd-journald', 'root', 127688, 16844],
    ['systemd-udevd', '/lib/systemd/systemd-udevd', 'root', 46976, 5364],
    ['systemd-resolve', '/lib/systemd/systemd-resolved', 'systemd-resolve', 70636, 5392],
    ['systemd-networkd', '/lib/systemd/systemd-networkd', 'systemd-network', 80052, 5260],
    ['accounts-daemon', '/usr/lib/accountsservice/accounts-daemon', 'root', 286244, 6860],
    ['dbus-daemon', '/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only', 'messagebus', 50064, 4492],
    ['rsyslogd', '/usr/sbin/rsyslogd -n', 'syslog', 263036, 4480],
    ['systemd-logind', '/lib/systemd/systemd-logind', 'root', 70592, 6072],
    ['cron', '/usr/sbin/cron -f', 'root', 30104, 3228],
    ['atd', '/usr/sbin/atd -f', 'daemon', 28332, 2404],
    ['networkd-dispatcher', '/usr/bin/python3 /usr/bin/networkd-dispatcher --run-startup-triggers', 'root', 169188, 17240],
    ['unattended-upgr', '/usr/bin/python3 /usr/share/unattended-upgrades/unattended-upgrade-shutdown --wait-for-signal', 'root', 185944, 20108],
    ['agetty', '/sbin/agetty -o -p -- \\u --noclear tty1 linux', 'root', 14888, 1984],
    ['polkitd', '/usr/lib/policykit-1/polkitd --no-debug', 'root', 288880, 6544],
  ],
  debian: [
    ['systemd-journald', '/lib/systemd/systemd-journald', 'root', 33128, 12240],
    ['systemd-udevd', '/lib/systemd/systemd-udevd', 'root', 27020, 6188],
    ['systemd-timesyncd', '/lib/systemd/systemd-timesyncd', 'systemd-timesync', 90228, 6640],
    ['cron', '/usr/sbin/cron -f', 'root', 6608, 2692],
    ['dbus-daemon', '/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only', 'messagebus', 9128, 4608],
    ['rsyslogd', '/usr/sbin/rsyslogd -n -iNONE', 'root', 222024, 5888],
    ['systemd-logind', '/lib/systemd/systemd-logind', 'root', 25384, 7684],
    ['agetty', '/sbin/agetty -o -p -- \\u --noclear - linux', 'root', 5872, 1036],
  ],
  openwrt: [
    ['ubusd', '/sbin/ubusd', 'root', 1224, 880],
    ['askfirst', '/sbin/askfirst /usr/libexec/login.sh', 'root', 928, 612],
    ['urngd', '/sbin/urngd', 'root', 1036, 700],
    ['logd', '/sbin/logd -S 64', 'logd', 1272, 964],
    ['rpcd', '/sbin/rpcd -s /var/run/ubus.sock -t 30', 'root', 1892, 1400],
    ['netifd', '/sbin/netifd', 'root', 1676, 1316],
    ['odhcpd', '/usr/sbin/odhcpd', 'root', 1332, 980],
    ['crond', '/usr/sbin/crond -f -c /etc/crontabs -l 5', 'root', 1216, 820],
    ['ntpd', '/usr/sbin/ntpd -n -N -S /usr/sbin/ntpd-hotplug -p 0.openwrt.pool.ntp.org -p 1.openwrt.pool.ntp.org', 'root', 1216, 800],
    ['udhcpc', 'udhcpc -p /var/run/udhcpc-eth0.2.pid -s /lib/netifd/dhcp.script -f -t 0 -i eth0.2 -x hostname:{host} -C -O 121', 'root', 1212, 760],
  ],
}

/** Processes over a host and its live logins; `killed` are the pids that this adversary ended earlier. */
export function openProcesses(host: Host, logins: Logins, killed: number[] = [], saved: SavedProcess[] = []): Processes {
  const { persona } = host
  const dead = new Set(Array.isArray(killed) ? killed.filter(Number.isInteger).slice(0, 500) : [])
  let revision = 0
  const started: SavedProcess[] = (Array.isArray(saved) ? saved : []).filter((one) => Array.isArray(one) && Number.isInteger(one[0])).slice(0, 50)
  let fixed: Process[] | undefined

  function pristine(): Process[] {
    if (fixed) return fixed
    const boot = persona.bootedAt
    const list: Process[] = []
    const put = (pid: number, command: string, user: string, virtual: number, resident: number, ppid = 1, tty = '?'): void => {
      list.push({
        pid,
        ppid,
        user,
        uid: user === 'root' ? 0 : 99,
        command,
        tty,
        state: command.startsWith('[') ? 'S' : 'Ss',
        startedAt: boot + Math.min(pid, 4000) * 11,
        virtual,
        resident,
        cpu: 0,
      })
    }
    const init = {
      centos: ['/usr/lib/systemd/systemd --switched-root --system --deserialize 22', 191100, 4072],
      ubuntu: ['/sbin/init', 159808, 9044],
      debian: ['/sbin/init', 102352, 12180],
      openwrt: ['/sbin/procd', 1560, 1196],
    } as const
    put(1, init[host.flavour][0], 'root', init[host.flavour][1], init[host.flavour][2], 0)
    let pid = 2
    for (const name of host.flavour === 'centos' ? kernelOld : kernel) {
      put(pid, `[${name}]`, 'root', 0, 0, pid === 2 ? 0 : 2)
      pid += name === 'kthreadd' || host.flavour === 'openwrt' ? 1 : 2
    }
    pid = persona.number('process-first', host.flavour === 'openwrt' ? 380 : 430, host.flavour === 'openwrt' ? 520 : 690)
    // services that listen have the ids that the network names
    const reserved: Record<string, number> = {
      master: persona.number('net-master-pid', 1901, 2300),
      'systemd-resolve': persona.number('net-resolve-pid', 700, 890),
    }
    services[host.flavour].forEach(([name, command, user, virtual, resident], i) => {
      while (Object.values(reserved).includes(pid)) pid++
      put(
        reserved[name] ?? pid,
        command.replace('{host}', persona.hostname),
        user,
        virtual,
        resident + persona.number(`process-${name}`, 0, 40) * 4,
        1,
        name === 'agetty' ? 'tty1' : '?',
      )
      pid += persona.number(`process-step-${i}`, 1, 23)
    })
    fixed = list
    return list
  }

  const dropbear = '/usr/sbin/dropbear -EF -p 22 -W 65536'

  function network(): Process[] {
    const boot = persona.bootedAt
    const list: Process[] = []
    const put = (pid: number, ppid: number, command: string, user: string, virtual: number, resident: number): void => {
      list.push({ pid, ppid, user, uid: user === 'root' ? 0 : 48, command, tty: '?', state: 'Ss', startedAt: boot + 21_000, virtual, resident, cpu: 0 })
    }
    const sshd = persona.number('net-sshd-pid', 900, 1400)
    if (host.flavour === 'openwrt') {
      put(sshd, 1, '/usr/sbin/dropbear -F -P /var/run/dropbear.1.pid -p 22 -K 300 -T 3', 'root', 1140, 720)
      put(
        persona.number('net-dns-pid', 1401, 1900),
        1,
        '/usr/sbin/dnsmasq -C /var/etc/dnsmasq.conf.cfg01411c -k -x /var/run/dnsmasq/dnsmasq.cfg01411c.pid',
        'dnsmasq',
        1372,
        1012,
      )
    } else if (host.flavour === 'debian') put(sshd, 1, dropbear, 'root', 2668, 1536)
    else put(sshd, 1, '/usr/sbin/sshd -D', 'root', host.flavour === 'centos' ? 112900 : 72304, 4328)
    const web = persona.template.web
    if (web) {
      const pid = persona.number('net-web-pid', 1401, 1900)
      const master = web.server === 'apache' ? '/usr/sbin/httpd -DFOREGROUND' : 'nginx: master process /usr/sbin/nginx -c /etc/nginx/nginx.conf'
      const worker = web.server === 'apache' ? master : 'nginx: worker process'
      const user = host.flavour === 'ubuntu' ? 'www-data' : web.server === 'apache' ? 'apache' : 'nginx'
      put(pid, 1, master, 'root', 46440, 2164)
      for (let i = 1; i <= Math.min(4, persona.template.hardware.cores); i++) put(pid + i, pid, worker, user, 46840, 3496 + i * 12)
    }
    return list
  }

  function all(now: number): Process[] {
    const sshd = persona.number('net-sshd-pid', 900, 1400)
    const list = [...pristine(), ...network()].map((p) => ({
      ...p,
      cpu: p.command.startsWith('[') ? ((now - p.startedAt) / 1000) * 0.00001 * (p.pid % 7) : ((now - p.startedAt) / 1000) * 0.00002 * (p.pid % 29),
    }))
    for (const [pid, command, user, startedAt] of started)
      list.push({
        pid,
        ppid: 1,
        user,
        uid: user === 'root' ? 0 : 1000,
        command,
        tty: '?',
        state: 'Ss',
        startedAt,
        virtual: 110_000 + ((command.length * 977) % 46_000),
        resident: 1200 + ((command.length * 331) % 900),
        cpu: 0,
      })
    // KiB: an ash is a hundredth of a server's bash with its locale archive.
    const small = persona.template.os.shell === 'ash'
    for (const login of logins.live) {
      const user = login.user
      const uid = user === 'root' ? 0 : 1000
      const shell = host.flavour === 'openwrt' ? '-ash' : '-bash'
      const at = { startedAt: login.at, cpu: 0.01 }
      const tty = login.tty === 'notty' ? '?' : login.tty
      if (persona.template.ssh?.server === 'dropbear') {
        list.push({
          pid: login.pid,
          ppid: sshd,
          user: 'root',
          uid: 0,
          // from 2022.83 on the server runs itself anew for a connection, and says on which descriptor it is
          command: host.flavour === 'openwrt' ? '/usr/sbin/dropbear -F -P /var/run/dropbear.1.pid -p 22 -K 300 -T 3' : `${dropbear} -2 7`,
          tty: '?',
          state: 'S',
          virtual: host.flavour === 'openwrt' ? 1204 : 2804,
          resident: host.flavour === 'openwrt' ? 820 : 2432,
          ...at,
        })
      } else {
        list.push({
          pid: login.pid,
          ppid: sshd,
          user: 'root',
          uid: 0,
          command: `sshd: ${user}${user === 'root' ? '' : ' [priv]'}${user === 'root' ? `@${login.tty}` : ''}`,
          tty: '?',
          state: 'Ss',
          virtual: 156796,
          resident: 5496,
          ...at,
        })
        if (user !== 'root')
          list.push({
            pid: login.pid + 1,
            ppid: login.pid,
            user,
            uid,
            command: `sshd: ${user}@${login.tty}`,
            tty: '?',
            state: 'S',
            virtual: 156796,
            resident: 2488,
            ...at,
          })
      }
      const parent = list[list.length - 1] as Process
      // a shell without a terminal stands there as long as something runs in it
      if (login.tty !== 'notty' || login.programs.size > 0)
        list.push({
          pid: login.pid + 2,
          ppid: parent.pid,
          user,
          uid,
          command: login.tty === 'notty' ? shell.slice(1) : shell,
          tty,
          state: 'Ss',
          virtual: small ? 1196 + (login.pid % 13) * 4 : 115_304 + (login.pid % 83) * 4,
          resident: small ? 820 + (login.pid % 31) * 4 : 1980 + (login.pid % 53) * 4,
          ...at,
        })
      let foreground = true
      for (const program of login.programs) {
        const job = program.stop !== undefined
        list.push({
          pid: program.pid,
          ppid: program.ppid,
          user: program.user ?? user,
          uid: program.user === undefined ? uid : program.user === 'root' ? 0 : 1000,
          command: program.command,
          tty,
          state: job ? 'S' : foreground && login.programs.size > 0 ? 'R+' : 'S+',
          virtual: (small ? 1080 : 110_000) + ((program.command.length * 977 + program.pid * 4) % (small ? 160 : 46_000)),
          resident: (small ? 600 : 1200) + ((program.command.length * 331 + program.pid * 4) % (small ? 200 : 900)),
          startedAt: program.startedAt,
          cpu: 0,
        })
        if (!job) foreground = false
      }
    }
    return list.filter((p) => !dead.has(p.pid)).sort((a, b) => a.pid - b.pid)
  }

  return {
    get revision() {
      return revision
    },
    all,
    get: (pid, now) => all(now).find((p) => p.pid === pid),
    kill(pid, now) {
      const found = all(now).find((p) => p.pid === pid)
      if (!found || pid === 1 || found.command.startsWith('[')) return false
      for (const login of logins.live) {
        if (pid >= login.pid && pid <= login.pid + 2) return true // one's own session does not outlive it, so nothing is kept
        for (const program of login.programs) {
          if (program.pid !== pid) continue
          program.stop?.()
          return true
        }
      }
      const service = started.findIndex(([one]) => one === pid)
      if (service !== -1) started.splice(service, 1)
      else dead.add(pid)
      revision++
      return true
    },
    killed: () => [...dead],
    start(command, user, now) {
      const pid = logins.nextPid()
      if (started.length >= 50) started.shift()
      started.push([pid, command.slice(0, 400), user, now])
      revision++
      return pid
    },
    started: () => [...started],
  }
}

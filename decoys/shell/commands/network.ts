/** Programs that show the host's network, and those that ask it for another host; nothing is ever reached. */
import { show } from '../seat.ts'
import { complain, say } from '../command.ts'
import type { CommandTable, Run } from '../command.ts'
import { options } from '../command.ts'

/** Says that a command wanted another host. */
export function refused(run: Run, host: string, port?: number): void {
  run.seat.emit('egress.refused', { tool: show(run.name, 64), host: show(host, 1024), ...(port !== undefined && port >= 0 && port <= 65_535 ? { port } : {}) })
}

/** The address a name of this host or network has; undefined for every other name. */
export function addressOf(run: Run, name: string): string | undefined {
  const { persona, network } = run.seat.world
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(name)) return name.split('.').every((n) => Number(n) < 256) ? name : undefined
  if (name === 'localhost' || name === 'localhost.localdomain') return '127.0.0.1'
  if (name === persona.hostname || name === `${persona.hostname}.${persona.domain}`) return network.address
  return undefined
}
export const isSelf = (run: Run, ip: string): boolean => ip.startsWith('127.') || ip === run.seat.world.network.address || ip === '0.0.0.0'

interface Socket {
  local: string
  remote: string
  state: string
  owner: string
  tcp: boolean
}

function sockets(run: Run): Socket[] {
  const { network, logins, host } = run.seat.world
  const list: Socket[] = network
    .listening()
    .map((l) => ({ local: `${l.local ?? '0.0.0.0'}:${l.port}`, remote: '0.0.0.0:*', state: 'LISTEN', owner: `${l.pid}/${l.process}`, tcp: true }))
  for (const login of logins.live)
    list.push({
      local: `${network.address}:${network.port('ssh')}`,
      remote: `${login.from}:${login.port}`,
      state: 'ESTABLISHED',
      owner:
        run.seat.world.persona.template.ssh?.server === 'dropbear'
          ? `${login.pid}/dropbear`
          : `${login.pid}/sshd: ${login.user}${login.tty === 'notty' ? '' : `@${login.tty.slice(0, 2)}`}`,
      tcp: true,
    })
  const udp =
    host.flavour === 'centos'
      ? [['127.0.0.1:323', 'chronyd']]
      : host.flavour === 'ubuntu'
        ? [['127.0.0.53:53', 'systemd-resolve']]
        : host.flavour === 'debian'
          ? []
          : [
              ['0.0.0.0:53', 'dnsmasq'],
              ['0.0.0.0:67', 'dnsmasq'],
            ]
  for (const [local = '', name = ''] of udp)
    list.push({
      local,
      remote: '0.0.0.0:*',
      state: '',
      owner: `${run.seat.world.processes.all(run.seat.now()).find((p) => p.command.includes(name))?.pid ?? 1}/${name}`,
      tcp: false,
    })
  return list
}

const netstat: CommandTable[string] = (run, args) => {
  const { flags } = options(args, 'antulprsiecovW46', { all: 'a', numeric: 'n', tcp: 't', udp: 'u', listening: 'l', programs: 'p', route: 'r' })
  if (flags.has('r')) return route(run, ['-n'])
  if (flags.has('i')) {
    const t = run.seat.world.network.traffic(run.seat.now())
    run.out(
      `Kernel Interface table\nIface             MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\n${run.seat.world.host.interfaceName.padEnd(15)} 1500 ${String(t.rxPackets).padStart(8)}      0      0 0      ${String(t.txPackets).padStart(8)}      0      0      0 BMRU\nlo              65536      212      0      0 0           212      0      0      0 LRU\n`,
    )
    return 0
  }
  const [tcp, udp] = [flags.has('t') || !flags.has('u'), flags.has('u') || !flags.has('t')]
  const list = sockets(run).filter(
    (s) => (s.tcp ? tcp : udp) && (flags.has('l') ? s.state !== 'ESTABLISHED' : flags.has('a') ? true : s.state === 'ESTABLISHED'),
  )
  const program = flags.has('p')
  run.out(
    `Active Internet connections (${flags.has('l') ? 'only servers' : flags.has('a') ? 'servers and established' : 'w/o servers'})\nProto Recv-Q Send-Q Local Address           Foreign Address         State      ${program ? ' PID/Program name    ' : ''}\n`,
  )
  for (const s of list)
    run.out(
      `${s.tcp ? 'tcp  ' : 'udp  '}      0      ${s.state === 'ESTABLISHED' ? '36' : ' 0'} ${s.local.padEnd(23)} ${s.remote.padEnd(23)} ${s.state.padEnd(11)}${program ? ` ${(run.seat.user.uid === 0 ? s.owner : '-').padEnd(20)}` : ''}\n`,
    )
  return 0
}

const ss: CommandTable[string] = (run, args) => {
  const { flags } = options(args, 'antulpsiemo46H', { all: 'a', numeric: 'n', tcp: 't', udp: 'u', listening: 'l', processes: 'p', summary: 's' })
  const [tcp, udp] = [flags.has('t') || !flags.has('u'), flags.has('u') || !flags.has('t')]
  const list = sockets(run).filter(
    (s) => (s.tcp ? tcp : udp) && (flags.has('l') ? s.state !== 'ESTABLISHED' : flags.has('a') ? true : s.state === 'ESTABLISHED'),
  )
  run.out(`${tcp && udp ? 'Netid  ' : ''}State       Recv-Q Send-Q ${'Local Address:Port'.padStart(26)} ${'Peer Address:Port'.padStart(26)}\n`)
  for (const s of list) {
    const [pid = '', name = ''] = s.owner.split('/')
    run.out(
      `${tcp && udp ? (s.tcp ? 'tcp    ' : 'udp    ') : ''}${(s.state === 'LISTEN' ? 'LISTEN' : s.state === '' ? 'UNCONN' : 'ESTAB').padEnd(11)} 0      ${s.state === 'LISTEN' ? '128' : s.state === '' ? '0  ' : '36 '}    ${s.local.replace('0.0.0.0', '*').padStart(26)} ${s.remote.replace('0.0.0.0', '*').padStart(26)}${flags.has('p') && run.seat.user.uid === 0 ? `   users:(("${name.split(':')[0]}",pid=${pid},fd=3))` : ''}\n`,
    )
  }
  return 0
}

const ifconfig: CommandTable[string] = (run, args) => {
  const { host, network, persona } = run.seat.world
  const wanted = args.find((a) => a !== '-a')
  const t = network.traffic(run.seat.now())
  const human = (n: number): string =>
    n > 1e9 ? `${(n / 1073741824).toFixed(1)} GiB` : n > 1e6 ? `${(n / 1048576).toFixed(1)} MiB` : `${(n / 1024).toFixed(1)} KiB`
  const old = host.flavour === 'openwrt'
  const mac = old ? persona.mac.toUpperCase() : persona.mac
  const blocks: [string, string][] = [
    [
      host.interfaceName,
      old
        ? `${host.interfaceName.padEnd(9)} Link encap:Ethernet  HWaddr ${mac}  \n          inet addr:${network.address}  Bcast:${network.broadcast}  Mask:${network.netmask}\n          inet6 addr: ${network.address6}/64 Scope:Link\n          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1\n          RX packets:${t.rxPackets} errors:0 dropped:0 overruns:0 frame:0\n          TX packets:${t.txPackets} errors:0 dropped:0 overruns:0 carrier:0\n          collisions:0 txqueuelen:1000 \n          RX bytes:${t.rxBytes} (${human(t.rxBytes)})  TX bytes:${t.txBytes} (${human(t.txBytes)})\n`
        : `${host.interfaceName}: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500\n        inet ${network.address}  netmask ${network.netmask}  broadcast ${network.broadcast}\n        inet6 ${network.address6}  prefixlen 64  scopeid 0x20<link>\n        ether ${mac}  txqueuelen 1000  (Ethernet)\n        RX packets ${t.rxPackets}  bytes ${t.rxBytes} (${human(t.rxBytes)})\n        RX errors 0  dropped 0  overruns 0  frame 0\n        TX packets ${t.txPackets}  bytes ${t.txBytes} (${human(t.txBytes)})\n        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0\n`,
    ],
    [
      'lo',
      old
        ? 'lo        Link encap:Local Loopback  \n          inet addr:127.0.0.1  Mask:255.0.0.0\n          UP LOOPBACK RUNNING  MTU:65536  Metric:1\n          RX packets:212 errors:0 dropped:0 overruns:0 frame:0\n          TX packets:212 errors:0 dropped:0 overruns:0 carrier:0\n          collisions:0 txqueuelen:1000 \n          RX bytes:18240 (17.8 KiB)  TX bytes:18240 (17.8 KiB)\n'
        : 'lo: flags=73<UP,LOOPBACK,RUNNING>  mtu 65536\n        inet 127.0.0.1  netmask 255.0.0.0\n        inet6 ::1  prefixlen 128  scopeid 0x10<host>\n        loop  txqueuelen 1000  (Local Loopback)\n        RX packets 212  bytes 18240 (17.8 KiB)\n        RX errors 0  dropped 0  overruns 0  frame 0\n        TX packets 212  bytes 18240 (17.8 KiB)\n        TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0\n',
    ],
  ]
  const shown = blocks.filter(([name]) => !wanted || name === wanted)
  if (shown.length === 0)
    return run.fault(
      old ? `${wanted}: error fetching interface information: Device not found` : `${wanted}: error fetching interface information: Device not found`,
    )
  for (const [, text] of shown) run.out(`${text}\n`)
  return 0
}

const route: CommandTable[string] = (run) => {
  const { host, network } = run.seat.world
  run.out(
    `Kernel IP routing table\nDestination     Gateway         Genmask         Flags Metric Ref    Use Iface\n0.0.0.0         ${network.gateway.padEnd(15)} 0.0.0.0         UG    100    0        0 ${host.interfaceName}\n${network.base.padEnd(15)} 0.0.0.0         ${network.netmask.padEnd(15)} U     100    0        0 ${host.interfaceName}\n`,
  )
  return 0
}

const arp: CommandTable[string] = (run, args) => {
  const { host, network } = run.seat.world
  run.out(
    args.includes('-n') || run.shell.ash
      ? `Address                  HWtype  HWaddress           Flags Mask            Iface\n${network.gateway.padEnd(24)} ether   ${network.gatewayMac}   C                     ${host.interfaceName}\n`
      : `? (${network.gateway}) at ${network.gatewayMac} [ether] on ${host.interfaceName}\n`,
  )
  return 0
}

const ping: CommandTable[string] = async (run, args) => {
  const { flags, rest } = options(args, 'c:i:w:W:s:qnI:t:46')
  const name = rest[0]
  if (name === undefined) {
    run.err(
      run.shell.ash
        ? 'BusyBox v1.30.1 () multi-call binary.\n\nUsage: ping [OPTIONS] HOST\n'
        : 'Usage: ping [-aAbBdDfhLnOqrRUvV64] [-c count] [-i interval] destination\n',
    )
    return 2
  }
  const ip = addressOf(run, name)
  if (!ip) {
    refused(run, name)
    await run.shell.pause(2000)
    run.err(run.shell.ash ? `ping: bad address '${name}'\n` : `ping: ${name}: Name or service not known\n`)
    return run.shell.ash ? 1 : 2
  }
  const near = isSelf(run, ip) || ip === run.seat.world.network.gateway
  if (!near) refused(run, ip)
  const count = Math.min(Number(flags.get('c')) || (run.toTerminal ? 100_000 : 100), 100_000)
  run.out(`PING ${name} (${ip})${run.shell.ash ? ': 56 data bytes' : ' 56(84) bytes of data.'}\n`)
  let sent = 0
  const times: number[] = []
  const began = run.seat.now()
  try {
    for (; sent < count; ) {
      sent++
      if (near) {
        const ms = isSelf(run, ip) ? 0.02 + Math.random() * 0.04 : 0.3 + Math.random() * 0.5
        times.push(ms)
        run.out(
          run.shell.ash
            ? `64 bytes from ${ip}: seq=${sent - 1} ttl=64 time=${ms.toFixed(3)} ms\n`
            : `64 bytes from ${ip}: icmp_seq=${sent} ttl=64 time=${ms.toFixed(3)} ms\n`,
        )
      }
      if (sent < count || !near) await run.shell.pause(sent === count ? 9000 : 1000)
    }
  } finally {
    const loss = Math.round(((sent - times.length) / sent) * 100)
    run.out(
      `\n--- ${name} ping statistics ---\n${sent} packets transmitted, ${times.length} ${run.shell.ash ? 'packets received' : 'received'}, ${loss}% packet loss${run.shell.ash ? '' : `, time ${Math.max(0, run.seat.now() - began)}ms`}\n`,
    )
    if (times.length > 0) {
      const [min, max, avg] = [Math.min(...times), Math.max(...times), times.reduce((a, b) => a + b, 0) / times.length]
      run.out(
        run.shell.ash
          ? `round-trip min/avg/max = ${min.toFixed(3)}/${avg.toFixed(3)}/${max.toFixed(3)} ms\n`
          : `rtt min/avg/max/mdev = ${min.toFixed(3)}/${avg.toFixed(3)}/${max.toFixed(3)}/${((max - min) / 3).toFixed(3)} ms\n`,
      )
    }
  }
  return times.length > 0 ? 0 : 1
}

/** Asks the resolver, which answers for this host only; the network lets nothing else out. */
const lookup =
  (style: 'nslookup' | 'dig' | 'host'): CommandTable[string] =>
  async (run, args) => {
    const { network } = run.seat.world
    const server =
      args.find((a) => a.startsWith('@'))?.slice(1) ??
      (run.seat.world.host.flavour === 'ubuntu' ? '127.0.0.53' : run.shell.ash ? '127.0.0.1' : (network.resolvers[0] as string))
    const name = args.find((a) => !/^[-+@]|^(A|AAAA|MX|TXT|NS|ANY|CNAME|SOA)$/i.test(a))
    if (!name) return style === 'dig' ? 0 : 1
    const ip = addressOf(run, name)
    if (ip && !/^\d/.test(name)) {
      run.out(
        style === 'nslookup'
          ? `Server:\t\t${server}\nAddress:\t${server}#53\n\nName:\t${name}\nAddress: ${ip}\n\n`
          : style === 'host'
            ? `${name} has address ${ip}\n`
            : args.includes('+short')
              ? `${ip}\n`
              : `\n;; ANSWER SECTION:\n${name}.\t\t3600\tIN\tA\t${ip}\n\n;; SERVER: ${server}#53(${server})\n`,
      )
      return 0
    }
    refused(run, name, 53)
    if (run.shell.ash) {
      await run.shell.pause(5000)
      run.out(`Server:\t\t${server}\nAddress:\t${server}#53\n\n*** Can't find ${name}: No answer\n`)
      return 1
    }
    await run.shell.pause(style === 'dig' ? 15_000 : 10_000)
    run.out(
      style === 'dig'
        ? `\n; <<>> DiG 9.11 <<>> ${args.join(' ')}\n;; global options: +cmd\n;; connection timed out; no servers could be reached\n`
        : ';; connection timed out; no servers could be reached\n\n',
    )
    return style === 'dig' ? 9 : 1
  }

export const networkCommands: CommandTable = {
  netstat,
  ss,
  ifconfig,
  route,
  arp,
  ping,
  ping6: ping,
  nslookup: lookup('nslookup'),
  dig: lookup('dig'),
  host: lookup('host'),
  ip(run, args) {
    const { host, network, persona } = run.seat.world
    const plain = args.filter((a) => !a.startsWith('-'))
    const brief = args.some((a) => a === '-br' || a === '-brief')
    const what = plain[0] ?? ''
    if (/^a(ddr(ess)?)?$/.test(what) || /^l(ink)?$/.test(what)) {
      if (plain[1] && /^(add|del|set)$/.test(plain[1])) return run.seat.user.uid === 0 ? 0 : complain(run, 'RTNETLINK answers: Operation not permitted\n', 2)
      const addresses = !what.startsWith('l')
      const wanted = plain.at(-1) !== what && plain.at(-1) !== 'show' ? plain.at(-1) : undefined
      if (wanted && wanted !== 'lo' && wanted !== host.interfaceName && wanted !== 'list') {
        run.err(`Device "${wanted}" does not exist.\n`)
        return 1
      }
      if (brief) {
        run.out(
          `lo               UNKNOWN        ${addresses ? '127.0.0.1/8 ::1/128' : '00:00:00:00:00:00 <LOOPBACK,UP,LOWER_UP>'} \n${host.interfaceName.padEnd(16)} UP             ${addresses ? `${network.address}/${network.prefix} ${network.address6}/64` : `${persona.mac} <BROADCAST,MULTICAST,UP,LOWER_UP>`} \n`,
        )
        return 0
      }
      if (!wanted || wanted === 'lo')
        run.out(
          `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n${addresses ? '    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n    inet6 ::1/128 scope host \n       valid_lft forever preferred_lft forever\n' : ''}`,
        )
      if (wanted !== 'lo')
        run.out(
          `2: ${host.interfaceName}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc ${host.flavour === 'openwrt' ? 'noqueue' : 'mq'} state UP group default qlen 1000\n    link/ether ${persona.mac} brd ff:ff:ff:ff:ff:ff\n${addresses ? `    inet ${network.address}/${network.prefix} brd ${network.broadcast} scope global ${host.interfaceName}\n       valid_lft forever preferred_lft forever\n    inet6 ${network.address6}/64 scope link \n       valid_lft forever preferred_lft forever\n` : ''}`,
        )
      return 0
    }
    if (/^r(oute)?$/.test(what)) {
      run.out(
        `default via ${network.gateway} dev ${host.interfaceName} ${host.flavour === 'openwrt' ? '' : host.flavour === 'debian' ? 'onlink ' : 'proto static metric 100 '}\n${network.base}/${network.prefix} dev ${host.interfaceName} proto kernel scope link src ${network.address} ${host.flavour === 'centos' ? 'metric 100 ' : ''}\n`,
      )
      return 0
    }
    if (/^n(eigh(bou?r)?)?$/.test(what)) {
      run.out(`${network.gateway} dev ${host.interfaceName} lladdr ${network.gatewayMac} REACHABLE\n`)
      return 0
    }
    if (what === '') {
      run.err('Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }\n')
      return 255
    }
    run.err(`Object "${what}" is unknown, try "ip help".\n`)
    return 1
  },
  async traceroute(run, args) {
    const name = args.filter((a) => !a.startsWith('-'))[0] ?? ''
    const ip = addressOf(run, name)
    refused(run, name)
    if (!ip) {
      await run.shell.pause(2000)
      run.err(`${name}: Name or service not known\nCannot handle "host" cmdline arg \`${name}' on position 1 (argc 1)\n`)
      return 2
    }
    run.out(
      `traceroute to ${name} (${ip}), 30 hops max, 60 byte packets\n 1  ${run.seat.world.network.gateway} (${run.seat.world.network.gateway})  0.612 ms  0.581 ms  0.570 ms\n`,
    )
    for (let hop = 2; hop <= 30; hop++) {
      await run.shell.pause(5000)
      run.out(`${String(hop).padStart(2)}  * * *\n`)
    }
    return 0
  },
  ethtool: (run, args) => say(run, `Settings for ${args[0] ?? ''}:\n\tSpeed: 1000Mb/s\n\tDuplex: Full\n\tLink detected: yes\n`),
  brctl: (run) => (
    run.out(`bridge name\tbridge id\t\tSTP enabled\tinterfaces\nbr-lan\t\t7fff.${run.seat.world.persona.mac.replaceAll(':', '')}\tno\t\teth0.1\n`), 0
  ),
  async tcpdump(run) {
    if (run.seat.user.uid !== 0) return run.fault(`${run.seat.world.host.interfaceName}: You don't have permission to capture on that device`)
    run.err(
      `tcpdump: verbose output suppressed, use -v or -vv for full protocol decode\nlistening on ${run.seat.world.host.interfaceName}, link-type EN10MB (Ethernet), capture size 262144 bytes\n`,
    )
    await run.shell.pause(3_600_000)
    return 0
  },
}

/** How the host sits in its network: addresses, routes, names, sockets. */
import type { Host } from './host.ts'

export interface Network {
  /** The address that this adversary reached, or a drawn private one when it was reached over loopback. */
  readonly address: string
  readonly prefix: number
  readonly netmask: string
  readonly broadcast: string
  readonly base: string
  readonly gateway: string
  readonly gatewayMac: string
  readonly resolvers: readonly string[]
  readonly address6: string
  /** TCP ports that answer, with the process that holds each. */
  listening(): { port: number; process: string; pid: number; local?: string }[]
  /** Tells which address and port a service of this decoy was reached at. */
  reached(service: 'ssh' | 'http' | 'https', ip: string, port: number): void
  /** Port that a service answers on. */
  port(service: 'ssh' | 'http' | 'https'): number
  /** Bytes and packets of the outside interface since boot, at a time. */
  traffic(now: number): { rxBytes: number; rxPackets: number; txBytes: number; txPackets: number }
}

const standard = { ssh: 22, http: 80, https: 443 }

/** The network view of a host; cheap, nothing is kept but what was reached. */
export function openNetwork(host: Host): Network {
  const { persona } = host
  const number = (purpose: string, from: number, to: number): number => persona.number(`net-${purpose}`, from, to)
  const ports = new Map<string, number>()
  let reachedAt = ''
  const drawn = (): string => (host.flavour === 'openwrt' ? '192.168.1.1' : `10.${number('b', 10, 240)}.${number('c', 1, 30)}.${number('d', 11, 240)}`)
  const address = (): string => reachedAt || drawn()
  const octets = (): string[] => address().split('.')
  const at24 = (last: number): string => [...octets().slice(0, 3), last].join('.')
  return {
    get address() {
      return address()
    },
    prefix: 24,
    netmask: '255.255.255.0',
    get broadcast() {
      return at24(255)
    },
    get base() {
      return at24(0)
    },
    get gateway() {
      return at24(Number(octets()[3]) === 254 ? 253 : 254)
    },
    gatewayMac: `00:0f:e2:${[1, 2, 3].map((i) => number(`gw-${i}`, 0, 255).toString(16).padStart(2, '0')).join(':')}`,
    resolvers: [
      `10.${number('b', 10, 240)}.${number('dns', 0, 3)}.${number('dns1', 5, 12)}`,
      `10.${number('b', 10, 240)}.${number('dns', 0, 3)}.${number('dns1', 5, 12) + 1}`,
    ],
    get address6() {
      const mac = persona.mac.split(':').map((part) => Number.parseInt(part, 16))
      const hex = (a: number, b: number): string => (((a ?? 0) << 8) | (b ?? 0)).toString(16)
      return `fe80::${hex((mac[0] ?? 0) ^ 2, mac[1] ?? 0)}:${hex(mac[2] ?? 0, 0xff)}:${hex(0xfe, mac[3] ?? 0)}:${hex(mac[4] ?? 0, mac[5] ?? 0)}`
    },
    listening() {
      const ssh = {
        port: ports.get('ssh') ?? 22,
        process: persona.template.ssh?.server === 'dropbear' ? 'dropbear' : 'sshd',
        pid: number('sshd-pid', 900, 1400),
      }
      const list: { port: number; process: string; pid: number; local?: string }[] = [ssh]
      const web = persona.template.web
      if (web) {
        const pid = number('web-pid', 1401, 1900)
        const process = web.server === 'apache' ? 'httpd' : 'nginx'
        list.push({ port: ports.get('http') ?? 80, process, pid }, { port: ports.get('https') ?? 443, process, pid })
      }
      if (host.flavour === 'openwrt') list.push({ port: 53, process: 'dnsmasq', pid: number('dns-pid', 1401, 1900) })
      else if (host.flavour === 'centos') list.push({ port: 25, process: 'master', pid: number('master-pid', 1901, 2300), local: '127.0.0.1' })
      else if (host.flavour === 'ubuntu') list.push({ port: 53, process: 'systemd-resolve', pid: number('resolve-pid', 700, 890), local: '127.0.0.53' })
      return list.sort((a, b) => a.port - b.port)
    },
    reached(service, ip, port) {
      if (/^\d+\.\d+\.\d+\.\d+$/.test(ip) && !ip.startsWith('127.') && ip !== '0.0.0.0') reachedAt = ip
      ports.set(service, port)
    },
    port: (service) => ports.get(service) ?? standard[service],
    traffic(now) {
      const seconds = Math.max(60, (now - persona.bootedAt) / 1000)
      const rxBytes = Math.floor(seconds * number('rx-rate', 900, 42000))
      const txBytes = Math.floor(seconds * number('tx-rate', 500, 31000))
      return { rxBytes, rxPackets: Math.floor(rxBytes / number('rx-size', 190, 610)), txBytes, txPackets: Math.floor(txBytes / number('tx-size', 180, 700)) }
    },
  }
}

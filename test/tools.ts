/** Programs from Debian that the tests use as real clients: installed as root in one command, or named in one line. */
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian package by the program, or by the file of a library, that it brings. */
export const tools: Record<string, string> = {
  ssh: 'openssh-client',
  sshd: 'openssh-server',
  sshpass: 'sshpass',
  dropbear: 'dropbear-bin',
  curl: 'curl',
  nmap: 'nmap',
  hydra: 'hydra',
  chromium: 'chromium',
  openssl: 'openssl',
  nginx: 'nginx-light',
  haproxy: 'haproxy',
  unzip: 'unzip',
  ps: 'procps',
  mbpoll: 'mbpoll',
  tshark: 'tshark',
  snmpget: 'snmp',
  lftp: 'lftp',
  ip: 'iproute2',
  nft: 'nftables',
  tcpdump: 'tcpdump',
  'arp-scan': 'arp-scan',
  arping: 'iputils-arping',
  dhcpd: 'isc-dhcp-server',
  dhclient: 'isc-dhcp-client',
  ping: 'iputils-ping',
  smbclient: 'smbclient',
  xfreerdp: 'freerdp2-x11',
  'xvfb-run': 'xvfb',
  xauth: 'xauth',
  '/usr/bin/python3': 'python3',
  '/usr/lib/python3/dist-packages/impacket': 'python3-impacket',
  '/usr/lib/python3/dist-packages/pymodbus': 'python3-pymodbus',
  // Its package imports this and does not name it.
  '/usr/lib/python3/dist-packages/serial_asyncio': 'python3-serial-asyncio',
}

/** What `npm run bench` needs besides: independent servers to measure against. */
export const benchTools: Record<string, string> = {
  gcc: 'gcc',
  '/usr/include/modbus/modbus.h': 'libmodbus-dev',
  '/usr/include/stdio.h': 'libc6-dev',
  snmpd: 'snmpd',
}

const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']

export function findTool(name: string): string | undefined {
  const absolute = name.startsWith('/')
  for (const path of absolute ? [name] : folders.map((folder) => join(folder, name))) {
    try {
      accessSync(path, absolute ? constants.R_OK : constants.X_OK)
      return path
    } catch {
      // not in this folder
    }
  }
  return undefined
}

/** Installs what is missing in one `apt-get install`, three tries. Returns a sentence when something is still missing. */
export function installTools(log: (line: string) => void, more: Record<string, string> = {}): string | undefined {
  const wanted = { ...tools, ...more }
  const missing = Object.keys(wanted).filter((name) => !findTool(name))
  if (missing.length === 0) return undefined
  const packages = [...new Set(missing.map((name) => wanted[name] as string))].sort()
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
  if (process.getuid?.() !== 0) return `the tests need ${missing.join(', ')}; as root: apt-get update && ${command}`
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (let attempt = 1; attempt <= 3; attempt++) {
    log(`installing ${packages.join(' ')} (try ${attempt} of 3)`)
    spawnSync('apt-get', ['update', '-qq'], { env, stdio: 'ignore' })
    const result = spawnSync('apt-get', command.split(' ').slice(1), { env, encoding: 'utf8' })
    if (result.status === 0 && Object.keys(wanted).every(findTool)) return undefined
    if (attempt === 3) return `could not install ${packages.join(' ')}: ${(result.stderr ?? '').trim().split('\n').pop() ?? 'apt-get failed'}`
  }
  return undefined
}

/** Refuses a persona that contradicts itself: era, vendor, architecture, clock, and banner against key exchange. */
import type { PersonaTemplate } from './persona.ts'
import { lintDevice } from './persona-linter-device.ts'
import { lintSsh } from './persona-linter-ssh.ts'
import { lintWindows } from './persona-linter-windows.ts'

/** Every contradiction as one sentence that begins with the path; none for a persona that holds together. `today` as YYYY-MM-DD. */
export const lintPersona = (template: PersonaTemplate, today?: string): string[] => [...findContradictions(template, today), ...lintZone(template)]

/** The same but for the name of the time zone, whose tables take 9 MiB of memory: for a host that runs what was linted before. */
export function findContradictions(template: PersonaTemplate, today = new Date().toISOString().slice(0, 10)): string[] {
  return [
    ...lintEra(template, today),
    ...lintHardware(template),
    ...lintHost(template),
    ...(template.ssh ? lintSsh({ os: template.os, ssh: template.ssh }) : []),
    ...lintWeb(template),
    ...lintDevice(template),
    ...lintWindows(template),
  ]
}

/** Kernel series that distributions shipped in those releases: [distribution, release prefix, kernel prefix]. */
const kernels: [RegExp, string, string][] = [
  [/centos|red hat|rhel|oracle/i, '6', '2.6.32-'],
  [/centos|red hat|rhel|oracle/i, '7', '3.10.0-'],
  [/centos|red hat|rhel|rocky|alma|oracle|anolis/i, '8', '4.18.0-'],
  [/red hat|rhel|rocky|alma|oracle/i, '9', '5.14.0-'],
  [/debian/i, '8', '3.16.0-'],
  [/debian/i, '9', '4.9.0-'],
  [/debian/i, '10', '4.19.0-'],
  [/debian/i, '11', '5.10.0-'],
  [/debian/i, '12', '6.1.0-'],
  [/debian/i, '13', '6.12.'],
  [/openwrt/i, '18.06', '4.'],
  [/openwrt/i, '19.07', '4.14.'],
  [/openwrt/i, '21.02', '5.4.'],
  [/openwrt/i, '22.03', '5.10.'],
  [/openwrt/i, '23.05', '5.15.'],
]
/** First month of each kernel series, from which on anything can run it. */
const kernelBorn: [string, string][] = [
  ['2.6.32', '2009-12-03'],
  ['3.10', '2013-06-30'],
  ['3.16', '2014-08-03'],
  ['4.4', '2016-01-10'],
  ['4.9', '2016-12-11'],
  ['4.14', '2017-11-12'],
  ['4.15', '2018-01-28'],
  ['4.18', '2018-08-12'],
  ['4.19', '2018-10-22'],
  ['5.4', '2019-11-24'],
  ['5.10', '2020-12-13'],
  ['5.14', '2021-08-29'],
  ['5.15', '2021-10-31'],
  ['6.1', '2022-12-11'],
  ['6.6', '2023-10-29'],
  ['6.8', '2024-03-10'],
  ['6.12', '2024-11-17'],
]

function lintEra({ os, host }: PersonaTemplate, today: string): string[] {
  const wrong: string[] = []
  const [first, last] = host.installed
  if (os.released >= os.retired) wrong.push(`os.retired: ${os.retired} is not after its release on ${os.released}`)
  if (first > last) wrong.push('host.installed: the range is upside down')
  if (first < os.released) wrong.push(`host.installed: ${first} is before ${os.distribution} ${os.release} came out (${os.released})`)
  if (last > os.retired) wrong.push(`host.installed: ${last} is after ${os.distribution} ${os.release} was retired (${os.retired})`)
  if (last > today) wrong.push(`host.installed: ${last} lies in the future`)
  for (const [distribution, release, kernel] of kernels) {
    if (!distribution.test(os.distribution) || os.release.split('.')[0] !== release.split('.')[0] || !os.release.startsWith(release)) continue
    if (!os.kernel.startsWith(kernel)) wrong.push(`os.kernel: ${os.distribution} ${os.release} runs ${kernel}*, not ${os.kernel}`)
  }
  if (os.family !== 'linux') return wrong
  const series = /^\d+\.\d+(\.\d+)?/.exec(os.kernel)?.[0] ?? ''
  const born = kernelBorn.find(([prefix]) => series === prefix || series.startsWith(`${prefix}.`))
  if (born && last < born[1]) wrong.push(`os.kernel: ${os.kernel} came out in ${born[1]}, after the host was installed`)
  if (born && os.retired < born[1]) wrong.push(`os.kernel: ${os.kernel} is younger than the end of ${os.distribution} ${os.release}`)
  // `#1 SMP Mon Oct 19 16:18:59 UTC 2020`, or Debian's `#1 SMP Debian 5.10.149-2 (2022-10-21)`
  const built = /\((\d{4}-\d\d-\d\d)\)/.exec(os.kernelBuild)?.[1] ?? monthOf(os.kernelBuild)
  if (built) {
    if (born && built < born[1].slice(0, built.length)) wrong.push(`os.kernelBuild: built in ${built}, before its series came out in ${born[1]}`)
    if (built > last) wrong.push(`os.kernelBuild: built in ${built}, after the host was installed (${last})`)
    if (built < os.released.slice(0, built.length) && !/openwrt/i.test(os.distribution) && Number(os.released.slice(0, 4)) - Number(built.slice(0, 4)) > 1)
      wrong.push(`os.kernelBuild: built in ${built}, long before ${os.distribution} ${os.release} (${os.released})`)
  } else wrong.push('os.kernelBuild: says no day on which the kernel was built')
  return wrong
}

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
function monthOf(build: string): string | undefined {
  const [, month, day, year] = /\b([A-Z][a-z]{2})\s+(\d{1,2}) \d\d:\d\d:\d\d(?: [A-Z]+)? (\d{4})/.exec(build) ?? []
  if (!month || !months.includes(month)) return undefined
  return `${year}-${String(months.indexOf(month) + 1).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

/** First three bytes of network cards by who made them; only vendors that personas use. */
const makers: [RegExp, RegExp][] = [
  [/vmware/i, /^00:(50:56|0c:29|05:69|1c:14)/],
  [/qemu|kvm|red hat/i, /^52:54:00/],
  [/virtualbox|innotek/i, /^08:00:27/],
  [/xen/i, /^00:16:3e/],
  [/hyper-v|microsoft/i, /^00:15:5d/],
]
const virtual = makers.map(([, prefix]) => prefix)
/** Cards of these are in machines of nobody else. */
const exclusive: [RegExp, string, string[]][] = [
  [/vmware/i, 'VMware', ['00:50:56', '00:0c:29', '00:05:69', '00:1c:14']],
  [/qemu|kvm|red hat/i, 'QEMU', ['52:54:00']],
  [/virtualbox|innotek/i, 'VirtualBox', ['08:00:27']],
  [/raspberry/i, 'Raspberry Pi', ['b8:27:eb', 'dc:a6:32', 'e4:5f:01', 'd8:3a:dd', '28:cd:c1', '2c:cf:67']],
  [/siemens/i, 'Siemens', ['00:0e:8c', '00:1b:1b', '28:63:36', '8c:f3:19', 'ac:64:17', 'e0:dc:a0']],
  [/inspur/i, 'Inspur', ['04:31:10', '5c:b4:e2', '6c:92:bf', '9c:c2:c4', 'b4:05:5d', 'bc:20:ba', 'c0:a6:6d', 'c8:ef:bc']],
  [
    /tp-?link/i,
    'TP-Link',
    [
      '00:0a:eb',
      '00:14:78',
      '00:19:e0',
      '00:1d:0f',
      '00:21:27',
      '00:23:cd',
      '00:25:86',
      '00:27:19',
      '08:1f:71',
      '08:57:00',
      '0c:4b:54',
      '0c:72:2c',
      '0c:80:63',
      '0c:82:68',
      '10:fe:ed',
      '14:75:90',
      '14:86:92',
      '14:cc:20',
      '14:cf:92',
      '14:e6:e4',
      '18:a6:f7',
      '18:d6:c7',
      '18:f2:2c',
      '1c:3b:f3',
      '1c:44:19',
      '1c:fa:68',
      '20:6b:e7',
      '20:dc:e6',
      '24:69:68',
      '28:2c:b2',
      '28:ee:52',
      '30:b4:9e',
      '30:b5:c2',
      '30:fc:68',
      '34:96:72',
      '34:e8:94',
      '34:f7:16',
      '38:83:45',
      '3c:06:a7',
      '3c:46:d8',
      '3c:84:6a',
      '40:16:9f',
      '40:3f:8c',
      '44:b3:2d',
      '48:0e:ec',
      '48:7d:2e',
      '50:3e:aa',
      '50:bd:5f',
      '50:c7:bf',
      '50:d4:f7',
      '50:fa:84',
      '54:75:95',
      '54:a7:03',
      '54:c8:0f',
      '54:e6:fc',
      '58:41:20',
      '5c:63:bf',
      '5c:89:9a',
      '60:32:b1',
      '60:3a:7c',
      '98:da:c4',
      'b0:be:76',
      'c4:6e:1f',
    ],
  ],
  [
    /hewlett|hpe?\b/i,
    'HPE',
    [
      '00:14:38',
      '00:4e:35',
      '00:fd:45',
      '04:09:73',
      '08:97:34',
      '08:f1:ea',
      '14:02:ec',
      '1c:98:ec',
      '20:67:7c',
      '20:a6:cd',
      '24:f2:7f',
      '30:3f:bb',
      '48:df:37',
    ],
  ],
  [/moxa/i, 'Moxa', ['00:90:e8']],
  [/advantech/i, 'Advantech', ['00:0b:ab', '00:0e:02', '00:14:53', '00:d0:c9', '74:fe:48', 'c4:00:ad', 'cc:82:7f']],
  [/super ?micro/i, 'Supermicro', ['00:25:90', '00:30:48', '0c:c4:7a', '3c:ec:ef', '7c:c2:55', 'ac:1f:6b']],
]

function lintHardware({ os, hardware }: PersonaTemplate): string[] {
  const wrong: string[] = []
  const made = `${hardware.vendor} ${hardware.model}`
  for (const prefix of hardware.macPrefixes) {
    const first = Number.parseInt(prefix.slice(0, 2), 16)
    if (first & 1) wrong.push(`hardware.macPrefixes: ${prefix} is a group address, which no card has`)
    if (first & 2 && prefix !== '52:54:00') wrong.push(`hardware.macPrefixes: ${prefix} is locally administered, not a vendor's`)
    for (const [vendor, name, prefixes] of exclusive)
      if (prefixes.includes(prefix) && !vendor.test(made)) wrong.push(`hardware.macPrefixes: ${prefix} is ${name}'s, and the host is ${made}`)
  }
  for (const [vendor, prefix] of makers) {
    if (vendor.test(made) && !hardware.macPrefixes.every((mac) => prefix.test(mac)))
      wrong.push(`hardware.macPrefixes: a ${hardware.vendor} machine has cards of ${String(prefix)}`)
  }
  if (!makers.some(([vendor]) => vendor.test(made)) && hardware.macPrefixes.some((mac) => virtual.some((prefix) => prefix.test(mac))))
    wrong.push(`hardware.macPrefixes: a virtual card in ${made}`)

  if (os.family === 'embedded') return wrong
  const cpu = hardware.cpu.toLowerCase()
  const x86 = /intel|amd|xeon|core\(tm\)|epyc|hygon|zhaoxin/.test(cpu)
  const arm = /arm|cortex|kunpeng|phytium|ampere|graviton|bcm2|allwinner|rockchip/.test(cpu)
  const mips = /mips|mt76|ar9|qca9|ar7|rt5|rt3/.test(cpu)
  const claims: [boolean, string[]][] = [
    [x86, ['x86_64']],
    [arm, ['aarch64', 'armv7l']],
    [mips, ['mips']],
  ]
  if (claims.some(([is]) => is) && !claims.some(([is, of]) => is && of.includes(os.architecture)))
    wrong.push(`hardware.cpu: ${hardware.cpu} does not run ${os.architecture}`)
  if (/x86_64|amd64/.test(os.kernel) && os.architecture !== 'x86_64') wrong.push(`os.kernel: ${os.kernel} is for x86_64, and the host is ${os.architecture}`)
  if (/aarch64|arm64/.test(os.kernel) && os.architecture !== 'aarch64') wrong.push(`os.kernel: ${os.kernel} is for aarch64, and the host is ${os.architecture}`)
  if (/-686|i[3-6]86/.test(os.kernel)) wrong.push(`os.kernel: ${os.kernel} is for 32-bit Intel, and the host is ${os.architecture}`)
  if (/centos|red hat|rhel/i.test(os.distribution) && ['mips', 'armv7l'].includes(os.architecture))
    wrong.push(`os.architecture: ${os.distribution} does not exist for ${os.architecture}`)
  const embedded = /openwrt|buildroot|lede/i.test(os.distribution)
  if (embedded && os.libc === 'glibc') wrong.push(`os.libc: ${os.distribution} is built with musl or uClibc`)
  if (!embedded && os.libc !== 'glibc' && !/alpine/i.test(os.distribution)) wrong.push(`os.libc: ${os.distribution} is built with glibc`)
  if (embedded && os.shell === 'bash') wrong.push(`os.shell: ${os.distribution} has ash`)
  if (hardware.memoryMiB > 32_768 * hardware.cores) wrong.push(`hardware.memoryMiB: ${hardware.memoryMiB} MiB with ${hardware.cores} cores`)
  return wrong
}

/** Names that are known from decoys everywhere. */
const burnt = new Set(['svr04', 'srv04', 'nas3', 'honeypot', 'cowrie', 'kippo', 'dionaea', 'localhost', 'phil', 'richard'])

function lintHost({ host, hardware, os, ssh }: PersonaTemplate): string[] {
  const wrong: string[] = []
  for (const name of [...host.hostname, ...host.accounts]) if (burnt.has(name.toLowerCase())) wrong.push(`host: ${name} is known from decoys`)
  // Each site's organisation has a name of its own, and so do its hosts where it is in theirs.
  const variants = (pattern: string): number =>
    (pattern.includes('{site}') ? 1000 : 1) * [...pattern].reduce((count, sign) => count * (sign === '#' ? 10 : sign === '@' ? 26 : 1), 1)
  if (host.hostname.reduce((sum, pattern) => sum + variants(pattern), 0) < 1000)
    wrong.push('host.hostname: the patterns leave fewer than 1,000 names, so two sites would share one')
  if (variants(hardware.serialPattern) < 1_000_000) wrong.push('hardware.serialPattern: leaves fewer than 1,000,000 numbers, so two sites would share one')
  const [least, most] = host.uptimeDays
  if (least > most) wrong.push('host.uptimeDays: the range is upside down')
  if (most > 2000) wrong.push(`host.uptimeDays: ${most} days without a boot`)
  if (ssh?.server === 'dropbear' && os.shell === 'bash' && os.libc === 'glibc' && !/buildroot|yocto|debian/i.test(os.distribution))
    wrong.push(`ssh.server: ${os.distribution} with bash runs OpenSSH`)
  if (ssh?.server === 'openssh' && /openwrt/i.test(os.distribution)) wrong.push(`ssh.server: ${os.distribution} runs Dropbear`)
  return wrong
}

function lintZone({ host }: PersonaTemplate): string[] {
  try {
    new Intl.DateTimeFormat('en', { timeZone: host.timezone })
    return []
  } catch {
    return [`host.timezone: there is no ${host.timezone}`]
  }
}

function lintWeb({ os, web }: PersonaTemplate): string[] {
  if (!web) return []
  const wrong: string[] = []
  if (!web.header.toLowerCase().startsWith(web.server)) wrong.push(`web.header: ${web.header} is not what ${web.server} says`)
  const said = /\/(\d[\d.]*)/.exec(web.header)?.[1]
  if (said && said !== web.version) wrong.push(`web.header: says ${said}, and the version is ${web.version}`)
  if (web.released > os.retired)
    wrong.push(`web.released: ${web.server} of ${web.released} is younger than the end of ${os.distribution} ${os.release} (${os.retired})`)
  const [, platform] = /\((CentOS|Debian|Ubuntu|Red Hat[^)]*|Unix)\)/i.exec(web.header) ?? []
  if (platform && platform.toLowerCase() !== 'unix' && !os.distribution.toLowerCase().includes(platform.toLowerCase().split(' ')[0] as string))
    wrong.push(`web.header: says ${platform}, and the host is ${os.distribution}`)
  const order = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']
  if (order.indexOf(web.tls.min) > order.indexOf(web.tls.max)) wrong.push('web.tls: the range of versions is upside down')
  // TLS 1.3 came with OpenSSL 1.1.1 (2018-09) and nginx 1.13.0; CentOS 7 has OpenSSL 1.0.2 to its end.
  if (web.tls.max === 'TLSv1.3' && /centos|red hat|rhel/i.test(os.distribution) && /^[67]/.test(os.release) && !/openssl\/1\.1\.1|openssl\/3/i.test(web.header))
    wrong.push(`web.tls.max: the OpenSSL of ${os.distribution} ${os.release} has no TLS 1.3`)
  if (web.tls.max === 'TLSv1.3' && web.server !== 'apache' && web.released < '2017-04-25')
    wrong.push(`web.tls.max: ${web.server} ${web.version} has no TLS 1.3`)
  if (web.tls.max === 'TLSv1.3' && os.retired < '2018-09-11') wrong.push(`web.tls.max: ${os.distribution} ${os.release} was retired before TLS 1.3`)
  return wrong
}

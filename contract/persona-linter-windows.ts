/** What would betray a Windows host: a build of another release, a dialect that the build has not or no longer has, names that NetBIOS cuts off. */
import type { PersonaTemplate } from './persona.ts'
import { type SmbDialect, smbDialects } from './windows.ts'

/** Builds by the releases that have them, and the day on which they came out. Every release of one family shares its builds between client and server. */
const builds: readonly [build: number, version: string, releases: RegExp, born: string][] = [
  [7601, '6.1', /^Windows (?:7|Server 2008 R2)\b/, '2011-02-22'],
  [9200, '6.2', /^Windows (?:8(?!\.)|Server 2012(?! R2))\b/, '2012-09-04'],
  [9600, '6.3', /^Windows (?:8\.1|Server 2012 R2)\b/, '2013-10-17'],
  [10_240, '10.0', /^Windows 10\b/, '2015-07-29'],
  [14_393, '10.0', /^Windows (?:10|Server 2016)\b/, '2016-08-02'],
  [17_763, '10.0', /^Windows (?:10|Server 2019)\b/, '2018-10-02'],
  [19_041, '10.0', /^Windows 10\b/, '2020-05-27'],
  [19_042, '10.0', /^Windows 10\b/, '2020-10-20'],
  [19_043, '10.0', /^Windows 10\b/, '2021-05-18'],
  [19_044, '10.0', /^Windows 10\b/, '2021-11-16'],
  [19_045, '10.0', /^Windows 10\b/, '2022-10-18'],
  [20_348, '10.0', /^Windows Server 2022\b/, '2021-08-18'],
  [22_631, '10.0', /^Windows 11\b/, '2023-10-31'],
  [26_100, '10.0', /^Windows (?:11|Server 2025)\b/, '2024-10-01'],
]
/** The build from which on a dialect is spoken; all older ones of the SMB 2 family are kept with it. */
const since: Record<SmbDialect, number> = { 'NT LM 0.12': 0, '2.0.2': 6000, '2.1': 7600, '3.0': 9200, '3.0.2': 9600, '3.1.1': 10_240 }
/** From the autumn of 2017 on SMB1 is not installed. */
const withoutSmb1 = 16_299
const longestSite = 10

/** Every contradiction as one sentence that begins with the path. */
export function lintWindows({ os, host, windows, smb, rdp, ssh, device }: PersonaTemplate): string[] {
  const wrong: string[] = []
  if (os.family !== 'windows') {
    for (const [name, section] of Object.entries({ windows, smb, rdp }))
      if (section) wrong.push(`${name}: ${os.distribution} is not Windows, and this is how Windows answers`)
    return wrong
  }
  if (!windows) wrong.push('windows: a Windows host belongs to a domain or a workgroup; say which')
  if (device) wrong.push('device: a Windows host is no device with firmware of its own')
  if (ssh) wrong.push('ssh: the shell behind it is not that of Windows')
  if (os.shell !== 'none') wrong.push('os.shell: no shell of Windows is served')
  if (os.architecture !== 'x86_64') wrong.push(`os.architecture: Windows does not run on ${os.architecture} here`)
  if (host.accounts.includes('root')) wrong.push('host.accounts: Windows has no root')
  for (const pattern of host.hostname) {
    const longest = pattern.replaceAll('{site}', 'x'.repeat(longestSite)).length
    if (longest > 15) wrong.push(`host.hostname: ${pattern} may have ${longest} characters, and NetBIOS cuts a name off after 15`)
  }
  if (windows) {
    if (!windows.edition.startsWith(os.distribution)) wrong.push(`windows.edition: ${windows.edition} is not ${os.distribution}`)
    for (const name of windows.names)
      if (
        windows.membership === 'domain'
          ? !/\.|\{domain\}/.test(name)
          : /\.|\{domain\}/.test(name) || name.replaceAll('{site}', 'x'.repeat(longestSite)).length > 15
      )
        wrong.push(`windows.names: ${name} is not the name of a ${windows.membership}`)
  }
  const [, version = '', number = ''] = /^(\d+\.\d+)\.(\d+)$/.exec(os.kernel) ?? []
  const build = Number(number)
  const known = builds.find(([each]) => each === build)
  if (!known || known[1] !== version) return [...wrong, `os.kernel: ${os.kernel} is no version of Windows such as 10.0.14393`]
  if (!known[2].test(os.distribution)) wrong.push(`os.kernel: build ${build} is not of ${os.distribution}`)
  if (os.released < known[3]) wrong.push(`os.released: build ${build} came out on ${known[3]}, not on ${os.released}`)
  const ranges = Object.entries({ 'smb.refusalMs': smb?.refusalMs, 'rdp.refusalMs': rdp?.refusalMs })
  for (const [path, range] of ranges) {
    if (range && range[0] >= range[1]) wrong.push(`${path}: no host takes that constant a time; give a range`)
  }
  if (smb) {
    for (const dialect of smbDialects.slice(1))
      if (smb.dialects.includes(dialect) !== build >= since[dialect])
        wrong.push(`smb.dialects: build ${build} ${build >= since[dialect] ? 'speaks' : 'does not speak'} ${dialect}`)
    if (smb.dialects.includes('NT LM 0.12') && build >= withoutSmb1) wrong.push(`smb.dialects: build ${build} comes without SMB1`)
    if (smb.signing === 'enabled' && build >= 26_100) wrong.push(`smb.signing: build ${build} requires it`)
    if (smb.anonymous === 'session' && !/Server/.test(os.distribution)) wrong.push('smb.anonymous: clients of Windows turn an anonymous session away')
  }
  if (rdp) {
    if (rdp.tls.max === 'TLSv1.3' && build < 20_348) wrong.push(`rdp.tls.max: build ${build} has no TLS 1.3`)
    if (rdp.tls.min === 'TLSv1.2' && build < 20_348) wrong.push(`rdp.tls.min: build ${build} still takes TLS 1.0`)
    if (/Home/.test(windows?.edition ?? '')) wrong.push(`rdp: ${windows?.edition} has no remote desktop`)
  }
  return wrong
}

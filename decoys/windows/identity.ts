/** What a Windows host calls itself on the network: names of NetBIOS and DNS, domain or workgroup, version and build. */
import type { WindowsTemplate } from '@shenlou/contract/windows'
import type { Persona } from '../persona.ts'

export interface WindowsIdentity {
  joined: boolean
  /** NetBIOS names, capitals, at most 15 characters. Outside of a domain the host is its own authority, and `domain` is its own name. */
  computer: string
  domain: string
  workgroup: string
  dnsComputer: string
  dnsDomain: string
  /** Name of the forest's root; only inside of a domain. */
  dnsTree: string | undefined
  /** `10.0.14393`. */
  major: number
  minor: number
  build: number
  /** As SMB1 says it: `Windows Server 2016 Standard 14393` and `Windows Server 2016 Standard 6.3`. */
  nativeOs: string
  nativeLanManager: string
}

const made = new WeakMap<Persona, WindowsIdentity>()

/** The names of a persona; made once. Throws when it has no windows section. */
export function windowsIdentity(persona: Persona): WindowsIdentity {
  const known = made.get(persona)
  if (known) return known
  const { windows, os } = persona.template
  if (!windows) throw new Error(`persona ${persona.template.id} has no windows section`)
  const [major = 10, minor = 0, build = 0] = os.kernel.split('.').map(Number)
  const computer = persona.hostname.toUpperCase().slice(0, 15)
  const name = drawName(persona, windows)
  const joined = windows.membership === 'domain'
  const domain = joined ? (name.split('.')[0] ?? '').toUpperCase().slice(0, 15) : computer
  const identity: WindowsIdentity = {
    joined,
    computer,
    domain,
    workgroup: joined ? domain : name.toUpperCase().slice(0, 15),
    dnsComputer: joined ? `${computer}.${name}` : computer,
    dnsDomain: joined ? name : computer,
    dnsTree: joined ? name : undefined,
    major,
    minor,
    build,
    nativeOs: `${windows.edition} ${build}`,
    // Since Windows 8.1 it says 6.3, whatever the version is.
    nativeLanManager: `${windows.edition} ${major >= 10 ? '6.3' : `${major}.${minor}`}`,
  }
  made.set(persona, identity)
  return identity
}

function drawName(persona: Persona, { names }: WindowsTemplate): string {
  const { domain } = persona.organisation
  const site = (domain.split('.')[0] ?? '').replaceAll('-', '').slice(0, 10) || 'hq'
  return [...persona.pick('windows domain', names).replaceAll('{site}', site).replaceAll('{domain}', domain)]
    .map((sign, at) =>
      sign === '#'
        ? String(persona.number(`windows domain ${at}`, 0, 9))
        : sign === '@'
          ? String.fromCharCode(97 + persona.number(`windows domain ${at}`, 0, 25))
          : sign,
    )
    .join('')
    .toLowerCase()
}

/** 100 ns since 1601 UTC of milliseconds since 1970 UTC, with their fraction ([MS-DTYP] section 2.3.3 FILETIME), 8 bytes. */
export function fileTime(ms: number): Buffer {
  const bytes = Buffer.alloc(8)
  const whole = Math.floor(ms)
  bytes.writeBigUInt64LE((BigInt(whole) + 11_644_473_600_000n) * 10_000n + BigInt(Math.floor((ms - whole) * 10_000)))
  return bytes
}

/** The clock of a Windows host, whose times are never whole milliseconds. */
export const fineClock = (clock: () => number) => (): number => Math.floor(clock()) + Math.random()

/** One host identity, drawn from a persona template, an organisation and a seed: the same seed gives the same host for ever. */
import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import type { IdentityField } from '@shenlou/contract/identity-fields'
import type { PersonaTemplate } from '@shenlou/contract/persona'
import type { Organisation } from '@shenlou/contract/template'
import { drawHostname, drawMac, drawSerial, hostDraw, type HostSteps } from '@shenlou/link/host-identity'
import { drawAccounts } from './persona-accounts.ts'
import { deviceCertificate } from './persona-certificate.ts'
import { ecdsaKey, ed25519Key } from './persona-keys.ts'
import { rdpCertificate } from './windows/rdp/certificate.ts'

export interface Account {
  name: string
  uid: number
  gid: number
  fullName: string
  home: string
  shell: string
}

export interface Persona {
  readonly template: PersonaTemplate
  readonly organisation: Organisation
  /** Deterministic bytes for a purpose; different purposes share nothing. */
  draw(purpose: string, bytes: number): Buffer
  /** Deterministic whole number, `from` to `to` inclusive. */
  number(purpose: string, from: number, to: number): number
  pick<T>(purpose: string, from: readonly T[]): T
  readonly hostname: string
  readonly domain: string
  readonly mac: string
  readonly serial: string
  readonly machineId: string
  /** Milliseconds since 1970 UTC. */
  readonly installedAt: number
  readonly bootedAt: number
  /** How often it has booted since it was installed. */
  readonly boots: number
  readonly accounts: readonly Account[]
  /**
   * PEM texts by name: `ssh-ed25519` (OpenSSH's form), `ssh-ecdsa` (SEC 1), `ssh-rsa` (PKCS #1), `tls-key`, `tls-certificate`;
   * only those that the template has.
   */
  readonly keys: Readonly<Record<string, string>>
}

/** What a host is drawn from. `seed`: 32 bytes, hexadecimal; `secrets`: PEM texts `rsa`, `tlsKey`, `tlsCertificate` that the core drew once. */
export interface PersonaSource {
  template: PersonaTemplate
  organisation: Organisation
  seed: string
  decoy: string
  secrets: Readonly<Record<string, string>>
  /** Where it stepped aside for another host of its segment. */
  steps?: HostSteps | undefined
  /** Milliseconds since 1970 UTC; only the choice of the last boot before it depends on it. */
  now?: number
}

const day = 86_400_000

/** Draws the host. Throws an Error naming the decoy when the seed is not one or a secret that the template needs is missing. */
export function drawPersona(source: PersonaSource): Persona {
  const { template, organisation, seed, decoy, secrets, steps, now = Date.now() } = source
  const drawer = hostDraw({ seed, decoy, persona: template.id })
  const { draw, number, pick } = drawer

  const { host } = template
  const hostname = drawHostname(template, organisation, drawer, steps?.name)
  const installedAt = number('installed', Date.parse(host.installed[0]), Date.parse(host.installed[1]) + day - 1)
  const boot = lastBoot(installedAt, host.uptimeDays, now, number)
  const keys: Record<string, string> = {}
  const secret = (name: string, purpose: string): string => {
    const value = secrets[name]
    if (!value) throw new Error(`decoy ${decoy}: persona ${template.id} needs the secret ${name} for ${purpose}, and the core did not send it`)
    return value
  }
  for (const type of template.ssh?.hostKeys ?? []) {
    if (type === 'ed25519') keys['ssh-ed25519'] = ed25519Key(draw('ssh ed25519', 32), draw('ssh ed25519 check', 4), `root@${hostname}`)
    else if (type === 'ecdsa') keys['ssh-ecdsa'] = ecdsaKey(draw('ssh ecdsa', 48))
    else keys['ssh-rsa'] = createPrivateKey(secret('rsa', 'its SSH host key')).export({ type: 'pkcs1', format: 'pem' }).toString()
  }
  if (template.web) {
    keys['tls-key'] = secret('tlsKey', 'its TLS key')
    keys['tls-certificate'] = secret('tlsCertificate', 'its TLS certificate')
  }

  const persona: Persona = {
    template,
    organisation,
    draw,
    number,
    pick,
    hostname,
    domain: organisation.domain,
    mac: drawMac(template, drawer, steps?.mac),
    serial: drawSerial(template, drawer),
    machineId: draw('machine id', 16).toString('hex'),
    installedAt,
    bootedAt: boot.at,
    boots: boot.nth,
    accounts: drawAccounts(template, { number, pick }),
    keys,
  }
  // Of a decoy that was applied before its device had HTTPS there is no key, and no service that would need it.
  if (template.hmi?.tls && !template.web && secrets.tlsKey) {
    keys['tls-key'] = secrets.tlsKey
    keys['tls-certificate'] = deviceCertificate(persona, template.hmi.tls, secrets.tlsKey)
  }
  if (template.rdp && secrets.rdpKey) keys['rdp-key'] = secrets.rdpKey
  return persona
}

/** What tells this host from every other, by identity field; the values of fields that are read from the wire are not here. */
export function personaIdentity(persona: Persona): Partial<Record<IdentityField, string[]>> {
  const digest = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex')
  const publicKey = (pem: string): string => digest(createPublicKey(pem).export({ type: 'spki', format: 'der' }))
  const { keys } = persona
  const certificates = [
    ...(keys['tls-certificate'] ? [keys['tls-certificate']] : []),
    ...(keys['rdp-key'] ? [rdpCertificate(persona, Date.now()).cert] : []),
  ].map((pem) => new X509Certificate(pem))
  return {
    'ssh.hostKey': Object.entries(keys)
      .filter(([name]) => name.startsWith('ssh-'))
      // node:crypto does not read OpenSSH's form of an ed25519 key; its text is as much the key's own
      .map(([name, pem]) => (name === 'ssh-ed25519' ? digest(pem) : publicKey(pem))),
    'certificate.key': [keys['tls-key'], keys['rdp-key']].flatMap((key) => (key ? [publicKey(key)] : [])),
    'certificate.subject': certificates.flatMap((certificate) => [certificate.subject, ...(certificate.subjectAltName ?? '').split(', ').filter(Boolean)]),
    'certificate.serial': certificates.map((certificate) => certificate.serialNumber),
    'host.name': [persona.hostname],
    'host.mac': [persona.mac],
    'host.serial': [persona.serial],
    'host.machineId': [persona.machineId],
    'host.installed': [String(persona.installedAt), String(persona.bootedAt)],
    'host.people': persona.accounts.filter((account) => account.fullName !== '' && account.uid >= 500).map((account) => account.name),
  }
}

/**
 * The last boot at or before `now`. A host has one history: from its installation it runs a drawn number of days between the two bounds, boots, and so
 * on; so uptime grows over restarts of ours, never lies in the future, and no two visits contradict each other.
 */
function lastBoot(installedAt: number, [least, most]: readonly [number, number], now: number, number: Persona['number']): { at: number; nth: number } {
  const from = Math.max(1, least) * day
  const to = Math.max(from, most * day)
  let boot = installedAt + number('first boot', 300_000, 3_600_000)
  if (boot > now) return { at: installedAt, nth: 1 }
  for (let nth = 1; ; nth++) {
    const next = boot + number(`boot ${nth}`, from, to)
    if (next > now) return { at: boot, nth }
    boot = next
  }
}

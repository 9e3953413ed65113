/** One host identity, drawn from a persona template, an organisation and a seed: the same seed gives the same host for ever. */
import type { PersonaTemplate } from '@shenlou/contract/persona'
import type { Organisation } from '@shenlou/contract/template'

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
  readonly accounts: readonly Account[]
  /** PEM texts by name: `ssh-ed25519`, `ssh-ecdsa`, `ssh-rsa`, `tls-key`, `tls-certificate`. */
  readonly keys: Readonly<Record<string, string>>
}

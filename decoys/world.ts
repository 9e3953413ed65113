/** A decoy host as one adversary has left it: files, users, processes and network that agree with each other and with the persona. */
import { randomBytes } from 'node:crypto'
import type { Persona } from './persona.ts'
import { type Files, openFiles } from './world/files.ts'
import { type Firewall, openFirewall } from './world/firewall.ts'
import { type Host, makeHost } from './world/host.ts'
import { type Logins, openLogins } from './world/logins.ts'
import { type Network, openNetwork } from './world/network.ts'
import { type Processes, openProcesses } from './world/processes.ts'
import { openRegisters, type Registers } from './world/registers.ts'
import { decodeWorld, encodeWorld } from './world/saved.ts'
import { openUsers, type Users } from './world/users.ts'

export interface World {
  readonly persona: Persona
  /** What the persona comes to when it is a running host: memory, disk, packages, release texts. */
  readonly host: Host
  readonly files: Files
  readonly users: Users
  readonly processes: Processes
  readonly network: Network
  /** Its filter table. */
  readonly firewall: Firewall
  /** Bytes as `/dev/urandom` gives them. */
  noise(size: number): Buffer
  /** Who is and was logged in. */
  readonly logins: Logins
  /** Memory of a device, where it is one. */
  readonly registers: Registers
  /** What differs from the pristine host, as JSON bytes of at most 4 MiB; undefined when nothing changed since the last call. */
  save(): Uint8Array | undefined
}

/**
 * Opens the world of one adversary. `saved` is what `save()` gave earlier; bytes that cannot be read give the pristine host.
 * Cheap: the base file system of a persona is shared by all its worlds and built when it is first read.
 */
export function openWorld(persona: Persona, saved?: Uint8Array): World {
  const diff = decodeWorld(saved)
  const host = makeHost(persona)
  const network = openNetwork(host)
  const logins = openLogins(host, diff.logins)
  const firewall = openFirewall(diff.firewall)
  const processes = openProcesses(host, logins, diff.killed, diff.started)
  const files = openFiles(host, { processes, network, logins }, diff.files)
  const users = openUsers(files)
  const registers = openRegisters(diff.registers)
  let savedRevision = 0
  const revision = (): number => files.revision + logins.revision + processes.revision + registers.revision + firewall.revision
  return {
    persona,
    host,
    files,
    users,
    registers,
    processes,
    network,
    firewall,
    logins,
    noise: (size) => randomBytes(size),
    save() {
      const now = revision()
      if (now === savedRevision) return undefined
      savedRevision = now
      return encodeWorld({
        files: files.changes(),
        logins: logins.added(),
        killed: processes.killed(),
        started: processes.started(),
        firewall: firewall.saved(),
        registers: registers.changes(),
      })
    },
  }
}

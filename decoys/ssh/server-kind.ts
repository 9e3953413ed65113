/** How the server that a persona claims to be behaves where the protocol leaves it free. Facts are those of its released source. */
import type { PersonaTemplate } from '@shenlou/contract/persona'

export interface ServerKind {
  /** Whether it sends its KEXINIT with its version line, before the client has said anything. */
  kexFirst: boolean
  /** What a first line that is no version line gets, before the connection ends; undefined: nothing. */
  mismatch?: string
  /** What a version line of another major version gets. */
  otherMajor?: string
  /** Lines before the client's version line that it puts up with. */
  extraLines: number
  /** `server-sig-algs` (RFC 8308) that it sends to a client which asked for extensions. */
  signatureAlgorithms?: string
  /** Text of the disconnect (reason 2) on a broken packet; undefined: it just closes. */
  corrupt?: string
  /** Text of the disconnect (reason 2) when the last try failed; undefined: it just closes. */
  tooManyFailures?: string
  /** Whether the last refusal is answered before the connection ends. */
  answersLastFailure: boolean
  /** Whether it tells its host keys after login (hostkeys-00@openssh.com). */
  tellsHostKeys: boolean
  /** Whether `none` as the first request is free of charge and undelayed. */
  noneIsFree: boolean
  /** Window that a session channel opens with, and what is added when a program starts. */
  window: number
  startWindow: number
  packet: number
  /** Sessions on one connection; the next one fails to open. */
  maxSessions: number
  /** Whether a channel end tells the client that nothing is read any more (eow@openssh.com). */
  saysEow: boolean
  /** Longest user name and password it takes as such. */
  refuse: { session: string; forward: string; reason: number; unknown: string; unknownReason: number }
  /** Path of its SFTP server; undefined: it has none. */
  sftp?: string
}

const openssh: ServerKind = {
  kexFirst: false,
  mismatch: 'Protocol mismatch.\n',
  otherMajor: 'Protocol major versions differ.\n',
  extraLines: 0,
  corrupt: 'Packet corrupt',
  tooManyFailures: 'Too many authentication failures',
  answersLastFailure: false,
  tellsHostKeys: true,
  noneIsFree: true,
  window: 0,
  startWindow: 2_097_152,
  packet: 32_768,
  maxSessions: 10,
  saysEow: true,
  refuse: { session: 'open failed', forward: 'open failed', reason: 1, unknown: 'open failed', unknownReason: 1 },
  sftp: '/usr/libexec/openssh/sftp-server',
}

const plain = 'ssh-ed25519,ssh-rsa,rsa-sha2-256,rsa-sha2-512,ssh-dss,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521'

const dropbearSignatures =
  'ssh-ed25519,sk-ssh-ed25519@openssh.com,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-256,ssh-rsa,ssh-dss'

/** The behaviour of a persona's server, from its version line. */
export function serverKind({ server, ident }: NonNullable<PersonaTemplate['ssh']>): ServerKind {
  if (server === 'dropbear') {
    const version = Number(/dropbear_(\d+\.\d+)/.exec(ident)?.[1] ?? 2019.78)
    return {
      ...openssh,
      kexFirst: true,
      mismatch: undefined,
      otherMajor: undefined,
      extraLines: 49,
      // from 2020.79 on it says which signatures it takes, those of its security keys among them
      signatureAlgorithms: version >= 2020.79 ? dropbearSignatures : undefined,
      corrupt: undefined,
      tooManyFailures: undefined,
      answersLastFailure: false,
      tellsHostKeys: false,
      // 24,576 where nothing else is asked for; Debian's unit asks for 64 KiB
      window: version >= 2022 ? 65_536 : 24_576,
      startWindow: 0,
      packet: 32_759,
      maxSessions: 1000,
      saysEow: false,
      refuse: { session: '', forward: '', reason: 2, unknown: '', unknownReason: 3 },
      sftp: version >= 2022 ? '/usr/lib/sftp-server' : undefined,
    }
  }
  const version = Number(/OpenSSH_(\d+\.\d+)/.exec(ident)?.[1] ?? 7.4)
  if (version >= 8)
    return {
      ...openssh,
      mismatch: 'Invalid SSH identification string.\r\n',
      extraLines: 0,
      signatureAlgorithms: plain,
      refuse: { ...openssh.refuse, forward: 'open failed' },
    }
  // Red Hat's 7.4 carries a patch of its own for the SHA-2 signatures; from 7.5 on the whole list is sent
  return {
    ...openssh,
    signatureAlgorithms: version <= 7.4 ? 'rsa-sha2-256,rsa-sha2-512' : plain,
    refuse: version >= 7.6 ? { ...openssh.refuse, unknownReason: 2 } : openssh.refuse,
  }
}

/** The Windows side of a persona: whose domain it belongs to, and how its file sharing (SMB) and remote desktop (RDP) answer. */
import { z } from 'zod'

const milliseconds = z.tuple([z.number().min(0).max(60_000), z.number().min(0).max(60_000)])

/** SMB dialects, the oldest first. `NT LM 0.12` is SMB1. */
export const smbDialects = ['NT LM 0.12', '2.0.2', '2.1', '3.0', '3.0.2', '3.1.1'] as const
export type SmbDialect = (typeof smbDialects)[number]

/** Which network a host says it belongs to. Patterns: `#` a digit, `@` a letter, `{site}` the organisation's short name, `{domain}` its DNS domain. */
export const windowsTemplate = z.strictObject({
  /** The edition as SMB1 says it: `Windows Server 2016 Standard`. */
  edition: z.string().min(1).max(64),
  membership: z.enum(['domain', 'workgroup']),
  /** DNS names that its domain may have; the NetBIOS name is the first label. Of a workgroup, the workgroup's name. */
  names: z.array(z.string().min(1).max(100)).min(1),
})
export type WindowsTemplate = z.infer<typeof windowsTemplate>

export const smbTemplate = z.strictObject({
  dialects: z.array(z.enum(smbDialects)).min(1),
  signing: z.enum(['enabled', 'required']),
  /** A session without a user: turned away at once, or let in to IPC$ and nothing behind it. */
  anonymous: z.enum(['refused', 'session']),
  /** Range of the delay before a refused logon, in ms. */
  refusalMs: milliseconds,
  connections: z.number().int().min(1).max(16_384).default(64),
  /** Seconds without a byte until it closes. */
  idleS: z.number().int().min(5).max(3600).default(45),
})
export type SmbTemplate = z.infer<typeof smbTemplate>

export const rdpTemplate = z.strictObject({
  /** `required`: only with network level authentication; `offered`: TLS alone is let in too, up to the logon screen. */
  nla: z.enum(['required', 'offered']),
  /** Version of CredSSP that it speaks: 6 since the updates of 2018. */
  credSsp: z.number().int().min(2).max(6).default(6),
  refusalMs: milliseconds,
  connections: z.number().int().min(1).max(1024).default(32),
  idleS: z.number().int().min(5).max(3600).default(60),
  tls: z.strictObject({
    min: z.enum(['TLSv1', 'TLSv1.1', 'TLSv1.2']),
    max: z.enum(['TLSv1.2', 'TLSv1.3']),
    ciphers: z.string().max(2000),
    curves: z.string().max(200),
  }),
})
export type RdpTemplate = z.infer<typeof rdpTemplate>

/**
 * Releases of a sensor's program. A manifest names one package and is signed where the private key is, away from the core; a sensor takes only what a public key
 * on its own disk signed, so that a core in wrong hands can withhold an update and cannot make one.
 */
import { z } from 'zod'
import { sha256 } from './primitives.ts'

export const releaseVersion = z
  .string()
  .max(64)
  .regex(/^\d{1,6}\.\d{1,6}\.\d{1,6}(-[a-z0-9.]{1,32})?$/, 'must be like 1.2.3')

export const releaseManifest = z.strictObject({
  version: releaseVersion,
  role: z.literal('relay'),
  platform: z.enum(['linux-x64', 'linux-arm64']),
  /** Rises with every release whatever its version: a sensor never takes one that is not above what it took before. */
  sequence: z.number().int().min(1).max(1_000_000_000),
  /** Of the package, a .tar.gz of `size` bytes whose files take `unpacked` bytes. */
  sha256,
  size: z.number().int().min(1).max(1_073_741_824),
  unpacked: z.number().int().min(1).max(4_294_967_296),
  /** The lowest version that it may replace. */
  minVersion: releaseVersion,
  /** It may replace a higher version. */
  downgrade: z.boolean(),
})
export type ReleaseManifest = z.infer<typeof releaseManifest>

/** A manifest as the very text that was signed, its Ed25519 signature (base64) over `format`, a line feed and that text, and the SHA-256 of the public key (SPKI, DER). */
export const signedRelease = z.strictObject({
  format: z.literal('shenlou-release-1'),
  manifest: z.string().min(2).max(4096),
  key: sha256,
  signature: z
    .string()
    .length(88)
    .regex(/^[A-Za-z0-9+/]{86}==$/),
})
export type SignedRelease = z.infer<typeof signedRelease>

/**
 * What a sensor says of its updates. `unmanaged`: nothing started it that could switch back, so it takes none. `sequence` is the release that it runs, 0 one
 * that was installed by hand; `about` the release that state and detail speak of.
 */
export const updateReport = z.object({
  state: z.enum(['unmanaged', 'idle', 'downloading', 'ready', 'probation', 'refused', 'rolled-back']),
  sequence: z.number().int().min(0),
  about: z.number().int().min(0).optional(),
  detail: z.string().max(300),
})
export type UpdateReport = z.infer<typeof updateReport>

/** A range of a package as the sensors' door gives it. */
export const releaseRange = z.object({ from: z.number().int().min(0), total: z.number().int().min(0), bytes: z.base64() })
export const releaseRangeBytes = 1024 * 1024

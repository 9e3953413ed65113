/** The difference of a world to its pristine host, as bounded JSON bytes. */
import type { SavedFile } from './files.ts'
import type { SavedFirewall } from './firewall.ts'
import type { SavedLogins } from './logins.ts'
import type { SavedProcess } from './processes.ts'
import type { SavedRegister } from './registers.ts'

export interface WorldDiff {
  files?: SavedFile[]
  logins?: SavedLogins
  killed?: number[]
  started?: SavedProcess[]
  firewall?: SavedFirewall
  registers?: SavedRegister[]
}

const maxBytes = 4 * 1024 * 1024

/** Bytes of a difference; the oldest changed files are left out until it fits in 4 MiB. */
export function encodeWorld(diff: Required<WorldDiff>): Uint8Array {
  const files = [...diff.files]
  for (;;) {
    const bytes = Buffer.from(JSON.stringify({ version: 1, ...diff, files }))
    if (bytes.length <= maxBytes || files.length === 0) return bytes
    files.splice(0, Math.max(1, files.length >> 2))
  }
}

/** A difference from its bytes; anything unreadable is no difference. */
export function decodeWorld(bytes?: Uint8Array): WorldDiff {
  if (!bytes || bytes.length === 0 || bytes.length > maxBytes * 2) return {}
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString())
    if (typeof value !== 'object' || value === null || (value as { version?: unknown }).version !== 1) return {}
    return value as WorldDiff
  } catch {
    return {}
  }
}

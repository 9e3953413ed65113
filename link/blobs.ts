/** A sensor's spool of captured files: named by their hash, kept on disk until the core has them. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from './atomic-file.ts'
import type { OpenBlobSpool } from './uplink-types.ts'

/**
 * Opens the spool of a folder. A file above `fileBytes` (16 MiB), or one that no longer fits `totalBytes` (256 MiB), is
 * hashed whole and not kept: its reference says `truncated`. Rejects when the disk fails, with the disk's own error.
 */
export const openBlobSpool: OpenBlobSpool = async (dir, { fileBytes = 16 * 1024 * 1024, totalBytes = 256 * 1024 * 1024 } = {}) => {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const files = new Map<string, number>()
  for (const name of await readdir(dir)) {
    const path = join(dir, name)
    if (/^[0-9a-f]{64}$/.test(name)) files.set(name, (await stat(path)).size)
    else if (name.endsWith('.part')) await unlink(path)
  }
  const listeners = new Set<(blob: { sha256: string; size: number }) => void>()
  let total = [...files.values()].reduce((sum, size) => sum + size, 0)

  return {
    async put(bytes, bounds = {}) {
      const most = Math.min(fileBytes, bounds.fileBytes ?? fileBytes)
      const hash = createHash('sha256')
      const part = join(dir, `${randomUUID()}.part`)
      const handle = await open(part, 'wx', 0o600)
      let size = 0
      let held = 0
      let kept = true
      try {
        for await (const chunk of bytes instanceof Uint8Array ? [bytes] : bytes) {
          hash.update(chunk)
          size += chunk.length
          if (kept && (size > most || total + chunk.length > totalBytes)) {
            kept = false
            total -= held
            held = 0
            await handle.truncate(0)
          }
          if (!kept) continue
          // Taken before it is written, so that files that come at once cannot overrun the bound together.
          total += chunk.length
          held += chunk.length
          await handle.writeFile(chunk)
        }
        if (kept) await handle.sync()
      } catch (error) {
        total -= held
        await handle.close()
        await unlink(part)
        throw error
      }
      await handle.close()
      const sha256 = hash.digest('hex')
      if (!kept || files.has(sha256)) {
        total -= held
        await unlink(part)
        return { sha256, size, truncated: !kept }
      }
      files.set(sha256, size)
      await rename(part, join(dir, sha256))
      await syncFolder(dir)
      for (const listener of listeners) listener({ sha256, size })
      return { sha256, size, truncated: false }
    },
    waiting: () => [...files].map(([sha256, size]) => ({ sha256, size })),
    async read(sha256, from, length) {
      const handle = await open(join(dir, sha256), 'r')
      try {
        const buffer = Buffer.alloc(length)
        const { bytesRead } = await handle.read(buffer, 0, length, from)
        return buffer.subarray(0, bytesRead)
      } finally {
        await handle.close()
      }
    },
    async forget(sha256) {
      const size = files.get(sha256)
      if (size === undefined) return
      files.delete(sha256)
      total -= size
      await unlink(join(dir, sha256))
    },
    onPut(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stats: () => ({ files: files.size, bytes: total, maxBytes: totalBytes }),
    close: async () => listeners.clear(),
  }
}

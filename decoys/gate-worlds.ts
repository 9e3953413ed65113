/** Saved worlds in the gate's folder: one file an adversary and decoy, bounded, replaced whole. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { escapeText } from '@shenlou/contract/bytes'

export type DroppedWhy = 'count' | 'bytes' | 'size'
export interface WorldStore {
  load(decoy: string, adversary: string): Promise<Buffer | undefined>
  save(decoy: string, adversary: string, bytes: Uint8Array): void
  /** False when nothing was kept. */
  remove(decoy: string, adversary: string): boolean
}
export interface WorldStoreOptions {
  dir: string
  /** Says that a world was dropped. */
  onDropped(decoy: string, adversary: string, why: DroppedWhy): void
  maxWorlds?: number
  maxBytes?: number
  maxWorldBytes?: number
}

interface Kept {
  file: string
  adversary: string
  bytes: number
}

const folderName = (decoy: string): string => (/^[a-z0-9][a-z0-9.-]{0,63}$/.test(decoy) ? decoy : createHash('sha256').update(decoy).digest('hex'))

/**
 * Opens the store. A file is `length(2) adversary world`; its name is the hash of the adversary, so that no name of theirs meets the file system. The least
 * recently saved goes first.
 */
export function openWorldStore({
  dir,
  onDropped,
  maxWorlds = 256,
  maxBytes = 64 * 1024 * 1024,
  maxWorldBytes = 4 * 1024 * 1024,
}: WorldStoreOptions): WorldStore {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const decoys = new Map<string, { kept: Map<string, Kept>; bytes: number }>()

  const open = (decoy: string): { kept: Map<string, Kept>; bytes: number } => {
    const known = decoys.get(decoy)
    if (known) return known
    const folder = join(dir, folderName(decoy))
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const files = readdirSync(folder).flatMap((name) => {
      const file = join(folder, name)
      if (!/^[0-9a-f]{64}$/.test(name)) {
        rmSync(file, { force: true, recursive: true }) // what a kill left half written
        return []
      }
      const { size, mtimeMs } = statSync(file)
      return [{ name, file, size, mtimeMs }]
    })
    const kept = new Map<string, Kept>()
    let bytes = 0
    for (const { name, file, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      kept.set(name, { file, adversary: name, bytes: size })
      bytes += size
    }
    const state = { kept, bytes }
    decoys.set(decoy, state)
    return state
  }
  const hash = (adversary: string): string => createHash('sha256').update(adversary).digest('hex')

  return {
    async load(decoy, adversary) {
      const entry = open(decoy).kept.get(hash(adversary))
      if (!entry) return undefined
      entry.adversary = adversary
      try {
        const bytes = await readFile(entry.file)
        return bytes.subarray(2 + bytes.readUInt16BE(0))
      } catch {
        return undefined // dropped meanwhile, or the disk lost it: the pristine host is the honest answer
      }
    },
    save(decoy, adversary, bytes) {
      const state = open(decoy)
      if (bytes.length > maxWorldBytes) return onDropped(decoy, adversary, 'size')
      const key = hash(adversary)
      const name = Buffer.from(adversary)
      const header = Buffer.alloc(2)
      header.writeUInt16BE(name.length)
      const file = join(dir, folderName(decoy), key)
      writeFileSync(`${file}.new`, Buffer.concat([header, name, bytes]), { mode: 0o600 })
      renameSync(`${file}.new`, file)
      state.bytes += 2 + name.length + bytes.length - (state.kept.get(key)?.bytes ?? 0)
      state.kept.delete(key)
      state.kept.set(key, { file, adversary, bytes: 2 + name.length + bytes.length })
      for (const [oldest, entry] of state.kept) {
        const why = state.kept.size > maxWorlds ? 'count' : state.bytes > maxBytes ? 'bytes' : undefined
        if (!why || oldest === key) break
        state.kept.delete(oldest)
        state.bytes -= entry.bytes
        rmSync(entry.file, { force: true })
        onDropped(decoy, escapeText(entry.adversary).slice(0, 128), why)
      }
    },
    remove(decoy, adversary) {
      const state = open(decoy)
      const entry = state.kept.get(hash(adversary))
      if (!entry) return false
      state.kept.delete(hash(adversary))
      state.bytes -= entry.bytes
      rmSync(entry.file, { force: true })
      return true
    },
  }
}

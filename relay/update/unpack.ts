/** Reads the package of a relay: a gzipped tar of regular files (POSIX.1-1988 ustar and GNU's form of it), of which only the named ones are written. */
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { createGunzip } from 'node:zlib'

/** Files of a package that make up an installed version. */
export const wantedFiles = ['shenlou-relay', 'LICENSE', 'LICENSES.txt', 'SHA256SUMS'] as const
const block = 512
const maxEntries = 1000

/** It is not an archive of a relay, and will not be one another time. */
export class BrokenPackage extends Error {}
const broken = (why: string): Error => new BrokenPackage(`the archive is broken: ${why}`)

/**
 * Header: name 100, mode 8, uid 8, gid 8, size 12 (octal), mtime 12, checksum 8 (octal, its own bytes counted as blanks), type 1. Undefined for a block of zeros, which
 * ends the archive.
 */
function parseHeader(bytes: Buffer): { name: string; size: number; type: string } | undefined {
  if (bytes.every((byte) => byte === 0)) return undefined
  const text = (from: number, length: number): string => bytes.toString('latin1', from, from + length).split('\0')[0] ?? ''
  const octal = (from: number, length: number): number => {
    const digits = text(from, length).trim()
    if (!/^[0-7]{1,12}$/.test(digits)) throw broken('a header holds no number where one belongs')
    return Number.parseInt(digits, 8)
  }
  let sum = 0
  for (let at = 0; at < block; at++) sum += at >= 148 && at < 156 ? 32 : (bytes[at] as number)
  if (sum !== octal(148, 8)) throw broken('the checksum of a header is wrong')
  return { name: text(0, 100), size: octal(124, 12), type: text(156, 1) || '0' }
}

/**
 * Reads `file` to its end and returns the bytes of all files in it. With `into`, an empty folder, the wanted files are written there, durable, the first one
 * executable. Rejects with one line on anything that such a package does not hold, and where more than `most` bytes
 * come out of it (`BrokenPackage`), or with what the disk says.
 */
export async function readPackage(file: string, { into, most }: { into?: string; most: number }): Promise<number> {
  const stream = createReadStream(file).pipe(createGunzip())
  let held: Buffer = Buffer.alloc(0)
  let entry: { left: number; padding: number; handle: FileHandle | undefined } | undefined
  let total = 0
  let entries = 0
  let ended = false
  const written = new Set<string>()
  const finish = async (): Promise<void> => {
    await entry?.handle?.sync()
    await entry?.handle?.close()
    entry = undefined
  }
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      for (;;) {
        if (entry) {
          const body = held.subarray(0, Math.min(entry.left, held.length))
          if (body.length > 0) {
            await entry.handle?.writeFile(body)
            entry.left -= body.length
            held = held.subarray(body.length)
          }
          if (entry.left > 0 || held.length < entry.padding) break
          held = held.subarray(entry.padding)
          await finish()
        }
        if (held.length < block || ended) break
        const header = parseHeader(held.subarray(0, block))
        held = held.subarray(block)
        if (!header) {
          ended = true
          break
        }
        if (++entries > maxEntries) throw broken(`it holds more than ${maxEntries} files`)
        if (header.type === '5') continue
        if (header.type !== '0') throw broken(`it holds something that is neither a file nor a folder`)
        total += header.size
        if (total > most) throw broken(`it holds more than the ${most} bytes that its manifest names`)
        const name = header.name.split('/').slice(1).join('/')
        const wanted = into !== undefined && (wantedFiles as readonly string[]).includes(name)
        if (wanted && written.has(name)) throw broken(`${name} is in it twice`)
        if (wanted) written.add(name)
        const handle = wanted ? await open(join(into, name), 'wx', name === wantedFiles[0] ? 0o755 : 0o644) : undefined
        entry = { left: header.size, padding: (block - (header.size % block)) % block, handle }
      }
      if (ended) held = Buffer.alloc(0)
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw code?.startsWith('Z_') ? broken(message) : error
  } finally {
    await entry?.handle?.close()
    stream.destroy()
  }
  if (!ended) throw broken('it ends early')
  if (into !== undefined && written.size < wantedFiles.length) throw broken(`it lacks ${wantedFiles.filter((name) => !written.has(name)).join(', ')}`)
  return total
}

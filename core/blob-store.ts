/**
 * Captured files at rest: AES-256-GCM records (NIST SP 800-38D) in one file each, under a key derived from the master key.
 *
 * Layout of a file: records of `length(4, big-endian, of the plain bytes) nonce(12) ciphertext tag(16)`. Each record is bound to the
 * file's hash and to its place, so that none can be moved or left out unseen.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { mkdir, open, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Core } from './core.ts'
import { deriveKey } from './seal.ts'

const headBytes = 16
const tagBytes = 16
/** Plain bytes in one record. */
const recordBytes = 262_144

type Store = Pick<Core, 'blobDir' | 'masterKey'>

export const blobFile = (core: Pick<Core, 'blobDir'>, sha256: string): string => path.join(core.blobDir, sha256.slice(0, 2), sha256)

const keyOf = (core: Pick<Core, 'masterKey'>): Buffer => deriveKey(core.masterKey, 'blobs')

function placeOf(sha256: string, offset: number): Buffer {
  const place = Buffer.alloc(40)
  place.write(sha256, 0, 'hex')
  place.writeBigUInt64BE(BigInt(offset), 32)
  return place
}

/** Length of the plain bytes kept, and of the file up to the end of its last whole record. Both 0 when there is none. */
async function measure(file: string): Promise<{ plain: number; whole: number }> {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  )
  if (size === 0) return { plain: 0, whole: 0 }
  const handle = await open(file, 'r')
  try {
    const head = Buffer.alloc(4)
    let plain = 0
    let whole = 0
    while (whole + headBytes + tagBytes <= size) {
      await handle.read(head, 0, 4, whole)
      const length = head.readUInt32BE(0)
      const end = whole + headBytes + length + tagBytes
      if (length === 0 || length > recordBytes || end > size) break
      plain += length
      whole = end
    }
    return { plain, whole }
  } finally {
    await handle.close()
  }
}

/** How many bytes of the file are kept. */
export const storedBytes = async (core: Pick<Core, 'blobDir'>, sha256: string): Promise<number> => (await measure(blobFile(core, sha256))).plain

/** Appends `bytes` at `from`, durably, unless that many are there already. Answers how many bytes are kept now. */
export async function storeBytes(core: Store, sha256: string, from: number, bytes: Uint8Array): Promise<number> {
  const file = blobFile(core, sha256)
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  const { plain, whole } = await measure(file)
  // A hole cannot be kept; what is there already was sent again.
  if (from > plain || from + bytes.length <= plain) return plain
  const handle = await open(file, whole === 0 ? 'w' : 'r+', 0o600)
  try {
    // A crash may have left half a record behind the last whole one.
    await handle.truncate(whole)
    let offset = plain
    let position = whole
    for (let at = plain - from; at < bytes.length; at += recordBytes) {
      const record = sealRecord(core, sha256, offset, bytes.subarray(at, at + recordBytes))
      await handle.write(record, 0, record.length, position)
      position += record.length
      offset += Math.min(recordBytes, bytes.length - at)
    }
    await handle.sync()
    return offset
  } finally {
    await handle.close()
  }
}

function sealRecord(core: Store, sha256: string, offset: number, plain: Uint8Array): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', keyOf(core), nonce)
  cipher.setAAD(placeOf(sha256, offset))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(plain.length)
  return Buffer.concat([length, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** The kept bytes in order. Throws an Error when the file was altered or the key is another. */
export async function* readStored(core: Store, sha256: string): AsyncGenerator<Buffer> {
  const handle = await open(blobFile(core, sha256), 'r')
  try {
    const head = Buffer.alloc(headBytes)
    const key = keyOf(core)
    let position = 0
    for (let offset = 0; ; ) {
      const { bytesRead } = await handle.read(head, 0, headBytes, position)
      if (bytesRead < headBytes) return
      const length = head.readUInt32BE(0)
      const body = Buffer.alloc(Math.min(length, recordBytes) + tagBytes)
      if ((await handle.read(body, 0, body.length, position + headBytes)).bytesRead < body.length) return
      const decipher = createDecipheriv('aes-256-gcm', key, head.subarray(4))
      decipher.setAAD(placeOf(sha256, offset))
      decipher.setAuthTag(body.subarray(-tagBytes))
      try {
        yield Buffer.concat([decipher.update(body.subarray(0, -tagBytes)), decipher.final()])
      } catch (cause) {
        throw new Error(`the captured file ${sha256} was altered on disk, or master.key is not the one it was written with`, { cause })
      }
      offset += length
      position += headBytes + body.length
    }
  } finally {
    await handle.close()
  }
}

export const removeStored = (core: Pick<Core, 'blobDir'>, sha256: string): Promise<void> => rm(blobFile(core, sha256), { force: true })

/**
 * The file of a backup: everything in it encrypted and in order, or it does not open.
 *
 * Layout: `SHENLOU-BACKUP-1\n`, salt(16), then frames of `length(4, big-endian) ciphertext tag(16)`. The key is scrypt of the
 * passphrase (N 2^17, r 8, p 1; RFC 7914); each frame is AES-256-GCM with its number as nonce, and its additional data says whether
 * it is the last, so that a file that was cut short or whose frames were moved is noticed.
 *
 * Inside: entries of `length(4) JSON head`, then parts of `length(4) bytes`, ended by a part of length 0.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'

const magic = Buffer.from('SHENLOU-BACKUP-1\n')
const saltBytes = 16
const tagBytes = 16
const frameBytes = 1_048_576
const derive = promisify(scrypt) as (password: string, salt: Buffer, length: number, options: object) => Promise<Buffer>
const keyOf = (passphrase: string, salt: Buffer): Promise<Buffer> =>
  derive(passphrase.normalize('NFKC'), salt, 32, { N: 131_072, r: 8, p: 1, maxmem: 268_435_456 })

function nonceOf(frame: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeBigUInt64BE(BigInt(frame), 4)
  return nonce
}

function sized(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

export interface BackupWriter {
  /** Writes one entry: its head, then its bytes. */
  entry(head: unknown, parts?: AsyncIterable<Uint8Array>): Promise<void>
  /** Ends the file durably. Answers its size in bytes. */
  end(): Promise<number>
  abort(): Promise<void>
}

/** Begins a backup in a new file, mode 0600. Throws EEXIST when the file is there already. */
export async function createBackupFile(file: string, passphrase: string): Promise<BackupWriter> {
  const handle = await open(file, 'wx', 0o600)
  const salt = randomBytes(saltBytes)
  const key = await keyOf(passphrase, salt)
  let frame = 0
  let size = 0
  let waiting: Buffer[] = []
  let waitingBytes = 0

  const put = async (bytes: Buffer): Promise<void> => {
    await handle.writeFile(bytes)
    size += bytes.length
  }
  const flush = async (last: boolean): Promise<void> => {
    const cipher = createCipheriv('aes-256-gcm', key, nonceOf(frame++))
    cipher.setAAD(Buffer.of(last ? 1 : 0))
    const sealed = Buffer.concat([cipher.update(Buffer.concat(waiting)), cipher.final()])
    waiting = []
    waitingBytes = 0
    await put(Buffer.concat([sized(sealed), cipher.getAuthTag()]))
  }
  const write = async (bytes: Buffer): Promise<void> => {
    waiting.push(bytes)
    waitingBytes += bytes.length
    if (waitingBytes >= frameBytes) await flush(false)
  }
  await put(Buffer.concat([magic, salt]))
  return {
    async entry(head, parts) {
      await write(sized(Buffer.from(JSON.stringify(head))))
      if (parts) for await (const part of parts) if (part.length > 0) await write(sized(part))
      await write(sized(Buffer.alloc(0)))
    },
    async end() {
      await flush(true)
      await handle.sync()
      await handle.close()
      return size
    },
    abort: () => handle.close(),
  }
}

/** Frames in order, opened. Throws an Error for another passphrase, an altered or a cut file. */
async function* readFrames(file: string, passphrase: string): AsyncGenerator<Buffer> {
  const handle = await open(file, 'r')
  try {
    let position = 0
    const take = async (length: number): Promise<Buffer> => {
      const bytes = Buffer.alloc(length)
      const { bytesRead } = await handle.read(bytes, 0, length, position)
      position += bytesRead
      return bytes.subarray(0, bytesRead)
    }
    const start = await take(magic.length + saltBytes)
    if (!start.subarray(0, magic.length).equals(magic)) throw new Error(`${file} is not a backup of Shenlou`)
    const key = await keyOf(passphrase, start.subarray(magic.length))
    const { size } = await handle.stat()
    for (let frame = 0; ; frame++) {
      const head = await take(4)
      const length = head.length === 4 ? head.readUInt32BE(0) : -1
      if (length < 0 || position + length + tagBytes > size) throw new Error(`${file} is cut short after ${position} bytes: take another copy of it`)
      const sealed = await take(length + tagBytes)
      const last = position === size
      const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(frame))
      decipher.setAAD(Buffer.of(last ? 1 : 0))
      decipher.setAuthTag(sealed.subarray(length))
      try {
        yield Buffer.concat([decipher.update(sealed.subarray(0, length)), decipher.final()])
      } catch (cause) {
        throw new Error(frame === 0 ? `${file} does not open with this passphrase` : `${file} was altered or is cut short: take another copy of it`, { cause })
      }
      if (last) return
    }
  } finally {
    await handle.close()
  }
}

/** Reads a backup to its end, so that nothing is begun with one that is altered, cut short or of another passphrase. */
export async function verifyBackupFile(file: string, passphrase: string): Promise<void> {
  for await (const _ of readFrames(file, passphrase));
}

export interface BackupEntry {
  head: Record<string, unknown>
  /** The entry's bytes; what is left unread is passed over. */
  parts(): AsyncGenerator<Buffer>
}

/** The entries of a backup in order. Throws an Error that says what is wrong with the file. */
export async function* readBackupFile(file: string, passphrase: string): AsyncGenerator<BackupEntry> {
  const frames = readFrames(file, passphrase)
  let buffer = Buffer.alloc(0)
  let at = 0
  const fill = async (length: number): Promise<boolean> => {
    while (buffer.length - at < length) {
      const { value, done } = await frames.next()
      if (done) return false
      buffer = Buffer.concat([buffer.subarray(at), value])
      at = 0
    }
    return true
  }
  const take = async (): Promise<Buffer> => {
    if (!(await fill(4))) throw new Error(`${file} ends inside an entry`)
    const length = buffer.readUInt32BE(at)
    at += 4
    if (!(await fill(length))) throw new Error(`${file} ends inside an entry`)
    const bytes = buffer.subarray(at, at + length)
    at += length
    return bytes
  }
  try {
    while (await fill(1)) {
      const head = JSON.parse((await take()).toString()) as Record<string, unknown>
      let ended = false
      const parts = async function* (): AsyncGenerator<Buffer> {
        while (!ended) {
          const part = await take()
          if (part.length === 0) ended = true
          else yield part
        }
      }
      yield { head, parts }
      while (!ended) ended = (await take()).length === 0
    }
  } finally {
    await frames.return(undefined)
  }
}

/** Request bodies: read within bounds, the first 64 KiB at hand, larger ones kept as files by hash. */
import type { FileRef } from '@shenlou/contract/primitives'
import type { Context } from '../decoy.ts'
import { type ChunkDecoder, chunkDecoder } from './chunked.ts'
import type { Head } from './head.ts'
import type { Source } from './source.ts'

/** Bytes of a body that an event shows. */
export const shownBytes = 65_536
/** Bytes of a multipart body that are kept in memory to find its files. */
const keptBytes = 4_194_304

export interface Body {
  /** The first 64 KiB, or the whole when it was kept. */
  bytes: Buffer
  size: number
  file?: FileRef
  /** `complete`: read to its end. `partial`: the answer does not wait for the rest. */
  state: 'complete' | 'partial' | 'invalid' | 'too-large' | 'timeout' | 'gone'
}

export const noBody: Body = { bytes: Buffer.alloc(0), size: 0, state: 'complete' }

export interface BodyReader {
  /** Reads to the end, or until nothing came for `patience` ms. */
  read(patience: number): Promise<Body>
}

/** The usual body of a form: short, of a said length, come in one piece. Undefined when there is more to it. */
export function bodyAtHand(source: Source, head: Head): Body | undefined {
  const size = head.contentLength
  if (head.chunked || size > shownBytes || source.waiting < size) return undefined
  const bytes = source.take()
  if (!bytes || bytes.length < size) {
    if (bytes) source.putBack(bytes)
    return undefined
  }
  if (bytes.length === size) return { bytes, size, state: 'complete' }
  source.putBack(bytes.subarray(size))
  return { bytes: bytes.subarray(0, size), size, state: 'complete' }
}

/** Reads the body that `head` announces. `limit` in bytes; beyond it the state is `too-large`. */
export function bodyReader(source: Source, head: Head, context: Context, limit: number): BodyReader {
  const decoder: ChunkDecoder | undefined = head.chunked ? chunkDecoder() : undefined
  const multipart = /^multipart\/form-data/i.test(head.fields.get('content-type') ?? '')
  let left = head.chunked ? Number.POSITIVE_INFINITY : Math.max(0, head.contentLength)
  let size = 0
  let shown = 0
  let taken = 0
  let state: Body['state'] | undefined = left === 0 ? 'complete' : undefined
  const kept: Buffer[] = []
  /** All data so far, until it is known whether the body is kept as a file. */
  let unsorted: Buffer[] | undefined = []

  const keep = (data: Buffer): void => {
    size += data.length
    unsorted?.push(data)
    let room = shownBytes - shown
    if (room < data.length && multipart && shown < keptBytes) {
      const wanted = Math.min(data.length, keptBytes - shown)
      try {
        context.budget.take(wanted)
        taken += wanted
        room = wanted
      } catch {
        // No room for this connection: the file by hash still holds it all.
      }
    }
    const take = Math.min(room, data.length)
    if (take <= 0) return
    kept.push(data.length === take ? data : data.subarray(0, take))
    shown += take
  }

  /** One piece of decoded data, or undefined when there is none to come. */
  const piece = async (patience: number): Promise<Buffer[] | undefined> => {
    const raw = await source.next(patience)
    if (typeof raw === 'string') {
      state = raw === 'timeout' ? 'timeout' : 'gone'
      return undefined
    }
    if (decoder) {
      const data: Buffer[] = []
      const used = decoder.push(raw, (part) => data.push(part))
      source.putBack(raw.subarray(used))
      if (decoder.state === 'invalid') state = 'invalid'
      else if (decoder.state === 'done') state = 'complete'
      return data
    }
    const use = Math.min(left, raw.length)
    left -= use
    if (use < raw.length) source.putBack(raw.subarray(use))
    if (left === 0) state = 'complete'
    return [raw.subarray(0, use)]
  }

  const fill = async (patience: number, until: number): Promise<void> => {
    while (state === undefined && size < until) {
      const data = await piece(patience)
      for (const part of data ?? []) keep(part)
      if (size > limit) state = 'too-large'
    }
  }

  async function* stream(patience: number): AsyncGenerator<Uint8Array> {
    const first = unsorted ?? []
    unsorted = undefined
    yield* first
    while (state === undefined) {
      const data = await piece(patience)
      for (const part of data ?? []) {
        keep(part)
        yield part
      }
      if (size > limit) state = 'too-large'
    }
  }

  return {
    async read(patience) {
      await fill(patience, shownBytes + 1)
      let file: FileRef | undefined
      if (state === undefined || size > shown) {
        try {
          file = await context.blobs.put(stream(patience))
        } catch {
          // Beyond its bounds the blob is refused; what follows is still read so that the connection stays in step.
        }
        unsorted = undefined
        await fill(patience, Number.POSITIVE_INFINITY)
      }
      if (taken > 0) context.budget.give(taken)
      const bytes = kept.length === 1 ? (kept[0] as Buffer) : Buffer.concat(kept)
      return { bytes, size, file, state: state ?? 'complete' }
    },
  }
}

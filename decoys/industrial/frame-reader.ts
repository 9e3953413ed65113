/** Cuts a byte stream into frames whose head says how long they are; what is too long or broken ends the stream, never the process. */

export interface FrameReader {
  /** Bytes as they came; answers the whole frames among them, also those in front of a broken head. Nothing is read after one. */
  take(bytes: Buffer): Buffer[]
  /** What was wrong with a head; the connection is to be closed once the frames before it were served. */
  readonly broken: string | undefined
  /** Bytes of a frame that is not whole yet. */
  readonly held: number
}

/**
 * `lengthOf` gets at least `headBytes` bytes at a frame's begin and answers the frame's whole length; it throws a RangeError on a head that the
 * protocol forbids. A frame is at most `maxBytes`.
 */
export function openFrameReader({ headBytes, maxBytes, lengthOf }: { headBytes: number; maxBytes: number; lengthOf(head: Buffer): number }): FrameReader {
  let parts: Buffer[] = []
  let held = 0
  let need = headBytes
  let broken: string | undefined
  /** The whole length of the frame that `rest` begins with; undefined on a broken head. */
  const measure = (rest: Buffer): number | undefined => {
    try {
      const length = lengthOf(rest)
      if (!(length >= headBytes) || length > maxBytes) throw new RangeError(`a frame of ${length} bytes, where ${headBytes} to ${maxBytes} are allowed`)
      return length
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      broken = error.message
      return undefined
    }
  }
  return {
    get broken() {
      return broken
    },
    get held() {
      return held
    },
    take(bytes) {
      if (broken !== undefined) return []
      parts.push(bytes)
      held += bytes.length
      if (held < need) return []
      let rest = parts.length === 1 ? bytes : Buffer.concat(parts)
      const frames: Buffer[] = []
      need = headBytes
      while (rest.length >= headBytes) {
        const length = measure(rest)
        if (length === undefined) {
          rest = Buffer.alloc(0)
          break
        }
        if (rest.length < length) {
          need = length
          break
        }
        frames.push(rest.subarray(0, length))
        rest = rest.subarray(length)
      }
      parts = rest.length > 0 ? [rest] : []
      held = rest.length
      return frames
    },
  }
}

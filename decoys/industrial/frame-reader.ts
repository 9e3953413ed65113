/** Cuts a byte stream into frames whose head says how long they are; what is too long or broken ends the stream, never the process. */

export interface FrameReader {
  /** Bytes as they came; answers the whole frames among them. Throws a RangeError that says what was wrong with a head; nothing is read after it. */
  take(bytes: Buffer): Buffer[]
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
  return {
    get held() {
      return held
    },
    take(bytes) {
      parts.push(bytes)
      held += bytes.length
      if (held < need) return []
      let rest = parts.length === 1 ? bytes : Buffer.concat(parts)
      const frames: Buffer[] = []
      need = headBytes
      while (rest.length >= headBytes) {
        const length = lengthOf(rest)
        if (!(length >= headBytes) || length > maxBytes) throw new RangeError(`a frame of ${length} bytes, where ${headBytes} to ${maxBytes} are allowed`)
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

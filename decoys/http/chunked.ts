/** Chunked bodies (RFC 9112 section 7.1) as nginx reads them: bare LF, extensions and trailers pass, other deviations do not. */

const CR = 0x0d
const LF = 0x0a
const states = { start: 0, size: 1, extension: 2, extensionEnd: 3, data: 4, afterData: 5, afterDataEnd: 6, trailer: 7, trailerLine: 8, trailerEnd: 9 } as const

export interface ChunkDecoder {
  /** Takes bytes, hands data to `onData`, answers how many bytes it used. */
  push(bytes: Buffer, onData: (data: Buffer) => void): number
  readonly state: 'more' | 'done' | 'invalid'
}

const hex = (c: number): number => {
  if (c >= 0x30 && c <= 0x39) return c - 0x30
  const lower = c | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** Decodes one chunked body. Framing bytes between data are bounded to 64 KiB in all. */
export function chunkDecoder(): ChunkDecoder {
  let at: number = states.start
  let size = 0
  let framing = 0
  let state: ChunkDecoder['state'] = 'more'

  const afterSize = (c: number): undefined => {
    if (c === CR) at = states.extensionEnd
    else if (c === LF) at = size === 0 ? states.trailer : states.data
    else if (c === 0x3b || c === 0x20 || c === 0x09) at = states.extension
    else state = 'invalid'
  }
  const step = (c: number): undefined => {
    switch (at) {
      case states.start: {
        const digit = hex(c)
        if (digit < 0) state = 'invalid'
        else {
          size = digit
          at = states.size
        }
        return
      }
      case states.size: {
        const digit = hex(c)
        if (digit < 0) return afterSize(c)
        if (size > 0x7fffffffffff) state = 'invalid'
        size = size * 16 + digit
        return
      }
      case states.extension:
        if (c === CR) at = states.extensionEnd
        else if (c === LF) at = size === 0 ? states.trailer : states.data
        return
      case states.extensionEnd:
        if (c === LF) at = size === 0 ? states.trailer : states.data
        else state = 'invalid'
        return
      case states.afterData:
        if (c === CR) at = states.afterDataEnd
        else if (c === LF) at = states.start
        else state = 'invalid'
        return
      case states.afterDataEnd:
        if (c === LF) at = states.start
        else state = 'invalid'
        return
      case states.trailer:
        if (c === CR) at = states.trailerEnd
        else if (c === LF) state = 'done'
        else at = states.trailerLine
        return
      case states.trailerLine:
        if (c === LF) at = states.trailer
        return
      case states.trailerEnd:
        state = c === LF ? 'done' : 'invalid'
    }
  }
  return {
    get state() {
      return state
    },
    push(bytes, onData) {
      let i = 0
      while (i < bytes.length && state === 'more') {
        if (at === states.data) {
          const take = Math.min(size, bytes.length - i)
          if (take > 0) onData(bytes.subarray(i, i + take))
          size -= take
          i += take
          if (size === 0) at = states.afterData
          continue
        }
        step(bytes[i] as number)
        i++
        if (++framing > 65_536) state = 'invalid'
      }
      return i
    },
  }
}

/** A growing byte array with a bound, for what arrives in pieces. */

/** Appends pieces in amortised linear time; what exceeds `limit` is dropped. */
export class RawBytes {
  #bytes: Buffer = Buffer.alloc(0)
  #owned = false
  size = 0
  readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  append(piece: Uint8Array): void {
    const take = Math.min(piece.length, this.limit - this.size)
    if (take <= 0) return
    if (this.size === 0) {
      // The usual case: one piece holds it all, so keep a view of it.
      this.#bytes = Buffer.from(piece.buffer, piece.byteOffset, take)
      this.#owned = false
      this.size = take
      return
    }
    const needed = this.size + take
    if (!this.#owned || needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.min(this.limit, Math.max(needed, 2 * this.size, 512)))
      this.#bytes.copy(grown, 0, 0, this.size)
      this.#bytes = grown
      this.#owned = true
    }
    this.#bytes.set(piece.subarray(0, take), this.size)
    this.size = needed
  }

  view(): Buffer {
    return this.#bytes.subarray(0, this.size)
  }

  text(from: number, to: number): string {
    return this.#bytes.toString('latin1', from, Math.min(to, this.size))
  }
}

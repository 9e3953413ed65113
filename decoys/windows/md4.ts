/** MD4 (RFC 1320), which OpenSSL no longer has: what Windows keeps a password as. */

const shifts = [
  [3, 7, 11, 19],
  [3, 5, 9, 13],
  [3, 9, 11, 15],
] as const
const order = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
  [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
] as const
const added = [0, 0x5a82_7999, 0x6ed9_eba1] as const
const mixes = [
  (x: number, y: number, z: number): number => (x & y) | (~x & z),
  (x: number, y: number, z: number): number => (x & y) | (x & z) | (y & z),
  (x: number, y: number, z: number): number => x ^ y ^ z,
] as const

/** The digest of `message`, 16 bytes. */
export function md4(message: Uint8Array): Buffer {
  const padded = Buffer.alloc(Math.ceil((message.length + 9) / 64) * 64)
  padded.set(message)
  padded[message.length] = 0x80
  padded.writeBigUInt64LE(BigInt(message.length) * 8n, padded.length - 8)
  const state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476]
  for (let block = 0; block < padded.length; block += 64) {
    let [a, b, c, d] = state as [number, number, number, number]
    for (let round = 0; round < 3; round++)
      for (let step = 0; step < 16; step++) {
        const word = padded.readUInt32LE(block + 4 * (order[round]?.[step] as number))
        const sum = (a + (mixes[round] as (typeof mixes)[0])(b, c, d) + word + (added[round] as number)) | 0
        const by = shifts[round]?.[step % 4] as number
        ;[a, b, c, d] = [d, (sum << by) | (sum >>> (32 - by)), b, c]
      }
    state[0] = (state[0] as number) + a
    state[1] = (state[1] as number) + b
    state[2] = (state[2] as number) + c
    state[3] = (state[3] as number) + d
  }
  const digest = Buffer.alloc(16)
  for (const [at, word] of state.entries()) digest.writeInt32LE(word | 0, at * 4)
  return digest
}

/** Programs that are there to be looked at: a true ELF header for the architecture, then bytes made up from the path. */

const machines = {
  x86_64: { class: 2, machine: 0x3e, flags: 0, entry: 0x404890 },
  aarch64: { class: 2, machine: 0xb7, flags: 0, entry: 0x403e40 },
  armv7l: { class: 1, machine: 0x28, flags: 0x05000200, entry: 0x9f14 },
  mips: { class: 1, machine: 0x08, flags: 0x70001007, entry: 0x402d90 },
} as const

/** Bytes of the program at `path`, in little-endian order as all of these processors are run; the same for the same path, size and architecture. Layout: System V ABI, ELF header. */
export function program(architecture: string, path: string, size: number): Buffer {
  const { class: width, machine, flags, entry } = machines[architecture as keyof typeof machines] ?? machines.mips
  const bytes = Buffer.alloc(size)
  const u16 = (value: number, at: number): number => bytes.writeUInt16LE(value, at)
  const u32 = (value: number, at: number): number => bytes.writeUInt32LE(value, at)
  let state = 0x9e3779b9
  for (let i = 0; i < path.length; i++) state = Math.imul(state ^ path.charCodeAt(i), 16777619) >>> 0
  for (let at = 64; at + 4 <= size; at += 4) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes.writeInt32LE(state | 0, at)
  }
  if (size < 64) return bytes
  bytes.set([0x7f, 0x45, 0x4c, 0x46, width, 1, 1, 0])
  u16(2, 16) // ET_EXEC
  u16(machine, 18)
  u32(1, 20)
  if (width === 2) {
    u32(entry, 24)
    u32(64, 32)
    u32(size - 1984 > 0 ? size - 1984 : 64, 40)
    u32(flags, 48)
    for (const [value, at] of [
      [64, 52],
      [56, 54],
      [9, 56],
      [64, 58],
      [31, 60],
      [30, 62],
    ] as const)
      u16(value, at)
  } else {
    u32(entry, 24)
    u32(52, 28)
    u32(size - 1200 > 0 ? size - 1200 : 52, 32)
    u32(flags, 36)
    for (const [value, at] of [
      [52, 40],
      [32, 42],
      [8, 44],
      [40, 46],
      [30, 48],
      [29, 50],
    ] as const)
      u16(value, at)
  }
  return bytes
}

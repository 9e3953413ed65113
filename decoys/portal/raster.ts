/** PNG and ICO files, drawn from cells. */
import { crc32, deflateSync } from 'node:zlib'

/** A PNG (8-bit RGBA) of `width` by `height`; `pixel` answers `[r, g, b, a]`. `level` and `filter` are the encoder's habit. */
export function png(
  width: number,
  height: number,
  pixel: (x: number, y: number) => readonly [number, number, number, number],
  level: number,
  text?: [string, string],
): Buffer {
  const raw = Buffer.alloc((width * 4 + 1) * height)
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) raw.set(pixel(x, y), y * (width * 4 + 1) + 1 + x * 4)
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 6, 0, 0, 0], 8)
  const chunks = [chunk('IHDR', header)]
  if (text) chunks.push(chunk('tEXt', Buffer.from(`${text[0]}\0${text[1]}`, 'latin1')))
  chunks.push(chunk('IDAT', deflateSync(raw, { level })), chunk('IEND', Buffer.alloc(0)))
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), ...chunks])
}

function chunk(type: string, data: Buffer): Buffer {
  const out = Buffer.alloc(12 + data.length)
  out.writeUInt32BE(data.length, 0)
  out.write(type, 4, 'latin1')
  data.copy(out, 8)
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length)
  return out
}

/** An ICO file around PNG images. */
export function ico(images: readonly { size: number; png: Buffer }[]): Buffer {
  const header = Buffer.alloc(6 + 16 * images.length)
  header.writeUInt16LE(1, 2)
  header.writeUInt16LE(images.length, 4)
  let offset = header.length
  images.forEach((image, i) => {
    const at = 6 + 16 * i
    header.set([image.size & 255, image.size & 255, 0, 0], at)
    header.writeUInt16LE(1, at + 4)
    header.writeUInt16LE(32, at + 6)
    header.writeUInt32LE(image.png.length, at + 8)
    header.writeUInt32LE(offset, at + 12)
    offset += image.png.length
  })
  return Buffer.concat([header, ...images.map((image) => image.png)])
}

/** `[r, g, b]` of `#rrggbb`. */
export const rgb = (hex: string): [number, number, number] => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number]

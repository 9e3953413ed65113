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

/** A filled polygon: `x, y` pairs, colour `[r, g, b]`, opacity. */
export interface Shape {
  points: number[]
  fill: readonly [number, number, number]
  opacity: number
}

const subRows = 2

/** Paints shapes over white, smooth at their edges: RGB bytes, row after row. */
export function paint(width: number, height: number, shapes: readonly Shape[]): Buffer {
  const out = Buffer.alloc(width * height * 3, 255)
  const cover = new Float32Array(width + 1)
  for (const { points, fill, opacity } of shapes) {
    let top = height
    let bottom = 0
    let left = width
    let right = 0
    for (let i = 1; i < points.length; i += 2) {
      left = Math.min(left, points[i - 1] as number)
      right = Math.max(right, points[i - 1] as number)
      top = Math.min(top, points[i] as number)
      bottom = Math.max(bottom, points[i] as number)
    }
    const from = Math.max(0, Math.floor(left))
    const to = Math.min(width, Math.ceil(right))
    for (let y = Math.max(0, Math.floor(top)); y < Math.min(height, Math.ceil(bottom)); y++) {
      cover.fill(0, from, to + 1)
      for (let part = 0; part < subRows; part++) addSpans(cover, width, crossings(points, y + (part + 0.5) / subRows))
      for (let x = from; x < to; x++) {
        const share = (cover[x] as number) * opacity
        if (share <= 0) continue
        const at = (y * width + x) * 3
        for (let c = 0; c < 3; c++) out[at + c] = Math.round((out[at + c] as number) * (1 - share) + (fill[c] as number) * share)
      }
    }
  }
  return out
}

/** Where a horizontal line crosses the polygon's edges, from left to right. */
function crossings(points: readonly number[], y: number): number[] {
  const found: number[] = []
  for (let i = 0; i < points.length; i += 2) {
    const j = (i + 2) % points.length
    const [x1, y1, x2, y2] = [points[i], points[i + 1], points[j], points[j + 1]] as [number, number, number, number]
    if (y1 <= y !== y2 <= y) found.push(x1 + ((y - y1) * (x2 - x1)) / (y2 - y1))
  }
  return found.sort((a, b) => a - b)
}

function addSpans(cover: Float32Array, width: number, xs: readonly number[]): void {
  for (let i = 0; i + 1 < xs.length; i += 2) {
    const from = Math.max(0, xs[i] as number)
    const to = Math.min(width, xs[i + 1] as number)
    for (let x = Math.floor(from); x < to; x++) cover[x] = Math.min(1, (cover[x] as number) + (Math.min(to, x + 1) - Math.max(from, x)) / subRows)
  }
}

/** A PNG (8-bit RGB) of painted bytes. `level` is the encoder's habit; `grain` adds a little of a camera's or a printer's unevenness. */
export function photo(width: number, height: number, pixels: Buffer, level: number, grain: () => number): Buffer {
  const raw = Buffer.alloc((width * 3 + 1) * height)
  for (let y = 0; y < height; y++) {
    pixels.copy(raw, y * (width * 3 + 1) + 1, y * width * 3, (y + 1) * width * 3)
    for (let touched = 0; touched < width / 40; touched++) {
      const at = y * (width * 3 + 1) + 1 + Math.floor(grain() * width * 3)
      raw[at] = Math.max(0, (raw[at] as number) - 1 - Math.floor(grain() * 2))
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(raw, { level })), chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), ...chunks])
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

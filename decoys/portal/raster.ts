/** PNG and ICO files, drawn from cells and shapes; large ones in slices, so that nobody waits for them but who asked. */
import { promisify } from 'node:util'
import { crc32, deflate, deflateSync } from 'node:zlib'

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

/** Paints shapes over white, smooth at their edges: RGB bytes, row after row. Yields between rows. */
function* paint(width: number, height: number, shapes: readonly Shape[]): Generator<undefined, Buffer> {
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
    // What becomes of a byte that the shape covers wholly, for each channel.
    const covered = fill.map((channel) => Uint8Array.from({ length: 256 }, (_, under) => blend(under, channel, opacity))) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]
    for (let y = Math.max(0, Math.floor(top)); y < Math.min(height, Math.ceil(bottom)); y++) {
      yield
      cover.fill(0, from, to + 1)
      for (let part = 0; part < subRows; part++) addSpans(cover, width, crossings(points, y + (part + 0.5) / subRows))
      for (let x = from, at = (y * width + from) * 3; x < to; x++, at += 3) {
        const part = cover[x] as number
        if (part === 1) {
          out[at] = covered[0][out[at] as number] as number
          out[at + 1] = covered[1][out[at + 1] as number] as number
          out[at + 2] = covered[2][out[at + 2] as number] as number
        } else if (part > 0) for (let c = 0; c < 3; c++) out[at + c] = blend(out[at + c] as number, fill[c] as number, part * opacity)
      }
    }
  }
  return out
}

const blend = (under: number, over: number, share: number): number => Math.round(under * (1 - share) + over * share)

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

/** A picture that is still to be made. Both ways give the same bytes. */
export interface Drawing {
  /** At once, for as long as it takes. */
  now(): Buffer
  /** In slices of a few milliseconds, one drawing after the other. */
  slowly(): Promise<Buffer>
}

/**
 * A PNG (8-bit RGB) of shapes over white. `level` is the encoder's habit; `grain` makes a stream of numbers from 0 to 1 that add a little of a camera's or a
 * printer's unevenness.
 */
export function photo(width: number, height: number, shapes: readonly Shape[], level: number, grain: () => () => number): Drawing {
  const encode = (packed: Buffer): Buffer => {
    const header = Buffer.alloc(13)
    header.writeUInt32BE(width, 0)
    header.writeUInt32BE(height, 4)
    header.set([8, 2, 0, 0, 0], 8)
    return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk('IHDR', header), chunk('IDAT', packed), chunk('IEND', Buffer.alloc(0))])
  }
  function* lines(): Generator<undefined, Buffer> {
    const pixels = yield* paint(width, height, shapes)
    const raw = Buffer.alloc((width * 3 + 1) * height)
    const next = grain()
    for (let y = 0; y < height; y++) {
      yield
      pixels.copy(raw, y * (width * 3 + 1) + 1, y * width * 3, (y + 1) * width * 3)
      for (let touched = 0; touched < width / 40; touched++) {
        const at = y * (width * 3 + 1) + 1 + Math.floor(next() * width * 3)
        raw[at] = Math.max(0, (raw[at] as number) - 1 - Math.floor(next() * 2))
      }
    }
    return raw
  }
  return {
    now() {
      const steps = lines()
      let step = steps.next()
      while (!step.done) step = steps.next()
      return encode(deflateSync(step.value, { level }))
    },
    slowly: () => inTurn(async () => encode(await squeeze(await inSlices(lines()), { level }))),
  }
}

const squeeze = promisify<Buffer, { level: number }, Buffer>(deflate)

let last: Promise<unknown> = Promise.resolve()
/** One after the other: drawings that took turns would make each turn of the loop longer. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = last.then(work)
  last = result.catch(() => undefined)
  return result
}

const sliceMs = 4

async function inSlices<T>(steps: Generator<undefined, T>): Promise<T> {
  for (let until = performance.now() + sliceMs; ; ) {
    const step = steps.next()
    if (step.done) return step.value
    if (performance.now() < until) continue
    await new Promise(setImmediate)
    until = performance.now() + sliceMs
  }
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

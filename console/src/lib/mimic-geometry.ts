/** Where the symbols, texts and lines of a picture stand, in pixels of its own size. Pure: it knows no values and no words. */
import type { PictureLine, PictureSymbol } from '@shenlou/contract/plant-picture'
import { pictureUnit, readingGrid, readingLine, sizeOf, symbolKinds, titleLine } from '@shenlou/contract/plant-symbols'

export type Rect = { x: number; y: number; w: number; h: number }
/** A symbol's rectangle, its drawing in it, where title and readings are written. */
export type Placed = { box: Rect; drawing: Rect; title: Text; readings: Text[] }
export type Text = { x: number; y: number; anchor: 'start' | 'middle'; room: number }

const scaled = (symbol: PictureSymbol): Rect => {
  const [w, h] = sizeOf(symbol)
  return { x: symbol.at[0] * pictureUnit, y: symbol.at[1] * pictureUnit, w: w * pictureUnit, h: h * pictureUnit }
}
/** Vessels and valves keep their form in a wide symbol. */
const widest: Partial<Record<PictureSymbol['kind'], number>> = { tank: 90, silo: 84, valve: 44 }
const round = new Set<PictureSymbol['kind']>(['pump', 'fan', 'motor', 'generator', 'heater', 'converter', 'breaker', 'lamp'])

/** Where a symbol's title, drawing and readings stand, in pixels. */
export function place(symbol: PictureSymbol): Placed {
  const box = scaled(symbol)
  const { texts } = symbolKinds[symbol.kind]
  const count = Object.keys(symbol.tags).length
  const { columns, rows } = readingGrid(symbol.kind, box.w / pictureUnit, Math.max(1, count))
  const below = texts === 'below'
  const left = box.x + (texts === 'beside' ? 24 : 0)
  const width = box.w - (left - box.x)
  const title: Text = { x: below ? box.x + box.w / 2 : left, y: box.y + 10, anchor: below ? 'middle' : 'start', room: width }
  const textHeight = rows * readingLine
  const firstLine = below ? box.y + box.h - textHeight + 11 : box.y + titleLine + 11
  const readings = Array.from({ length: count }, (_, i): Text => {
    const room = width / columns
    const start = left + (i % columns) * room
    return { x: below ? start + room / 2 : start, y: firstLine + Math.floor(i / columns) * readingLine, anchor: below ? 'middle' : 'start', room: room - 4 }
  })
  if (symbol.kind === 'box') return { box, drawing: box, title: { ...title, x: box.x + 6, anchor: 'start', y: box.y + 12 }, readings: [] }
  const free: Rect =
    texts === 'below'
      ? { x: box.x, y: box.y + titleLine + 2, w: box.w, h: box.h - titleLine - textHeight - 4 }
      : texts === 'above'
        ? { x: box.x, y: box.y + titleLine + textHeight + 1, w: box.w, h: 6 }
        : { x: box.x + 2, y: box.y + 2, w: 18, h: Math.min(18, box.h - 4) }
  return { box, drawing: round.has(symbol.kind) ? square(free) : narrowed(free, widest[symbol.kind]), title, readings }
}
const narrowed = (r: Rect, most: number | undefined): Rect => (most !== undefined && r.w > most ? { ...r, x: r.x + (r.w - most) / 2, w: most } : r)
function square({ x, y, w, h }: Rect): Rect {
  const side = Math.min(w, h, 56)
  return { x: x + (w - side) / 2, y: y + (h - side) / 2, w: side, h: side }
}

type Point = readonly [number, number]
const across = (side: string): boolean => side === 'left' || side === 'right'
/** The middle of a symbol's side: of its drawing to the left and right, of its whole above and below, so that no line crosses its texts. */
function anchor(symbol: PictureSymbol, side: string): Point {
  const { box, drawing } = place(symbol)
  if (!across(side)) return [drawing.x + drawing.w / 2, side === 'top' ? box.y : box.y + box.h]
  if (symbol.kind === 'rotor') return [drawing.x + drawing.w / 2 + (side === 'left' ? -5 : 5), hubOf(drawing).y]
  const r = symbolKinds[symbol.kind].texts === 'below' ? drawing : box
  return [side === 'left' ? r.x : r.x + r.w, r.y + r.h / 2]
}
/** The middle of a rotor and how far its blades reach. */
export function hubOf({ x, y, w, h }: Rect): { x: number; y: number; far: number } {
  const far = Math.min(w / 2, h * 0.55)
  return { x: x + w / 2, y: y + far, far }
}
/** Ends that are nearly level are drawn level: at the one that is round. */
const nearly = 14

/** The way of a line in right angles, in pixels. Undefined when one of its ends is not there. */
export function route(line: PictureLine, symbols: readonly PictureSymbol[]): Point[] | undefined {
  const ends = [line.from, line.to].map((end) => {
    const dot = end.lastIndexOf('.')
    const symbol = symbols.find(({ id }) => id === end.slice(0, dot))
    return symbol && { kind: symbol.kind, at: anchor(symbol, end.slice(dot + 1)), across: across(end.slice(dot + 1)) }
  })
  const [from, to] = ends
  if (!from || !to) return undefined
  const corners: Point[] = line.via.map(([x, y]) => [x * pictureUnit, y * pictureUnit])
  if (corners.length === 0 && from.across === to.across) {
    const [a, b] = [from.at, to.at]
    const keep = round.has(from.kind) || !round.has(to.kind) ? a : b
    if (from.across && Math.abs(a[1] - b[1]) <= nearly)
      return [
        [a[0], keep[1]],
        [b[0], keep[1]],
      ]
    if (!from.across && Math.abs(a[0] - b[0]) <= nearly)
      return [
        [keep[0], a[1]],
        [keep[0], b[1]],
      ]
  }
  const points: Point[] = [from.at]
  let sideways = from.across
  for (const [i, next] of [...corners, to.at].entries()) {
    const last = points.at(-1) as Point
    if (Math.abs(last[0] - next[0]) < 0.5 || Math.abs(last[1] - next[1]) < 0.5) sideways = Math.abs(last[1] - next[1]) < 0.5
    else if (i === corners.length && to.across === sideways) {
      const middle = sideways ? (last[0] + next[0]) / 2 : (last[1] + next[1]) / 2
      points.push(
        ...(sideways
          ? ([
              [middle, last[1]],
              [middle, next[1]],
            ] as const)
          : ([
              [last[0], middle],
              [next[0], middle],
            ] as const)),
      )
    } else {
      points.push(sideways ? [next[0], last[1]] : [last[0], next[1]])
      sideways = !sideways
    }
    points.push(next)
  }
  return points
}

/** Width of a text in pixels, about: Chinese letters are square, others half as wide. */
export function textWidth(text: string, size: number): number {
  let width = 0
  for (const letter of text) width += letter > '\u2e7f' ? 1 : /[ilj.,:;'|!1 ()]/.test(letter) ? 0.33 : /[A-Z%→mwMW]/.test(letter) ? 0.76 : 0.58
  return width * size
}
/** A text cut to a room in pixels, with dots where something is missing. */
export function fitted(text: string, room: number, size: number): string {
  if (textWidth(text, size) <= room) return text
  let cut = [...text]
  while (cut.length > 1 && textWidth(`${cut.join('')}…`, size) > room) cut = cut.slice(0, -1)
  return `${cut.join('').trimEnd()}…`
}

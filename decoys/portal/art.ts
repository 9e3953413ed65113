/** Pictures of one site: its mark, works and machines, drawn from the seed in its palette. */
import type { Palette } from './design.ts'
import { type Random, stream } from './random.ts'
import { type Drawing, photo, rgb, type Shape } from './raster.ts'

/** Collects shapes as they are drawn; `page` makes the picture of them, `scale` pixels for each unit. */
function pen(random: Random) {
  const shapes: Shape[] = []
  const level = random.int(1, 5)
  const write = (tag: 'rect' | 'circle' | 'polygon', attributes: Record<string, string | number>): void => {
    const number = (key: string): number => Number(attributes[key] ?? 0)
    const points =
      tag === 'rect'
        ? box(number('x'), number('y'), number('width'), number('height'), number('rx'))
        : tag === 'circle'
          ? round(number('cx'), number('cy'), number('r'))
          : String(attributes.points).split(/[ ,]/).map(Number)
    shapes.push({
      points,
      fill: rgb(attributes.fill === '#fff' ? '#ffffff' : String(attributes.fill)),
      opacity: attributes.opacity === undefined ? 1 : Number(attributes.opacity),
    })
  }
  return {
    write,
    page(width: number, height: number, scale = 1): Drawing {
      const scaled = scale === 1 ? shapes : shapes.map((shape) => ({ ...shape, points: shape.points.map((value) => value * scale) }))
      const seed = random.int(0, 0x7fffffff)
      return photo(Math.round(width * scale), Math.round(height * scale), scaled, level, () => stream(seed))
    },
  }
}
type Pen = ReturnType<typeof pen>

function round(cx: number, cy: number, r: number): number[] {
  const points: number[] = []
  for (let i = 0; i < 56; i++) points.push(cx + r * Math.cos((i * Math.PI) / 28), cy + r * Math.sin((i * Math.PI) / 28))
  return points
}

function box(x: number, y: number, w: number, h: number, rx: number): number[] {
  const r = Math.min(rx, w / 2, h / 2)
  if (r < 1) return [x, y, x + w, y, x + w, y + h, x, y + h]
  const points: number[] = []
  for (const [cx, cy, from] of [
    [x + w - r, y + r, -90],
    [x + w - r, y + h - r, 0],
    [x + r, y + h - r, 90],
    [x + r, y + r, 180],
  ] as const)
    for (let step = 0; step <= 90; step += 15)
      points.push(cx + r * Math.cos(((from + step) * Math.PI) / 180), cy + r * Math.sin(((from + step) * Math.PI) / 180))
  return points
}

/** The site's mark: also drawn as its icon. Cells of a 5 by 5 field, mirrored. */
export function markCells(random: Random): boolean[][] {
  const rows = Array.from({ length: 5 }, () => {
    const half = [random.chance(0.55), random.chance(0.55), random.chance(0.6)]
    return [half[0], half[1], half[2], half[1], half[0]] as boolean[]
  })
  ;(rows[2] as boolean[])[2] = true
  return rows
}

export function drawMark(cells: readonly (readonly boolean[])[], style: 'mark' | 'block' | 'ring', palette: Palette, random: Random): Drawing {
  const { write, page } = pen(random)
  if (style === 'block') write('rect', { width: 70, height: 70, rx: random.int(0, 18), fill: palette.main })
  if (style === 'ring') {
    write('circle', { cx: 35, cy: 35, r: 34, fill: palette.main })
    write('circle', { cx: 35, cy: 35, r: 34 - random.int(3, 6), fill: '#fff' })
  }
  const size = style === 'mark' ? 14 : 8
  const from = style === 'mark' ? 0 : 15
  cells.forEach((row, y) => {
    row.forEach((on, x) => {
      if (!on) return
      const fill = y === 2 && x === 2 ? palette.accent : style === 'block' ? '#fff' : palette.main
      write('rect', { x: from + x * size, y: from + y * size, width: size, height: size, fill })
    })
  })
  return page(70, 70, random.int(100, 190) / 70)
}

/** A works under a sky: halls, stacks, a crane and hills. */
export function drawWorks(palette: Palette, random: Random, light: boolean): Drawing {
  const { write, page } = pen(random)
  const [width, height] = [random.int(900, 1100), random.int(560, 640)]
  const ground = height * 0.82
  write('rect', { width, height, fill: light ? palette.tint : palette.deep })
  write('circle', {
    cx: random.int(width * 0.6, width * 0.85),
    cy: height * 0.3,
    r: random.int(60, 110),
    fill: palette.accent,
    opacity: light ? 0.35 : 0.5,
  })
  for (let layer = 0; layer < 3; layer++) {
    const points = [`0,${height}`]
    for (let x = 0; x <= width; x += random.int(70, 130)) points.push(`${x},${Math.round(ground - 150 + layer * 45 - random.int(0, 80))}`)
    points.push(`${width},${height}`)
    write('polygon', { points: points.join(' '), fill: palette.main, opacity: 0.14 + layer * 0.08 })
  }
  let x = random.int(20, 60)
  while (x < width - 120) {
    const w = random.int(90, 190)
    const h = random.int(90, 230)
    hall({ write, page }, palette, random, x, ground, w, h, light)
    x += w + random.int(-8, 34)
  }
  write('rect', { y: ground, width, height: height - ground, fill: light ? palette.main : palette.ink, opacity: light ? 0.85 : 1 })
  for (let i = 0; i < 9; i++)
    write('rect', {
      x: random.int(0, width),
      y: ground + random.int(14, 70),
      width: random.int(40, 150),
      height: random.int(2, 4),
      fill: '#fff',
      opacity: 0.16,
    })
  return page(width, height, random.int(80, 98) / 100)
}

function hall({ write }: Pen, palette: Palette, random: Random, x: number, ground: number, w: number, h: number, light: boolean): void {
  const wall = random.pick(light ? [palette.main, palette.deep, palette.soft] : [palette.main, palette.soft, palette.tint])
  const kind = random.int(0, 3)
  if (kind === 0) {
    const sw = random.int(16, 26)
    write('polygon', {
      points: `${x + w * 0.2},${ground} ${x + w * 0.2 + 4},${ground - h - 90} ${x + w * 0.2 + sw - 4},${ground - h - 90} ${x + w * 0.2 + sw},${ground}`,
      fill: palette.soft,
    })
    write('rect', { x: x + w * 0.2 + 3, y: ground - h - 76, width: sw - 6, height: 12, fill: palette.accent })
  }
  if (kind === 1) {
    const teeth = Math.max(2, Math.round(w / 44))
    for (let i = 0; i < teeth; i++) {
      const a = x + (w / teeth) * i
      write('polygon', { points: `${a},${ground - h} ${a},${ground - h - 34} ${a + w / teeth},${ground - h}`, fill: wall })
    }
  } else if (kind === 2) write('polygon', { points: vault(x, ground - h, w), fill: wall })
  write('rect', { x, y: ground - h, width: w, height: h, fill: wall })
  const columns = Math.max(2, Math.floor(w / random.int(26, 36)))
  const rows = Math.max(1, Math.floor(h / random.int(38, 54)))
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      if (random.chance(0.82))
        write('rect', {
          x: x + 9 + (c * (w - 14)) / columns,
          y: ground - h + 14 + (r * (h - 20)) / rows,
          width: (w - 14) / columns - 7,
          height: random.int(11, 20),
          fill: random.chance(0.3) ? palette.accent : '#fff',
          opacity: random.int(35, 85) / 100,
        })
}

/** A vaulted roof over `w`. */
const vault = (x: number, y: number, w: number): string =>
  Array.from({ length: 17 }, (_, i) => `${x + (w * i) / 16},${y - 28 * Math.sin((i * Math.PI) / 16)}`).join(' ')

/** A machine: bed, housings, shafts, wheels. */
export function drawMachine(palette: Palette, random: Random): Drawing {
  const { write, page } = pen(random)
  const [width, height] = [640, 420]
  write('rect', { width, height, fill: palette.tint })
  const step = random.int(26, 40)
  for (let x = step; x < width; x += step) write('rect', { x, width: 1, height, fill: palette.line, opacity: 0.7 })
  for (let y = step; y < height; y += step) write('rect', { y, width, height: 1, fill: palette.line, opacity: 0.7 })
  const floor = random.int(330, 352)
  write('rect', { x: 70, y: floor, width: 500, height: random.int(16, 26), rx: 3, fill: palette.ink })
  let x = 96
  while (x < 470) {
    const w = Math.min(random.int(80, 170), 556 - x)
    const h = random.int(80, 215)
    const kind = random.int(0, 3)
    const fill = random.pick([palette.main, palette.deep, palette.soft])
    write('rect', { x, y: floor - h, width: w, height: h, rx: random.pick([2, 6, 12, 20]), fill })
    if (kind === 0) wheel({ write, page }, random, x + w / 2, floor - h / 2, Math.min(w, h) * 0.36, palette)
    else if (kind === 1)
      for (let i = 0; i < 5; i++) write('rect', { x: x + 12, y: floor - h + 16 + i * 13, width: w - 24, height: 6, fill: '#fff', opacity: 0.28 })
    else if (kind === 2) {
      write('rect', { x: x + w * 0.36, y: floor - h - 46, width: w * 0.28, height: 50, fill: palette.soft })
      write('rect', { x: x + w * 0.2, y: floor - h - 58, width: w * 0.6, height: 15, rx: 4, fill: palette.accent })
    } else write('rect', { x: x + w * 0.18, y: floor - h + 18, width: w * 0.64, height: h * 0.34, rx: 4, fill: '#fff', opacity: 0.8 })
    write('rect', { x: x + w - 4, y: floor - random.int(40, 70), width: random.int(20, 44), height: random.int(14, 22), fill: palette.soft })
    x += w + random.int(8, 30)
  }
  return page(width, height, random.int(95, 120) / 100)
}

function wheel({ write }: Pen, random: Random, cx: number, cy: number, r: number, palette: Palette): void {
  const teeth = random.int(9, 18)
  const points: string[] = []
  for (let i = 0; i < teeth * 2; i++) {
    const angle = (i * Math.PI) / teeth
    const radius = i % 2 ? r : r * 0.84
    points.push(`${(cx + radius * Math.cos(angle)).toFixed(1)},${(cy + radius * Math.sin(angle)).toFixed(1)}`)
  }
  write('polygon', { points: points.join(' '), fill: palette.accent })
  write('circle', { cx, cy, r: r * 0.55, fill: palette.tint })
  write('circle', { cx, cy, r: r * 0.2, fill: palette.ink })
}

/** A quiet pattern for news and the heads of pages. */
export function drawPattern(palette: Palette, random: Random): Drawing {
  const { write, page } = pen(random)
  const [width, height] = [640, 400]
  write('rect', { width, height, fill: random.pick([palette.main, palette.deep, palette.tint]) })
  const kind = random.int(0, 2)
  for (let i = 0; i < 26; i++) {
    const fill = random.pick([palette.main, palette.accent, palette.soft, '#fff'])
    const opacity = random.int(8, 34) / 100
    if (kind === 0) write('circle', { cx: random.int(0, width), cy: random.int(0, height), r: random.int(14, 110), fill, opacity })
    else if (kind === 1)
      write('rect', { x: random.int(-40, width), y: random.int(-40, height), width: random.int(30, 240), height: random.int(10, 46), fill, opacity })
    else {
      const [x, y, s] = [random.int(0, width), random.int(0, height), random.int(40, 150)]
      write('polygon', { points: `${x},${y} ${x + s},${y + random.int(-30, 30)} ${x + s / 2},${y + s}`, fill, opacity })
    }
  }
  return page(width, height, random.int(95, 120) / 100)
}

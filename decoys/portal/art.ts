/** Pictures of one site as SVG: its mark, works and machines, drawn from the seed in its palette. */
import type { Palette } from './design.ts'
import type { Random } from './random.ts'

/** Elements with their attributes in drawn order, closed and numbered as this site's drawing program does. */
function pen(random: Random) {
  const quote = random.pick(['"', "'"])
  const gap = random.pick(['', '\n', ' '])
  const decimals = random.int(0, 2)
  // Shares of one need their two digits whatever the drawing program rounds to.
  const round = (value: number): number => Number(value.toFixed(Math.abs(value) <= 1 ? 2 : decimals))
  const ranks = new Map<string, number>()
  const rank = (key: string): number => {
    let held = ranks.get(key)
    if (held === undefined) {
      held = random.real()
      ranks.set(key, held)
    }
    return held
  }
  const write = (tag: string, attributes: Record<string, string | number>, inner?: string): string => {
    const pairs = Object.entries(attributes).sort(([a], [b]) => rank(a) - rank(b))
    const text = pairs.map(([key, value]) => ` ${key}=${quote}${typeof value === 'number' ? round(value) : value}${quote}`).join('')
    return inner === undefined ? `<${tag}${text}/>${gap}` : `<${tag}${text}>${gap}${inner}</${tag}>${gap}`
  }
  return {
    write,
    page: (width: number, height: number, inner: string): Buffer =>
      Buffer.from(write('svg', { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${width} ${height}`, width, height }, inner)),
  }
}
type Pen = ReturnType<typeof pen>

/** The site's mark: also drawn as its icon. Cells of a 5 by 5 field, mirrored. */
export function markCells(random: Random): boolean[][] {
  const rows = Array.from({ length: 5 }, () => {
    const half = [random.chance(0.55), random.chance(0.55), random.chance(0.6)]
    return [half[0], half[1], half[2], half[1], half[0]] as boolean[]
  })
  ;(rows[2] as boolean[])[2] = true
  return rows
}

export function drawMark(cells: readonly (readonly boolean[])[], style: 'mark' | 'block' | 'ring', palette: Palette, random: Random): Buffer {
  const { write, page } = pen(random)
  const ground =
    style === 'block'
      ? write('rect', { width: 70, height: 70, rx: random.int(0, 18), fill: palette.main })
      : style === 'ring'
        ? write('circle', { cx: 35, cy: 35, r: 32, fill: 'none', stroke: palette.main, 'stroke-width': random.int(3, 6) })
        : ''
  const fill = style === 'block' ? '#fff' : palette.main
  let inner = ground
  const size = style === 'mark' ? 14 : 8
  const from = style === 'mark' ? 0 : 15
  cells.forEach((row, y) => {
    row.forEach((on, x) => {
      if (on)
        inner += write('rect', {
          x: from + x * size,
          y: from + y * size,
          width: size + 0.5,
          height: size + 0.5,
          fill: y === 2 && x === 2 ? palette.accent : fill,
        })
    })
  })
  return page(70, 70, inner)
}

/** A works under a sky: halls, stacks, a crane and hills. */
export function drawWorks(palette: Palette, random: Random, light: boolean): Buffer {
  const { write, page } = pen(random)
  const [width, height] = [random.int(900, 1100), random.int(560, 640)]
  const ground = height * 0.82
  let inner = write('rect', { width, height, fill: light ? palette.tint : palette.deep })
  inner += write('circle', {
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
    inner += write('polygon', { points: points.join(' '), fill: palette.main, opacity: 0.14 + layer * 0.08 })
  }
  let x = random.int(20, 60)
  while (x < width - 120) {
    const w = random.int(90, 190)
    const h = random.int(90, 230)
    inner += hall({ write, page }, palette, random, x, ground, w, h, light)
    x += w + random.int(-8, 34)
  }
  inner += write('rect', { y: ground, width, height: height - ground, fill: light ? palette.main : palette.ink, opacity: light ? 0.85 : 1 })
  for (let i = 0; i < 9; i++)
    inner += write('rect', {
      x: random.int(0, width),
      y: ground + random.int(14, 70),
      width: random.int(40, 150),
      height: random.int(2, 4),
      fill: '#fff',
      opacity: 0.16,
    })
  return page(width, height, inner)
}

function hall({ write }: Pen, palette: Palette, random: Random, x: number, ground: number, w: number, h: number, light: boolean): string {
  const wall = random.pick(light ? [palette.main, palette.deep, palette.soft] : [palette.main, palette.soft, palette.tint])
  let out = ''
  const kind = random.int(0, 3)
  if (kind === 0) {
    const sw = random.int(16, 26)
    out += write('polygon', {
      points: `${x + w * 0.2},${ground} ${x + w * 0.2 + 4},${ground - h - 90} ${x + w * 0.2 + sw - 4},${ground - h - 90} ${x + w * 0.2 + sw},${ground}`,
      fill: palette.soft,
    })
    out += write('rect', { x: x + w * 0.2 + 3, y: ground - h - 76, width: sw - 6, height: 12, fill: palette.accent })
  }
  if (kind === 1) {
    const teeth = Math.max(2, Math.round(w / 44))
    for (let i = 0; i < teeth; i++) {
      const a = x + (w / teeth) * i
      out += write('polygon', { points: `${a},${ground - h} ${a},${ground - h - 34} ${a + w / teeth},${ground - h}`, fill: wall })
    }
  } else if (kind === 2) out += write('path', { d: `M${x} ${ground - h}Q${x + w / 2} ${ground - h - 56} ${x + w} ${ground - h}Z`, fill: wall })
  out += write('rect', { x, y: ground - h, width: w, height: h, fill: wall })
  const columns = Math.max(2, Math.floor(w / random.int(26, 36)))
  const rows = Math.max(1, Math.floor(h / random.int(38, 54)))
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++)
      if (random.chance(0.82))
        out += write('rect', {
          x: x + 9 + (c * (w - 14)) / columns,
          y: ground - h + 14 + (r * (h - 20)) / rows,
          width: (w - 14) / columns - 7,
          height: random.int(11, 20),
          fill: random.chance(0.3) ? palette.accent : '#fff',
          opacity: random.int(35, 85) / 100,
        })
  return out
}

/** A machine: bed, housings, shafts, wheels. */
export function drawMachine(palette: Palette, random: Random): Buffer {
  const { write, page } = pen(random)
  const [width, height] = [640, 420]
  let inner = write('rect', { width, height, fill: palette.tint })
  const step = random.int(26, 40)
  for (let x = step; x < width; x += step) inner += write('rect', { x, width: 1, height, fill: palette.line, opacity: 0.7 })
  for (let y = step; y < height; y += step) inner += write('rect', { y, width, height: 1, fill: palette.line, opacity: 0.7 })
  const floor = random.int(330, 352)
  inner += write('rect', { x: 70, y: floor, width: 500, height: random.int(16, 26), rx: 3, fill: palette.ink })
  let x = 96
  while (x < 470) {
    const w = Math.min(random.int(80, 170), 556 - x)
    const h = random.int(80, 215)
    const kind = random.int(0, 3)
    const fill = random.pick([palette.main, palette.deep, palette.soft])
    inner += write('rect', { x, y: floor - h, width: w, height: h, rx: random.pick([2, 6, 12, 20]), fill })
    if (kind === 0) inner += wheel({ write, page }, random, x + w / 2, floor - h / 2, Math.min(w, h) * 0.36, palette)
    else if (kind === 1)
      for (let i = 0; i < 5; i++) inner += write('rect', { x: x + 12, y: floor - h + 16 + i * 13, width: w - 24, height: 6, fill: '#fff', opacity: 0.28 })
    else if (kind === 2) {
      inner += write('rect', { x: x + w * 0.36, y: floor - h - 46, width: w * 0.28, height: 50, fill: palette.soft })
      inner += write('rect', { x: x + w * 0.2, y: floor - h - 58, width: w * 0.6, height: 15, rx: 4, fill: palette.accent })
    } else inner += write('rect', { x: x + w * 0.18, y: floor - h + 18, width: w * 0.64, height: h * 0.34, rx: 4, fill: '#fff', opacity: 0.8 })
    inner += write('rect', { x: x + w - 4, y: floor - random.int(40, 70), width: random.int(20, 44), height: random.int(14, 22), fill: palette.soft })
    x += w + random.int(8, 30)
  }
  return page(width, height, inner)
}

function wheel({ write }: Pen, random: Random, cx: number, cy: number, r: number, palette: Palette): string {
  const teeth = random.int(9, 18)
  const points: string[] = []
  for (let i = 0; i < teeth * 2; i++) {
    const angle = (i * Math.PI) / teeth
    const radius = i % 2 ? r : r * 0.84
    points.push(`${(cx + radius * Math.cos(angle)).toFixed(1)},${(cy + radius * Math.sin(angle)).toFixed(1)}`)
  }
  return (
    write('polygon', { points: points.join(' '), fill: palette.accent }) +
    write('circle', { cx, cy, r: r * 0.55, fill: palette.tint }) +
    write('circle', { cx, cy, r: r * 0.2, fill: palette.ink })
  )
}

/** A quiet pattern for news and the heads of pages. */
export function drawPattern(palette: Palette, random: Random): Buffer {
  const { write, page } = pen(random)
  const [width, height] = [640, 400]
  let inner = write('rect', { width, height, fill: random.pick([palette.main, palette.deep, palette.tint]) })
  const kind = random.int(0, 2)
  for (let i = 0; i < 26; i++) {
    const fill = random.pick([palette.main, palette.accent, palette.soft, '#fff'])
    const opacity = random.int(8, 34) / 100
    if (kind === 0) inner += write('circle', { cx: random.int(0, width), cy: random.int(0, height), r: random.int(14, 110), fill, opacity })
    else if (kind === 1)
      inner += write('rect', { x: random.int(-40, width), y: random.int(-40, height), width: random.int(30, 240), height: random.int(10, 46), fill, opacity })
    else {
      const [x, y, s] = [random.int(0, width), random.int(0, height), random.int(40, 150)]
      inner += write('polygon', { points: `${x},${y} ${x + s},${y + random.int(-30, 30)} ${x + s / 2},${y + s}`, fill, opacity })
    }
  }
  return page(width, height, inner)
}

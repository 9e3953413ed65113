/** A trace as a picture: for a terminal of any width, and as SVG. */
import type { Line, Trace } from './trace.ts'

const eighths = ' ▁▂▃▄▅▆▇█'
const rows = 4

const figure = (value: number): string =>
  !Number.isFinite(value) ? '–' : Math.abs(value) >= 1000 ? value.toFixed(0) : Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(2)

const reach = (line: Line): [number, number] => {
  let low = Infinity
  let high = -Infinity
  for (let i = 0; i < line.least.length; i++) {
    if (line.least[i]! < low) low = line.least[i]!
    if (line.most[i]! > high) high = line.most[i]!
  }
  return [low, high]
}

const clockOf = (trace: Trace, at: number): string => new Date(at + trace.template.calendar.utcOffset * 60_000).toISOString().slice(11, 16)
export const dateOf = (trace: Trace, at: number): string => new Date(at + trace.template.calendar.utcOffset * 60_000).toISOString().slice(0, 10)

/** Lines for a terminal; a column of the trace is a character. */
export function toText(trace: Trace): string[] {
  const width = trace.duty.length
  const text: string[] = []
  const marks = { closed: ' ', startup: '▹', production: '━', break: '╌', cooldown: '▾' } as const
  for (const line of trace.lines) {
    const [low, high] = reach(line)
    text.push(`${line.tag.id}  ${line.tag.title.en} ${line.tag.title.zh}  ${figure(low)} … ${figure(high)} ${line.tag.unit}`.trimEnd())
    const span = high - low || 1
    for (let row = rows - 1; row >= 0; row--) {
      let drawn = ''
      for (const mean of line.mean) {
        const filled = ((mean - low) / span) * rows * 8 - row * 8
        drawn += eighths[Math.max(row === 0 ? 1 : 0, Math.min(8, Math.round(filled)))]
      }
      text.push(drawn)
    }
  }
  text.push(trace.duty.map((mode) => marks[mode]).join(''))
  const every = Math.max(1, Math.round(width / 8))
  let scale = ''
  while (scale.length < width - 5) {
    const label = clockOf(trace, trace.from + (scale.length / width) * (trace.to - trace.from))
    scale += label.padEnd(Math.max(label.length + 1, every))
  }
  text.push(scale.slice(0, width))
  return text
}

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** An SVG of its own: a panel a tag, the band between least and greatest, the mean, the shifts behind it, alarms as marks. */
export function toSvg(trace: Trace): string {
  const columns = trace.duty.length
  const left = 190
  const plot = Math.min(1440, Math.max(600, columns))
  const panel = 74
  const top = 46
  const height = top + trace.lines.length * panel + 42
  const x = (column: number): string => (left + (column / columns) * plot).toFixed(1)
  const out: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${left + plot + 20}" height="${height}" viewBox="0 0 ${left + plot + 20} ${height}" font-family="sans-serif">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="12" y="28" font-size="17" fill="#16202c">${escapeXml(`${trace.template.title.zh} ${trace.template.title.en}`)}</text>`,
    `<text x="${left + plot}" y="28" font-size="12" fill="#5b6673" text-anchor="end">${dateOf(trace, trace.from)} ${clockOf(trace, trace.from)} – ${dateOf(trace, trace.to)} ${clockOf(trace, trace.to)}</text>`,
  ]
  const colours = { closed: '', startup: '#fdf3dc', production: '#eaf4ec', break: '#f4f0fa', cooldown: '#e8f1f8' } as const
  for (let c = 0; c < columns; ) {
    const mode = trace.duty[c]!
    let end = c
    while (end < columns && trace.duty[end] === mode) end++
    if (colours[mode])
      out.push(
        `<rect x="${x(c)}" y="${top}" width="${(Number(x(end)) - Number(x(c))).toFixed(1)}" height="${trace.lines.length * panel}" fill="${colours[mode]}"/>`,
      )
    c = end
  }
  for (const [i, line] of trace.lines.entries()) {
    const y0 = top + i * panel
    const [low, high] = reach(line)
    const span = high - low || 1
    const y = (value: number): string => (y0 + panel - 6 - ((value - low) / span) * (panel - 14)).toFixed(1)
    const upper: string[] = []
    const lower: string[] = []
    const mean: string[] = []
    for (let c = 0; c < columns; c++) {
      upper.push(`${x(c + 0.5)},${y(line.most[c]!)}`)
      lower.push(`${x(c + 0.5)},${y(line.least[c]!)}`)
      mean.push(`${x(c + 0.5)},${y(line.mean[c]!)}`)
    }
    out.push(
      `<line x1="${left}" x2="${left + plot}" y1="${y0 + panel}" y2="${y0 + panel}" stroke="#d9dee4"/>`,
      `<polygon points="${upper.join(' ')} ${lower.reverse().join(' ')}" fill="#9fc5e8" fill-opacity=".7"/>`,
      `<polyline points="${mean.join(' ')}" fill="none" stroke="#1b4f8a" stroke-width="1"/>`,
      `<text x="12" y="${y0 + 24}" font-size="12" fill="#16202c">${escapeXml(line.tag.id)}</text>`,
      `<text x="12" y="${y0 + 40}" font-size="11" fill="#5b6673">${escapeXml(line.tag.title.zh)}</text>`,
      `<text x="12" y="${y0 + 56}" font-size="11" fill="#5b6673">${escapeXml(`${figure(low)} – ${figure(high)} ${line.tag.unit}`)}</text>`,
    )
  }
  for (const { at, trip, id } of trace.happened) {
    const column = ((at - trace.from) / (trace.to - trace.from)) * columns
    out.push(
      `<line x1="${x(column)}" x2="${x(column)}" y1="${top}" y2="${top + trace.lines.length * panel}" stroke="${trip ? '#c0392b' : '#e08e0b'}" stroke-width="1" stroke-dasharray="2 4"><title>${escapeXml(id)}</title></line>`,
    )
  }
  const hours = (trace.to - trace.from) / 3_600_000
  const step = Math.max(1, Math.ceil(hours / 24))
  for (let hour = 0; hour <= hours; hour += step)
    out.push(
      `<text x="${x((hour / hours) * columns)}" y="${height - 22}" font-size="10" fill="#5b6673" text-anchor="middle">${clockOf(trace, trace.from + hour * 3_600_000)}</text>`,
    )
  out.push('</svg>')
  return `${out.join('\n')}\n`
}

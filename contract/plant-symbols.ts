/** The vocabulary of pictures and what can be said of one without its schema; the console has this without zod. */
import type { Picture, PictureSymbol } from './plant-picture.ts'

/** What a slot of a symbol shows: a number (PV, SP, LIM, CNT) or a switch (CMD, STAT, ALM, TRIP). */
export type SlotKind = 'number' | 'switch'

export interface SymbolKind {
  /** Width and height in units of the grid when the template gives none. */
  readonly size: readonly [number, number]
  /** In the order in which readings are written. */
  readonly slots: Readonly<Record<string, SlotKind>>
  /** Where texts stand: below the drawing, between title and drawing, or to its right. */
  readonly texts: 'below' | 'above' | 'beside'
}

const machine = { value: 'number', run: 'switch', command: 'switch' } as const
const measured = { value: 'number', setpoint: 'number', high: 'number', low: 'number' } as const

/** The vocabulary of pictures. A further symbol is an entry here and its drawing in the console. */
export const symbolKinds = {
  box: { size: [20, 10], slots: {}, texts: 'below' },
  indicator: { size: [15, 5], slots: measured, texts: 'above' },
  lamp: { size: [12, 3], slots: { on: 'switch', command: 'switch' }, texts: 'beside' },
  tank: { size: [10, 11], slots: measured, texts: 'below' },
  silo: { size: [10, 11], slots: measured, texts: 'below' },
  zone: { size: [19, 10], slots: { value: 'number', setpoint: 'number', output: 'number', high: 'number' }, texts: 'below' },
  pump: { size: [10, 9], slots: machine, texts: 'below' },
  valve: { size: [10, 7], slots: { value: 'number', open: 'switch', command: 'switch' }, texts: 'below' },
  fan: { size: [10, 9], slots: machine, texts: 'below' },
  motor: { size: [10, 9], slots: machine, texts: 'below' },
  heater: { size: [10, 9], slots: machine, texts: 'below' },
  conveyor: { size: [40, 6], slots: { value: 'number', setpoint: 'number', run: 'switch', command: 'switch' }, texts: 'below' },
  mixer: { size: [20, 12], slots: { value: 'number', high: 'number', load: 'number', run: 'switch', command: 'switch' }, texts: 'below' },
  cylinder: { size: [20, 7], slots: { position: 'number', value: 'number', setpoint: 'number', run: 'switch', command: 'switch' }, texts: 'below' },
  crane: {
    size: [40, 22],
    slots: { position: 'number', height: 'number', load: 'number', sway: 'number', from: 'number', to: 'number', run: 'switch', command: 'switch' },
    texts: 'below',
  },
  rotor: { size: [14, 17], slots: { value: 'number', high: 'number', pitch: 'number', run: 'switch', command: 'switch' }, texts: 'below' },
  generator: { size: [10, 9], slots: machine, texts: 'below' },
  converter: { size: [12, 10], slots: { ...measured, run: 'switch', command: 'switch' }, texts: 'below' },
  breaker: { size: [10, 8], slots: { closed: 'switch', command: 'switch' }, texts: 'below' },
} as const satisfies Record<string, SymbolKind>
export type SymbolName = keyof typeof symbolKinds

/** Pixels of the picture at its own size: a unit of the grid, a title's line, a reading's line, the least height of a drawing. */
export const pictureUnit = 10
export const titleLine = 13
export const readingLine = 14
/** Width of a column of readings, in units. */
export const readingColumn = 9
const leastDrawing = { below: 22, above: 8, beside: 0 } as const

/** Columns and rows of so many readings in a symbol of this width, in units. */
export function readingGrid(kind: SymbolName, width: number, readings: number): { columns: number; rows: number } {
  const room = symbolKinds[kind].texts === 'beside' ? width - 2.5 : width
  const columns = Math.max(1, Math.min(readings, Math.floor(room / readingColumn)))
  return { columns, rows: Math.ceil(readings / columns) }
}

/** The least height of a symbol of this width, in units. */
export const leastHeight = (kind: SymbolName, width: number, readings: number): number =>
  Math.ceil((titleLine + readingLine * readingGrid(kind, width, readings).rows + leastDrawing[symbolKinds[kind].texts]) / pictureUnit)

export const leastWidth = 6
export const mostSymbols = 80

/** Width and height of a symbol, in units. */
export const sizeOf = (symbol: { kind: SymbolName; size?: [number, number] | undefined }): readonly [number, number] =>
  symbol.size ?? symbolKinds[symbol.kind].size

/** The same picture with other names for its tags. */
export const withTags = (from: Picture, named: (tag: string) => string): Picture => ({
  ...from,
  symbols: from.symbols.map((symbol) => ({ ...symbol, tags: Object.fromEntries(Object.entries(symbol.tags).map(([slot, tag]) => [slot, named(tag)])) })),
  lines: from.lines.map((line) => ({ ...line, ...(line.flow === undefined ? {} : { flow: named(line.flow) }) })),
})

/** The tags of a picture, each once, in the order of its symbols. */
export const pictureTags = (from: Picture): string[] => [
  ...new Set([...from.symbols.flatMap((symbol) => Object.values(symbol.tags)), ...from.lines.flatMap((line) => line.flow ?? [])]),
]

interface Drawn {
  readonly id: string
  readonly class: string
}
export const switchClasses: readonly string[] = ['CMD', 'STAT', 'ALM', 'TRIP']

/**
 * A picture of a machine whose template draws none: a box of indicators, each measured value with its setpoint, and a box of lamps, each command with its
 * answer. The first 78 symbols; what is beyond them is in the table only. Tags may be local or with their unit before them. Undefined without tags.
 */
export function layOutPicture(tags: readonly Drawn[]): Picture | undefined {
  if (tags.length === 0) return undefined
  const [columns, width] = [4, 64]
  const ids = new Set(tags.map(({ id }) => id))
  /** The other half of a pair, such as Z1.SP beside Z1.PV. */
  const beside = (id: string, own: RegExp, others: readonly string[]): string | undefined => {
    const match = own.exec(id)
    return match ? others.map((other) => `${id.slice(0, match.index)}.${other}`).find((other) => ids.has(other)) : undefined
  }
  const taken = new Set<string>()
  const cells: { kind: 'indicator' | 'lamp'; tags: Record<string, string> }[] = []
  const cell = (kind: 'indicator' | 'lamp', bound: Record<string, string | undefined>): void => {
    const known = Object.fromEntries(Object.entries(bound).flatMap(([slot, id]) => (id === undefined ? [] : [[slot, id]])))
    for (const id of Object.values(known)) taken.add(id)
    cells.push({ kind, tags: known })
  }
  const order = ['PV', 'SP', 'LIM', 'CNT', 'STAT', 'CMD', 'TRIP', 'ALM']
  const rank = (kind: string): number => (order.includes(kind) ? order.indexOf(kind) : 3)
  for (const { id, class: kind } of [...tags].sort((a, b) => rank(a.class) - rank(b.class))) {
    if (taken.has(id)) continue
    if (!switchClasses.includes(kind)) cell('indicator', { value: id, setpoint: beside(id, /\.PV$/, ['SP']) })
    else cell('lamp', { on: id, command: kind === 'STAT' ? beside(id, /\.(Run|Proof|State)$/, ['Cmd', 'Fan']) : undefined })
  }
  const symbols: PictureSymbol[] = []
  let top = 0
  for (const kind of ['indicator', 'lamp'] as const) {
    const high = 1 + Math.max(...cells.map((each) => (each.kind === kind ? leastHeight(kind, 14, Object.keys(each.tags).length) : 0)))
    const room = Math.min(mostSymbols - 2 - symbols.filter((symbol) => symbol.kind !== 'box').length, Math.floor((99 - top) / high) * columns)
    const own = cells.filter((each) => each.kind === kind).slice(0, Math.max(0, room))
    if (own.length === 0) continue
    const rows = Math.ceil(own.length / columns)
    symbols.push({ id: `${kind}s`, kind: 'box', at: [0, top], size: [width, rows * high + 1], tags: {} })
    for (const [i, each] of own.entries())
      symbols.push({
        id: `${kind}-${i + 1}`,
        kind,
        at: [1 + (i % columns) * 16, top + 1 + Math.floor(i / columns) * high],
        size: [14, high - 1],
        tags: each.tags,
      })
    top += rows * high + 2
  }
  return { size: [width, Math.max(8, top - 1)], symbols, lines: [] }
}

/** One measured figure beside what it was measured against in the same run. */
export interface Row {
  /** What was measured, such as `portal GET, keep-alive`. */
  what: string
  value: number
  unit: string
  /** The peer, system server or raw limit of the same run. */
  against?: { name: string; value: number }
  /** `value / against.value`, or its inverse where less is better: above 1 is better than the reference. */
  ratio?: number
  /** Where the project means to stand, as a ratio or in the unit. */
  target?: string
  met?: boolean
  note?: string
}

const number = (value: number): string => (Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3))

/** A table for a terminal. */
export function table(rows: Row[]): string {
  const cells = rows.map(({ what, value, unit, against, ratio, target, met, note }) => [
    what,
    `${number(value)} ${unit}`,
    against ? `${against.name} ${number(against.value)}` : '',
    ratio === undefined ? '' : `× ${ratio.toFixed(2)}`,
    target ?? '',
    met === undefined ? '' : met ? 'met' : 'NOT MET',
    note ?? '',
  ])
  const all = [['what', 'here', 'against', 'ratio', 'to stand at', '', ''], ...cells]
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? []
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

export const percentile = (values: number[], part: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}

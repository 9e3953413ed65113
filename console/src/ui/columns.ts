/** One column of a DataTable. `sort` gives the value to order by; null goes last. */
export type Column<T> = {
  key: string
  label: string
  class?: string
  numeric?: boolean
  /** Left out where a row is a card, below 640 px. */
  wide?: boolean
  sort?: (row: T) => number | string | null
}

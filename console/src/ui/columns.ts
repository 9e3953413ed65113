/** One column of a DataTable. `sort` gives the value to order by; null goes last. */
export type Column<T> = {
  key: string
  label: string
  class?: string
  numeric?: boolean
  sort?: (row: T) => number | string | null
}

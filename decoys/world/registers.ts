/** Plain memory of an industrial device as one adversary has left it: areas by name, cells by number. */

export interface Registers {
  get(area: string, at: number): number | undefined
  /** Beyond 20,000 cells the oldest written ones fall back to what they were. */
  set(area: string, at: number, value: number): void
  readonly revision: number
  changes(): SavedRegister[]
}
export type SavedRegister = [area: string, at: number, value: number]

const maxCells = 20_000

export function openRegisters(saved: readonly SavedRegister[] = []): Registers {
  const cells = new Map<string, SavedRegister>()
  let revision = 0
  const put = (area: string, at: number, value: number): void => {
    const key = `${area}\n${at}`
    cells.delete(key)
    cells.set(key, [area, at, value])
    const [oldest] = cells.keys()
    if (cells.size > maxCells && oldest !== undefined) cells.delete(oldest)
  }
  for (const entry of saved.slice(-maxCells)) if (Array.isArray(entry)) put(String(entry[0]), Number(entry[1]), Number(entry[2]))
  return {
    get: (area, at) => cells.get(`${area}\n${at}`)?.[2],
    set(area, at, value) {
      put(area, at, value)
      revision += 1
    },
    get revision() {
      return revision
    },
    changes: () => [...cells.values()],
  }
}

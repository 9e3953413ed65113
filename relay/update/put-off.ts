/** An update that could not be installed for a reason that passes: what the launcher's side leaves for the relay, so that it waits before it asks again. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface PutOff {
  sequence: number
  /** In a row. */
  times: number
  /** Milliseconds since 1970 UTC. */
  at: number
  why: string
}
export const putOffFile = (home: string): string => join(home, 'state', 'put-off')

/** Undefined where there is none, or one that was cut. */
export async function readPutOff(home: string): Promise<PutOff | undefined> {
  try {
    const { sequence, times, at, why } = JSON.parse(await readFile(putOffFile(home), 'utf8'))
    return Number.isSafeInteger(sequence) && times >= 1 && Number.isFinite(at) && typeof why === 'string' ? { sequence, times, at, why } : undefined
  } catch {
    return undefined
  }
}

const [firstMs, lastMs] = [60_000, 3_600_000]
/** Each try ends the relay for a moment, so they become rare. A clock that was set back makes nobody wait longer than that. */
export function waitMs({ times, at }: PutOff, now = Date.now()): number {
  const whole = Math.min(firstMs * 2 ** Math.min(times - 1, 20), lastMs)
  return Math.min(Math.max(0, at + whole - now), whole)
}

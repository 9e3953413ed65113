/** Data connections of FTP (RFC 959 section 3.2), matched to the control connection that waits for one: same decoy, same source, in the order they were asked for. */
import type { Connection } from '../../decoy.ts'

export interface Expected {
  /** The connection when it came, undefined when it did not within `ms`. */
  take(ms: number): Promise<Connection | undefined>
  /** The transfer is over; the connection is left to its client to close. */
  finish(): void
  /** Nobody waits any more: a connection that came is closed, and `take` has none. */
  cancel(): void
}

interface Waiting {
  connection: Connection | undefined
  arrived(): void
  done(): void
}
const waiting = new Map<string, Waiting[]>()
const keyOf = (decoy: string, ip: string): string => `${decoy}\n${ip}`

/** Waits for the next data connection of a source. */
export function expectData(decoy: string, ip: string): Expected {
  const key = keyOf(decoy, ip)
  let arrived = (): void => {}
  const came = new Promise<void>((resolve) => {
    arrived = resolve
  })
  const entry: Waiting = { connection: undefined, arrived, done: () => {} }
  waiting.set(key, [...(waiting.get(key) ?? []), entry])
  const leave = (): void => {
    const rest = (waiting.get(key) ?? []).filter((other) => other !== entry)
    if (rest.length > 0) waiting.set(key, rest)
    else waiting.delete(key)
  }
  return {
    async take(ms) {
      let timer: NodeJS.Timeout | undefined
      if (!entry.connection) await Promise.race([came, new Promise((resolve) => (timer = setTimeout(resolve, ms)))])
      clearTimeout(timer)
      if (!entry.connection) leave()
      return entry.connection
    },
    finish() {
      leave()
      entry.done()
    },
    cancel() {
      leave()
      entry.connection?.destroy()
      entry.arrived()
      entry.done()
    },
  }
}

/** Gives a data connection to whoever waits for one. Resolves when it is done with; undefined when nobody waits. */
export function offerData(decoy: string, connection: Connection): Promise<void> | undefined {
  const entry = waiting.get(keyOf(decoy, connection.source.ip))?.find((one) => !one.connection)
  if (!entry) return undefined
  entry.connection = connection
  connection.on('error', () => {})
  const over = new Promise<void>((resolve) => {
    entry.done = resolve
    connection.once('close', () => resolve())
  })
  entry.arrived()
  return over
}

/** Writes all of it and ends. False when the client went away before. */
export async function sendAll(connection: Connection, bytes: Buffer, signal: AbortSignal): Promise<boolean> {
  for (let at = 0; at < bytes.length; at += 65_536) {
    if (connection.destroyed || signal.aborted) return false
    if (!connection.write(bytes.subarray(at, at + 65_536))) await drained(connection)
  }
  if (connection.destroyed) return false
  await new Promise<void>((resolve) => {
    connection.once('close', resolve)
    connection.end(() => resolve())
  })
  return true
}

const drained = (connection: Connection): Promise<void> =>
  new Promise((resolve) => {
    const settle = (): void => {
      connection.off('drain', settle)
      connection.off('close', settle)
      resolve()
    }
    connection.on('drain', settle)
    connection.on('close', settle)
  })

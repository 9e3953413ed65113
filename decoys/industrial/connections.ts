/** How many connections each service of a device has now: controllers have few, and the next one is turned away. And what they are sent, never faster than they take it. */
import type { Connection, Context, Session } from '../decoy.ts'

const open = new Map<string, number>()

/** Takes a place for a connection, or says that there was none and resets it. Answers how to leave the place. */
export function admitOrReset(connection: Connection, context: Context, session: Session, service: string, most: number): (() => void) | undefined {
  const leave = admit(context.decoy, service, most)
  if (leave) return leave
  session.emit('protocol.violated', { reason: `more than ${most} connections`, data: '' })
  connection.reset()
  return undefined
}

/** Takes a place; answers how to leave it, or undefined when all `most` are taken. */
export function admit(decoy: string, service: string, most: number): (() => void) | undefined {
  const key = `${decoy}\n${service}`
  const now = open.get(key) ?? 0
  if (now >= most) return undefined
  open.set(key, now + 1)
  let left = false
  return () => {
    if (left) return
    left = true
    const after = (open.get(key) ?? 1) - 1
    if (after > 0) open.set(key, after)
    else open.delete(key)
  }
}

/** Sends bytes; resolves at once, or when a connection that is full has room again or is closed. */
export function put(connection: Connection, bytes: Buffer): Promise<void> | undefined {
  if (connection.destroyed || connection.writableEnded || connection.write(bytes)) return undefined
  return new Promise((resolve) => {
    const settle = (): void => {
      connection.off('drain', settle)
      connection.off('close', settle)
      resolve()
    }
    connection.on('drain', settle)
    connection.on('close', settle)
  })
}

/** Carries one accepted connection over a tunnel: bytes both ways, half-close, reset, and nothing of our own. */
import type { Socket } from 'node:net'
import type { TunnelStream } from '@shenlou/link/tunnel-types'

export interface Carried {
  by: 'client' | 'decoy' | 'relay'
  how: 'end' | 'reset' | 'lost'
  bytesIn: number
  bytesOut: number
}
export interface CarryOptions {
  socket: Socket
  stream: TunnelStream
  /** What must be durable before the client gets its first byte. */
  recorded: Promise<unknown>
  onBytes(bytes: number): void
  /** Called once, when both sides are gone. */
  onClosed(result: Carried): void
}

/** Returns how to end it from here: the client sees a reset, as of a host that went away. */
export function carry({ socket, stream, recorded, onBytes, onClosed }: CarryOptions): { reset(): void } {
  let first: 'client' | 'decoy' | 'relay' | undefined
  let how: Carried['how'] = 'end'
  const ended = (by: 'client' | 'decoy' | 'relay', as: Carried['how'] = 'end'): void => {
    if (first === undefined || (as !== 'end' && how === 'end')) {
      if (as !== 'end' || first === undefined) first = by
      how = as
    }
  }
  let gone = 0
  const closed = (): void => {
    gone += 1
    if (gone === 2) onClosed({ by: first ?? 'client', how, bytesIn: socket.bytesRead, bytesOut: socket.bytesWritten })
  }

  socket.on('data', (bytes: Buffer) => onBytes(bytes.length))
  socket.pipe(stream)
  socket.once('end', () => ended('client'))
  socket.on('error', (error: NodeJS.ErrnoException) => {
    ended('client', error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'reset' : 'lost')
    stream.reset('peer')
  })
  socket.once('close', () => {
    if (!stream.destroyed && !(stream.writableEnded && stream.readableEnded)) stream.reset('peer')
    closed()
  })

  stream.opened.catch(() => {}) // the reset that rejects it is handled below
  stream.on('error', () => {})
  stream.once('end', () => ended('decoy'))
  stream.once('close', () => {
    const reason = stream.resetReason
    if (reason !== undefined && !socket.destroyed) {
      ended(reason === 'peer' || reason === 'closed' ? 'decoy' : 'relay', reason === 'shutdown' ? 'lost' : 'reset')
      resetSocket(socket)
    }
    closed()
  })
  recorded.then(
    () => {
      if (!stream.destroyed) stream.pipe(socket)
    },
    () => reset(), // what cannot be recorded is not answered
  )
  const reset = (): void => {
    ended('relay', 'reset')
    resetSocket(socket)
    stream.reset('closed')
  }
  return { reset }
}

/**
 * Ends a socket with a TCP reset. While its FIN is on its way into the kernel that cannot be had (libuv refuses, and Node then never closes the socket), so it
 * is closed then.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished && socket.writableLength === 0) socket.destroy()
  else socket.resetAndDestroy()
}

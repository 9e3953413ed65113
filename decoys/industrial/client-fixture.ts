/** For tests: a raw client that sends bytes and collects what comes. */
import { connect, type Socket } from 'node:net'

export interface RawClient {
  /** Sends hexadecimal digits (blanks are for reading) and resolves with what came in answer once `bytes` of it are there, or the connection closed. */
  ask(hex: string, bytes?: number): Promise<string>
  send(hex: string): void
  /** Resolves when the server closed the connection. */
  closed(): Promise<void>
  /** All that came and was not asked for yet. */
  rest(bytes: number): Promise<string>
  socket: Socket
  close(): void
}

export async function rawClient(port: number, localAddress?: string): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, ...(localAddress ? { localAddress } : {}) })
  let have = Buffer.alloc(0)
  let ended = false
  let wake = (): void => {}
  socket.on('data', (chunk) => {
    have = Buffer.concat([have, chunk])
    wake()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    ended = true
    wake()
  })
  // A server that turns us away may be quicker than our own connect.
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  const rest = async (bytes: number): Promise<string> => {
    while (have.length < bytes && !ended) await new Promise<void>((resolve) => (wake = resolve))
    const found = have.subarray(0, bytes)
    have = have.subarray(bytes)
    return found.toString('hex')
  }
  const send = (hex: string): void => void socket.write(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  return {
    socket,
    send,
    rest,
    ask(hex, bytes = 1) {
      send(hex)
      return rest(bytes).then(async (first) => first + (bytes === 1 && have.length > 0 ? await rest(have.length) : ''))
    },
    async closed() {
      while (!ended) await new Promise<void>((resolve) => (wake = resolve))
    },
    close: () => void socket.destroy(),
  }
}

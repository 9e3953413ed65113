/** What targets that are services of connections share: how a service is served to them, spoken to and listened in on. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { DecoyService } from '../../decoys/decoy.ts'

/** A service whose connections end when it is done with them, as the gate ends them. */
export const ending = <S>(service: DecoyService<S>): DecoyService<S> => ({
  ...service,
  serve: (connection, context, settings) => service.serve(connection, context, settings).finally(() => connection.end()),
})

/** Connects, lets `speak` speak, and waits until the socket closed or failed, or `done` was called. Rejects when none of it happens within 8 s. */
export const untilEnded = (port: number, speak: (socket: Socket, done: () => void) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error('the service did not end the connection'))
    }, 8000)
    const done = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve()
    }
    socket.on('error', done).on('close', done)
    speak(socket, done)
  })

/** Sends all of it, ends, and waits until the service ended too. Rejects when it does not within 8 s. */
export const talk = (port: number, input: Buffer): Promise<void> =>
  untilEnded(port, (socket) => {
    socket.on('data', () => undefined)
    socket.end(input)
  })

/** What clients send to `port` while `work` runs them against another port, by connection. */
export async function recorded(port: number, work: (port: number) => Promise<unknown>): Promise<Buffer[]> {
  const kept: Buffer[][] = []
  const server = createServer((client) => {
    const parts: Buffer[] = []
    kept.push(parts)
    const behind = connect(port, '127.0.0.1')
    for (const socket of [client, behind]) socket.on('error', () => undefined)
    client.on('data', (part: Buffer) => parts.push(part))
    client.pipe(behind).pipe(client)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await work((server.address() as { port: number }).port)
  } finally {
    server.close()
  }
  return kept.map((parts) => Buffer.concat(parts)).filter((bytes) => bytes.length > 0)
}

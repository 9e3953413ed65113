import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { after, before, test } from 'node:test'
import type { ResetReason } from '@shenlou/contract/tunnel'
import type { TunnelStream } from '@shenlou/link/tunnel-types'
import { type Carried, carry } from './carry.ts'

const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
after(() => server.close())

/** A carried connection: the client's socket, the decoy's end of the stream, and how it ended. */
async function carried(recorded: Promise<unknown> = Promise.resolve()) {
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const client = connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', () => {})
  const [socket] = await accepted
  const [decoy, far] = duplexPair()
  decoy.on('error', () => {})
  const stream = Object.assign(far, {
    opened: Promise.resolve(),
    resetReason: undefined as ResetReason | undefined,
    reset(reason: ResetReason) {
      stream.resetReason ??= reason
      far.destroy()
      decoy.destroy()
    },
  })
  const { promise: ended, resolve } = Promise.withResolvers<Carried>()
  const { reset } = carry({ socket, stream: stream as unknown as TunnelStream, recorded, onBytes() {}, onClosed: resolve })
  socket.resume()
  return { client, decoy, socket, stream, reset, ended }
}
const read = async (socket: Socket): Promise<string> => {
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

test('each side ends by itself, and the other direction goes on', async () => {
  const { client, decoy, ended } = await carried()
  client.end('last words')
  let heard = ''
  for await (const chunk of decoy) heard += chunk
  assert.equal(heard, 'last words')
  decoy.end('and an answer')
  assert.equal(await read(client), 'and an answer')
  assert.deepEqual(await ended, { by: 'client', how: 'end', bytesIn: 10, bytesOut: 13 })
})

test('a client gets nothing before its connection is recorded, and a reset when it cannot be', async () => {
  const disk = Promise.withResolvers<void>()
  const { client, decoy, socket } = await carried(disk.promise)
  decoy.write('banner')
  await new Promise((resolve) => setTimeout(resolve, 30))
  assert.equal(socket.bytesWritten, 0)
  disk.resolve()
  const [banner] = await once(client, 'data')
  assert.equal(String(banner), 'banner')
  client.destroy()

  const full = Promise.withResolvers<void>()
  const failing = await carried(full.promise)
  full.reject(new Error('the disk is full'))
  const [error] = await once(failing.client, 'error')
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET')
  assert.equal((await failing.ended).by, 'relay')
})

test('a reset at whatever moment ends both sides, also while the last bytes and the FIN are on their way', async () => {
  const moments = [(run: () => void) => run(), queueMicrotask, process.nextTick, setImmediate, (run: () => void) => setTimeout(run, 1)]
  for (let round = 0; round < 40; round++) {
    const { client, decoy, reset, ended, stream } = await carried()
    client.end()
    decoy.resume()
    decoy.end('answer')
    const moment = moments[round % moments.length] as (run: () => void) => void
    // The socket's own FIN is asked for in the same turn, after this.
    stream.once('end', () => moment(reset))
    await ended
    client.destroy()
  }
})

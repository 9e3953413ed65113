/** Fuzz targets that are the kinds of the listener: openings of every protocol, mutated, at every kind of port. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { listenerKinds } from '@shenlou/contract/listener-kinds'
import type { Connection, DecoyService } from '../../decoys/decoy.ts'
import { listener } from '../../decoys/listener/listener.ts'
import { namesJndi } from '../../decoys/listener/openings.ts'
import { firstBytes } from '../../decoys/listener/openings-fixture.ts'
import { recogniseDatagram } from '../../decoys/listener/recognise-datagram.ts'
import { recognise } from '../../decoys/listener/recognise.ts'
import { serveDecoy, testPersona } from '../../decoys/test-harness.ts'
import type { FuzzTarget } from './run.ts'

/** Without the pace of refusals, and ending when it is done, as the gate ends it. */
const quick = <S>(service: DecoyService<S>): DecoyService<S> => ({
  ...service,
  serve: (connection: Connection, context, settings) =>
    service.serve(connection, Object.create(context, { latency: { value: () => Promise.resolve() } }), settings).finally(() => connection.end()),
})

const talk = (port: number, input: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error('the listener did not end the connection'))
    }, 8000)
    const done = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve()
    }
    socket.on('data', () => undefined)
    socket.on('error', done).on('close', done)
    socket.end(input)
  })

const corpus = Object.values(firstBytes).flatMap((cases) => cases.map(([bytes]) => bytes))

async function listeners(): Promise<FuzzTarget> {
  const persona = testPersona('debian-12-dropbear')
  const decoys = await Promise.all(listenerKinds.map((as) => serveDecoy(quick(listener), persona, { as })))
  return {
    name: 'listener of every kind',
    corpus,
    concurrency: 32,
    async feed(input, pick) {
      recogniseDatagram(input, [53, 123, 137, 161, 389, 9][pick(6)] as number)
      namesJndi(input)
      const decoy = decoys[pick(decoys.length)] as (typeof decoys)[number]
      await talk(decoy.port, input)
    },
    async serves() {
      for (const decoy of decoys) {
        assert.deepEqual(decoy.faults.splice(0), [])
        decoy.events.length = 0
        decoy.blobs.clear()
      }
      assert.equal(recognise(Buffer.from('SSH-2.0-x\r\n')).protocol, 'ssh')
    },
    async close() {
      await Promise.all(decoys.map((decoy) => decoy.close()))
    },
  }
}

export const listenerTargets = { 'the listener': listeners }

/** Fuzz targets that are the kinds of the listener: openings of every protocol, mutated, at every kind of port. */
import assert from 'node:assert/strict'
import { listenerKinds } from '@shenlou/contract/listener-kinds'
import type { DecoyService } from '../../decoys/decoy.ts'
import { listener } from '../../decoys/listener/listener.ts'
import { namesJndi } from '../../decoys/listener/openings.ts'
import { firstBytes } from '../../decoys/listener/openings-fixture.ts'
import { recogniseDatagram } from '../../decoys/listener/recognise-datagram.ts'
import { recognise } from '../../decoys/listener/recognise.ts'
import { serveDecoy, testPersona } from '../../decoys/test-harness.ts'
import { ending, talk } from './connection.ts'
import type { FuzzTarget } from './run.ts'

/** Without the pace of refusals. */
const quick = <S>(service: DecoyService<S>): DecoyService<S> => ({
  ...service,
  serve: (connection, context, settings) => service.serve(connection, Object.create(context, { latency: { value: () => Promise.resolve() } }), settings),
})

const corpus = Object.values(firstBytes).flatMap((cases) => cases.map(([bytes]) => bytes))

async function listeners(): Promise<FuzzTarget> {
  const persona = testPersona('debian-12-dropbear')
  const decoys = await Promise.all(listenerKinds.map((as) => serveDecoy(ending(quick(listener)), persona, { as })))
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

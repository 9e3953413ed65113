/**
 * For measurements, a process of its own: a decoy host as it runs (gate, contained worker, journal on disk), met by plain TCP in place of a relay's tunnel.
 * Says `{port}` to its parent; answers `count` with `{counts}`, the events that became durable by kind.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OpenFrame } from '@shenlou/contract/tunnel'
import { findContainment, spawnContained } from '@shenlou/decoys/contain'
import { startGate } from '@shenlou/decoys/gate'
import { webPersona } from '@shenlou/decoys/http/persona-fixture'
import { openBlobSpool } from '@shenlou/link/blobs'
import type { SensorIdentity } from '@shenlou/link/identity-types'
import { openJournal } from '@shenlou/link/journal'
import type { ListenTunnel, TunnelStream } from '@shenlou/link/tunnel-types'
import { uuidv7 } from '@shenlou/link/uuid'

const folder = mkdtempSync(join(tmpdir(), 'shenlou-bench-host-'))
const [gateId, relayId, placementId] = [uuidv7(), uuidv7(), uuidv7()]
const persona = webPersona(0)
const journal = await openJournal(join(folder, 'journal'))
const spool = await openBlobSpool(join(folder, 'blobs'))
const counts: Record<string, number> = {}
const append = journal.append.bind(journal)
journal.append = async (draft) => {
  const seq = await append(draft)
  counts[draft.kind] = (counts[draft.kind] ?? 0) + 1
  return seq
}
// What a core would say: all that is durable is committed.
setInterval(() => journal.ack(journal.nextSeq - 1), 500).unref()

/** The gate's door without TLS and frames: each TCP connection is a stream. */
const listenPlain: ListenTunnel = async ({ onStream }) => {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket: Socket) => {
    const source = { ip: socket.remoteAddress ?? '127.0.0.1', port: socket.remotePort ?? 1 }
    const stream = Object.assign(socket, { id: 0, opened: Promise.resolve(), resetReason: undefined, accept() {}, reset: () => void socket.resetAndDestroy() })
    const open = { connection: uuidv7(), transport: 'tcp', source, destination: { ip: '127.0.0.1', port: 80 }, placement: placementId } as OpenFrame
    onStream(stream as unknown as TunnelStream, open, relayId)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 4096, resolve))
  const { port } = server.address() as { port: number }
  return { host: '127.0.0.1', port, relays: () => [], revoke() {}, close: async () => void server.close() }
}

const containment = await findContainment(folder)
const gate = startGate({
  dataDir: folder,
  identity: { sensor: gateId, role: 'decoys' } as unknown as SensorIdentity,
  journal,
  spool,
  listenTunnel: listenPlain,
  spawnWorker: (index) =>
    spawnContained(containment, {
      module: new URL('../decoys/worker-main.ts', import.meta.url).href,
      args: [new URL('../decoys/portal/bench-services-fixture.ts', import.meta.url).href],
      index,
    }),
  log: (line) => process.stderr.write(`${line}\n`),
})
await gate.apply({
  version: 1,
  role: 'decoys',
  sensor: gateId,
  name: 'bench',
  scope: 'group',
  tunnel: '127.0.0.1:0',
  relays: [relayId],
  placements: [{ id: placementId, relay: relayId, gate: gateId, decoy: 'portal', service: 'portal', transport: 'tcp', address: '127.0.0.1', port: 80 }],
  decoys: [
    {
      id: 'portal',
      persona: persona.template,
      organisation: persona.organisation,
      seed: `00000001${'00'.repeat(28)}`,
      secrets: { rsa: persona.keys['ssh-rsa'] ?? '', tlsKey: persona.keys['tls-key'] ?? '', tlsCertificate: persona.keys['tls-certificate'] ?? '' },
      services: [{ service: 'portal', settings: { login: { afterTries: { users: ['admin'], from: 900, to: 1000 } } } }],
    },
  ],
  revoked: [],
})
process.send?.({ port: gate.tunnelAddress?.port })
process.on('message', (message) => {
  if (message === 'count') process.send?.({ counts })
})
process.on('disconnect', async () => {
  await gate.close()
  await journal.close()
  rmSync(folder, { recursive: true, force: true })
  process.exit(0)
})

/** Fuzz target: the gate as met from a worker that an attacker took over. */
import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { rmSync } from 'node:fs'
import { type Duplex, duplexPair } from 'node:stream'
import type { EventDraft } from '@shenlou/contract/event'
import { type PersonaTemplate, personaTemplate } from '@shenlou/contract/persona'
import type { DecoysConfig } from '@shenlou/contract/sensor'
import type { SensorIdentity } from '@shenlou/link/identity-types'
import type { ListenTunnelOptions, TunnelStream } from '@shenlou/link/tunnel-types'
import type { BlobSpool, Journal } from '@shenlou/link/uplink-types'
import { uuidv7 } from '@shenlou/link/uuid'
import { startGate } from '../../decoys/gate.ts'
import { serverTemplate } from '../../decoys/persona-fixture.ts'
import { workerFrame } from '../../decoys/worker-link.ts'
import { openFrame, temporary } from './links.ts'
import type { FuzzTarget } from './run.ts'

/** A frame as a worker writes it. */
function frame(type: number, stream: number, payload: Uint8Array | object = Buffer.alloc(0)): Buffer {
  const bytes = payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload))
  const head = Buffer.alloc(9)
  head.writeUInt32BE(5 + bytes.length, 0)
  head.writeUInt8(type, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, bytes])
}

/** A process that is only its inherited socket. */
function fakeWorker(): { child: ChildProcess; says: Duplex } {
  const [gateSide, says] = duplexPair()
  says.on('error', () => undefined)
  const stop = frame(workerFrame.STOP, 0)
  says.on('data', (bytes: Buffer) => {
    if (bytes.includes(stop)) child.kill()
  })
  const child = new EventEmitter() as unknown as ChildProcess
  Object.assign(child, {
    stdio: [null, null, null, gateSide],
    stdout: null,
    stderr: null,
    kill() {
      says.destroy()
      gateSide.destroy()
      setImmediate(() => child.emit('exit', null, 'SIGKILL'))
      return true
    },
  })
  return { child, says }
}

/** A gate, and a worker's socket into which the input goes after it said that it is ready and was given a connection. */
export async function workerLink(): Promise<FuzzTarget> {
  const folder = temporary('worker')
  const gateId = uuidv7()
  const relayId = uuidv7()
  const template: PersonaTemplate = { ...personaTemplate.parse(serverTemplate), ssh: undefined }
  const config: DecoysConfig = {
    ...{ version: 1, role: 'decoys', sensor: gateId, name: 'decoys', scope: 'group', tunnel: '127.0.0.1:0', relays: [relayId], revoked: [] },
    placements: [{ id: 'p1', relay: relayId, gate: gateId, address: '192.0.2.10', port: 22, transport: 'tcp', decoy: 'alpha', service: 'echo' }],
    decoys: [
      {
        ...{ id: 'alpha', persona: template, organisation: { name: { zh: '海川重工', en: 'Haichuan Heavy' }, domain: 'haichuan-heavy.cn' } },
        ...{ seed: 'ab'.repeat(32), secrets: {}, services: [{ service: 'echo', settings: {} }] },
      },
    ],
  }
  const session = uuidv7()
  const say = (kind: string, body: object, stream = 2): Buffer => frame(workerFrame.EVENT, stream, { id: uuidv7(), time: Date.now(), session, kind, body })
  const corpus = [
    Buffer.concat([frame(workerFrame.READY, 0, { services: ['echo'] }), frame(workerFrame.CHECKED, 0, { decoy: 'alpha', problems: ['one problem'] })]),
    Buffer.concat([
      say('session.opened', { service: 'echo' }),
      frame(workerFrame.DATA, 2, Buffer.from('hello')),
      frame(workerFrame.CREDIT, 2, Buffer.from('00010000', 'hex')),
    ]),
    Buffer.concat([say('command.executed', { input: 'id', output: '' }), frame(workerFrame.FIN, 2), say('session.closed', {}), frame(workerFrame.CLOSED, 2)]),
    frame(workerFrame.LOAD, 7, { decoy: 'alpha', adversary: 'address:x/203.0.113.9' }),
    (() => {
      const name = Buffer.from(JSON.stringify({ decoy: 'alpha', adversary: 'address:x/203.0.113.9' }))
      return frame(workerFrame.SAVE, 0, Buffer.concat([Buffer.from([name.length >> 8, name.length & 255]), name, Buffer.from('world')]))
    })(),
    Buffer.concat([frame(workerFrame.BLOB, 3, { connection: 2 }), frame(workerFrame.DATA, 3, Buffer.from('MZ')), frame(workerFrame.FIN, 3)]),
    Buffer.concat([frame(workerFrame.RESET, 2), frame(workerFrame.PONG, 0), frame(workerFrame.LOG, 0, Buffer.from('a line \u001b[31m'))]),
  ]

  /** A gate with one worker that says `input` after it said that it is ready and was given a connection. */
  async function run(input: Buffer): Promise<void> {
    let listening: ListenTunnelOptions | undefined
    const workers: ReturnType<typeof fakeWorker>[] = []
    const gate = startGate({
      dataDir: folder,
      identity: { sensor: gateId } as SensorIdentity,
      journal: { append: async (_draft: EventDraft) => 1 } as unknown as Journal,
      spool: {
        async put(bytes: AsyncIterable<Uint8Array>) {
          let size = 0
          for await (const part of bytes) size += part.length
          return { sha256: 'a'.repeat(64), size, truncated: false }
        },
      } as unknown as BlobSpool,
      async listenTunnel(options) {
        listening = options
        return { host: '127.0.0.1', port: 1, relays: () => [], revoke() {}, async close() {} }
      },
      spawnWorker() {
        const worker = fakeWorker()
        workers.push(worker)
        worker.says.write(frame(workerFrame.READY, 0, { services: ['echo'] }))
        return worker.child
      },
      heartbeatMs: 60_000,
      log: () => undefined,
    })
    await gate.apply(config)
    const [near, far] = duplexPair()
    near.on('error', () => undefined)
    far.on('error', () => undefined)
    near.resume()
    const stream = Object.assign(far, {
      ...{ id: 1, opened: Promise.resolve(), resetReason: undefined, accept() {}, sendDatagram: () => false },
      reset: () => void far.destroy(),
    }) as unknown as TunnelStream
    listening?.onStream(stream, openFrame('p1'), relayId)
    const [worker] = workers
    worker?.says.write(input)
    await new Promise((done) => setImmediate(done))
    await new Promise((done) => setImmediate(done))
    gate.health()
    near.destroy()
    await gate.close()
  }
  return {
    name: 'worker link',
    corpus,
    concurrency: 1,
    feed: run,
    serves: () => run(corpus[1] as Buffer),
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

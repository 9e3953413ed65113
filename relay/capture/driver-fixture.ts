/** A relay without a core, for tests that kill it: takes its capture interfaces, gives root up, answers each connection with what it knows of it, tells what it sees as lines. */
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { IdleHost, Segment } from '@shenlou/contract/segment'
import type { Placement } from '@shenlou/contract/placement'
import { openCaptured } from './captured.ts'
import { dropRoot } from './privilege.ts'
import { startCapture } from './start.ts'
import type { StepName } from './steps.ts'

export interface Drive {
  interfaces: string[]
  shared?: boolean
  pauseAfter?: StepName
  segments: Segment[]
  hosts: IdleHost[]
  /** Ports of every host. */
  tcp: number[]
  udp: number[]
  /** The engine of the product instead of one that claims at once. */
  polite?: boolean
}

/** The first line of the input is what to drive. */
const lines = createInterface(process.stdin)[Symbol.asyncIterator]()
const { interfaces, shared, pauseAfter, segments, hosts, tcp, udp, polite } = JSON.parse((await lines.next()).value ?? '') as Drive
const tell = (message: Record<string, unknown>): boolean => process.stdout.write(`${JSON.stringify(message)}\n`)
const begun = performance.now()
const capture = await startCapture({
  interfaces,
  shared,
  pauseAfter,
  log: (text) => tell({ type: 'line', text }),
  ...(polite ? {} : { program: [process.execPath, fileURLToPath(new URL('engine-fixture.ts', import.meta.url))] }),
}).catch((error: Error) => {
  tell({ type: 'refused', text: error.message })
  process.exit(2)
})
capture.onMessage((message) => message.type === 'step' && tell({ ...message }))
dropRoot()
void capture.ended.then((text) => {
  tell({ type: 'ended', text })
  if (!text.includes('asked to end')) process.exit(3)
})
const placements = hosts.flatMap(({ address }) =>
  [...tcp.map((port) => ({ port, transport: 'tcp' })), ...udp.map((port) => ({ port, transport: 'udp' }))].map(
    ({ port, transport }) => ({ id: `${transport} ${address}:${port}`, address, port, transport, decoy: '', service: '' }) as Placement,
  ),
)
const answering = new Set<unknown>()
const captured = openCaptured({
  capture,
  onConnection(socket, placement, _, observed) {
    const { localAddress, localPort, remoteAddress, remotePort } = socket
    const text = `I am ${localAddress}:${localPort}, you are ${remoteAddress}:${remotePort}\n`
    tell({ type: 'connection', placement: placement.id, source: `${remoteAddress}:${remotePort}`, observed })
    socket.on('error', () => {}).resume()
    socket.end(`HTTP/1.0 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`)
  },
  onDatagramSockets() {
    for (const placement of placements) {
      const socket = placement.transport === 'udp' ? captured.datagramSocket(placement) : undefined
      if (!socket || answering.has(socket)) continue
      answering.add(socket)
      socket.on('message', (_, peer) => socket.send(`I am ${placement.address}:${placement.port}\n`, peer.port, peer.address))
    }
    tell({ type: 'datagrams', sockets: answering.size, ms: performance.now() - begun })
  },
  say: () => {},
  onScanned: (rows) => tell({ type: 'scanned', rows }),
  onReleased: (addresses) => tell({ type: 'released', addresses: [...addresses] }),
  onSave: () => {},
})
tell({ type: 'ready', capture: capture.pid, shared: capture.shared, ms: performance.now() - begun })
captured.want(segments, hosts)
captured.offer(placements)
setInterval(
  () => tell({ type: 'health', segments: captured.segments(), problems: captured.problems(), rss: process.memoryUsage().rss, ms: performance.now() - begun }),
  250,
)
for (let line = await lines.next(); !line.done; line = await lines.next()) {
  if (line.value !== 'end') continue
  captured.close()
  await capture.end()
  process.exit(0)
}

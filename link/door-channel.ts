/** The channels of the sensors' door: one WebSocket a sensor, batches in order, heartbeat, one live connection each. */
import type { CoreSays, SensorSays } from '@shenlou/contract/sensor'
import { sensorSays } from '@shenlou/contract/sensor'
import { contractVersion } from '@shenlou/contract/event'
import type { WebSocket } from 'ws'
import { DoorError, type DoorHandlers, type ProofAsk, type SensorBatch } from './door-types.ts'
import type { PeerIdentity } from './identity-types.ts'

type Peer = PeerIdentity & { address: string }
type Batch = Extract<SensorSays, { type: 'batch' }>
type Refusal = Extract<CoreSays, { type: 'refused' }>['reason']

interface Channel {
  ws: WebSocket
  peer: Peer
  /** Batches that wait; while one is with the core the following ones are joined. */
  waiting: Batch[]
  working: boolean
  greeted: boolean
  heardAt: number
}

const heartbeatMs = 5_000
const silentMs = 15_000
/** A live sensor answers a ping within this; one whose line is dead does not, and is no clone. */
const aliveMs = 2_000
const maxWaiting = 32
const maxEvents = 2_000
const reasons: readonly string[] = ['cloned', 'revoked', 'contract', 'unknown', 'expired'] satisfies Refusal[]

export function openChannels(handlers: DoorHandlers, log: (line: string) => void) {
  const live = new Map<string, Channel>()
  const working = new Set<Promise<void>>()
  const say = (channel: Channel, message: CoreSays) => channel.ws.send(JSON.stringify(message))
  const refuse = (channel: Channel, reason: Refusal) => {
    say(channel, { type: 'refused', reason })
    channel.ws.close(1008)
    // A peer that does not close from its side is not waited for.
    setTimeout(() => channel.ws.terminate(), 1_000).unref()
  }
  const track = (work: Promise<void>) => {
    working.add(work)
    work.finally(() => working.delete(work))
  }

  const beat = setInterval(() => {
    for (const channel of live.values()) {
      if (Date.now() - channel.heardAt > silentMs) channel.ws.terminate()
      else channel.ws.ping()
    }
  }, heartbeatMs).unref()

  function add(ws: WebSocket, peer: Peer): void {
    const channel: Channel = { ws, peer, waiting: [], working: false, greeted: false, heardAt: Date.now() }
    const hello = setTimeout(() => ws.terminate(), 10_000).unref()
    ws.on('error', () => undefined)
    ws.on('pong', () => {
      channel.heardAt = Date.now()
    })
    ws.on('message', (data, binary) => {
      channel.heardAt = Date.now()
      const message = binary ? undefined : parse(data as Buffer)
      if (!message) return fault(channel, 'a message that the contract does not know')
      if (!channel.greeted) {
        clearTimeout(hello)
        if (message.type !== 'hello') return fault(channel, `${message.type} before hello`)
        channel.greeted = true
        return track(greet(channel, message).catch((error) => fault(channel, (error as Error).message)))
      }
      if (live.get(peer.sensor) !== channel) return
      if (message.type === 'batch') take(channel, message)
      else if (message.type === 'health')
        track(Promise.resolve(handlers.health(peer.sensor, message.health)).catch((error) => log(`health of ${peer.sensor}: ${error.message}`)))
      else if (message.type === 'blob') track(offer(channel, message).catch((error) => log(`file of ${peer.sensor}: ${error.message}`)))
      else if (message.type === 'proof-bound' || message.type === 'proof-done') handlers.proof?.(peer.sensor, message)
      else fault(channel, 'a second hello')
    })
    ws.on('close', (code, reason) => {
      clearTimeout(hello)
      channel.waiting.length = 0
      if (live.get(peer.sensor) !== channel) return
      live.delete(peer.sensor)
      handlers.gone(peer.sensor, `${code} ${reason.toString('latin1').replace(/[^ -~]/g, '?')}`.trim())
    })
  }

  async function greet(channel: Channel, hello: Extract<SensorSays, { type: 'hello' }>): Promise<void> {
    const { peer } = channel
    // This version and the former one.
    if (hello.contract !== contractVersion && hello.contract !== contractVersion - 1) return refuse(channel, 'contract')
    const other = live.get(peer.sensor)
    if (other && (await answersStill(other))) {
      handlers.cloned(peer.sensor, { live: other.peer.address, refused: peer.address })
      return refuse(channel, 'cloned')
    }
    const successor = live.get(peer.sensor)
    if (successor && successor !== other) return refuse(channel, 'cloned')
    if (other) {
      other.ws.terminate()
      handlers.gone(peer.sensor, 'it came again while its former connection was silent')
    }
    live.set(peer.sensor, channel)
    const { type: _, ...said } = hello
    try {
      const { confirmed, committed, configVersion } = await handlers.hello(peer.sensor, said, peer)
      say(channel, { type: 'welcome', sensor: peer.sensor, confirmed, committed, configVersion })
    } catch (error) {
      if (!(error instanceof DoorError) || !reasons.includes(error.code)) throw error
      refuse(channel, error.code as Refusal)
    }
  }

  function take(channel: Channel, batch: Batch): void {
    channel.waiting.push(batch)
    if (channel.waiting.length > maxWaiting) channel.ws.pause()
    if (!channel.working) track(work(channel))
  }

  async function work(channel: Channel): Promise<void> {
    channel.working = true
    const { sensor } = channel.peer
    try {
      for (let batch = joined(channel.waiting); batch; batch = joined(channel.waiting)) {
        const checked = checkSeqs(sensor, batch)
        const committed = await handlers.batch(checked)
        if (channel.ws.isPaused) channel.ws.resume()
        if (channel.ws.readyState === channel.ws.OPEN) say(channel, { type: 'ack', epoch: batch.epoch, committed })
      }
    } catch (error) {
      channel.waiting.length = 0
      fault(channel, (error as Error).message)
    } finally {
      channel.working = false
    }
  }

  async function offer(channel: Channel, { sha256, size }: { sha256: string; size: number }): Promise<void> {
    const from = await handlers.blobOffered(channel.peer.sensor, { sha256, size })
    say(channel, { type: 'blob-wanted', sha256, from })
  }

  function fault(channel: Channel, what: string): void {
    log(`the channel of ${channel.peer.sensor} (${channel.peer.address}) was closed: ${what}`)
    channel.ws.close(1011)
    setTimeout(() => channel.ws.terminate(), 1_000).unref()
  }

  return {
    add,
    connected: () => [...live.keys()],
    notifyConfig(sensor: string, version: number) {
      const channel = live.get(sensor)
      if (channel) say(channel, { type: 'config', version })
    },
    prove(sensor: string, ask: ProofAsk): boolean {
      const channel = live.get(sensor)
      if (channel?.ws.readyState !== channel?.ws.OPEN) return false
      if (channel) say(channel, ask)
      return channel !== undefined
    },
    revoke(serials: string[]) {
      for (const channel of [...live.values()]) {
        if (serials.includes(channel.peer.serial)) refuse(channel, 'revoked')
        else say(channel, { type: 'revoked', serials })
      }
    },
    close() {
      clearInterval(beat)
      for (const { ws } of live.values()) ws.close(1001)
    },
    /** Resolves when no handler of a channel runs any more. */
    idle: async () => void (await Promise.allSettled([...working])),
  }
}

function answersStill(channel: Channel): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (alive: boolean) => {
      clearTimeout(timer)
      channel.ws.removeListener('pong', pong)
      channel.ws.removeListener('close', closed)
      resolve(alive)
    }
    const pong = () => done(true)
    const closed = () => done(false)
    const timer = setTimeout(done, aliveMs, false)
    channel.ws.once('pong', pong).once('close', closed)
    channel.ws.ping()
  })
}

function parse(data: Buffer): SensorSays | undefined {
  try {
    const parsed = sensorSays.safeParse(JSON.parse(data.toString()))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

/** The next batch, with those that follow it without a hole, up to 2,000 events: one transaction for all that waited. */
function joined(waiting: Batch[]): Batch | undefined {
  const first = waiting.shift()
  if (!first) return undefined
  const batch = { ...first, events: first.events }
  for (
    let next = waiting[0];
    next && next.epoch === batch.epoch && next.first === batch.last + 1 && batch.events.length + next.events.length <= maxEvents;
    next = waiting[0]
  ) {
    waiting.shift()
    batch.events = batch.events.concat(next.events)
    batch.last = next.last
  }
  return batch
}

/** Throws an Error for a batch that cannot be placed: the seqs are how events are known to be there exactly once. */
function checkSeqs(sensor: string, { epoch, first, last, events }: Batch): SensorBatch {
  let before = first - 1
  for (const event of events) {
    const seq = (event as { seq?: unknown } | null)?.seq
    if (typeof event !== 'object' || event === null || !Number.isSafeInteger(seq) || (seq as number) <= before)
      throw new Error(`a batch from ${first} holds an event without a rising seq`)
    before = seq as number
  }
  if (before !== last) throw new Error(`a batch up to ${last} ends with seq ${before}`)
  return { sensor, epoch, first, last, events: events as SensorBatch['events'] }
}

/** The relay: listens where its placements say while their gate can be reached, and carries what comes over the tunnel, adding nothing. */
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import type { EventDraft } from '@shenlou/contract/event'
import type { FirstHop } from '@shenlou/contract/event-kinds'
import type { Placement } from '@shenlou/contract/placement'
import type { SegmentHealth } from '@shenlou/contract/segment'
import type { RelayConfig } from '@shenlou/contract/sensor'
import { openCrowd } from '@shenlou/link/crowd'
import type { SensorIdentity } from '@shenlou/link/identity-types'
import type { ConnectTunnel, Tunnel, TunnelStream } from '@shenlou/link/tunnel-types'
import type { Journal, Prover } from '@shenlou/link/uplink-types'
import { uuidv7 } from '@shenlou/link/uuid'
import { type Captured, openCaptured } from './capture/captured.ts'
import type { CaptureProcess } from './capture/start.ts'
import { carry, resetSocket } from './carry.ts'
import { type DatagramFlow, openDatagrams } from './datagrams.ts'
import { openListeners } from './listen.ts'
import { openProver, ownNetworks } from './prover.ts'
import { type ScanOptions, watchScans } from './scan.ts'

export interface RelayOptions {
  identity: SensorIdentity
  journal: Journal
  connectTunnel: ConnectTunnel
  /** Connections at once; what the process may have open decides when it is not said. */
  maxConnections?: number
  maxPerSource?: number
  scan?: Omit<ScanOptions, 'onScan'>
  /** Answers for idle addresses; without it none is answered. */
  capture?: CaptureProcess | undefined
  /** State of a segment, for `startCapture` at the next start. */
  onSave?(segment: string, text: string): void
  log(line: string): void
}
export interface Relay {
  /** Makes the relay serve this, leaving what did not change alone. */
  apply(config: RelayConfig): Promise<void>
  revoke(serials: string[]): void
  health(): { sessions: number; streams: number; configVersion: number; problems: string[]; segments?: SegmentHealth[]; networks: string[] }
  readonly prover: Prover
  close(): Promise<void>
}

interface Gate {
  address: string
  tunnel: Tunnel
  wasUp: boolean
}
type Reason = 'no-gate' | 'no-decoy' | 'quota' | 'limit'

/** Descriptors that are not attackers': journal, uplink, tunnels, listeners of a large relay. */
const reservedDescriptors = 224

/** How many connections fit below the process's limit of open files. */
export function connectionsThatFit(limits = (): string => readFileSync('/proc/self/limits', 'utf8')): number {
  try {
    const limit = Number(/Max open files\s+(\d+)/.exec(limits())?.[1] ?? 1024)
    return Math.max(64, Math.min(20_000, limit - reservedDescriptors))
  } catch {
    return 1024 - reservedDescriptors
  }
}

/** Key of what nobody can be named for, among the sources of the scan watch. */
const unknownSource = ''

export function startRelay(options: RelayOptions): Relay {
  const { identity, journal, connectTunnel, log } = options
  const most = options.maxConnections ?? connectionsThatFit()
  const crowd = openCrowd({ most, perSource: options.maxPerSource ?? most })
  const gates = new Map<string, Gate>()
  const carried = new Map<string, { placement: Placement; reset(): void }>()
  const listeners = openListeners(onConnection, log)
  const datagrams = openDatagrams({ open: openFlow, onClosed: flowClosed, log })
  const captured: Captured | undefined =
    options.capture &&
    openCaptured({
      capture: options.capture,
      onConnection,
      onDatagramSockets: () => void relisten(),
      say: (draft) => say({ id: uuidv7(), time: Date.now(), ...draft } as EventDraft),
      onScanned(rows) {
        for (const { source, address, port } of rows) scans.probed(source, address, port, Date.now())
      },
      onReleased(addresses) {
        for (const { placement, reset } of [...carried.values()]) if (addresses.has(placement.address)) reset()
      },
      onSave: (segment, text) => options.onSave?.(segment, text),
    })
  const idleDatagrams = openDatagrams({
    open: openFlow,
    onClosed: flowClosed,
    log,
    async bind(placement) {
      const socket = captured?.datagramSocket(placement)
      if (!socket) throw new Error('its socket is not there yet')
      return socket
    },
  })
  const flows = new Map<
    DatagramFlow,
    { about: Pick<EventDraft, 'connection' | 'source' | 'destination' | 'via' | 'service' | 'decoy'>; stream: TunnelStream }
  >()
  let config: RelayConfig | undefined
  let revoked: string[] = []
  let closed = false
  let lost = 0

  const append = (draft: EventDraft): Promise<unknown> => {
    const durable = journal.append(draft)
    durable.catch((error: Error) => {
      lost += 1
      if (lost === 1 || lost % 1000 === 0) log(`${lost} events could not be written to the journal: ${error.message}`)
    })
    return durable
  }
  const say = (draft: EventDraft): void => void append(draft).catch(() => {})

  const scans = watchScans({
    ...options.scan,
    onScan: (source, body) =>
      say({ id: uuidv7(), time: Date.now(), ...(source === unknownSource ? {} : { source: { ip: source } }), kind: 'scan.detected', body }),
  })
  const flushing = setInterval(() => scans.flush(Date.now()), 5000).unref()

  /** A connection that was reset before it was taken, as connect scans do: the kernel no longer tells whose it was, and the events say so by naming no source. */
  function gone({ address, port, service, decoy }: Placement, time: number): void {
    const about = { time, connection: uuidv7(), destination: { ip: address, port }, via: { relay: identity.sensor, address, port }, service, decoy }
    say({ id: uuidv7(), ...about, kind: 'connection.opened', body: { transport: 'tcp' } })
    say({ id: uuidv7(), ...about, kind: 'connection.closed', body: { by: 'client', how: 'reset', bytesIn: 0, bytesOut: 0, durationMs: 0 } })
    scans.touched(unknownSource, address, port, time)
    scans.silent(unknownSource, address, port, time)
  }

  function onConnection(socket: Socket, placement: Placement, acceptedAt = Date.now(), observed: FirstHop = {}): void {
    const { remoteAddress, remotePort, localAddress, localPort } = socket
    socket.on('error', () => {})
    if (!remoteAddress || !localAddress) {
      socket.destroy()
      gone(placement, acceptedAt)
      return
    }
    const source = { ip: plain(remoteAddress), port: remotePort ?? 0 }
    const destination = { ip: plain(localAddress), port: localPort ?? placement.port }
    const connection = uuidv7()
    const via = { relay: identity.sensor, address: placement.address, port: placement.port }
    const about = { connection, source, destination, via, service: placement.service, decoy: placement.decoy }
    const refused = (reason: Reason): void => say({ id: uuidv7(), time: Date.now(), ...about, kind: 'connection.refused', body: { transport: 'tcp', reason } })
    scans.touched(source.ip, destination.ip, destination.port, acceptedAt)

    const gate = gates.get(placement.gate)
    if (!gate?.tunnel.state.up || closed) {
      // It slipped through while the listeners were closing.
      resetSocket(socket)
      refused('no-gate')
      return
    }
    const recorded = append({
      id: uuidv7(),
      time: acceptedAt,
      ...about,
      kind: 'connection.opened',
      body: { transport: 'tcp', ...(Object.keys(observed).length > 0 ? { observed } : {}) },
    })
    const stream = gate.tunnel.open({ connection, transport: 'tcp', source, destination, placement: placement.id, observed: { ...observed }, acceptedAt })
    let evicted = false
    const member = crowd.admit(source.ip, () => {
      evicted = true
      ends.reset()
    })
    const ends = carry({
      socket,
      stream,
      recorded,
      onBytes: (bytes) => member.spoke(bytes),
      onClosed({ by, how, bytesIn, bytesOut }) {
        carried.delete(connection)
        member.leave()
        if (bytesIn === 0) scans.silent(source.ip, destination.ip, destination.port, Date.now())
        const reason = evicted ? 'limit' : refusals[stream.resetReason ?? '']
        if (reason && bytesOut === 0) refused(reason)
        const durationMs = Date.now() - acceptedAt
        say({ id: uuidv7(), time: Date.now(), ...about, kind: 'connection.closed', body: { by: evicted ? 'relay' : by, how, bytesIn, bytesOut, durationMs } })
      },
    })
    carried.set(connection, { placement, reset: ends.reset })
    socket.resume()
  }

  /** A peer's first datagram: the same events as of a connection, its stream carries datagrams. */
  function openFlow(flow: DatagramFlow): { stream: TunnelStream; recorded: Promise<unknown> } | undefined {
    const { placement, source } = flow
    const gate = gates.get(placement.gate)
    if (!gate?.tunnel.state.up || closed) return undefined
    const acceptedAt = Date.now()
    const connection = uuidv7()
    const destination = { ip: placement.address, port: placement.port }
    const via = { relay: identity.sensor, address: placement.address, port: placement.port }
    const about = { connection, source, destination, via, service: placement.service, decoy: placement.decoy }
    scans.touched(source.ip, destination.ip, destination.port, acceptedAt)
    const recorded = append({ id: uuidv7(), time: acceptedAt, ...about, kind: 'connection.opened', body: { transport: 'udp' } })
    const stream = gate.tunnel.open({ connection, transport: 'udp', source, destination, placement: placement.id, observed: {}, acceptedAt })
    flows.set(flow, { about, stream })
    return { stream, recorded }
  }
  function flowClosed(flow: DatagramFlow, durationMs: number): void {
    const found = flows.get(flow)
    flows.delete(flow)
    if (!found) return
    const { about, stream } = found
    const { bytesIn, bytesOut } = flow
    const reason = refusals[stream.resetReason ?? '']
    if (reason && bytesOut === 0) say({ id: uuidv7(), time: Date.now(), ...about, kind: 'connection.refused', body: { transport: 'udp', reason } })
    say({ id: uuidv7(), time: Date.now(), ...about, kind: 'connection.closed', body: { by: 'relay', how: 'end', bytesIn, bytesOut, durationMs } })
  }

  const listen = async (): Promise<void> => {
    const serving = (closed ? [] : (config?.placements ?? [])).filter(({ relay, gate }) => relay === identity.sensor && gates.get(gate)?.tunnel.state.up)
    // An idle address is answered by capture or not at all.
    const idle = new Set((config?.hosts ?? []).map(({ address }) => address))
    const ordinary = serving.filter(({ address }) => !idle.has(address))
    await listeners.set(ordinary.filter(({ transport }) => transport === 'tcp'))
    await datagrams.set(ordinary.filter(({ transport }) => transport === 'udp'))
    const here = serving.filter(({ address }) => idle.has(address))
    await idleDatagrams.set(here.filter((placement) => placement.transport === 'udp' && captured?.datagramSocket(placement)))
    captured?.offer(here)
  }
  let listening = Promise.resolve()
  const relisten = (): Promise<void> => {
    listening = listening.then(listen, listen)
    return listening
  }

  const openGate = (sensor: string, address: string): Gate => {
    const gate: Gate = {
      address,
      wasUp: false,
      tunnel: connectTunnel({
        address,
        expect: sensor,
        identity,
        revoked,
        onState({ up, reason }) {
          if (up === gate.wasUp) return
          gate.wasUp = up
          if (up) say({ id: uuidv7(), time: Date.now(), kind: 'tunnel.opened', body: { gate: gate.address } })
          else say({ id: uuidv7(), time: Date.now(), kind: 'tunnel.closed', body: { gate: gate.address, reason: (reason ?? '').slice(0, 200) } })
          log(`tunnel to ${gate.address} is ${up ? 'up' : `down: ${reason}`}`)
          void relisten()
        },
      }),
    }
    return gate
  }

  return {
    prover: openProver(),
    async apply(next) {
      config = next
      const limit = Math.min(most, next.tuning?.maxConnections ?? most)
      crowd.limit(limit, Math.min(limit, options.maxPerSource ?? limit))
      revoked = [...new Set([...revoked, ...next.revoked])]
      const wanted = new Map(next.gates.map(({ sensor, address }) => [sensor, address]))
      for (const [sensor, gate] of [...gates]) {
        if (wanted.get(sensor) === gate.address) continue
        gates.delete(sensor)
        await gate.tunnel.close()
      }
      for (const [sensor, address] of wanted) if (!gates.has(sensor)) gates.set(sensor, openGate(sensor, address))
      for (const { tunnel } of gates.values()) tunnel.revoke(next.revoked)
      const kept = new Set(next.placements.map((placement) => JSON.stringify(placement)))
      for (const { placement, reset } of carried.values()) if (!kept.has(JSON.stringify(placement))) reset()
      captured?.want(next.segments ?? [], next.hosts ?? [])
      await relisten()
    },
    revoke(serials) {
      revoked = [...new Set([...revoked, ...serials])]
      for (const { tunnel } of gates.values()) tunnel.revoke(serials)
    },
    health() {
      const down = [...gates.values()]
        .filter(({ tunnel }) => !tunnel.state.up)
        .map(({ address, tunnel }) => `tunnel-down ${address} ${tunnel.state.reason ?? ''}`)
      const unserved =
        captured || !config?.hosts?.length ? [] : [`capture-missing ${config.hosts.length} idle addresses: start this relay as root with --capture INTERFACE`]
      const problems = [
        ...unserved,
        ...(captured?.problems() ?? []),
        ...listeners.problems(),
        ...datagrams.problems(),
        ...down,
        ...(lost > 0 ? [`journal-full ${lost} events were not kept`] : []),
      ]
      return {
        sessions: carried.size + datagrams.flows + idleDatagrams.flows,
        streams: carried.size + datagrams.flows + idleDatagrams.flows,
        ...(captured ? { segments: captured.segments() } : {}),
        networks: ownNetworks(),
        configVersion: config?.version ?? 0,
        problems: problems.slice(0, 49).map((problem) => problem.trim().slice(0, 300)),
      }
    },
    async close() {
      closed = true
      clearInterval(flushing)
      await listeners.close()
      await datagrams.close()
      await idleDatagrams.close()
      captured?.close()
      // Before the journal goes: it says what it lets go of.
      await options.capture?.end()
      await listening
      for (const { reset } of [...carried.values()]) reset()
      await Promise.all([...gates.values()].map(({ tunnel }) => tunnel.close()))
      // A reset socket says `close` in a later turn.
      for (const until = Date.now() + 2000; carried.size > 0 && Date.now() < until; ) await new Promise((resolve) => setTimeout(resolve, 5))
      scans.flush(Date.now(), true)
    },
  }
}

/** What a reset by the gate means for the client that saw it. */
const refusals: Record<string, Reason | undefined> = {
  'no-placement': 'no-decoy',
  'not-yours': 'no-decoy',
  closed: 'no-decoy',
  quota: 'quota',
  shutdown: 'no-gate',
}

/** An IPv4 address that a dual-stack socket shows as IPv6 is shown as what it is. */
const plain = (address: string): string => (address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address.replace(/%.*$/, ''))

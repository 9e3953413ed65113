/** A sensor's side of the channel: what the journal holds goes up in batches, several in flight; what is desired comes down. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { contractVersion } from '@shenlou/contract/event'
import {
  type CoreSays,
  coreSays,
  type DecoysConfig,
  type RelayConfig,
  relayConfig,
  type SensorSays,
  sentDecoysConfig,
  unfoldDecoys,
} from '@shenlou/contract/sensor'
import type { Tuning } from '@shenlou/contract/tuning'
import { WebSocket } from 'ws'
import { writeFileAtomic } from './atomic-file.ts'
import { backOff, dial } from './dial.ts'
import { type Exchange, exchange, renew } from './enrol.ts'
import type { RenewableIdentity } from './identity.ts'
import { sendBlob } from './uplink-blobs.ts'
import type { StartUplink, UplinkState } from './uplink-types.ts'

const windowBatches = 8
const batchEvents = 500
/** While two batches are under way, one that is not full waits so long for more events: batches cost more than what is in them. */
const gatherMs = 10
const heartbeatMs = 5_000
const outlookMs = 200
const silentMs = 15_000
const renewCheckMs = 60_000

type Batch = { last: number; events: number }
type Session = { ws: WebSocket; welcomed: boolean; next: number; flight: Batch[]; sentAt: number; heardAt: number; pumping: boolean }

/**
 * Keeps a sensor joined to its core until closed: connects with back-off and jitter, resumes from what the core committed,
 * pulls desired state at start and when told, renews the certificate after a third of its life. Never throws; see `state`.
 */
export const startUplink: StartUplink = (options) => {
  const { identity, journal, spool, log = () => undefined } = options
  const began = Date.now()
  const ownJournalBytes = journal.stats().maxBytes
  const state: UplinkState = { connected: false, reason: 'not connected yet', confirmed: false, configVersion: 0 }
  const stopping = new AbortController()
  const drained = new Set<() => void>()
  let session: Session | undefined
  let attempt = 0
  let retry: NodeJS.Timeout | undefined
  let problem: string | undefined

  const change = (next: Partial<UplinkState>) => {
    Object.assign(state, next)
    options.onState?.({ ...state })
  }
  const say = (message: SensorSays) => session?.ws.send(JSON.stringify(message))

  async function connect(): Promise<void> {
    try {
      if (identity.expires < Date.now()) await renewNow()
      const { socket } = await dial({ address: identity.door, identity, expect: { role: 'core' }, proxy: options.proxy })
      if (stopping.signal.aborted) return void socket.destroy()
      open(
        new WebSocket('wss://localhost/channel', {
          createConnection: () => socket,
          perMessageDeflate: false,
          maxPayload: 4 * 1024 * 1024,
          handshakeTimeout: 10_000,
          generateMask: noMask,
        }),
      )
    } catch (error) {
      lost((error as Error).message)
    }
  }

  function open(ws: WebSocket): void {
    const opened: Session = { ws, welcomed: false, next: 0, flight: [], sentAt: 0, heardAt: Date.now(), pumping: false }
    session = opened
    let reason = 'the connection was lost'
    ws.on('open', () => say({ type: 'hello', contract: contractVersion, epoch: journal.epoch, nextSeq: journal.nextSeq, version: options.version }))
    ws.on('error', (error) => {
      reason = error.message
    })
    ws.on('ping', () => {
      opened.heardAt = Date.now()
    })
    ws.on('pong', () => {
      opened.heardAt = Date.now()
    })
    ws.on('message', (data) => {
      opened.heardAt = Date.now()
      const message = parse(data as Buffer)
      if (!message) return ws.close(1002)
      // What a later core may say is none of ours.
      if (message === 'unknown') return
      if (message.type === 'refused') reason = `refused ${message.reason}`
      else
        hear(opened, message).catch((error) => {
          reason = (error as Error).message
          ws.terminate()
        })
    })
    ws.on('close', () => {
      if (session !== opened) return
      session = undefined
      lost(reason)
    })
  }

  function lost(reason: string): void {
    if (stopping.signal.aborted) return
    if (state.connected || state.reason !== reason) log(`not connected to the core at ${identity.door}: ${reason}`)
    change({ connected: false, reason })
    retry = setTimeout(() => void connect(), backOff(attempt++))
  }

  async function hear(current: Session, message: Exclude<CoreSays, { type: 'refused' }>): Promise<void> {
    switch (message.type) {
      case 'prove':
      case 'prove-go':
        return options.prover?.hear(message, (said) => session === current && say(said))
      case 'welcome': {
        if (message.committed >= journal.nextSeq) {
          // The core has seen more of this epoch than this folder holds: it was put back to an older state.
          await journal.renew()
          throw new Error('this folder is older than what the core has seen; its events go up under a new epoch')
        }
        attempt = 0
        current.welcomed = true
        current.next = message.committed + 1
        journal.ack(message.committed)
        change({ connected: true, reason: undefined, confirmed: message.confirmed })
        log(`connected to the core at ${identity.door}`)
        await pump(current)
        renewWhenDue()
        sendHealth()
        for (const blob of spool?.waiting() ?? []) say({ type: 'blob', ...blob })
        return pullOrRetry()
      }
      case 'ack': {
        if (message.epoch !== journal.epoch) return
        journal.ack(message.committed)
        current.flight = current.flight.filter((batch) => batch.last > message.committed)
        if (journal.acked === journal.nextSeq - 1) for (const each of [...drained]) each()
        return await pump(current)
      }
      case 'config':
        return pullOrRetry()
      case 'revoked':
        return options.onRevoked(message.serials)
      case 'blob-wanted':
        // One file after the other: they share the line with the events.
        blobTurn = blobTurn.then(() => spool && sendBlob({ ...message, spool, ask })).catch((error) => log(`file ${message.sha256}: ${error.message}`))
    }
  }

  let gathering: NodeJS.Timeout | undefined
  const pumpOrSay = (current: Session): void => void pump(current).catch((error) => log(`the journal cannot be read: ${error.message}`))

  /** Sends while the window is open; each event's bytes go out as the journal holds them. */
  async function pump(current: Session): Promise<void> {
    if (current.pumping || !current.welcomed) return
    current.pumping = true
    try {
      while (session === current && current.flight.length < windowBatches && !stopping.signal.aborted) {
        const early = current.sentAt + gatherMs - performance.now()
        if (early > 0 && current.flight.length > 1 && journal.nextSeq - current.next < batchEvents) {
          gathering ??= setTimeout(() => {
            gathering = undefined
            if (session) pumpOrSay(session)
          }, early)
          return
        }
        const slice = await journal.read(current.next, batchEvents)
        if (!slice || session !== current) return
        const head = `{"type":"batch","epoch":"${journal.epoch}","first":${slice.first},"last":${slice.last},"events":[`
        current.ws.send(`${head}${slice.events.map((event) => event.json.toString()).join(',')}]}`)
        current.flight.push({ last: slice.last, events: slice.events.length })
        current.next = slice.last + 1
        current.sentAt = performance.now()
      }
    } finally {
      current.pumping = false
    }
  }

  /** One request at the door on a connection of its own; closing the uplink ends it. */
  async function ask(what: Exchange): Promise<unknown> {
    const { socket } = await dial({ address: identity.door, identity, expect: { role: 'core' }, proxy: options.proxy })
    const stop = () => void socket.destroy()
    stopping.signal.addEventListener('abort', stop)
    try {
      stopping.signal.throwIfAborted()
      return await exchange(socket, what)
    } finally {
      stopping.signal.removeEventListener('abort', stop)
      socket.destroy()
    }
  }

  let blobTurn: Promise<unknown> = Promise.resolve()
  let pullRetry: NodeJS.Timeout | undefined
  let pullAttempt = 0
  // A pull that fails stops nothing else; it is tried again while the channel is up.
  function pullOrRetry(): void {
    clearTimeout(pullRetry)
    pull().then(
      () => {
        pullAttempt = 0
      },
      (error) => {
        log(`desired state could not be pulled: ${error.message}`)
        if (session) pullRetry = setTimeout(pullOrRetry, backOff(pullAttempt++)).unref()
      },
    )
  }

  // One pull at a time; a call during one asks for another behind it.
  let pulling: Promise<void> | undefined
  let again = false
  function pull(): Promise<void> {
    if (pulling) again = true
    pulling ??= (async () => {
      do {
        again = false
        await pullOnce()
      } while (again)
    })().finally(() => {
      pulling = undefined
    })
    return pulling
  }
  const keptPath = join(identity.dir, 'config.json')
  async function pullOnce(): Promise<void> {
    const sent = await ask({ method: 'GET', path: '/config' })
    const config = configOf(sent)
    if (!config || config.sensor !== identity.sensor) throw new Error('the desired state from the core is not one of this contract')
    await take(config, false)
    await writeFileAtomic(keptPath, JSON.stringify(sent)) // as it was sent: unfolded it would be many times that
  }
  let heartbeat = heartbeatMs
  /** What the core sets for this sensor; what it does not set is as ever. */
  function tune({ heartbeatS, journalMiB }: Tuning = {}): void {
    journal.bound(journalMiB === undefined ? ownJournalBytes : journalMiB * 1024 * 1024)
    const next = heartbeatS === undefined ? heartbeatMs : heartbeatS * 1000
    if (next === heartbeat) return
    heartbeat = next
    clearInterval(beat)
    beat = setInterval(sendHealth, heartbeat)
  }
  async function take(config: RelayConfig | DecoysConfig, kept: boolean): Promise<void> {
    if (stopping.signal.aborted) return
    tune(config.tuning)
    if (config.revoked.length > 0) options.onRevoked(config.revoked)
    try {
      await options.onConfig(config, kept)
      problem = undefined
      change({ configVersion: config.version })
    } catch (error) {
      problem = `config-failed ${(error as Error).message}`.slice(0, 300)
      log(`desired state ${config.version} could not be applied: ${(error as Error).message}`)
    }
  }

  async function renewNow(): Promise<void> {
    await renew(identity as RenewableIdentity, options.proxy)
    log(`the certificate was renewed until ${new Date(identity.expires).toISOString()}`)
  }
  let renewing = false
  function renewWhenDue(): void {
    if (renewing || Date.now() < identity.issued + (identity.expires - identity.issued) / 3) return
    renewing = true
    renewNow()
      .catch((error) => log(`the certificate could not be renewed: ${error.message}`))
      .finally(() => {
        renewing = false
      })
  }
  const renewal = setInterval(renewWhenDue, renewCheckMs).unref()

  /** What a person waits to see: sent at once when it changes, not at the next beat. */
  const outlook = (): string => {
    const { problems, configVersion, contained } = options.health()
    return JSON.stringify([problems, configVersion, contained])
  }
  let told = ''
  const watch = setInterval(() => {
    if (session?.welcomed && outlook() !== told) sendHealth()
  }, outlookMs)

  function sendHealth(): void {
    if (!session?.welcomed) return
    told = outlook()
    const { queueEvents, queueBytes, journalBytes, lastError } = journal.stats()
    const said = options.health()
    const problems = [...said.problems, ...(lastError ? [`journal-full ${lastError}`.slice(0, 300)] : []), ...(problem ? [problem] : [])].slice(0, 50)
    const health = {
      version: options.version,
      uptimeMs: Date.now() - began,
      rssBytes: process.memoryUsage.rss(),
      queueEvents,
      queueBytes,
      journalBytes,
      clock: Date.now(),
      ...said,
      problems,
    }
    say({ type: 'health', health })
  }

  const alive = setInterval(() => {
    if (!session) return
    if (Date.now() - session.heardAt > silentMs) return session.ws.terminate()
    if (session.ws.readyState === WebSocket.OPEN) session.ws.ping()
  }, heartbeatMs)
  let beat = setInterval(sendHealth, heartbeat)
  const ends = [journal.onDurable(() => session && pumpOrSay(session)), spool?.onPut((blob) => session?.welcomed && say({ type: 'blob', ...blob }))]

  void (async () => {
    const kept = configOf(await readFile(keptPath, 'utf8').then(JSON.parse, () => undefined))
    if (kept && kept.sensor === identity.sensor) await take(kept, true)
    if (!stopping.signal.aborted) await connect()
  })()

  return {
    state,
    drain(ms) {
      const empty = () => journal.acked === journal.nextSeq - 1
      if (empty()) return Promise.resolve(true)
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer)
          drained.delete(done)
          resolve(empty())
        }
        const timer = setTimeout(done, ms)
        drained.add(done)
      })
    },
    async close() {
      if (stopping.signal.aborted) return
      stopping.abort()
      clearTimeout(retry)
      clearTimeout(pullRetry)
      clearInterval(renewal)
      clearInterval(beat)
      clearInterval(alive)
      clearInterval(watch)
      clearTimeout(gathering)
      for (const end of ends) end?.()
      const closing = session?.ws
      session = undefined
      if (closing && closing.readyState !== WebSocket.CLOSED) {
        await new Promise<void>((resolve) => {
          closing.once('close', () => resolve())
          closing.close(1000)
          setTimeout(() => closing.terminate(), 500).unref()
        })
      }
      await pulling?.catch(() => undefined)
      await blobTurn
      change({ connected: false, reason: 'closed' })
    },
  }
}

/** Masking guards proxies that would read plain WebSocket bytes (RFC 6455 section 10.3); inside TLS a mask of zeros costs nothing. */
export const noMask = (mask: Buffer): void => void mask.fill(0)

const known = new Set<unknown>(coreSays.options.map(({ shape }) => shape.type.value))

function parse(data: Buffer): CoreSays | 'unknown' | undefined {
  try {
    const json = JSON.parse(data.toString())
    if (typeof json?.type === 'string' && !known.has(json.type)) return 'unknown'
    const parsed = coreSays.safeParse(json)
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

function configOf(json: unknown): RelayConfig | DecoysConfig | undefined {
  const { role } = (json ?? {}) as { role?: unknown }
  if (role === 'relay') return relayConfig.safeParse(json).data
  const sent = sentDecoysConfig.safeParse(json).data
  try {
    return sent && unfoldDecoys(sent)
  } catch {
    return undefined
  }
}

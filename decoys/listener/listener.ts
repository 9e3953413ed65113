/**
 * The decoy service `listener`: any TCP port. It waits or greets as the server that is usual there, names what knocks by its first bytes whatever was
 * expected, keeps the first 64 KiB of it, and refuses and closes as that server would. It lets nobody in.
 */
import { createHash } from 'node:crypto'
import { unescapeBytes } from '@shenlou/contract/bytes'
import { usualListener, type ListenerKind } from '@shenlou/contract/listener-kinds'
import type { FileRef } from '@shenlou/contract/primitives'
import type { ServiceSettings } from '@shenlou/contract/services'
import { type Connection, defineDecoy, type Session } from '../decoy.ts'
import { clean, cleanBytes } from '../http/clean.ts'
import { admitOrReset } from '../industrial/connections.ts'
import type { Found } from './found.ts'
import { marksOf } from './openings.ts'
import { recognise } from './recognise.ts'
import { fileFrom, recognisedBody } from './recognised.ts'
import type { Kind, Seat, Step } from './seat.ts'
import { binaryKinds } from './servers-binary.ts'
import { lineKinds } from './servers-line.ts'

const kinds: Readonly<Record<ListenerKind, Kind>> = { ...lineKinds, ...binaryKinds }

/** Bytes of one connection that are kept; beyond them only their hash and size. */
export const keptBytes = 65_536
/** Silence after which bytes that are no whole message are taken for all there is. */
const quietMs = 400
const mostMessages = 256
/** Messages of one connection that are said one by one. */
const mostSaid = 64
const mostConnections = 256
/** How long it still listens after it closed its own side. */
const lastWordsMs = 2000

export const listener = defineDecoy<ServiceSettings<'listener'>>({
  name: 'listener',
  transport: 'tcp',
  async serve(connection, context, settings) {
    const { port } = connection.destination
    const kind = kinds[settings.as ?? usualListener(port)]
    const session = context.session()
    connection.on('error', () => {})
    const leave = admitOrReset(connection, context, session, 'listener', mostConnections)
    if (!leave) return
    const kept = openKept(session, port)
    const seat: Seat = { persona: context.persona, source: connection.source, state: '', user: '', tries: 0, now: () => context.clock() }
    const write = async (answer: Buffer | string | undefined): Promise<void> => {
      if (answer === undefined || answer.length === 0) return
      await context.latency(2 + Math.random() * 8)
      if (!connection.destroyed) connection.write(typeof answer === 'string' ? Buffer.from(answer, 'latin1') : answer)
    }
    const close = async (how: 'end' | 'reset'): Promise<void> => {
      if (how === 'reset') await kept.end(context.blobs)
      if (how === 'reset') connection.reset()
      else connection.end()
    }
    const act = async ({ found, login, pause, answer, close: how }: Step, bytes: Buffer): Promise<boolean> => {
      kept.say(found, bytes)
      if (login) {
        const { user, password } = login
        session.emit('login.attempted', {
          method: 'password',
          user: clean(user, 1024),
          ...(password === undefined ? {} : { password: clean(password, 1024) }),
          outcome: 'refused',
        })
      }
      if (pause) await context.latency(pause)
      await write(answer)
      if (how) await close(how)
      return how !== undefined
    }
    const idleMs = (settings.idleS ?? kind.idleS) * 1000
    try {
      const greeting = settings.greets === undefined ? kind.greet?.(seat) : given(settings.greets, context.persona.hostname)
      await write(greeting)
      let waiting: Buffer = Buffer.alloc(0)
      let done = false
      for (let messages = 0; !done && messages < mostMessages; ) {
        const step = waiting.length > 0 ? kind.take?.(seat, waiting) : undefined
        if (step && step.used > 0) {
          // The first message is named by what it is, also where the server takes it for one of its own.
          const named = messages === 0 ? recognise(waiting) : step.found
          const found = named.protocol === 'unknown' || named.protocol === step.found.protocol ? step.found : named
          const bytes = waiting.subarray(0, step.used)
          waiting = Buffer.from(waiting.subarray(step.used))
          messages += 1
          done = await act({ ...step, found }, bytes)
          continue
        }
        const found = waiting.length > 0 ? recognise(waiting) : undefined
        const full = waiting.length >= keptBytes
        const strange = found !== undefined && (full || !kind.take || (found.protocol !== kind.protocol && !(kind.patient && found.protocol === 'unknown')))
        const came = full ? 'quiet' : await arrival(connection, strange ? quietMs : idleMs)
        if (Buffer.isBuffer(came)) {
          kept.take(came)
          waiting = Buffer.concat([waiting, came]).subarray(0, keptBytes)
        } else if (came === 'quiet' && strange) {
          const { answer, close: how } = kind.foreign?.(seat, waiting, found) ?? { close: 'reset' as const }
          done = await act({ used: waiting.length, found, answer, close: how }, waiting)
        } else {
          if (found) kept.say(found, waiting)
          await close(came === 'quiet' ? (kind.timesOut ?? 'end') : 'end')
          done = true
        }
      }
      if (!connection.writableEnded) await close('end')
      // What is still on its way belongs to the payload.
      for (let came = await arrival(connection, lastWordsMs); Buffer.isBuffer(came); came = await arrival(connection, lastWordsMs)) kept.take(came)
    } finally {
      await kept.end(context.blobs)
      leave()
    }
  },
})

/** A greeting as it is written in settings, as bytes. */
function given(text: string, hostname: string): Buffer {
  const named = text.replaceAll('{hostname}', hostname)
  try {
    return Buffer.from(unescapeBytes(named.replace(/\\([\\nr])/g, (whole, what: string) => ({ n: '\\x0a', r: '\\x0d' })[what] ?? whole)))
  } catch {
    return Buffer.from(named, 'utf8')
  }
}

/** The next bytes, at most 64 KiB; `quiet` after `ms` without any, `end` when there are no more. */
function arrival(connection: Connection, ms: number): Promise<Buffer | 'quiet' | 'end'> {
  return new Promise((resolve) => {
    const settle = (came: Buffer | 'quiet' | 'end'): void => {
      clearTimeout(timer)
      for (const event of ['readable', 'end', 'close'] as const) connection.off(event, look)
      resolve(came)
    }
    const look = (): void => {
      const bytes = connection.read() as Buffer | null
      if (bytes && bytes.length > 0) settle(bytes)
      else if (connection.readableEnded || connection.destroyed) settle('end')
    }
    const timer = setTimeout(() => settle('quiet'), ms)
    for (const event of ['readable', 'end', 'close'] as const) connection.on(event, look)
    look()
  })
}

/** Keeps what arrives and says it: each message when it was recognised, all of it once at the end. */
function openKept(session: Session, port: number) {
  const hash = createHash('sha256')
  const parts: Buffer[] = []
  let size = 0
  let kept = 0
  let said = 0
  let protocol = 'unknown'
  let ended = false
  const marks = new Set<string>()
  return {
    take(bytes: Buffer): void {
      hash.update(bytes)
      size += bytes.length
      if (kept >= keptBytes) return
      const part = Buffer.from(bytes.subarray(0, keptBytes - kept))
      parts.push(part)
      kept += part.length
    },
    say(found: Found, bytes: Buffer): void {
      if (protocol === 'unknown') ({ protocol } = found)
      const now = marksOf(found, bytes)
      for (const mark of now) marks.add(mark)
      said += 1
      if (said > mostSaid) return
      session.emit('payload.recognised', recognisedBody(found, bytes, port, now))
    },
    async end(blobs: { put(bytes: Uint8Array): Promise<FileRef> }): Promise<void> {
      if (ended || size === 0) return
      ended = true
      const all = Buffer.concat(parts)
      // A captured file that cannot be kept must not take the event with it.
      const file = size >= fileFrom ? await blobs.put(all).catch(() => undefined) : undefined
      session.emit('payload.received', {
        protocol,
        port,
        size,
        sha256: hash.digest('hex'),
        messages: said,
        marks: [...marks],
        data: cleanBytes(all.subarray(0, fileFrom), 8192),
        ...(file ? { file } : {}),
      })
    },
  }
}

/** SMB 2 and 3 up to the logon, and what an anonymous session finds behind it ([MS-SMB2]). */
import { randomBytes } from 'node:crypto'
import type { SmbDialect } from '@shenlou/contract/windows'
import { cleanBytes } from '../../http/clean.ts'
import { fileTime, fineClock } from '../identity.ts'
import { negTokenInit2 } from '../spnego.ts'
import { status } from '../status.ts'
import { type Seat, setUp } from './seat.ts'

const protocolId = Buffer.from([0xfe, 0x53, 0x4d, 0x42])
const command = { negotiate: 0, sessionSetup: 1, logoff: 2, treeConnect: 3, treeDisconnect: 4, create: 5, cancel: 12, echo: 13, oplockBreak: 18 } as const
const revisions: readonly [number, SmbDialect][] = [
  [0x0202, '2.0.2'],
  [0x0210, '2.1'],
  [0x0300, '3.0'],
  [0x0302, '3.0.2'],
  [0x0311, '3.1.1'],
]
const headSize = 64
/** Any SMB 2 dialect, as a client of SMB1 asks for it. */
export const wildcard = 0x02ff

export const isSmb2 = (frame: Buffer): boolean => frame.length >= headSize && frame.subarray(0, 4).equals(protocolId)

interface Head {
  command: number
  credits: number
  flags: number
  next: number
  message: bigint
  tree: number
  session: bigint
  /** The process id, or the upper half of an asynchronous id: handed back. */
  process: number
}

/**
 * SMB2 header ([MS-SMB2] section 2.2.1.2):
 * FE 'SMB'(4) size(2, 64) credit charge(2) status(4) command(2) credits(2) flags(4) next(4) message id(8) process(4) tree(4) session(8) signature(16)
 */
const readHead = (frame: Buffer): Head => ({
  command: frame.readUInt16LE(12),
  credits: frame.readUInt16LE(14),
  flags: frame.readUInt32LE(16),
  next: frame.readUInt32LE(20),
  message: frame.readBigUInt64LE(24),
  process: frame.readUInt32LE(32),
  tree: frame.readUInt32LE(36),
  session: frame.readBigUInt64LE(40),
})

interface Answer {
  status: number
  body: Buffer
  session?: bigint
  tree?: number
  /** Credits beyond one are granted only once somebody is known. */
  credits?: number
}

/** ERROR response (section 2.2.2): size(2, 9) contexts(1) reserved(1) bytes(4) data(1). */
const fault = (code: number, more: Partial<Answer> = {}): Answer => ({ status: code, body: Buffer.from('090000000000000000', 'hex'), ...more })

function encode(head: Head, answer: Answer, last: boolean): Buffer {
  const bytes = Buffer.alloc(headSize)
  protocolId.copy(bytes)
  bytes.writeUInt16LE(headSize, 4)
  bytes.writeUInt32LE(answer.status, 8)
  bytes.writeUInt16LE(head.command, 12)
  bytes.writeUInt16LE(answer.credits ?? 1, 14)
  bytes.writeUInt32LE(1, 16)
  bytes.writeBigUInt64LE(head.message, 24)
  bytes.writeUInt32LE(head.process, 32)
  bytes.writeUInt32LE(answer.tree ?? head.tree, 36)
  bytes.writeBigUInt64LE(answer.session ?? head.session, 40)
  const whole = Buffer.concat([bytes, answer.body])
  if (last) return whole
  const padded = Buffer.concat([whole, Buffer.alloc((8 - (whole.length % 8)) % 8)])
  padded.writeUInt32LE(padded.length, 20)
  return padded
}

export interface Smb2 {
  /** Answers one frame, which may hold several requests; undefined closes the connection. */
  take(frame: Buffer): Promise<Buffer | undefined>
  /** Answers the SMB1 request that ended in SMB 2: `wildcard`, or 0x0202. */
  fromSmb1(revision: number): Buffer
}

const mostCompound = 16

/** `negotiated` is told once with what was offered and what was chosen. */
export function openSmb2(seat: Seat, negotiated: (offered: string[], chosen: string, more: { guid?: string }) => void): Smb2 {
  const { template, identity } = seat
  let chosen = 0

  async function answerOne(head: Head, bytes: Buffer): Promise<Answer | undefined> {
    if (head.command === command.negotiate) {
      // A second one is an attack on the first (section 3.3.5.4).
      if (chosen !== 0 && chosen !== wildcard) return undefined
      const answer = negotiate(bytes)
      if (answer.status !== status.ok)
        seat.session.emit('protocol.violated', { reason: 'no dialect or context that is spoken here', data: cleanBytes(bytes.subarray(0, 512), 2048) })
      return answer
    }
    if (chosen === 0 || chosen === wildcard) return undefined
    if (head.command === command.sessionSetup) return sessionSetup(head, bytes)
    if (head.command === command.echo) return { status: status.ok, body: Buffer.from('04000000', 'hex') }
    const logon = seat.logons.get(head.session)
    if (!logon?.valid) return fault(status.userSessionDeleted)
    switch (head.command) {
      case command.logoff:
        seat.logons.delete(head.session)
        return { status: status.ok, body: Buffer.from('04000000', 'hex') }
      case command.treeConnect:
        return treeConnect(bytes, logon.trees)
      case command.treeDisconnect:
        return logon.trees.delete(head.tree) ? { status: status.ok, body: Buffer.from('04000000', 'hex') } : fault(status.networkNameDeleted)
      case command.create:
        return fault(logon.trees.has(head.tree) ? status.accessDenied : status.networkNameDeleted)
      default:
        if (head.command > command.oplockBreak) return undefined
        return fault(logon.trees.has(head.tree) ? (head.command === 11 ? status.notSupported : status.fileClosed) : status.networkNameDeleted)
    }
  }

  /**
   * NEGOTIATE request (section 2.2.3), behind the header:
   * size(2, 36) dialects(2) security mode(2) reserved(2) capabilities(4) client GUID(16) start time(8), or context offset(4) contexts(2) 0(2), dialects(2 each)
   */
  function negotiate(bytes: Buffer): Answer {
    if (bytes.length < headSize + 36 || bytes.readUInt16LE(headSize) !== 36) return fault(status.invalidParameter)
    const count = bytes.readUInt16LE(headSize + 2)
    if (count === 0 || headSize + 36 + 2 * count > bytes.length || count > 64) return fault(status.invalidParameter)
    const asked = Array.from({ length: count }, (_, at) => bytes.readUInt16LE(headSize + 36 + 2 * at))
    const guid = bytes.subarray(headSize + 12, headSize + 28)
    const best = revisions.findLast(([number, name]) => asked.includes(number) && template.dialects.includes(name))
    const offered = asked.map((number) => nameOf(number))
    negotiated(offered, best ? best[1] : 'none', /[^0]/.test(guid.toString('hex')) ? { guid: guidText(guid) } : {})
    if (!best) return fault(status.notSupported)
    const contexts = best[0] === 0x0311 ? negotiateContexts(bytes) : []
    if (!contexts) return fault(status.invalidParameter)
    chosen = best[0]
    return { status: status.ok, body: negotiateBody(best[0], bytes.readUInt32LE(headSize + 8), contexts) }
  }

  /**
   * NEGOTIATE response (section 2.2.4): size(2, 65) security mode(2) dialect(2) contexts(2) server GUID(16) capabilities(4) most transact, read, write(4 each)
   * time(8) start time(8) token offset(2) length(2) context offset(4) token, padding to 8, contexts
   */
  function negotiateBody(revision: number, clientCapabilities: number, contexts: readonly Buffer[]): Buffer {
    const token = negTokenInit2(identity.joined)
    const body = Buffer.alloc(64)
    body.writeUInt16LE(65, 0)
    body.writeUInt16LE(template.signing === 'required' ? 3 : 1, 2)
    body.writeUInt16LE(revision, 4)
    body.writeUInt16LE(contexts.length, 6)
    seat.guid.copy(body, 8)
    body.writeUInt32LE(capabilities(revision, clientCapabilities), 24)
    // Without the multi-credit operations of 2.1 nothing is larger than 64 KiB.
    const largest = revision === 0x0202 || revision === wildcard ? 65_536 : 8_388_608
    for (const at of [28, 32, 36]) body.writeUInt32LE(largest, at)
    fileTime(fineClock(seat.context.clock)()).copy(body, 40)
    // Later builds keep to themselves when they were started.
    if (identity.build < 15_063) fileTime(seat.startedAt).copy(body, 48)
    body.writeUInt16LE(headSize + 64, 56)
    body.writeUInt16LE(token.length, 58)
    if (contexts.length === 0) return Buffer.concat([body, token])
    const padding = Buffer.alloc((8 - (token.length % 8)) % 8)
    body.writeUInt32LE(headSize + 64 + token.length + padding.length, 60)
    const padded = contexts.map((context, at) =>
      at === contexts.length - 1 ? context : Buffer.concat([context, Buffer.alloc((8 - (context.length % 8)) % 8)]),
    )
    return Buffer.concat([body, token, padding, ...padded])
  }

  /**
   * SESSION_SETUP request (section 2.2.5): size(2, 25) flags(1) security mode(1) capabilities(4) channel(4) token offset(2) length(2) former session(8) token;
   * response (section 2.2.6): size(2, 9) flags(2, 2 of nobody) token offset(2) length(2) token
   */
  async function sessionSetup(head: Head, bytes: Buffer): Promise<Answer> {
    if (bytes.length < headSize + 24 || bytes.readUInt16LE(headSize) !== 25) return fault(status.invalidParameter)
    const from = bytes.readUInt16LE(headSize + 12)
    const length = bytes.readUInt16LE(headSize + 14)
    if (from < headSize + 24 || from + length > bytes.length) return fault(status.invalidParameter)
    const step = await setUp(seat, head.session, bytes.subarray(from, from + length))
    if (step.status !== status.ok && step.status !== status.moreProcessing) return fault(step.status, { session: step.id })
    const body = Buffer.alloc(8)
    body.writeUInt16LE(9, 0)
    body.writeUInt16LE(step.status === status.ok ? 2 : 0, 2)
    body.writeUInt16LE(headSize + 8, 4)
    body.writeUInt16LE(step.token.length, 6)
    return { status: step.status, body: Buffer.concat([body, step.token]), session: step.id, credits: Math.min(33, Math.max(1, head.credits)) }
  }

  /**
   * TREE_CONNECT request (section 2.2.9): size(2, 9) flags(2) path offset(2) length(2) path; response (section 2.2.10): size(2, 16) type(1, 2 is a pipe)
   * reserved(1) flags(4, 0x30 caches nothing) capabilities(4) access(4). An anonymous session reaches IPC$ and nothing else.
   */
  function treeConnect(bytes: Buffer, trees: Set<number>): Answer {
    const from = bytes.length >= headSize + 8 ? bytes.readUInt16LE(headSize + 4) : 0
    const length = from > 0 ? bytes.readUInt16LE(headSize + 6) : 0
    if (length === 0 || length % 2 !== 0 || length > 1024 || from < headSize + 8 || from + length > bytes.length) return fault(status.invalidParameter)
    const share =
      bytes
        .toString('utf16le', from, from + length)
        .split('\\')
        .at(-1)
        ?.toUpperCase() ?? ''
    if (share !== 'IPC$') return fault(/^(?:ADMIN|[A-Z])\$$/.test(share) ? status.accessDenied : status.badNetworkName)
    if (trees.size >= 16) return fault(status.requestNotAccepted)
    const tree = [1, 5, 9, 13, 17, 21, 25, 29, 33, 37, 41, 45, 49, 53, 57, 61].find((id) => !trees.has(id)) as number
    trees.add(tree)
    return { status: status.ok, tree, body: Buffer.from('10000200300000000000000000000000', 'hex').fill(Buffer.from('ff011f00', 'hex'), 12) }
  }

  return {
    async take(frame) {
      const answers: Buffer[] = []
      let rest = frame
      for (let nth = 0; ; nth++) {
        if (nth >= mostCompound || !isSmb2(rest) || rest.readUInt16LE(4) !== headSize) return undefined
        const head = readHead(rest)
        const { next } = head
        if (next !== 0 && (next % 8 !== 0 || next < headSize || next > rest.length)) return undefined
        // A cancel is never answered (section 3.3.5.16).
        if (head.command !== command.cancel) {
          const answer = await answerOne(head, next === 0 ? rest : rest.subarray(0, next))
          if (!answer) return undefined
          answers.push(encode(head, answer, next === 0))
        }
        if (next === 0) return Buffer.concat(answers)
        rest = rest.subarray(next)
      }
    },
    fromSmb1(revision) {
      chosen = revision
      const head: Head = { command: command.negotiate, credits: 0, flags: 0, next: 0, message: 0n, tree: 0, session: 0n, process: 0 }
      return encode(head, { status: status.ok, body: negotiateBody(revision, 0, []) }, true)
    },
  }
}

const nameOf = (revision: number): string => revisions.find(([number]) => number === revision)?.[1] ?? `0x${revision.toString(16).padStart(4, '0')}`

/** Section 2.2.4: DFS 1, leasing 2, large MTU 4, multi-channel 8, directory leasing 0x20, encryption 0x40 as the client has it and only in 3.0 and 3.0.2. */
function capabilities(revision: number, client: number): number {
  if (revision === 0x0202 || revision === wildcard) return 1
  if (revision === 0x0210) return 7
  return 0x2f | (revision === 0x0311 ? 0 : client & 0x40)
}

/** As Windows writes a GUID: its first three parts are little-endian ([MS-DTYP] section 2.3.4.2). */
function guidText(bytes: Buffer): string {
  const part = (from: number, to: number): string => Buffer.from(bytes.subarray(from, to)).reverse().toString('hex')
  return `${part(0, 4)}-${part(4, 6)}-${part(6, 8)}-${bytes.toString('hex', 8, 10)}-${bytes.toString('hex', 10, 16)}`
}

/**
 * Contexts of 3.1.1 (sections 2.2.3.1 and 2.2.4.1): type(2) length(2) reserved(4) data, each on a multiple of 8. Preauthentication integrity (1) must be
 * there once: count(2) salt length(2) hashes(2 each; SHA-512 is 1) salt. Encryption (2): count(2) ciphers(2 each; AES-128-CCM 1, AES-128-GCM 2).
 * The server's answer to them, or undefined.
 */
function negotiateContexts(bytes: Buffer): Buffer[] | undefined {
  let at = bytes.readUInt32LE(headSize + 28)
  const count = bytes.readUInt16LE(headSize + 32)
  const answers: Buffer[] = []
  let hashed = false
  for (let nth = 0; nth < Math.min(count, 16); nth++) {
    if (at + 8 > bytes.length) return undefined
    const type = bytes.readUInt16LE(at)
    const length = bytes.readUInt16LE(at + 2)
    const data = bytes.subarray(at + 8, at + 8 + length)
    if (data.length < length) return undefined
    const numbers = (from: number): number[] =>
      length < from
        ? []
        : Array.from({ length: Math.min(data.readUInt16LE(0), Math.floor((length - from) / 2)) }, (_, index) => data.readUInt16LE(from + 2 * index))
    if (type === 1) {
      if (hashed || !numbers(4).includes(1)) return undefined
      hashed = true
      answers.push(context(1, Buffer.concat([Buffer.from('010020000100', 'hex'), randomBytes(32)])))
    } else if (type === 2) {
      const cipher = [2, 1].find((known) => numbers(2).includes(known)) ?? 0
      answers.push(context(2, Buffer.from([1, 0, cipher, 0])))
    }
    at += 8 + length + ((8 - (length % 8)) % 8)
  }
  return hashed ? answers : undefined
}

function context(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt16LE(type, 0)
  head.writeUInt16LE(data.length, 2)
  return Buffer.concat([head, data])
}

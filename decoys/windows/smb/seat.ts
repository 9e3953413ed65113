/** One SMB connection: what was agreed on and who is on it, for both families of the protocol. */
import { randomBytes } from 'node:crypto'
import type { ServiceSettings } from '@shenlou/contract/services'
import type { SmbTemplate } from '@shenlou/contract/windows'
import type { Context, Session } from '../../decoy.ts'
import { cleanBytes } from '../../http/clean.ts'
import { fineClock, type WindowsIdentity } from '../identity.ts'
import { logOn } from '../logon.ts'
import { isAnonymous, type NtlmServer, openNtlm } from '../ntlmssp.ts'
import { accepted, goOn, readSpnego, type SpnegoToken } from '../spnego.ts'
import { status } from '../status.ts'

export interface Seat {
  context: Context
  session: Session
  settings: ServiceSettings<'smb'>
  template: SmbTemplate
  identity: WindowsIdentity
  /** The server's GUID, 16 bytes, and when it was started, in milliseconds since 1970 UTC. */
  guid: Buffer
  startedAt: number
  /** SMB sessions of this connection by their id. */
  logons: Map<bigint, Logon>
  nextId: bigint
}

/** A session of SMB: being set up, or an anonymous one that is let in. */
export interface Logon {
  ntlm: NtlmServer
  form: SpnegoToken['form']
  valid: boolean
  trees: Set<number>
}

/** What is set up at once on one connection; a client has one. */
const mostLogons = 16

export function openSeat(seat: Omit<Seat, 'guid' | 'startedAt' | 'logons' | 'nextId'>): Seat {
  const { persona } = seat.context
  const guid = persona.draw('smb server guid', 16)
  // Drawn at random, as UuidCreate marks it (RFC 9562 section 5.4); the third part is little-endian.
  guid[7] = ((guid[7] as number) & 0x0f) | 0x40
  guid[8] = ((guid[8] as number) & 0x3f) | 0x80
  return {
    ...seat,
    guid,
    // The service comes up some seconds after the kernel does.
    startedAt: persona.bootedAt + persona.number(`smb start ${persona.boots}`, 90_000_000, 480_000_000) / 10_000,
    logons: new Map(),
    // Session ids of Windows look like 0x0000_0400_0000_0019: both halves small multiples.
    nextId: (BigInt((randomBytes(1).readUInt8(0) & 0x3f) + 1) << 42n) | BigInt(0x11 + 4 * (randomBytes(1).readUInt8(0) & 31)),
  }
}

export type SetUp = { status: number; token: Buffer; id: bigint; logon?: Logon }

/** Goes on with a session set-up by one security token; `id` 0 begins a new one. Tokens are SPNEGO or raw NTLMSSP. */
export async function setUp(seat: Seat, id: bigint, token: Buffer): Promise<SetUp> {
  const none = Buffer.alloc(0)
  const read = readSpnego(token)
  let logon = seat.logons.get(id)
  if (id !== 0n && !logon) return { status: status.userSessionDeleted, token: none, id }
  if (!logon) {
    if (seat.logons.size >= mostLogons) return { status: status.requestNotAccepted, token: none, id: 0n }
    logon = { ntlm: openNtlm(seat.identity, fineClock(seat.context.clock)), form: read?.form ?? 'raw', valid: false, trees: new Set() }
    id = seat.nextId
    // A step of one in the 16 bits of SMB1.
    seat.nextId += id < 0x1_0000n ? 1n : 4n
    seat.logons.set(id, logon)
  }
  const refuse = (code: number): SetUp => {
    seat.logons.delete(id)
    return { status: code, token: none, id }
  }
  if (!read) return refuse(status.invalidParameter)
  if (!read.ntlm) {
    // It began with Kerberos in the hope that it is taken; NTLM is what is left (RFC 4178 section 4.2.2).
    return read.offersNtlm && read.form === 'init' ? { status: status.moreProcessing, token: goOn(read.form), id, logon } : refuse(status.logonFailure)
  }
  const step = logon.ntlm.take(read.ntlm)
  if (!step) return refuse(status.invalidParameter)
  if ('challenge' in step) {
    logon.form = read.form
    return { status: status.moreProcessing, token: goOn(read.form, step.challenge), id, logon }
  }
  const { context, session, settings, template } = seat
  if (isAnonymous(step.answer) && template.anonymous === 'session') {
    sayAnonymous(seat)
    logon.valid = true
    return { status: status.ok, token: accepted(logon.form), id, logon }
  }
  return refuse(await logOn(step.answer, { context, session, policy: settings.login, refusalMs: template.refusalMs }))
}

/** A session without a user was let in. */
export const sayAnonymous = ({ session }: Seat): void => session.emit('login.attempted', { method: 'none', user: '', outcome: 'accepted', by: 'given' })

/** An attack on SMB that is known by its form, as it came. */
export const sayExploit = ({ session }: Seat, vulnerability: string, step: string, frame: Buffer): void =>
  session.emit('exploit.attempted', { vulnerability, step, data: cleanBytes(frame.subarray(0, 2048), 4096), size: frame.length })

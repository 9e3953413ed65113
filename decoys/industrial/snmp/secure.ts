/** Version 3: what is done with a message before its PDU is looked at, step by step as RFC 3414 section 3.2 and RFC 3412 section 7.2 have it. */
import type { SnmpSettings, SnmpUser } from '@shenlou/contract/snmp'
import { BerError, encode, tags } from './ber.ts'
import type { Own } from './counts.ts'
import { encodeScoped, encodeSecure, parseScoped, type Pdu, pduTypes, type ScopedPdu, type SecureMessage } from './message.ts'
import { decrypt, digestLength, encrypt, inTimeWindow, isSigned, localKey, sign } from './usm.ts'

export interface Engine {
  id: Buffer
  boots: number
  /** Seconds since its last boot. */
  time: number
  maxMessage: number
}
type Flags = SecureMessage['flags']

export type Unpacked =
  /** A request of a user whose message holds. */
  | { kind: 'request'; user: SnmpUser; level: Flags; scoped: ScopedPdu }
  /** It gets a report (RFC 3412 section 7.1), or nothing when it is not `reportable`. `user`: whether its user name was right. */
  | { kind: 'report'; reason: string; report: Buffer | undefined; known: boolean | undefined }

/** The counters that a report carries, by name. */
const reports: Record<string, { oid: number[]; count: keyof Own }> = {
  usmStatsUnsupportedSecLevels: { oid: [1, 3, 6, 1, 6, 3, 15, 1, 1, 1, 0], count: 'unsupportedSecLevels' },
  usmStatsNotInTimeWindows: { oid: [1, 3, 6, 1, 6, 3, 15, 1, 1, 2, 0], count: 'notInTimeWindows' },
  usmStatsUnknownUserNames: { oid: [1, 3, 6, 1, 6, 3, 15, 1, 1, 3, 0], count: 'unknownUserNames' },
  usmStatsUnknownEngineIDs: { oid: [1, 3, 6, 1, 6, 3, 15, 1, 1, 4, 0], count: 'unknownEngineIds' },
  usmStatsWrongDigests: { oid: [1, 3, 6, 1, 6, 3, 15, 1, 1, 5, 0], count: 'wrongDigests' },
  usmStatsDecryptionErrors: { oid: [1, 3, 6, 1, 6, 3, 15, 1, 1, 6, 0], count: 'decryptionErrors' },
  snmpUnknownContexts: { oid: [1, 3, 6, 1, 6, 3, 12, 1, 5, 0], count: 'unknownContexts' },
}

export function unpack(message: SecureMessage, datagram: Buffer, { users }: SnmpSettings, engine: Engine, own: Own): Unpacked {
  const { security, flags } = message
  const none: Flags = { auth: false, privacy: false, reportable: false }
  const report = (reason: keyof typeof reports, known?: boolean, level = none, user?: SnmpUser, requestId = requestIdOf(message)): Unpacked => {
    const { oid, count } = reports[reason] as (typeof reports)[string]
    own[count] += 1
    if (!flags.reportable) return { kind: 'report', reason: String(reason), report: undefined, known }
    const pdu: Pdu = { type: pduTypes.report, requestId, status: 0, index: 0, bindings: [{ oid, value: { type: 'counter', value: own[count] } }] }
    return {
      kind: 'report',
      reason: String(reason),
      report: pack(message, level, user, engine, { contextEngineId: engine.id, contextName: Buffer.alloc(0), pdu }),
      known,
    }
  }

  if (!security.engineId.equals(engine.id)) return report('usmStatsUnknownEngineIDs')
  const name = security.user.toString()
  const user = users.find((each) => each.user === name)
  if (!user) return report('usmStatsUnknownUserNames', false)
  if ((flags.auth && !user.auth) || (flags.privacy && !user.privacy)) return report('usmStatsUnsupportedSecLevels', true)
  if (flags.auth && user.auth) {
    const { protocol, password } = user.auth
    if (!isSigned(protocol, localKey(protocol, password, engine.id), datagram, message.authAt, security.auth)) return report('usmStatsWrongDigests', false)
    if (!inTimeWindow(engine, security)) return report('usmStatsNotInTimeWindows', true, { ...none, auth: true }, user)
  }
  let scoped: ScopedPdu
  try {
    if (flags.privacy && user.auth && user.privacy) {
      const key = localKey(user.auth.protocol, user.privacy.password, engine.id)
      const plain = decrypt({ protocol: user.privacy.protocol, key, boots: security.boots, time: security.time }, security.privacy, message.data)
      if (!plain) return report('usmStatsDecryptionErrors', true)
      scoped = parseScoped(plain, true)
    } else scoped = parseScoped(message.data)
  } catch (error) {
    // What was decrypted with another key reads as nothing.
    if (error instanceof BerError && flags.privacy) return report('usmStatsDecryptionErrors', true)
    throw error
  }
  if (scoped.contextName.length > 0 || !scoped.contextEngineId.equals(engine.id))
    return report('snmpUnknownContexts', true, { ...flags, reportable: false }, user, scoped.pdu.requestId)
  return { kind: 'request', user, level: flags, scoped }
}

/** Reports repeat the request id where it can be read. */
function requestIdOf({ data, encrypted }: SecureMessage): number {
  if (encrypted) return 0
  try {
    return parseScoped(data).pdu.requestId
  } catch {
    return 0
  }
}

let salt = 0
/** RFC 3414 section 8.1.1.1 and RFC 3826 section 3.1.2.1: never twice under one key; of DES the first half is the boots. */
function nextSalt(boots: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(boots >>> 0, 0)
  bytes.writeUInt32BE((saltBase + salt++) >>> 0, 4)
  return bytes
}
const saltBase = Math.floor(Math.random() * 0xffffffff)

/** An answer to a message, at the level that is asked for: signed and encrypted with the user's keys. */
export function pack(to: SecureMessage, level: Flags, user: SnmpUser | undefined, engine: Engine, scoped: ScopedPdu): Buffer {
  const auth = level.auth ? user?.auth : undefined
  const privacy = level.privacy && auth ? user?.privacy : undefined
  const used = privacy ? nextSalt(engine.boots) : Buffer.alloc(0)
  const plain = encodeScoped(scoped)
  const { id: engineId, boots, time } = engine
  const data =
    privacy && auth
      ? encode(tags.octets, encrypt({ protocol: privacy.protocol, key: localKey(auth.protocol, privacy.password, engineId), boots, time }, used, plain))
      : plain
  const { bytes, authAt } = encodeSecure(
    {
      id: to.id,
      maxSize: engine.maxMessage,
      flags: { auth: auth !== undefined, privacy: privacy !== undefined, reportable: false },
      security: { engineId, boots, time, user: to.security.user, auth: Buffer.alloc(auth ? digestLength(auth.protocol) : 0), privacy: used },
    },
    data,
  )
  if (auth) sign(auth.protocol, localKey(auth.protocol, auth.password, engineId), bytes, authAt)
  return bytes
}

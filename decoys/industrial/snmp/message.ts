/**
 * Messages of the three versions of SNMP and what is in them.
 *
 *   v1, v2c (RFC 1157 section 4, RFC 1901)  SEQUENCE { INTEGER version 0 or 1, OCTET STRING community, PDU }
 *   v3 (RFC 3412 section 6)                 SEQUENCE { INTEGER 3,
 *                                             SEQUENCE { INTEGER id, INTEGER largest message, OCTET STRING(1) flags, INTEGER security model },
 *                                             OCTET STRING security parameters, scoped PDU or OCTET STRING of an encrypted one }
 *   security parameters (RFC 3414 section 2.4), within that string
 *                                           SEQUENCE { OCTET STRING engine, INTEGER boots, INTEGER time, OCTET STRING user, OCTET STRING auth, OCTET STRING privacy }
 *   scoped PDU                              SEQUENCE { OCTET STRING context engine, OCTET STRING context name, PDU }
 *   PDU (RFC 3416 section 3)                tag { INTEGER request id, INTEGER error status, INTEGER error index, SEQUENCE OF SEQUENCE { OID, value } }
 *                                           of GetBulk the two in the middle are non-repeaters and max-repetitions
 */
import { BerError, decodeOid, decodeValue, encode, encodeInteger, encodeOid, encodeValue, type Oid, openReader, tags, type Value } from './ber.ts'

export const pduTypes = { get: 0xa0, next: 0xa1, response: 0xa2, set: 0xa3, trap1: 0xa4, bulk: 0xa5, inform: 0xa6, trap2: 0xa7, report: 0xa8 } as const

/** Error statuses of RFC 3416 section 3; version 1 has those up to 5. */
export const status = {
  noError: 0,
  tooBig: 1,
  noSuchName: 2,
  badValue: 3,
  readOnly: 4,
  genErr: 5,
  noAccess: 6,
  wrongType: 7,
  wrongLength: 8,
  wrongEncoding: 9,
  wrongValue: 10,
  noCreation: 11,
  authorizationError: 16,
  notWritable: 17,
} as const
export const statusName = (code: number): string => Object.entries(status).find(([, value]) => value === code)?.[0] ?? `error ${code}`

export interface Binding {
  oid: Oid
  value: Value
}
export interface Pdu {
  type: number
  requestId: number
  /** Error status; of GetBulk non-repeaters. */
  status: number
  /** Error index, from 1; of GetBulk max-repetitions. */
  index: number
  bindings: Binding[]
}
export interface CommunityMessage {
  version: 'v1' | 'v2c'
  community: Buffer
  pdu: Pdu
}
export interface SecurityParameters {
  engineId: Buffer
  boots: number
  time: number
  user: Buffer
  /** Digest, cut to its length. */
  auth: Buffer
  /** Salt. */
  privacy: Buffer
}
export interface SecureMessage {
  version: 'v3'
  id: number
  maxSize: number
  flags: { auth: boolean; privacy: boolean; reportable: boolean }
  security: SecurityParameters
  /** Where the digest lies in the datagram. */
  authAt: number
  /** A scoped PDU's contents, or the encrypted bytes of one. */
  data: Buffer
  encrypted: boolean
}
export interface ScopedPdu {
  contextEngineId: Buffer
  contextName: Buffer
  pdu: Pdu
}

const maxBindings = 1000

/** A datagram as a message; throws a BerError for one that is none. */
export function parseMessage(datagram: Buffer): CommunityMessage | SecureMessage {
  const outer = openReader(datagram)
  const inner = outer.take(tags.sequence, 'message')
  const start = outer.at - inner.length
  const message = openReader(inner)
  const version = message.integer('version')
  if (version === 3) return parseSecure(message, start)
  if (version !== 0 && version !== 1) throw new BerError(`version ${version}`)
  const community = message.take(tags.octets, 'community')
  return { version: version === 0 ? 'v1' : 'v2c', community, pdu: parsePdu(message.next()) }
}

function parseSecure(message: ReturnType<typeof openReader>, start: number): SecureMessage {
  const header = openReader(message.take(tags.sequence, 'header'))
  const id = header.integer('message id')
  const maxSize = header.integer('largest message')
  const flags = header.take(tags.octets, 'flags')
  const model = header.integer('security model')
  if (flags.length !== 1) throw new BerError('flags of other than one byte')
  if (id < 0 || maxSize < 484) throw new BerError('a message id or size out of range')
  if (model !== 3) throw new BerError(`security model ${model}`)
  const bits = flags[0] as number
  if ((bits & 3) === 2) throw new BerError('privacy without authentication')

  const parameters = message.take(tags.octets, 'security parameters')
  const parametersAt = start + message.at - parameters.length
  const around = openReader(parameters)
  const contents = around.take(tags.sequence, 'security parameters')
  const contentsAt = parametersAt + around.at - contents.length
  const reader = openReader(contents)
  const engineId = reader.take(tags.octets, 'engine')
  const boots = reader.integer('boots')
  const time = reader.integer('time')
  const user = reader.take(tags.octets, 'user')
  const auth = reader.take(tags.octets, 'digest')
  const authAt = contentsAt + reader.at - auth.length
  const privacy = reader.take(tags.octets, 'salt')
  if (user.length > 32 || engineId.length > 32 || boots < 0 || time < 0) throw new BerError('security parameters out of range')

  const encrypted = (bits & 2) !== 0
  const data = message.take(encrypted ? tags.octets : tags.sequence, encrypted ? 'encrypted PDU' : 'scoped PDU')
  return {
    version: 'v3',
    id,
    maxSize,
    flags: { auth: (bits & 1) !== 0, privacy: encrypted, reportable: (bits & 4) !== 0 },
    security: { engineId, boots, time, user, auth, privacy },
    authAt,
    data,
    encrypted,
  }
}

/** The contents of a scoped PDU; with `whole` the element around them too, and what pads a block cipher after it. */
export function parseScoped(bytes: Buffer, whole = false): ScopedPdu {
  const reader = openReader(whole ? openReader(bytes).take(tags.sequence, 'scoped PDU') : bytes)
  return {
    contextEngineId: reader.take(tags.octets, 'context engine'),
    contextName: reader.take(tags.octets, 'context name'),
    pdu: parsePdu(reader.next()),
  }
}

function parsePdu({ tag, body }: { tag: number; body: Buffer }): Pdu {
  if (tag < pduTypes.get || tag > pduTypes.report || tag === pduTypes.trap1) throw new BerError(`a PDU with tag ${tag}`)
  const reader = openReader(body)
  const pdu: Pdu = {
    type: tag,
    requestId: reader.integer('request id'),
    status: reader.integer('error status'),
    index: reader.integer('error index'),
    bindings: [],
  }
  const list = openReader(reader.take(tags.sequence, 'bindings'))
  while (list.more) {
    if (pdu.bindings.length === maxBindings) throw new BerError(`more than ${maxBindings} bindings`)
    const binding = openReader(list.take(tags.sequence, 'binding'))
    pdu.bindings.push({ oid: decodeOid(binding.take(tags.oid, 'name')), value: decodeValue(binding.next()) })
  }
  return pdu
}

export const encodeBinding = ({ oid, value }: Binding): Buffer => encode(tags.sequence, encodeOid(oid), encodeValue(value))

export const encodePdu = ({ type, requestId, status: error, index, bindings }: Pdu): Buffer =>
  encode(type, encodeInteger(requestId), encodeInteger(error), encodeInteger(index), encode(tags.sequence, ...bindings.map(encodeBinding)))

export const encodeCommunity = ({ version, community, pdu }: CommunityMessage): Buffer =>
  encode(tags.sequence, encodeInteger(version === 'v1' ? 0 : 1), encode(tags.octets, community), encodePdu(pdu))

export const encodeScoped = ({ contextEngineId, contextName, pdu }: ScopedPdu): Buffer =>
  encode(tags.sequence, encode(tags.octets, contextEngineId), encode(tags.octets, contextName), encodePdu(pdu))

/** A message of version 3; `data` is the element that goes last. `authAt` is where its digest lies, to be filled in. */
export function encodeSecure(
  { id, maxSize, flags, security }: Pick<SecureMessage, 'id' | 'maxSize' | 'flags' | 'security'>,
  data: Buffer,
): { bytes: Buffer; authAt: number } {
  const bits = (flags.auth ? 1 : 0) | (flags.privacy ? 2 : 0) | (flags.reportable ? 4 : 0)
  const header = encode(tags.sequence, encodeInteger(id), encodeInteger(maxSize), encode(tags.octets, Buffer.from([bits])), encodeInteger(3))
  const last = encode(tags.octets, security.privacy)
  const parameters = encode(
    tags.octets,
    encode(
      tags.sequence,
      encode(tags.octets, security.engineId),
      encodeInteger(security.boots),
      encodeInteger(security.time),
      encode(tags.octets, security.user),
      encode(tags.octets, security.auth),
      last,
    ),
  )
  const bytes = encode(tags.sequence, encodeInteger(3), header, parameters, data)
  return { bytes, authAt: bytes.length - data.length - last.length - security.auth.length }
}

/**
 * User data: blocks, status lists, password and clock (rosctr 7).
 *
 *   parameters   00 01 12 04 11 4g(1) sf(1) sequence(1)          request; g is the group: 3 blocks, 4 CPU, 5 security, 7 clock
 *                00 01 12 08 12 8g(1) sf(1) sequence(1) unit(1) last(1) error(2)   answer
 *   data         return(1) type(1) length(2) bytes; without any: 0a 00 0000
 */
import { escapeBytes } from '@shenlou/contract/bytes'
import type { S7commTemplate } from '@shenlou/contract/s7comm'
import type { Session } from '../../decoy.ts'
import type { Device } from '../device.ts'
import type { Blocks } from './blocks.ts'
import { bcdTime, type Clock, parseBcdTime } from './clock.ts'
import { familyOf } from './family.ts'
import { item, type Pdu, rosctr, s7Error } from './pdu.ts'
import { statusList } from './status-lists.ts'
import type { Answered } from './variables.ts'

export interface UserDataState {
  /** The password was given on this connection. */
  unlocked: boolean
  /** What is left of an answer that was longer than a PDU, by its unit reference. */
  rest: Map<number, Buffer>
}
interface Options {
  device: Device
  clock: Clock
  template: S7commTemplate
  blocks: Blocks
  session: Session
  state: UserDataState
  maxPdu: number
  password: string | undefined
}

const none = Buffer.from([item.missing, 0, 0, 0])
const withHead = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([item.ok, 9, bytes.length >> 8, bytes.length & 0xff]), bytes])

/** The eight bytes of a password as they are sent: each mixed with the one two before it (published by several tools). */
export function decodePassword(bytes: Buffer): string {
  const plain = bytes.map((byte, i) => (i < 2 ? byte ^ 0x55 : byte ^ (bytes[i - 2] as number) ^ 0x55))
  return Buffer.from(plain).toString('latin1').trimEnd()
}

export function answerUserData(pdu: Pdu, options: Options): Answered | undefined {
  const { parameters, data } = pdu
  if (parameters.length < 8 || parameters.readUIntBE(0, 3) !== 0x000112) return undefined
  if ((parameters.readUInt8(5) & 0xf0) !== 0x40) return undefined
  const group = parameters.readUInt8(5) & 0x0f
  const sub = parameters.readUInt8(6)
  const follows = parameters.length >= 12 && parameters.readUInt8(4) === 0x12 ? parameters.readUInt8(8) : 0
  const given = data.length >= 4 ? data.subarray(4, 4 + data.readUInt16BE(2)) : Buffer.alloc(0)
  const found = follows !== 0 ? next(follows, options) : handle(group, sub, given, options)
  const bytes = found.bytes && found.error === undefined ? found.bytes : undefined
  const most = options.maxPdu - 12 - 12 - 4
  const first = bytes?.subarray(0, most)
  const more = bytes !== undefined && bytes.length > most
  const unit = more ? follows || 1 + (options.state.rest.size % 200) : 0
  if (more && options.state.rest.size < 4) options.state.rest.set(unit, Buffer.from((bytes as Buffer).subarray(most)))
  const head = Buffer.from([0, 1, 0x12, 8, 0x12, 0x80 | group, sub, (parameters.readUInt8(7) + (follows ? 0 : 1)) & 0xff, unit, more ? 1 : 0, 0, 0])
  head.writeUInt16BE(found.error ?? 0, 10)
  return {
    operation: found.operation,
    function: found.name,
    outcome: found.error === undefined ? 'done' : 'refused',
    ...(found.error === undefined ? {} : { reason: `error ${found.error.toString(16).padStart(4, '0')}` }),
    ...(found.points ? { points: found.points } : {}),
    pdu: { rosctr: rosctr.userData, reference: pdu.reference, parameters: head, data: first && first.length > 0 ? withHead(first) : none, error: 0 },
  }
}

type Found = Pick<Answered, 'operation' | 'points'> & { name: string; bytes?: Buffer; error?: number }

function next(unit: number, { state }: Options): Found {
  const bytes = state.rest.get(unit)
  state.rest.delete(unit)
  return bytes
    ? { operation: 'identify', name: 'Read SZL (continued)', bytes }
    : { operation: 'identify', name: 'Read SZL (continued)', error: s7Error.listSyntax }
}

function handle(group: number, sub: number, given: Buffer, options: Options): Found {
  if (group === 4 && sub === 1) return status(given, options)
  if (!familyOf(options.template).programming) return withoutIt(group, sub, given, options)
  if (group === 3) return blockFunctions(sub, given, options)
  if (group === 4 && sub === 2) return { operation: 'diagnose', name: 'Message service' }
  if (group === 5) return security(sub, given, options)
  if (group === 7) return timeOfDay(sub, given, options)
  return { operation: 'other', name: `user data ${group}/${sub}`, error: 0x8104 }
}

/** What a controller says whose programming device speaks another protocol. A password is recorded all the same. */
function withoutIt(group: number, sub: number, given: Buffer, { session }: Options): Found {
  if (group === 5 && sub === 1 && given.length >= 8) sayPassword(session, decodePassword(given.subarray(0, 8)), false)
  const [operation, name] = (
    {
      3: ['browse', ['List blocks', 'List blocks of type', 'Get block info'][sub - 1]],
      4: ['diagnose', 'Message service'],
      5: ['authenticate', ['PLC password', 'Clear password'][sub - 1]],
      7: ['clock', ['Read clock', 'Set clock', 'Read clock', 'Set clock'][sub - 1]],
    } as const
  )[group] ?? ['other', undefined]
  return { operation, name: name ?? `user data ${group}/${sub}`, error: s7Error.unknownFunction }
}

function sayPassword(session: Session, tried: string, right: boolean): void {
  session.emit('login.attempted', {
    method: 's7-password',
    user: '',
    password: escapeBytes(Buffer.from(tried, 'latin1')),
    outcome: right ? 'accepted' : 'refused',
    ...(right ? { by: 'given' as const } : {}),
  })
}

function blockFunctions(sub: number, given: Buffer, { blocks }: Options): Found {
  if (sub === 1) return { operation: 'browse', name: 'List blocks', bytes: blocks.counts() }
  if (sub === 2) {
    const bytes = given.length >= 2 ? blocks.numbers(given.readUInt8(1)) : undefined
    return { operation: 'browse', name: 'List blocks of type', ...(bytes ? { bytes } : { error: s7Error.blockMissing }) }
  }
  if (sub === 3) {
    const bytes = blocks.info(given)
    return { operation: 'browse', name: 'Get block info', ...(bytes ? { bytes } : { error: s7Error.blockMissing }) }
  }
  return { operation: 'other', name: `block functions ${sub}`, error: 0x8104 }
}

function status(given: Buffer, { device, clock, template }: Options): Found {
  if (given.length < 4) return { operation: 'identify', name: 'Read SZL', error: s7Error.listSyntax }
  const [id, index] = [given.readUInt16BE(0), given.readUInt16BE(2)]
  const list = statusList(id, index, device, template, clock)
  const name = `Read SZL 0x${id.toString(16).padStart(4, '0')} index ${index}`
  const operation = (id & 0xff) === 0x24 ? 'diagnose' : (id & 0xff) === 0xa0 ? 'diagnose' : 'identify'
  if (!list || (list.records.length === 0 && list.size > 0)) return { operation, name, error: 0xd401 }
  const records = (id & 0x0f00) === 0x0f00 ? [] : list.records
  const head = Buffer.alloc(8)
  head.writeUInt16BE(id, 0)
  head.writeUInt16BE(index, 2)
  head.writeUInt16BE(list.size, 4)
  head.writeUInt16BE((id & 0x0f00) === 0x0f00 ? list.records.length : records.length, 6)
  return { operation, name, bytes: Buffer.concat([head, ...records]) }
}

function security(sub: number, given: Buffer, { session, state, password, template }: Options): Found {
  if (sub === 2) {
    state.unlocked = false
    return { operation: 'authenticate', name: 'Clear password' }
  }
  if (sub !== 1 || given.length < 8) return { operation: 'authenticate', name: `security ${sub}`, error: 0x8104 }
  const tried = decodePassword(given.subarray(0, 8))
  const right = template.protection > 1 && password !== undefined && tried === password
  state.unlocked ||= right
  sayPassword(session, tried, right)
  // Without a password set, the controller answers that there is none to give.
  return { operation: 'authenticate', name: 'PLC password', ...(right ? {} : { error: template.protection > 1 ? s7Error.password : s7Error.noPassword }) }
}

function timeOfDay(sub: number, given: Buffer, { clock }: Options): Found {
  if (sub === 1 || sub === 3) return { operation: 'clock', name: 'Read clock', bytes: Buffer.concat([Buffer.from([0, 0x20]), bcdTime(clock.now())]) }
  if (sub !== 2 && sub !== 4) return { operation: 'clock', name: `clock ${sub}`, error: 0x8104 }
  const to = parseBcdTime(given.subarray(2))
  if (to === undefined) return { operation: 'clock', name: 'Set clock', error: s7Error.time }
  clock.set(to)
  return { operation: 'clock', name: 'Set clock' }
}

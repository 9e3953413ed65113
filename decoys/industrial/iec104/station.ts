/** The controlled station behind a link: interrogation, reading, commands with select, clock, and what it sends by itself. */
import type { Iec104Template } from '@shenlou/contract/iec104'
import type { Device } from '../device.ts'
import { type Asked, operationOfWrite, pointOf, type Point } from '../say.ts'
import { type Asdu, cause, decodeTime, encodeAsdu, encodeElement, objectAddress, type, type TypeName, typeName, withoutTime } from './asdu.ts'

/** Plain memory of a device as one adversary has left it. */
export interface Registers {
  get(area: string, at: number): number | undefined
  set(area: string, at: number, value: number): void
}

export interface Station {
  /** Answers an ASDU: what is sent for it, and how it is said. `restart` asks for the connection to end. */
  answer(asdu: Asdu): { send: Buffer[]; asked: Omit<Asked, 'protocol' | 'request' | 'response'>; restart?: boolean }
  /** What is sent first once the transfer was started: the end of initialisation, after a restart that was asked for (IEC 60870-5-101, section 7.3.3.1). */
  started(): Buffer[]
  /** What changed since the last call, as spontaneous data. Its originator is 0: it is for every master (section 7.2.3.2). */
  spontaneous(): Buffer[]
}

const selectMs = 10_000
const maxAsdu = 249
/** Commands with a time tag do as those without. */
const untimed: Readonly<Record<number, number>> = {
  [type.C_SC_TA_1]: type.C_SC_NA_1,
  [type.C_DC_TA_1]: type.C_DC_NA_1,
  [type.C_SE_TB_1]: type.C_SE_NB_1,
  [type.C_SE_TC_1]: type.C_SE_NC_1,
}
const valueBytes: Readonly<Record<number, number>> = { [type.C_SC_NA_1]: 1, [type.C_DC_NA_1]: 1, [type.C_SE_NB_1]: 3, [type.C_SE_NC_1]: 5 }
const broadcast = 0xffff
/** Causes that a type may come with, where they are others than activation and deactivation (sections 7.3.3 and 7.3.4). */
const causesOf: Readonly<Record<number, readonly number[]>> = {
  [type.C_RD_NA_1]: [cause.request],
  [type.C_CI_NA_1]: [cause.activation],
  [type.C_CS_NA_1]: [cause.activation],
  [type.C_RP_NA_1]: [cause.activation],
  [type.C_TS_TA_1]: [cause.activation],
}
/** Qualifier of a select; of what follows it the execute says the same. */
const selectBit = 0x80

export function openStation(template: Iec104Template, device: Device, registers: Registers, now: () => number): Station {
  type Template = Iec104Template['points'][number]
  /** What was sent last of each point. */
  const last = new Map<number, { value: number; good: boolean }>()
  /** What was selected on this connection, by object: the command as it will be executed, and when. */
  const selected = new Map<number, { command: string; at: number }>()
  const presently = (point: Template): number => device.read(point.from)
  const goodOf = (point: Template): boolean => {
    const tag = device.tagOf(point.from)
    return tag === undefined || device.plant.snapshot.good(tag)
  }
  /** The station's clock, as this adversary has set it. */
  const clock = (): number => device.plantTime() + (registers.get('iec104 clock', 0) ?? 0)
  const element = (point: Template, as: TypeName): Buffer =>
    Buffer.concat([objectAddress(point.address), encodeElement(as, presently(point) * point.scale, goodOf(point), clock())])
  /** Objects of one type share ASDUs, as many as fit. */
  function grouped(points: readonly Template[], why: number, to: Pick<Asdu, 'originator' | 'test'>): Buffer[] {
    const sent: Buffer[] = []
    let open: { type: string; parts: Buffer[]; size: number } | undefined
    const close = (): void => {
      if (open)
        sent.push(
          encodeAsdu({
            ...to,
            type: type[open.type as TypeName],
            count: open.parts.length,
            sequence: false,
            cause: why,
            negative: false,
            address: template.commonAddress,
            body: Buffer.concat(open.parts),
          }),
        )
      open = undefined
    }
    for (const point of points) {
      const as = why >= cause.station ? (withoutTime[point.type] ?? point.type) : point.type
      const part = element(point, as)
      if (open && (open.type !== as || open.size + part.length > maxAsdu - 6 || open.parts.length >= 127)) close()
      open ??= { type: as, parts: [], size: 0 }
      open.parts.push(part)
      open.size += part.length
      last.set(point.address, { value: presently(point), good: goodOf(point) })
    }
    close()
    return sent
  }
  const named = (point: Template): Point => pointOf(device, String(point.address), point.from, { value: presently(point) })
  const mirror = (asdu: Asdu, why: number, negative = false): Buffer => encodeAsdu({ ...asdu, cause: why, negative })

  function answer(asdu: Asdu): ReturnType<Station['answer']> {
    const name = typeName(asdu.type)
    const unit = asdu.address
    const refuse = (why: number, reason: string, operation: Asked['operation'] = 'other'): ReturnType<Station['answer']> => ({
      send: [mirror(asdu, why, true)],
      asked: { operation, function: name, unit, outcome: 'refused', reason },
    })
    const everywhere: number[] = [type.C_IC_NA_1, type.C_CI_NA_1, type.C_CS_NA_1, type.C_RP_NA_1]
    const ofStation = [...everywhere, type.C_TS_TA_1]
    const known = [...everywhere, type.C_RD_NA_1, type.C_TS_TA_1, ...Object.keys(untimed).map(Number), ...Object.keys(valueBytes).map(Number)]
    if (!known.includes(asdu.type)) return refuse(cause.unknownType, 'unknown type')
    if (unit !== template.commonAddress && !(unit === broadcast && everywhere.includes(asdu.type)))
      return refuse(cause.unknownAddress, 'unknown common address')
    const own = { ...asdu, address: template.commonAddress }
    const allowed = causesOf[asdu.type] ?? [cause.activation, cause.deactivation]
    if (!allowed.includes(asdu.cause)) return refuse(cause.unknownCause, 'unknown cause')
    if (asdu.count !== 1 || asdu.sequence || asdu.body.length < 3) return refuse(cause.unknownCause, 'not one object')
    const object = asdu.body.readUIntLE(0, 3)
    const done = (send: Buffer[], operation: Asked['operation'], rest: Partial<Asked> = {}): ReturnType<Station['answer']> => ({
      send,
      asked: { operation, function: name, unit, outcome: 'done', ...rest },
    })
    if (asdu.cause === cause.deactivation) {
      const isCommand = asdu.type !== type.C_IC_NA_1
      if (isCommand && !commandAt(asdu.type, object)) return refuse(cause.unknownObject, 'unknown object')
      // An interrogation is over when it is answered, so only a selection is there to be taken back.
      const [what, none] = isCommand ? [selected.delete(object), 'nothing was selected'] : [false, 'no interrogation runs']
      return what ? done([mirror(own, cause.deactivationConfirmation)], 'other') : refuse(cause.deactivationConfirmation, none)
    }
    if (ofStation.includes(asdu.type) && object !== 0) return refuse(cause.unknownObject, 'unknown object')
    switch (asdu.type) {
      case type.C_IC_NA_1: {
        const qualifier = asdu.body[3] ?? 0
        if (qualifier < 20 || qualifier > 36) return refuse(cause.confirmation, `qualifier ${qualifier}`, 'browse')
        const wanted = template.points.filter(({ groups }) => qualifier === 20 || groups.includes(qualifier - 20))
        return done([mirror(own, cause.confirmation), ...grouped(wanted, qualifier, asdu), mirror(own, cause.termination)], 'browse', {
          points: wanted.map(named),
          count: wanted.length,
        })
      }
      case type.C_CI_NA_1:
        return done([mirror(own, cause.confirmation), mirror(own, cause.termination)], 'read')
      case type.C_RD_NA_1: {
        const point = template.points.find(({ address }) => address === object)
        if (!point) return refuse(cause.unknownObject, 'unknown object', 'read')
        return done(grouped([point], cause.request, asdu), 'read', { points: [named(point)] })
      }
      case type.C_CS_NA_1: {
        const to = decodeTime(asdu.body.subarray(3))
        if (to === undefined) return refuse(cause.confirmation, 'no time', 'clock')
        registers.set('iec104 clock', 0, to - device.plantTime())
        return done([mirror(own, cause.confirmation)], 'clock')
      }
      case type.C_RP_NA_1:
        registers.set('iec104 restart', 0, 1)
        return { ...done([mirror(own, cause.confirmation)], 'restart'), restart: true }
      case type.C_TS_TA_1:
        return done([mirror(own, cause.confirmation)], 'diagnose')
      default:
        return command(own, object)
    }
  }

  const commandAt = (asked: number, object: number): Iec104Template['commands'][number] | undefined =>
    template.commands.find(({ address, type: wanted }) => address === object && type[wanted] === (untimed[asked] ?? asked))
  function command(asdu: Asdu, object: number): ReturnType<Station['answer']> {
    const code = untimed[asdu.type] ?? asdu.type
    const name = typeName(asdu.type)
    const found = commandAt(asdu.type, object)
    const refuse = (why: number, reason: string, points: Point[] = []): ReturnType<Station['answer']> => ({
      send: [mirror(asdu, why, true)],
      asked: { operation: 'command', function: name, unit: asdu.address, outcome: 'refused', reason, points },
    })
    if (!found) return refuse(cause.unknownObject, 'unknown object')
    const bytes = asdu.body.subarray(3)
    const size = valueBytes[code] ?? 1
    if (bytes.length < size + (asdu.type === code ? 0 : 7)) return refuse(cause.confirmation, 'cut off')
    const qualifier = bytes.readUInt8(size - 1)
    let value: number
    if (code === type.C_SC_NA_1) value = qualifier & 1
    else if (code === type.C_DC_NA_1) {
      if ((qualifier & 3) === 0 || (qualifier & 3) === 3) return refuse(cause.confirmation, `state ${qualifier & 3}`)
      value = (qualifier & 3) - 1
    } else value = (code === type.C_SE_NB_1 ? bytes.readInt16LE(0) : bytes.readFloatLE(0)) / found.scale
    const before = device.read(found.from)
    const point = pointOf(device, String(object), found.from, { before, ...(Number.isFinite(value) ? { value } : {}) })
    if (!Number.isFinite(value)) return refuse(cause.confirmation, 'not a number', [point])
    const asked = { unit: asdu.address, points: [point], function: name }
    const said = Buffer.from(bytes.subarray(0, size))
    said[size - 1] = qualifier & ~selectBit
    const same = `${code} ${said.toString('hex')}`
    if ((qualifier & selectBit) !== 0) {
      selected.set(object, { command: same, at: now() })
      return {
        send: [mirror(asdu, cause.confirmation)],
        asked: { ...asked, operation: operationOfWrite([point]), function: `${name} select`, outcome: 'done' },
      }
    }
    const chosen = selected.get(object)
    selected.delete(object)
    if (found.select && (chosen === undefined || now() - chosen.at > selectMs)) return refuse(cause.confirmation, 'not selected', [point])
    if (chosen && chosen.command !== same) return refuse(cause.confirmation, 'another command was selected', [point])
    // A command that is marked as a test is answered and moves nothing (section 7.2.3.1).
    if (asdu.test)
      return {
        send: [mirror(asdu, cause.confirmation), mirror(asdu, cause.termination)],
        asked: { ...asked, operation: 'diagnose', function: `${name} test`, outcome: 'done' },
      }
    const result = device.write(found, value)
    if (!result.accepted) return refuse(cause.confirmation, result.reason, [point])
    return {
      send: [mirror(asdu, cause.confirmation), mirror(asdu, cause.termination)],
      asked: { ...asked, operation: operationOfWrite([point]), outcome: 'done', changed: result.after !== result.before },
    }
  }

  return {
    answer,
    started() {
      if ((registers.get('iec104 restart', 0) ?? 0) === 0) return []
      registers.set('iec104 restart', 0, 0)
      // Cause of initialisation 2: restarted from afar.
      const head = { type: type.M_EI_NA_1, count: 1, sequence: false, cause: cause.initialised, negative: false, test: false, originator: 0 }
      return [encodeAsdu({ ...head, address: template.commonAddress, body: Buffer.from([0, 0, 0, 2]) })]
    },
    spontaneous() {
      const changed = template.points.filter((point) => {
        const before = last.get(point.address)
        const [value, good] = [presently(point), goodOf(point)]
        if (before === undefined) {
          last.set(point.address, { value, good })
          return false
        }
        return good !== before.good || Math.abs(value - before.value) > point.deadband
      })
      return grouped(changed, cause.spontaneous, { originator: 0, test: false })
    },
  }
}

/** The decoy service `modbus`: Modbus/TCP of a device on the plant, as its own controller or as a gateway to several units. */
import { escapeBytes } from '@shenlou/contract/bytes'
import type { ModbusUnit } from '@shenlou/contract/modbus'
import type { ServiceSettings } from '@shenlou/contract/services'
import { defineDecoy } from '../../decoy.ts'
import { admitOrReset, put } from '../connections.ts'
import { type Device, openDevice } from '../device.ts'
import { type Asked, operationOfWrite, sayRequest, type Wrote } from '../say.ts'
import { identification, serverId } from './identification.ts'
import { type Adu, encodeAdu, openMbapReader, parseAdu } from './mbap.ts'
import { encodeException, encodeValues, exception, functionNames, ModbusException, parseRequest, type Request } from './pdu.ts'
import { type Memory, openTables, type Tables } from './tables.ts'
import { openUmas, type Umas } from './umas.ts'

type Answered = Pick<Asked, 'operation' | 'function' | 'points' | 'count' | 'changed'> & { pdu: Buffer }

/** Modbus/TCP until the client leaves: requests are answered one after the other, as the program's cycle lets them. */
export const modbus = defineDecoy<ServiceSettings<'modbus'>>({
  name: 'modbus',
  transport: 'tcp',
  async serve(connection, context) {
    const template = context.persona.template.modbus
    if (!template) throw new Error(`decoy ${context.decoy}: its persona ${context.persona.template.id} has no modbus section`)
    const session = context.session()
    const leave = admitOrReset(connection, context, session, 'modbus', template.connections)
    if (!leave) return
    const device = openDevice(context, session)
    const memory: Memory = context.world.registers
    const units = new Map<number, { unit: ModbusUnit; tables: Tables }>()
    for (const unit of template.units) {
      const tables = openTables(unit, device, memory)
      for (const id of unit.ids) units.set(id, { unit, tables })
    }
    const everybody = template.absent === 'first-unit' ? units.get(template.units[0]?.ids[0] ?? 0) : undefined
    const reader = openMbapReader()
    const umas: Umas = openUmas({ template: template.umas, device, session, context })
    const idle = template.idleS > 0 ? setTimeout(() => connection.end(), template.idleS * 1000) : undefined
    try {
      connection.on('error', () => {})
      for await (const bytes of connection as AsyncIterable<Buffer>) {
        idle?.refresh()
        const frames = reader.take(bytes)
        for (const frame of frames) {
          const adu = parseAdu(frame)
          if (template.broadcast && adu.unit === 0) {
            await toAll(adu, frame)
            continue
          }
          const found = units.get(adu.unit) ?? everybody
          if (!found) {
            await absent(adu, frame)
            continue
          }
          const answer = answerOrExcept(adu, found.unit, found.tables)
          const response = encodeAdu({ ...adu, pdu: answer.pdu })
          const { pdu: _pdu, ...asked } = answer
          sayRequest(session, { protocol: adu.pdu[0] === 90 ? 'umas' : 'modbus', unit: adu.unit, request: frame, response, ...asked })
          await device.pace()
          if (connection.destroyed) return
          await put(connection, response)
        }
        if (reader.broken !== undefined) {
          session.emit('protocol.violated', { reason: reader.broken.slice(0, 200), data: escapeBytes(bytes.subarray(0, 1000)) })
          return
        }
      }
    } finally {
      clearTimeout(idle)
      umas.close()
      device.close()
      leave()
    }

    /** What every unit of the line does; a broadcast is a write, and has no answer. */
    async function toAll(adu: Adu, frame: Buffer): Promise<void> {
      const code = adu.pdu.readUInt8(0)
      const said = { protocol: 'modbus', function: nameOf(code), request: frame } as const
      await device.pace()
      if (!broadcasts.includes(code)) return sayRequest(session, { ...said, operation: 'other', unit: 0, outcome: 'ignored', reason: 'not a broadcast' })
      for (const [unit, found] of units) {
        const { pdu: _pdu, ...asked } = answerOrExcept(adu, found.unit, found.tables)
        sayRequest(session, { ...said, unit, ...asked })
      }
    }

    async function absent(adu: Adu, frame: Buffer): Promise<void> {
      const reason = { 'target-failed': exception.target, 'path-unavailable': exception.path, silent: undefined, 'first-unit': undefined }[
        template?.absent ?? 'silent'
      ]
      const code = adu.pdu.readUInt8(0)
      const common = { protocol: 'modbus', operation: 'other', function: nameOf(code), unit: adu.unit, request: frame } as const
      if (reason === undefined) {
        sayRequest(session, { ...common, outcome: 'ignored', reason: 'no such unit' })
        return
      }
      const response = encodeAdu({ ...adu, pdu: encodeException(code, reason) })
      sayRequest(session, { ...common, outcome: 'refused', reason: `exception ${reason}`, response })
      // A gateway waits for the serial line before it gives up on a unit.
      await context.latency(800)
      await put(connection, response)
    }

    function answerOrExcept({ pdu }: Adu, unit: ModbusUnit, tables: Tables): Answered & Pick<Asked, 'outcome' | 'reason'> {
      const code = pdu.readUInt8(0)
      try {
        const request = parseRequest(pdu, unit.functions)
        if (request.kind === 'umas') return umas.answer(request)
        return { outcome: 'done', ...answer(code, pdu, request, unit, device, tables) }
      } catch (error) {
        if (!(error instanceof ModbusException)) throw error
        return {
          operation: error.points.length > 0 ? operationOfWrite(error.points) : operationOf(code),
          function: nameOf(code),
          // A write that failed in part did the rest.
          outcome: error.changed ? 'done' : 'refused',
          changed: error.changed,
          reason: `exception ${error.code}`,
          points: error.points,
          pdu: encodeException(code, error.code),
        }
      }
    }
  },
})

/** Functions that only write. */
const broadcasts = [5, 6, 15, 16, 22]
const nameOf = (code: number): string => functionNames[code] ?? `function ${code}`
const operationOf = (code: number): Asked['operation'] =>
  [1, 2, 3, 4, 20, 24].includes(code)
    ? 'read'
    : [5, 6, 15, 16, 21, 22, 23].includes(code)
      ? 'write'
      : [17, 43].includes(code)
        ? 'identify'
        : [7, 8, 11, 12].includes(code)
          ? 'diagnose'
          : 'other'

function answer(code: number, pdu: Buffer, request: Exclude<Request, { kind: 'umas' }>, unit: ModbusUnit, device: Device, tables: Tables): Answered {
  const name = nameOf(code)
  const wrote = ({ points, changed }: Wrote, answered: Buffer): Answered => ({
    operation: operationOfWrite(points),
    function: name,
    points,
    changed,
    pdu: answered,
  })
  switch (request.kind) {
    case 'read': {
      const values = tables.read(request.table, request.start, request.quantity)
      const points = tables.points(request.table, request.start, values)
      return { operation: 'read', function: name, points, count: request.quantity, pdu: encodeValues(code, request.table, values) }
    }
    case 'write': {
      const done = tables.write(request.table, request.start, request.values)
      return wrote(done, code === 15 || code === 16 ? pdu.subarray(0, 5) : pdu)
    }
    case 'mask': {
      const [now = 0] = tables.read('holdingRegisters', request.address, 1)
      return wrote(tables.write('holdingRegisters', request.address, [(now & request.and) | (request.or & ~request.and & 0xffff)]), pdu)
    }
    case 'exchange': {
      // Both ranges are looked at before anything is written.
      tables.read('holdingRegisters', request.start, request.quantity)
      const done = tables.write('holdingRegisters', request.writeStart, request.values)
      return wrote(done, encodeValues(code, 'holdingRegisters', tables.read('holdingRegisters', request.start, request.quantity)))
    }
    case 'diagnose':
      if (request.sub !== 0) throw new ModbusException(exception.function)
      return { operation: 'diagnose', function: 'Return Query Data', pdu }
    case 'server-id':
      if (unit.serverId === '') throw new ModbusException(exception.function)
      return { operation: 'identify', function: name, pdu: serverId(unit, device) }
    case 'identification':
      return { operation: 'identify', function: 'Read Device Identification', pdu: identification(unit, device, request.code, request.object) }
  }
}

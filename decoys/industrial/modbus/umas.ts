/**
 * UMAS, Schneider's own protocol inside Modbus function 90: what engineering tools and their imitators use to identify, reserve, run, stop and load an
 * M340 (published dissections of the protocol; numbers little-endian).
 *
 *   request   5a key(1) function(1) data        answer   5a key(1) fe data, or fd code(1) when it is refused
 *   01 open: → largest frame(2) firmware(2) station(NUL)        02 identify: → range(1) hardware(4) model(2) version(2) name length(1) name
 *   03 project: → checksums(8) changed(4) version(3) name(NUL)  04 state: → checksums(12) state(1, 2 runs, 1 stopped)        0a data: → the data
 *   10 process(4) length(1) owner: → key(1), reserves           11, 12 release, keep
 *   30 31 32 load into the controller: begin, 00 01 block(2) length(2) data, end        33 34 35 read out: begin → blocks(2) size(2), block(2) → data, end
 *   40 41 start, stop
 */
import { escapeBytes, escapeText } from '@shenlou/contract/bytes'
import type { ModbusTemplate } from '@shenlou/contract/modbus'
import type { Context, Session } from '../../decoy.ts'
import type { Device } from '../device.ts'
import type { Asked } from '../say.ts'
import { exception, ModbusException, type Request } from './pdu.ts'

export interface Umas {
  answer(request: Extract<Request, { kind: 'umas' }>): Omit<Asked, 'protocol' | 'request' | 'response' | 'unit'> & { pdu: Buffer }
  /** The connection went: what it held is free again. */
  close(): void
}

const names: Readonly<Record<number, readonly [string, Asked['operation']]>> = {
  0x01: ['INIT_COMM', 'connect'],
  0x02: ['READ_ID', 'identify'],
  0x03: ['READ_PROJECT_INFO', 'identify'],
  0x04: ['READ_PLC_INFO', 'identify'],
  0x06: ['READ_CARD_INFO', 'identify'],
  0x0a: ['REPEAT', 'diagnose'],
  0x10: ['TAKE_PLC_RESERVATION', 'connect'],
  0x11: ['RELEASE_PLC_RESERVATION', 'other'],
  0x12: ['KEEP_ALIVE', 'other'],
  0x20: ['READ_MEMORY_BLOCK', 'upload'],
  0x22: ['READ_VARIABLES', 'read'],
  0x23: ['WRITE_VARIABLES', 'write'],
  0x30: ['INITIALIZE_UPLOAD', 'download'],
  0x31: ['UPLOAD_BLOCK', 'download'],
  0x32: ['END_STRATEGY_UPLOAD', 'download'],
  0x33: ['INITIALIZE_DOWNLOAD', 'upload'],
  0x34: ['DOWNLOAD_BLOCK', 'upload'],
  0x35: ['END_STRATEGY_DOWNLOAD', 'upload'],
  0x40: ['START_PLC', 'start'],
  0x41: ['STOP_PLC', 'stop'],
}

const largestFrame = 1021
const blockBytes = 240
const maxProgram = 2 * 1024 * 1024
/** Who has reserved each controller. */
const reserved = new Map<string, { key: number; by: object }>()

class Refused extends Error {
  readonly code: number
  constructor(code: number, why: string) {
    super(why)
    this.code = code
  }
}

/** UMAS of one connection. Throws ModbusException 1 from `answer` where the persona does not speak it. */
export function openUmas({
  template,
  device,
  session,
  context,
}: {
  template: ModbusTemplate['umas']
  device: Device
  session: Session
  context: Context
}): Umas {
  const self = {}
  let loading: Buffer[] | undefined
  let loaded = 0
  const holder = () => reserved.get(context.decoy)
  const mayChange = (): void => {
    const now = holder()
    if (now && now.by !== self) throw new Refused(0x81, 'reserved by another')
  }
  /** The program as this controller would give it out: bytes of its own, the same every time. */
  const program = (): Buffer => device.persona.draw('umas program', 8160)
  const checksum = (of: string): Buffer => device.persona.draw(`umas ${of}`, 4)

  function data(code: number, given: Buffer): Buffer {
    const { identity, persona } = device
    const firmware = firmwareWord(template?.version ?? '')
    switch (code) {
      case 0x01:
        return Buffer.concat([word(largestFrame), word(firmware), Buffer.alloc(4), Buffer.from(`${identity.stationName}\0`, 'latin1')])
      case 0x02: {
        const name = Buffer.from(device.template.product, 'latin1')
        return Buffer.concat([Buffer.from([0x0e]), long(template?.hardwareId ?? 0), word(0x0b01), word(firmware), Buffer.from([name.length]), name])
      }
      case 0x03:
        return Buffer.concat([
          checksum('project'),
          checksum('configuration'),
          long(Math.floor(persona.installedAt / 1000)),
          Buffer.from([1, 0, 0]),
          Buffer.from(`${identity.plantName}\0`, 'latin1'),
        ])
      case 0x04:
        return Buffer.concat([checksum('project'), checksum('configuration'), checksum('program'), Buffer.from([device.mode === 'run' ? 2 : 1])])
      case 0x06:
        return Buffer.from([0, 0])
      case 0x0a:
        return given
      case 0x10: {
        mayChange()
        const key = persona.number(`umas key ${Math.floor(context.clock() / 60_000)}`, 1, 254)
        reserved.set(context.decoy, { key, by: self })
        return Buffer.from([key])
      }
      case 0x11:
        if (holder()?.by !== self) throw new Refused(0x83, 'not reserved')
        reserved.delete(context.decoy)
        return Buffer.alloc(0)
      case 0x12:
        return Buffer.alloc(0)
      case 0x20: {
        if (given.length < 9) throw new Refused(0x80, 'too short')
        const [offset, length] = [given.readUInt16LE(3), given.readUInt16LE(7)]
        const bytes = program()
        if (offset + length > bytes.length || length > largestFrame - 8) throw new Refused(0x80, 'outside of the block')
        return Buffer.concat([given.subarray(0, 1), word(length), bytes.subarray(offset, offset + length)])
      }
      case 0x30:
        mayChange()
        loading = []
        loaded = 0
        return word(blockBytes)
      case 0x31: {
        if (!loading) throw new Refused(0x82, 'no load was begun')
        const length = given.length >= 6 ? given.readUInt16LE(4) : -1
        if (given.length < 6 + length || length < 0 || loaded + length > maxProgram) throw new Refused(0x80, 'a block that is cut off or too much')
        loading.push(Buffer.from(given.subarray(6, 6 + length)))
        loaded += length
        return Buffer.alloc(0)
      }
      case 0x32: {
        if (!loading) throw new Refused(0x82, 'no load was begun')
        keep(Buffer.concat(loading))
        loading = undefined
        return Buffer.alloc(0)
      }
      case 0x33:
        return Buffer.concat([word(Math.ceil(program().length / blockBytes)), word(blockBytes)])
      case 0x34: {
        const at = (given.length >= 4 ? given.readUInt16LE(2) : 0) * blockBytes
        const bytes = program()
        if (at >= bytes.length) throw new Refused(0x80, 'no such block')
        const block = bytes.subarray(at, at + blockBytes)
        return Buffer.concat([given.subarray(0, 4), word(block.length), block])
      }
      case 0x35:
        return Buffer.alloc(0)
      case 0x40:
      case 0x41:
        mayChange()
        device.setMode(code === 0x40 ? 'run' : 'stop')
        return Buffer.alloc(0)
      default:
        throw new Refused(0x80, 'unknown function')
    }
  }

  function keep(bytes: Buffer): void {
    context.blobs.put(bytes).then(
      (file) => session.emit('file.uploaded', { path: 'controller program', method: 'umas', file }),
      () => {}, // the connection went: what came of it is in the requests
    )
  }

  return {
    answer({ session: key, code, data: given }) {
      if (!template) throw new ModbusException(exception.function)
      const [name, operation] = names[code] ?? [`function 0x${code.toString(16).padStart(2, '0')}`, 'other']
      const was = device.mode
      try {
        const answered = data(code, given)
        const owner = code === 0x10 ? escapeBytes(given.subarray(5, 5 + Math.min(32, given[4] ?? 0))).slice(0, 64) : ''
        return {
          operation,
          function: name,
          outcome: 'done',
          ...(owner === '' ? {} : { reason: escapeText(`reserved as ${owner}`).slice(0, 100) }),
          changed: device.mode !== was,
          pdu: Buffer.concat([Buffer.from([90, key, 0xfe]), answered]).subarray(0, 253),
        }
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        return { operation, function: name, outcome: 'refused', reason: error.message, pdu: Buffer.from([90, key, 0xfd, error.code]) }
      }
    },
    close() {
      if (holder()?.by === self) reserved.delete(context.decoy)
    },
  }
}

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value & 0xffff)
  return bytes
}
const long = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}
/** `2.70` as 0x0270. */
const firmwareWord = (version: string): number => {
  const [major = '0', minor = '0'] = version.split('.')
  return ((Number(major) & 0xff) << 8) | Number.parseInt(minor.padEnd(2, '0').slice(0, 2), 16)
}

/**
 * Services of the program: start, stop, and what is done with its blocks (functions 28 and 29).
 *
 *   28   parameters 28 00*6 fd length(2) argument, length(1) service      P_PROGRAM start; _INSE _DELE blocks, argument number(1) 00 { 0 type number(5) letter };
 *        _MODU (EP) writes RAM into ROM; _GARB closes the gaps of the memory
 *   29   parameters 29 00*5 length(1) service                             stop
 */
import { escapeBytes } from '@shenlou/contract/bytes'
import type { Device } from '../device.ts'
import { type Asked, joinWrites, type Wrote } from '../say.ts'
import { type BlockName, type Blocks, parseBlockName } from './blocks.ts'
import type { Clock } from './clock.ts'
import { areaCode, type S7Memory } from './memory.ts'
import { ack, type Pdu, s7Error } from './pdu.ts'
import type { Answered } from './variables.ts'

interface Options {
  device: Device
  blocks: Blocks
  clock: Clock
  memory: S7Memory
  /** False where the family takes none of this. */
  programming: boolean
  mayWrite: boolean
}

const nameBytes = 8
/** Blocks of the program that are there to be called: without one the next call is an error that stops the program. */
const called = ['FC', 'FB', 'DB']
/** Called on such an error, where it is loaded: then the program runs on. */
const programmingError = 121

export function control({ reference, parameters }: Pdu, { device, blocks, clock, memory, programming, mayWrite }: Options): Answered {
  const code = parameters[0] as number
  const at = code === 0x29 ? 6 : 10 + (parameters.length >= 10 ? parameters.readUInt16BE(8) : 0)
  const argument = code === 0x29 ? Buffer.alloc(0) : parameters.subarray(10, at)
  const service = code === 0x29 ? 'stop' : parameters.subarray(at + 1, at + 1 + (parameters[at] ?? 0)).toString('latin1')
  const names = service === '_INSE' || service === '_DELE' ? blockNames(argument) : undefined
  const { operation, function: name } = describeService(service, argument, names)
  const refused = (error: number, reason: string, parts?: Buffer): Answered => ({
    pdu: ack(reference, error, parts),
    operation,
    function: name,
    outcome: 'refused',
    reason,
  })
  const before = device.mode
  const done = (wrote?: Wrote): Answered => ({
    pdu: ack(reference, 0, Buffer.from([code])),
    operation,
    function: name,
    outcome: 'done',
    ...(wrote ? { points: wrote.points } : {}),
    changed: device.mode !== before || wrote?.changed === true,
  })
  if (!programming) return refused(s7Error.unknownFunction, 'not a function of its family')
  if (at > parameters.length || (code === 0x28 && parameters.length < at + 1 + (parameters[at] ?? 0))) return refused(s7Error.piParameters, 'malformed')
  if (!mayWrite) return refused(s7Error.protectedLevel, 'protected')
  switch (service) {
    case 'stop':
      if (before === 'stop') return refused(0x8002, 'stopped already', Buffer.from([code, 7]))
      clock.stopped()
      device.setMode('stop')
      return done()
    case 'P_PROGRAM':
      if (before === 'run') return refused(0x8002, 'runs already', Buffer.from([code, 3]))
      device.setMode('run')
      return done()
    case '_INSE': {
      if (!names) return refused(s7Error.blockName, 'not a list of blocks')
      const error = blocks.insert(names)
      if (error !== 0) return refused(error, `error ${error.toString(16)}`)
      // A data block that is loaded anew begins with what it was loaded with.
      const parts = names.flatMap(({ type, number }) => (type === 'DB' ? restart(number, blocks, memory) : []))
      return done(joinWrites(parts))
    }
    case '_DELE': {
      if (!names) return refused(s7Error.blockName, 'not a list of blocks')
      const used = names.filter(({ type, number }) => called.includes(type) && blocks.uses(type, number))
      const error = blocks.remove(names)
      if (error !== 0) return refused(error, `error ${error.toString(16)}`)
      const missed = used.some(({ type, number }) => !blocks.has(type, number))
      if (missed && before === 'run' && !blocks.has('OB', programmingError)) {
        clock.stopped()
        device.setMode('stop')
      }
      return done()
    }
    case '_MODU':
      // The card is written only while the program stands.
      return before === 'run' ? refused(s7Error.mode, 'not while it runs') : done()
    case '_GARB':
      blocks.compress()
      return done()
    default:
      return refused(s7Error.unknownFunction, 'unknown service')
  }
}

/** Undefined for a list whose number of blocks and length do not fit. */
function blockNames(argument: Buffer): BlockName[] | undefined {
  const many = argument[0] ?? 0
  if (many === 0 || argument.length !== 2 + many * nameBytes) return undefined
  const names = Array.from({ length: many }, (_, nth) => parseBlockName(argument.subarray(2 + nth * nameBytes, 2 + (nth + 1) * nameBytes)))
  return names.every((name) => name !== undefined) ? names : undefined
}

function restart(number: number, blocks: Blocks, memory: S7Memory): Wrote[] {
  const data = blocks.loadedData(number)
  if (!data || data.length === 0) return []
  // The program's own layout of it may be shorter.
  const first = data.subarray(0, memory.bytesOf(number))
  return first.length === 0 ? [] : [memory.write(areaCode.dataBlock, number, 0, first)]
}

function describeService(service: string, argument: Buffer, names: BlockName[] | undefined): { operation: Asked['operation']; function: string } {
  const blocks = names ? ` ${names.map(({ type, number }) => `${type}${number}`).join(' ')}`.slice(0, 40) : ''
  switch (service) {
    case 'stop':
      return { operation: 'stop', function: 'PLC Stop' }
    case 'P_PROGRAM':
      return { operation: 'start', function: argument.includes(0x43) ? 'PLC Start (cold)' : 'PLC Start (warm)' }
    case '_INSE':
      return { operation: 'download', function: `Insert block${blocks}` }
    case '_DELE':
      return { operation: 'delete', function: `Delete block${blocks}` }
    case '_MODU':
      return { operation: 'other', function: 'Copy RAM to ROM' }
    case '_GARB':
      return { operation: 'other', function: 'Compress memory' }
    default:
      return { operation: 'other', function: `PI service ${escapeBytes(Buffer.from(service, 'latin1')).slice(0, 20)}` }
  }
}

/**
 * Blocks in and out of the controller. Reading out: 1d start, 1e one part after another, 1f end. Loading: the client asks with 1a, then the controller
 * itself asks for each part with 1b and closes with 1c. Parts are length(2) 00 fb bytes; file names are `_` type(3) number(5) and a file system's letter.
 */
import { escapeBytes } from '@shenlou/contract/bytes'
import type { Context, Session } from '../../decoy.ts'
import { type Blocks, parseBlockName } from './blocks.ts'
import { ack, type Pdu, rosctr, s7Error } from './pdu.ts'
import type { Answered } from './variables.ts'

export interface Transfers {
  /** Answers jobs 1a and 1d to 1f; undefined for another. */
  answer(pdu: Pdu): Answered | undefined
  /** Takes the client's answer to a job of ours; answers the next job of ours, if there is one. */
  taken(pdu: Pdu): { pdu: Pdu | undefined; asked: Omit<Answered, 'pdu'> } | undefined
  /** The job that is sent after the answer to 1a. */
  firstJob(): Pdu | undefined
}

const maxLoad = 512 * 1024
const foreign = 'not a function of its family'
const part = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff, 0, 0xfb]), bytes])
/** `_0A00001P`: what follows the underscore is a block's name. */
const isFile = (file: Buffer): boolean => /^_0[0-9A-F]\d{5}[ABP]$/.test(file.toString('latin1')) && parseBlockName(file.subarray(1)) !== undefined
const nameOf = (parameters: Buffer, at: number): Buffer => parameters.subarray(at + 1, at + 1 + (parameters[at] ?? 0))

export function openTransfers({
  blocks,
  session,
  context,
  programming,
  maxPdu,
  mayWrite,
}: {
  blocks: Blocks
  session: Session
  context: Context
  /** False where the family takes no blocks and gives none. */
  programming: boolean
  maxPdu(): number
  mayWrite(): boolean
}): Transfers {
  const reading = new Map<number, { bytes: Buffer; at: number }>()
  let nextId = 1
  let loading: { name: string; file: Buffer; parts: Buffer[]; size: number; reference: number; closing: boolean } | undefined
  let reference = 0
  const refused = (pdu: Pdu, error: number, name: string, operation: 'upload' | 'download', reason: string): Answered => ({
    pdu: ack(pdu.reference, error),
    operation,
    function: name,
    outcome: 'refused',
    reason,
  })
  const job = (code: number): Pdu => {
    reference = (reference + 1) & 0xffff
    if (loading) loading.reference = reference
    const file = loading?.file ?? Buffer.alloc(0)
    const parameters = Buffer.concat([Buffer.from([code, 0, 0, 0, 0, 0, 0, 0, file.length]), file])
    return { rosctr: rosctr.job, reference, parameters, data: Buffer.alloc(0), error: 0 }
  }

  return {
    answer(pdu) {
      const { parameters } = pdu
      switch (parameters[0]) {
        case 0x1d: {
          const file = nameOf(parameters, 8)
          const name = `Start upload ${escapeBytes(file).slice(0, 40)}`
          if (!programming) return refused(pdu, s7Error.unknownFunction, name, 'upload', foreign)
          if (!isFile(file)) return refused(pdu, s7Error.blockName, name, 'upload', 'not a block')
          const bytes = blocks.image(file.subarray(1))
          if (!bytes) return refused(pdu, s7Error.blockMissing, name, 'upload', 'no such block')
          const id = nextId++
          if (reading.size >= 4) reading.clear()
          reading.set(id, { bytes, at: 0 })
          const answered = Buffer.concat([
            Buffer.from([0x1d, 0, 1, 0, 0, 0]),
            long(id).subarray(2),
            Buffer.from([7]),
            Buffer.from(String(bytes.length).padStart(7, '0')),
          ])
          return { pdu: ack(pdu.reference, 0, answered), operation: 'upload', function: name, outcome: 'done' }
        }
        case 0x1e: {
          if (!programming) return refused(pdu, s7Error.unknownFunction, 'Upload', 'upload', foreign)
          const id = parameters.length >= 8 ? parameters.readUInt32BE(4) : 0
          const found = reading.get(id)
          if (!found) return refused(pdu, s7Error.sequence, 'Upload', 'upload', 'no upload was started')
          const bytes = found.bytes.subarray(found.at, found.at + maxPdu() - 18)
          found.at += bytes.length
          return {
            pdu: ack(pdu.reference, 0, Buffer.from([0x1e, found.at < found.bytes.length ? 1 : 0]), part(bytes)),
            operation: 'upload',
            function: 'Upload',
            outcome: 'done',
          }
        }
        case 0x1f:
          if (!programming) return refused(pdu, s7Error.unknownFunction, 'End upload', 'upload', foreign)
          reading.delete(parameters.length >= 8 ? parameters.readUInt32BE(4) : 0)
          return { pdu: ack(pdu.reference, 0, Buffer.from([0x1f])), operation: 'upload', function: 'End upload', outcome: 'done' }
        case 0x1a: {
          const file = nameOf(parameters, 8)
          const name = `Request download ${escapeBytes(file).slice(0, 40)}`
          if (!programming) return refused(pdu, s7Error.unknownFunction, name, 'download', foreign)
          if (!isFile(file)) return refused(pdu, s7Error.blockName, name, 'download', 'not a block')
          if (!mayWrite()) return refused(pdu, s7Error.protectedLevel, name, 'download', 'protected')
          loading = { name: file.toString('latin1'), file: Buffer.from(file), parts: [], size: 0, reference: 0, closing: false }
          return { pdu: ack(pdu.reference, 0, Buffer.from([0x1a])), operation: 'download', function: name, outcome: 'done' }
        }
        default:
          return undefined
      }
    },
    firstJob: () => (loading ? job(0x1b) : undefined),
    taken(pdu) {
      if (!loading || pdu.reference !== loading.reference) return undefined
      const asked = { operation: 'download', outcome: 'done' } as const
      if (pdu.error !== 0 || (pdu.parameters[0] !== 0x1b && pdu.parameters[0] !== 0x1c)) {
        loading = undefined
        return { pdu: undefined, asked: { ...asked, function: 'Download', reason: 'the client gave up' } }
      }
      if (loading.closing) {
        const whole = Buffer.concat(loading.parts)
        const path = loading.name
        const name = parseBlockName(loading.file.subarray(1))
        loading = undefined
        if (name) blocks.keep(name, whole)
        context.blobs.put(whole).then(
          (file) => session.emit('file.uploaded', { path, method: 's7comm', file }),
          () => {}, // the connection went: what came of it is in the requests
        )
        return { pdu: undefined, asked: { ...asked, function: 'Download ended' } }
      }
      const length = pdu.data.length >= 4 ? pdu.data.readUInt16BE(0) : 0
      const bytes = pdu.data.subarray(4, 4 + length)
      if (loading.size + bytes.length > maxLoad) {
        loading = undefined
        return { pdu: undefined, asked: { ...asked, function: 'Download block', outcome: 'refused', reason: 'too large' } }
      }
      loading.parts.push(Buffer.from(bytes))
      loading.size += bytes.length
      loading.closing = (pdu.parameters[1] ?? 0) === 0
      return { pdu: job(loading.closing ? 0x1c : 0x1b), asked: { ...asked, function: 'Download block' } }
    },
  }
}

const long = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

/** The decoy service `s7comm`: a SIMATIC controller on the plant. */
import { escapeBytes } from '@shenlou/contract/bytes'
import type { ServiceSettings } from '@shenlou/contract/services'
import { defineDecoy } from '../../decoy.ts'
import { admitOrReset, put } from '../connections.ts'
import { openDevice } from '../device.ts'
import { type Asked, sayRequest } from '../say.ts'
import { type Blocks, openBlocks } from './blocks.ts'
import { openClock } from './clock.ts'
import { control } from './control.ts'
import { encodeConfirm, encodeData, encodeDisconnect, openTpktReader, parseTpdu } from './cotp.ts'
import { familyOf } from './family.ts'
import { areaCode, openS7Memory, type S7Memory } from './memory.ts'
import { ack, encodePdu, type Pdu, parsePdu, rosctr, s7Error } from './pdu.ts'
import { openTransfers } from './transfers.ts'
import { answerUserData, type UserDataState } from './user-data.ts'
import { type Answered, readVariables, writeVariables } from './variables.ts'

const connections = { next: 0 }
/** More parts than a PDU of any client is cut into. */
const maxParts = 64

/** S7comm over ISO-on-TCP until the client leaves. */
export const s7comm = defineDecoy<ServiceSettings<'s7comm'>>({
  name: 's7comm',
  transport: 'tcp',
  async serve(connection, context, settings) {
    const template = context.persona.template.s7comm
    if (!template) throw new Error(`decoy ${context.decoy}: its persona ${context.persona.template.id} has no s7comm section`)
    const session = context.session()
    const leave = admitOrReset(connection, context, session, 's7comm', template.connections)
    if (!leave) return
    const device = openDevice(context, session)
    const { registers } = context.world
    const memory: S7Memory = openS7Memory(template, device, registers, () => blocks)
    const blocks: Blocks = openBlocks(template, device, registers, (number) => {
      const bytes = template.dataBlocks.find((each) => each.number === number)?.bytes
      return bytes === undefined ? undefined : memory.read(areaCode.dataBlock, number, 0, bytes)
    })
    const { programming } = familyOf(template)
    const state: UserDataState = { unlocked: template.protection === 1, rest: new Map() }
    const clock = openClock(device, registers)
    let maxPdu = 240
    let connected = false
    let negotiated = false
    let waiting: Buffer[] = []
    let held = 0
    const transfers = openTransfers({ blocks, session, context, programming, maxPdu: () => maxPdu, mayWrite: () => state.unlocked })
    const reader = openTpktReader()
    // The transport's own reference: where this controller's connections begin to count, and one more for each.
    const ownReference = (device.persona.number('s7 reference', 1, 0x2f) * 0x100 + (connections.next++ % 0xff) + 1) & 0xffff
    const unit = template.rack * 32 + (template.slots[0] ?? 0)
    const say = (request: Buffer, response: Buffer | undefined, asked: Omit<Asked, 'request' | 'response' | 'protocol' | 'unit'>): void =>
      sayRequest(session, { protocol: 's7comm', unit, request, ...(response ? { response } : {}), ...asked })
    const violated = (reason: string, bytes: Buffer): void =>
      session.emit('protocol.violated', { reason: reason.slice(0, 200), data: escapeBytes(bytes.subarray(0, 1000)) })
    const send = async (bytes: Buffer): Promise<void> => {
      await device.pace()
      await put(connection, bytes)
    }

    try {
      connection.on('error', () => {})
      for await (const chunk of connection as AsyncIterable<Buffer>) {
        const frames = reader.take(chunk)
        for (const frame of frames) if (!(await take(frame))) return
        if (reader.broken !== undefined) return violated(reader.broken, chunk)
      }
    } finally {
      device.close()
      leave()
    }

    /** False when the connection is to be closed. */
    async function take(frame: Buffer): Promise<boolean> {
      let tpdu: ReturnType<typeof parseTpdu>
      try {
        tpdu = parseTpdu(frame)
      } catch (error) {
        violated((error as Error).message, frame)
        return false
      }
      if (tpdu.kind === 'disconnect') return false
      if (tpdu.kind === 'connect') {
        if (connected) return false
        const place = tpdu.destinationTsap.at(-1) ?? -1
        const found = tpdu.destinationTsap.length === 2 && place >> 5 === template?.rack && template.slots.includes(place & 31)
        const response = found ? encodeConfirm(tpdu, ownReference) : encodeDisconnect(tpdu.source, 3)
        const slot = `rack ${place >> 5} slot ${place & 31}`
        say(frame, response, { operation: 'connect', function: `Connect to ${place < 0 ? 'no TSAP' : slot}`, outcome: found ? 'done' : 'refused' })
        await send(response)
        connected = found
        return found
      }
      if (tpdu.kind !== 'data' || !connected) {
        violated(`TPDU 0x${frame.readUInt8(5).toString(16)} ${connected ? 'while connected' : 'before a connection'}`, frame)
        return false
      }
      waiting.push(tpdu.data)
      held += tpdu.data.length
      if (held > 4096 || waiting.length > maxParts) {
        violated(`a PDU of more than 4,096 bytes or ${maxParts} parts`, frame)
        return false
      }
      if (!tpdu.last) return true
      const whole = Buffer.concat(waiting)
      waiting = []
      held = 0
      return request(whole, frame)
    }

    async function request(bytes: Buffer, frame: Buffer): Promise<boolean> {
      let pdu: Pdu
      try {
        pdu = parsePdu(bytes)
      } catch (error) {
        // An S7-300 does not know what is not S7comm (0x72 is its successor's) and says nothing.
        say(frame, undefined, {
          operation: 'other',
          function: bytes[0] === 0x72 ? 'S7comm-plus' : 'not S7comm',
          outcome: 'ignored',
          reason: (error as Error).message,
        })
        return bytes[0] === 0x72
      }
      if (pdu.rosctr === rosctr.ackData || pdu.rosctr === rosctr.ack) {
        const taken = transfers.taken(pdu)
        if (!taken) return true
        const response = taken.pdu ? encodeData(encodePdu(taken.pdu)) : undefined
        say(frame, response, taken.asked)
        if (response) await send(response)
        return true
      }
      const answered =
        pdu.rosctr === rosctr.job
          ? job(pdu)
          : pdu.rosctr === rosctr.userData
            ? answerUserData(pdu, {
                device,
                clock,
                template: template as NonNullable<typeof template>,
                blocks,
                session,
                state,
                maxPdu,
                password: settings.password,
              })
            : undefined
      if (!answered) {
        say(frame, undefined, { operation: 'other', function: `rosctr ${pdu.rosctr}`, outcome: 'ignored' })
        return true
      }
      const { pdu: answer, ...asked } = answered
      const response = encodeData(encodePdu(answer))
      say(frame, response, asked)
      await send(response)
      const next = answer.parameters[0] === 0x1a ? transfers.firstJob() : undefined
      if (next) await send(encodeData(encodePdu(next)))
      return true
    }

    function job(pdu: Pdu): Answered {
      const code = pdu.parameters[0] ?? 0
      if (code === 0xf0) return setUp(pdu)
      const refused = (error: number, name: string, reason: string): Answered => ({
        pdu: ack(pdu.reference, error),
        operation: 'other',
        function: name,
        outcome: 'refused',
        reason,
      })
      if (!negotiated) return refused(s7Error.state, `function 0x${code.toString(16)}`, 'before set-up')
      if (code === 4) return readVariables(pdu, memory, maxPdu)
      if (code === 5) return writeVariables(pdu, memory, state.unlocked)
      if (code === 0x28 || code === 0x29) return control(pdu, { device, blocks, clock, memory, programming, mayWrite: state.unlocked })
      return transfers.answer(pdu) ?? refused(s7Error.unknownFunction, `function 0x${code.toString(16).padStart(2, '0')}`, 'unknown function')
    }

    function setUp({ reference, parameters }: Pdu): Answered {
      const name = 'Set up communication'
      if (parameters.length < 8)
        return { pdu: ack(reference, s7Error.badLength), operation: 'connect', function: name, outcome: 'refused', reason: 'malformed' }
      maxPdu = Math.min(template?.pdu ?? 240, Math.max(112, parameters.readUInt16BE(6)))
      negotiated = true
      const answered = Buffer.from([0xf0, 0, 0, 1, 0, 1, maxPdu >> 8, maxPdu & 0xff])
      return { pdu: ack(reference, 0, answered), operation: 'connect', function: name, outcome: 'done' }
    }
  },
})

/** The decoy service `iec104`: a remote terminal unit on the plant. */
import { escapeBytes } from '@shenlou/contract/bytes'
import type { ServiceSettings } from '@shenlou/contract/services'
import { defineDecoy } from '../../decoy.ts'
import { admitOrReset, put } from '../connections.ts'
import { openDevice } from '../device.ts'
import { sayRequest } from '../say.ts'
import { type Apdu, openApduReader, parseApdu, uFunction } from './apci.ts'
import { parseAsdu } from './asdu.ts'
import { openLink } from './link.ts'
import { openStation } from './station.ts'

const uNames: Readonly<Record<number, string>> = {
  [uFunction.startAct]: 'STARTDT act',
  [uFunction.stopAct]: 'STOPDT act',
  [uFunction.testAct]: 'TESTFR act',
  [uFunction.testCon]: 'TESTFR con',
  [uFunction.startCon]: 'STARTDT con',
  [uFunction.stopCon]: 'STOPDT con',
}
/** A terminal unit looks at its inputs so often. */
const scanMs = 500

export const iec104 = defineDecoy<ServiceSettings<'iec104'>>({
  name: 'iec104',
  transport: 'tcp',
  async serve(connection, context) {
    const template = context.persona.template.iec104
    if (!template) throw new Error(`decoy ${context.decoy}: its persona ${context.persona.template.id} has no iec104 section`)
    const session = context.session()
    const leave = admitOrReset(connection, context, session, 'iec104', template.connections)
    if (!leave) return
    const device = openDevice(context, session)
    const station = openStation(template, device, context.world.registers, context.clock)
    const violated = (reason: string, bytes: Buffer): void =>
      session.emit('protocol.violated', { reason: reason.slice(0, 200), data: escapeBytes(bytes.subarray(0, 1000)) })

    /** Resolves once a client that does not read has room again. */
    let full: Promise<void> | undefined
    const link = openLink({
      write(frame) {
        full = put(connection, frame) ?? full
      },
      fail(why) {
        violated(why, Buffer.alloc(0))
        connection.end()
      },
    })
    const reader = openApduReader()
    const scan = setInterval(() => {
      if (link.started && connection.writableLength < 65_536) for (const asdu of station.spontaneous()) link.send(asdu)
    }, scanMs)

    try {
      connection.on('error', () => {})
      for await (const chunk of connection as AsyncIterable<Buffer>) {
        const frames = reader.take(chunk)
        for (const frame of frames) {
          if (!(await take(frame))) return
          await full
          full = undefined
        }
        if (reader.broken !== undefined) return violated(reader.broken, chunk)
      }
    } finally {
      clearInterval(scan)
      link.close()
      device.close()
      leave()
    }

    /** False when the connection is to be closed. */
    async function take(frame: Buffer): Promise<boolean> {
      let apdu: Apdu
      try {
        apdu = parseApdu(frame)
      } catch (error) {
        violated((error as Error).message, frame)
        return false
      }
      if (apdu.kind === 'S') return link.take(apdu) || broken(frame)
      if (apdu.kind === 'U') {
        const name = uNames[apdu.function] ?? 'U'
        const operation =
          apdu.function === uFunction.startAct ? 'connect' : apdu.function === uFunction.testAct || apdu.function === uFunction.testCon ? 'diagnose' : 'other'
        // Said before it is answered; the confirmation is the same bytes each time.
        const confirms = { [uFunction.startAct]: uFunction.startCon, [uFunction.stopAct]: uFunction.stopCon, [uFunction.testAct]: uFunction.testCon }[
          apdu.function
        ]
        sayRequest(session, {
          protocol: 'iec104',
          operation,
          function: name,
          outcome: 'done',
          request: frame,
          ...(confirms === undefined ? {} : { response: Buffer.from([0x68, 4, confirms, 0, 0, 0]) }),
        })
        if (confirms !== undefined) await device.pace()
        if (!link.take(apdu)) return broken(frame)
        if (apdu.function === uFunction.startAct) for (const each of station.started()) link.send(each)
        return true
      }
      if (!link.take(apdu)) return broken(frame)
      let asdu: ReturnType<typeof parseAsdu>
      try {
        asdu = parseAsdu(apdu.asdu)
      } catch (error) {
        violated((error as Error).message, frame)
        return false
      }
      const { send, asked, restart } = station.answer(asdu)
      sayRequest(session, { protocol: 'iec104', request: frame, response: Buffer.concat(send), ...asked })
      await device.pace()
      for (const each of send) link.send(each)
      return !restart
    }
    function broken(frame: Buffer): false {
      violated('sequence numbers that cannot be, or data before STARTDT', frame)
      return false
    }
  },
})

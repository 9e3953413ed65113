/** Clients of our own that can choose their source address, which those of others cannot: what one adversary sees beside another. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Endpoint {
  host: string
  port: number
  /** Source address; without it the machine's own choice. */
  from?: string
}

interface Wire {
  socket: Socket
  send(bytes: Buffer): void
  /** The next whole frame. Rejects when none comes within 5 s or the peer closed. */
  frame(): Promise<Buffer>
  close(): void
}

/** A connection whose frames are cut by `lengthOf` (0 while it cannot be told yet). */
export async function openWire({ host, port, from }: Endpoint, lengthOf: (bytes: Buffer) => number): Promise<Wire> {
  const socket = connect({ host, port, noDelay: true, ...(from ? { localAddress: from } : {}) })
  let have = Buffer.alloc(0)
  let ended = false
  let wake = (): void => {}
  const turn = (): void => wake()
  socket.on('data', (bytes: Buffer) => {
    have = Buffer.concat([have, bytes])
    turn()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    ended = true
    turn()
  })
  await once(socket, 'connect')
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    async frame() {
      for (const end = Date.now() + 5000; ; ) {
        const length = have.length > 0 ? lengthOf(have) : 0
        if (length > 0 && have.length >= length) {
          const found = have.subarray(0, length)
          have = have.subarray(length)
          return found
        }
        if (ended || Date.now() > end) throw new Error(`${host}:${port} ${ended ? 'closed' : 'did not answer within 5 s'}, ${have.length} bytes held`)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.max(1, end - Date.now()))
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
    },
    close: () => void socket.destroy(),
  }
}

export interface ModbusClient {
  /** The answer's PDU to a request's PDU. */
  ask(pdu: string | Buffer, unit?: number): Promise<Buffer>
  /** Words of a table, by function 1 to 4. Throws on an exception. */
  read(code: number, start: number, quantity: number, unit?: number): Promise<number[]>
  /** A float32 of two holding registers, words as the device orders them. */
  float(start: number, order: 'high-first' | 'low-first', unit?: number): Promise<number>
  write(start: number, words: readonly number[], unit?: number): Promise<void>
  close(): void
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const words16 = (...values: number[]): Buffer => Buffer.concat(values.map((value) => Buffer.from([(value >> 8) & 0xff, value & 0xff])))

export async function modbusClient(at: Endpoint): Promise<ModbusClient> {
  const wire = await openWire(at, (bytes) => (bytes.length < 6 ? 0 : 6 + bytes.readUInt16BE(4)))
  let transaction = 0
  const ask = async (pdu: string | Buffer, unit = 1): Promise<Buffer> => {
    const body = typeof pdu === 'string' ? hex(pdu) : pdu
    const number = ++transaction & 0xffff
    wire.send(Buffer.concat([words16(number, 0, body.length + 1), Buffer.from([unit]), body]))
    const frame = await wire.frame()
    if (frame.readUInt16BE(0) !== number) throw new Error(`transaction ${frame.readUInt16BE(0)} where ${number} was asked`)
    return frame.subarray(7)
  }
  const fine = (pdu: Buffer): Buffer => {
    if ((pdu.readUInt8(0) & 0x80) !== 0) throw new Error(`exception ${pdu.readUInt8(1)}`)
    return pdu
  }
  const client: ModbusClient = {
    ask,
    async read(code, start, quantity, unit) {
      const answer = fine(await ask(Buffer.concat([Buffer.from([code]), words16(start, quantity)]), unit))
      return code < 3
        ? Array.from({ length: quantity }, (_, i) => (answer.readUInt8(2 + (i >> 3)) >> (i & 7)) & 1)
        : Array.from({ length: quantity }, (_, i) => answer.readUInt16BE(2 + 2 * i))
    },
    async float(start, order, unit) {
      const [a = 0, b = 0] = await client.read(3, start, 2, unit)
      return (order === 'high-first' ? words16(a, b) : words16(b, a)).readFloatBE()
    },
    async write(start, values, unit) {
      fine(await ask(Buffer.concat([Buffer.from([16]), words16(start, values.length), Buffer.from([values.length * 2]), words16(...values)]), unit))
    },
    close: wire.close,
  }
  return client
}

/** The two words of a float32. */
export const floatWords = (value: number, order: 'high-first' | 'low-first'): [number, number] => {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatBE(value)
  const [high, low] = [bytes.readUInt16BE(0), bytes.readUInt16BE(2)]
  return order === 'high-first' ? [high, low] : [low, high]
}

export interface S7Client {
  /** The answer to a PDU behind TPKT and COTP. */
  ask(pdu: Buffer): Promise<Buffer>
  /** Bytes of a data block. Throws with the item's return code. */
  read(block: number, at: number, bytes: number): Promise<Buffer>
  float(block: number, at: number): Promise<number>
  write(block: number, at: number, value: Buffer): Promise<void>
  close(): void
}

/** Connects to a controller at rack 0 and `slot`, and sets up communication. */
export async function s7Client(at: Endpoint, slot: number): Promise<S7Client> {
  const wire = await openWire(at, (bytes) => (bytes.length < 4 ? 0 : bytes.readUInt16BE(2)))
  let reference = 0
  wire.send(hex(`0300 0016 11e0 0000 0001 00 c001 0a c102 0100 c202 01${slot.toString(16).padStart(2, '0')}`))
  const confirmed = await wire.frame()
  if (confirmed.readUInt8(5) !== 0xd0) throw new Error(`refused: ${confirmed.toString('hex')}`)
  const ask = async (pdu: Buffer): Promise<Buffer> => {
    const head = hex('0300 0000 02f080')
    head.writeUInt16BE(7 + pdu.length, 2)
    wire.send(Buffer.concat([head, pdu]))
    return (await wire.frame()).subarray(7)
  }
  const job = (parameters: Buffer, data = Buffer.alloc(0)): Promise<Buffer> =>
    ask(Buffer.concat([hex('3201 0000'), words16(++reference, parameters.length, data.length), parameters, data]))
  await job(hex('f000 0001 0001 00f0'))
  const item = (block: number, start: number, bytes: number): Buffer =>
    Buffer.concat([hex('120a 1002'), words16(bytes, block), Buffer.from([0x84, (start * 8) >> 16, ((start * 8) >> 8) & 0xff, (start * 8) & 0xff])])
  const client: S7Client = {
    ask,
    async read(block, start, bytes) {
      const answer = await job(Buffer.concat([Buffer.from([4, 1]), item(block, start, bytes)]))
      const data = answer.subarray(14)
      if (answer.readUInt16BE(10) !== 0 || data[0] !== 0xff) throw new Error(`DB${block} byte ${start}: ${answer.subarray(10).toString('hex')}`)
      return data.subarray(4, 4 + bytes)
    },
    float: async (block, start) => (await client.read(block, start, 4)).readFloatBE(),
    async write(block, start, value) {
      const answer = await job(
        Buffer.concat([Buffer.from([5, 1]), item(block, start, value.length)]),
        Buffer.concat([Buffer.from([0, 4]), words16(value.length * 8), value]),
      )
      if (answer.readUInt16BE(10) !== 0 || answer.at(-1) !== 0xff) throw new Error(`DB${block} byte ${start}: ${answer.subarray(10).toString('hex')}`)
    },
    close: wire.close,
  }
  return client
}

export interface Iec104Point {
  type: number
  cause: number
  address: number
  /** Of types 1, 30, 3, 31, 13, 36. */
  value: number
}
export interface Iec104Client {
  /** Sends an ASDU. */
  send(asdu: string | Buffer): void
  /** Every object that came, in order. */
  readonly points: Iec104Point[]
  /** ASDUs of other types that came, as hexadecimal digits. */
  readonly others: string[]
  closed: boolean
  close(): void
}

const float = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return bytes
}
/** A set point command, short floating: type 50, cause 6. */
export const setPoint = (common: number, address: number, value: number): Buffer =>
  Buffer.concat([Buffer.from([50, 1, 6, 0, common & 0xff, common >> 8, address & 0xff, (address >> 8) & 0xff, address >> 16]), float(value), Buffer.from([0])])

/** Connects, starts the transfer, and acknowledges every frame that comes. */
export async function iec104Client(at: Endpoint): Promise<Iec104Client> {
  const wire = await openWire(at, (bytes) => (bytes.length < 2 ? 0 : 2 + bytes.readUInt8(1)))
  let sent = 0
  let received = 0
  wire.send(hex('6804 07000000'))
  await wire.frame()
  const client: Iec104Client = {
    send(asdu) {
      const body = typeof asdu === 'string' ? hex(asdu) : asdu
      const head = Buffer.from([0x68, body.length + 4, 0, 0, 0, 0])
      head.writeUInt16LE((sent++ << 1) & 0xffff, 2)
      head.writeUInt16LE((received << 1) & 0xffff, 4)
      wire.send(Buffer.concat([head, body]))
    },
    points: [],
    others: [],
    closed: false,
    close: wire.close,
  }
  const take = (asdu: Buffer): void => {
    const [type, count, cause] = [asdu.readUInt8(0), asdu.readUInt8(1) & 0x7f, asdu.readUInt8(2) & 0x3f]
    const size = { 1: 1, 3: 1, 13: 5, 30: 8, 31: 8, 36: 12 }[type]
    if (size === undefined) {
      client.others.push(asdu.toString('hex'))
      return
    }
    for (let i = 0; i < count; i++) {
      const at = 6 + i * (3 + size)
      const value =
        type === 13 || type === 36 ? asdu.readFloatLE(at + 3) : type === 3 || type === 31 ? (asdu.readUInt8(at + 3) & 3) - 1 : asdu.readUInt8(at + 3) & 1
      client.points.push({ type, cause, address: asdu.readUIntLE(at, 3), value })
    }
  }
  void (async () => {
    for (;;) {
      const frame = await wire.frame().catch((error: Error) => (/closed/.test(error.message) ? undefined : Buffer.alloc(0)))
      if (!frame) break
      if (frame.length <= 6 || (frame.readUInt8(2) & 1) !== 0) continue
      received++
      const acknowledged = Buffer.from([0x68, 4, 1, 0, 0, 0])
      acknowledged.writeUInt16LE((received << 1) & 0xffff, 4)
      wire.send(acknowledged)
      take(frame.subarray(6))
    }
    client.closed = true
  })()
  return client
}

/** A load of requests to an industrial service over kept connections: each asks again once it was answered. */
import { createSocket, type Socket } from 'node:dgram'
import { iec104Client, modbusClient, s7Client } from '../test/industrial/clients.ts'

export interface IndustrialLoad {
  /** Answers so far. */
  readonly answers: number
  stop(): Promise<void>
}
export interface Target {
  host: string
  port: number
}
export type Asked = 'modbus' | 's7comm' | 'iec104' | 'snmp'

/** A get of sysUpTime, SNMP version 2c. */
const get = (id: number): Buffer => {
  const bytes = Buffer.from('302902010104067075626c6963a01c0204000000000201000201003 00e300c06082b060102010103000500'.replaceAll(' ', ''), 'hex')
  bytes.writeUInt32BE(id & 0x7fffffff, 17)
  return bytes
}

/** One client: resolves to how it asks once, and how it leaves. */
async function client(kind: Asked, { host, port }: Target, from: string): Promise<{ ask(): Promise<unknown>; close(): void }> {
  if (kind === 'modbus') {
    const one = await modbusClient({ host, port, from })
    return { ask: () => one.read(3, 80, 20), close: one.close }
  }
  if (kind === 's7comm') {
    const one = await s7Client({ host, port, from }, 2)
    return { ask: () => one.read(20, 0, 40), close: one.close }
  }
  if (kind === 'iec104') {
    const one = await iec104Client({ host, port, from })
    return {
      async ask() {
        const before = one.points.filter(({ cause }) => cause === 5).length
        one.send('66 01 05 00 2f00 d60700')
        while (one.points.filter(({ cause }) => cause === 5).length === before) {
          if (one.closed) throw new Error('the station closed')
          await new Promise((resolve) => setImmediate(resolve))
        }
        one.points.length = 0
      },
      close: one.close,
    }
  }
  const socket: Socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, from, resolve))
  let id = 1
  return {
    // A datagram that is lost is asked for again, as every client does.
    ask: () =>
      new Promise<void>((resolve) => {
        const bytes = get(id++)
        const send = (): void => void socket.send(bytes, port, host)
        const again = setInterval(send, 1000)
        socket.once('message', () => {
          clearInterval(again)
          resolve()
        })
        send()
      }),
    close: () => void socket.close(),
  }
}

/** Asks on `connections` connections, from addresses of this machine that begin with `sources`, until it is stopped. Rejects when one cannot connect. */
export async function openIndustrialLoad(kind: Asked, target: Target, connections: number, sources: string): Promise<IndustrialLoad> {
  let answers = 0
  let stopped = false
  const clients = await Promise.all(Array.from({ length: connections }, (_, nth) => client(kind, target, `${sources}.${10 + nth}`)))
  const running = clients.map(async ({ ask, close }) => {
    try {
      while (!stopped) {
        await ask()
        answers++
      }
    } finally {
      close()
    }
  })
  for (const one of running) one.catch(() => undefined)
  return {
    get answers() {
      return answers
    },
    async stop() {
      stopped = true
      await Promise.all(running)
    },
  }
}

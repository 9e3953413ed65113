/**
 * Listening sockets in the namespace of capture, made here and handed to the relay, which accepts on them. With every address of the network local, one TCP socket a
 * port serves all hosts, and the accepted connection names the address that was dialled; where the interface is shared, and for UDP, each address has its own.
 */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { anyAddress, socketKey } from './messages.ts'
import type { Offered } from './ruleset.ts'

export interface Sockets {
  /** Opens and hands over what is new and can be had now; resolves when each was tried. The relay closes what is withdrawn. */
  set(offered: readonly Offered[], isLocal: (address: string) => boolean): Promise<void>
  /** `listen-failed ADDRESS:PORT CODE`. */
  problems(): string[]
}
type HandOver = (key: { transport: 'tcp' | 'udp'; address: string; port: number }, handle: unknown) => Promise<void>

/** A socket costs a descriptor at the relay; beyond these a UDP service is not opened and said so. */
const most = 12_000
const backlog = 4096

export function openSockets(shared: boolean, handOver: HandOver): Sockets {
  const given = new Set<string>()
  const failed = new Map<string, string>()
  let left = 0

  const open = async ({ transport, address, port }: Offered): Promise<void> => {
    const key = socketKey(transport, address, port)
    try {
      await (transport === 'tcp' ? openTcp : openUdp)(address, port, (handle) => handOver({ transport, address, port }, handle))
      given.add(key)
      failed.delete(key)
    } catch (error) {
      failed.set(key, `listen-failed ${address === anyAddress ? '*' : address}:${port} ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`)
    }
  }

  return {
    async set(offered, isLocal) {
      const wanted = new Map<string, Offered>()
      for (const { transport, address: own, port } of offered) {
        const address = transport === 'tcp' && !shared ? anyAddress : own
        wanted.set(socketKey(transport, address, port), { transport, address, port })
      }
      for (const key of [...given, ...failed.keys()]) {
        if (wanted.has(key)) continue
        given.delete(key)
        failed.delete(key)
      }
      const missing = [...wanted].filter(([key, { address }]) => !given.has(key) && (address === anyAddress || isLocal(address))).map(([, value]) => value)
      const fit = missing.slice(0, Math.max(0, most - given.size))
      left = missing.length - fit.length
      for (const one of fit) await open(one)
    },
    problems: () => [...failed.values(), ...(left > 0 ? [`listen-failed ${left} services beyond ${most} sockets of one relay; use a second relay`] : [])],
  }
}

const openTcp = (address: string, port: number, hand: (handle: unknown) => Promise<void>): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host: address, port, backlog, exclusive: true }, () => {
      // The bare handle: who gets it makes a server with its own options. Ours is closed once it is on its way.
      const { _handle: handle } = server as unknown as { _handle: unknown }
      hand(handle)
        .then(resolve, reject)
        .finally(() => server.close())
    })
  })

const openUdp = (address: string, port: number, hand: (handle: unknown) => Promise<void>): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 256 * 1024 })
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind({ address, port, exclusive: true }, () =>
      hand(socket)
        .then(resolve, reject)
        .finally(() => socket.close()),
    )
  })

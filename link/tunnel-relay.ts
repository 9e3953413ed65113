/** The relay's end of a tunnel: one outbound connection to a gate, kept up. */
import { WebSocket } from 'ws'
import { backOff, dial } from './dial.ts'
import { maxFrameBytes } from './tunnel-frame.ts'
import { startSession, type TunnelSession } from './tunnel-session.ts'
import { Stream } from './tunnel-stream.ts'
import type { ConnectTunnel, TunnelState } from './tunnel-types.ts'
import { noMask } from './uplink.ts'

/** Keeps a tunnel to a gate until closed; connects again with back-off and jitter. Never throws; see `state`. */
export const connectTunnel: ConnectTunnel = (options) => {
  const { identity, address } = options
  const revoked = new Set(options.revoked)
  const state: TunnelState = { up: false, reason: 'not connected yet' }
  let session: TunnelSession | undefined
  let gateSerial: string | undefined
  let attempt = 0
  let retry: NodeJS.Timeout | undefined
  let closed = false

  const change = (up: boolean, reason: string | undefined) => {
    if (state.up === up && state.reason === reason) return
    Object.assign(state, { up, reason })
    options.onState?.({ ...state })
  }
  const lost = (reason: string) => {
    session = undefined
    change(false, reason)
    if (!closed) retry = setTimeout(() => void connect(), backOff(attempt++))
  }

  async function connect(): Promise<void> {
    let socket: Awaited<ReturnType<typeof dial>>['socket']
    try {
      const dialled = await dial({ address, identity, expect: { role: 'decoys', sensor: options.expect }, proxy: options.proxy })
      socket = dialled.socket
      gateSerial = dialled.peer.serial
      if (revoked.has(gateSerial)) {
        socket.destroy()
        throw new Error("the gate's certificate was revoked")
      }
    } catch (error) {
      return closed ? undefined : lost((error as Error).message)
    }
    if (closed) return void socket.destroy()
    const ws = new WebSocket('wss://localhost/tunnel', {
      createConnection: () => socket,
      perMessageDeflate: false,
      maxPayload: maxFrameBytes,
      handshakeTimeout: 10_000,
      generateMask: noMask,
    })
    const failed = (error: Error) => lost(error.message)
    ws.once('error', failed)
    ws.once('open', () => {
      ws.removeListener('error', failed)
      session = startSession({
        ws,
        socket,
        self: identity.sensor,
        peer: options.expect,
        heartbeatMs: options.heartbeatMs ?? 5_000,
        onUp() {
          attempt = 0
          change(true, undefined)
        },
        onEnd: lost,
      })
    })
  }
  void connect()

  return {
    state,
    get streams() {
      return session?.streams ?? 0
    },
    open(frame) {
      if (session) return session.open(frame)
      const stream = new Stream(
        { send: () => undefined, sendData: () => undefined, congested: () => false, whenClear: () => undefined, remove: () => undefined, hold: () => true },
        0,
        true,
      )
      stream.gotReset('shutdown')
      return stream
    },
    revoke(serials) {
      for (const serial of serials) revoked.add(serial)
      if (gateSerial && revoked.has(gateSerial)) session?.end("the gate's certificate was revoked")
    },
    async close() {
      closed = true
      clearTimeout(retry)
      session?.end('closed')
    },
  }
}

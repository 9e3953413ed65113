/** The frames of contract/tunnel.ts as bytes. */
import { frameType, maxDataBytes, maxDatagramBytes, type ResetReason, resetReasons } from '@shenlou/contract/tunnel'

/** type(1) stream(4) */
export const frameHeaderBytes = 5
/** HELLO and OPEN carry JSON of at most this. */
export const maxJsonBytes = 16 * 1024
/** No frame is larger; the WebSocket layer refuses what is. */
export const maxFrameBytes = frameHeaderBytes + maxDataBytes

export type Frame =
  | { type: 'hello' | 'open'; stream: number; json: unknown }
  | { type: 'opened' | 'fin'; stream: number }
  | { type: 'data' | 'datagram' | 'ping' | 'pong'; stream: number; bytes: Buffer }
  | { type: 'credit'; stream: number; bytes: number }
  | { type: 'reset'; stream: number; reason: ResetReason }

export function encodeFrame(type: number, stream: number, payload?: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + (payload?.length ?? 0))
  frame[0] = type
  frame.writeUInt32BE(stream, 1)
  if (payload) frame.set(payload, frameHeaderBytes)
  return frame
}

export const encodeJson = (type: number, stream: number, value: unknown): Buffer => encodeFrame(type, stream, Buffer.from(JSON.stringify(value)))

/** u32 bytes */
export function encodeCredit(stream: number, bytes: number): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + 4)
  frame[0] = frameType.CREDIT
  frame.writeUInt32BE(stream, 1)
  frame.writeUInt32BE(bytes, 5)
  return frame
}

/** u8 reason */
export const encodeReset = (stream: number, reason: ResetReason): Buffer => encodeFrame(frameType.RESET, stream, Uint8Array.of(resetReasons.indexOf(reason)))

/**
 * The WebSocket frame (RFC 6455 section 5.2) of a DATA frame: its head, and as second part the bytes themselves, not copied.
 * Small ones come in one part. A client's mask is all zero, which leaves the bytes as they are.
 */
export function encodeDataMessage(stream: number, bytes: Uint8Array, client: boolean): Buffer[] {
  const length = frameHeaderBytes + bytes.length
  const lengthBytes = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const head = 2 + lengthBytes + (client ? 4 : 0)
  const whole = bytes.length <= 2048
  const out = Buffer.allocUnsafe(head + (whole ? length : frameHeaderBytes))
  out[0] = 0x82
  out[1] = (client ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127)
  if (lengthBytes === 2) out.writeUInt16BE(length, 2)
  else if (lengthBytes === 8) {
    out.writeUInt32BE(0, 2)
    out.writeUInt32BE(length, 6)
  }
  if (client) out.writeUInt32BE(0, head - 4)
  out[head] = frameType.DATA
  out.writeUInt32BE(stream, head + 1)
  if (!whole) return [out, bytes as Buffer]
  out.set(bytes, head + frameHeaderBytes)
  return [out]
}

/** Reads one frame of a peer that may be hostile: undefined for anything that the contract does not allow. `bytes` is a view, not a copy. */
export function parseFrame(frame: Buffer): Frame | undefined {
  if (frame.length < frameHeaderBytes) return undefined
  const stream = frame.readUInt32BE(1)
  const payload = frame.subarray(frameHeaderBytes)
  switch (frame[0]) {
    case frameType.HELLO:
      return stream === 0 ? jsonFrame('hello', stream, payload) : undefined
    case frameType.OPEN:
      return stream > 0 ? jsonFrame('open', stream, payload) : undefined
    case frameType.OPENED:
      return stream > 0 && payload.length === 0 ? { type: 'opened', stream } : undefined
    case frameType.DATA:
      return stream > 0 && payload.length > 0 && payload.length <= maxDataBytes ? { type: 'data', stream, bytes: payload } : undefined
    case frameType.DATAGRAM:
      return stream > 0 && payload.length <= maxDatagramBytes ? { type: 'datagram', stream, bytes: payload } : undefined
    case frameType.CREDIT:
      return stream > 0 && payload.length === 4 ? { type: 'credit', stream, bytes: payload.readUInt32BE(0) } : undefined
    case frameType.FIN:
      return stream > 0 && payload.length === 0 ? { type: 'fin', stream } : undefined
    case frameType.RESET: {
      const reason = resetReasons[payload[0] ?? 255]
      return stream > 0 && payload.length === 1 && reason ? { type: 'reset', stream, reason } : undefined
    }
    case frameType.PING:
    case frameType.PONG:
      return stream === 0 && payload.length === 8 ? { type: frame[0] === frameType.PING ? 'ping' : 'pong', stream, bytes: payload } : undefined
    default:
      return undefined
  }
}

function jsonFrame(type: 'hello' | 'open', stream: number, payload: Buffer): Frame | undefined {
  if (payload.length > maxJsonBytes) return undefined
  try {
    return { type, stream, json: JSON.parse(payload.toString()) }
  } catch {
    return undefined
  }
}

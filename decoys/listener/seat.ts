/** What the servers of a listener are written in: one kind each, as data and small functions over bytes. */
import type { Persona } from '../persona.ts'
import type { Found } from './found.ts'

/** One connection as a kind of server sees it. */
export interface Seat {
  persona: Persona
  source: { ip: string }
  /** How far a dialogue has come; each kind has its own words for it. */
  state: string
  user: string
  tries: number
  now(): number
}

/** What is done with a message that is whole. `used` bytes of what waits were it. */
export interface Step {
  used: number
  found: Found
  answer?: Buffer | string | undefined
  /** What follows the answer: a FIN, or a reset instead of one. */
  close?: 'end' | 'reset'
  /** Credentials in it; `pause` is how long a refusal takes. */
  login?: { user: string; password?: string | undefined }
  pause?: number
}

export interface Kind {
  /** Its own name among protocols. */
  protocol: string
  /** Seconds of silence after which such a server closes, and how. */
  idleS: number
  timesOut?: 'end' | 'reset'
  /** It waits for the end of a line or head: bytes that are no message yet are not foreign to it unless they are known as another protocol's. */
  patient?: true
  greet?(seat: Seat): Buffer | string
  /** A whole message of its own protocol at the start of what waits; undefined when more is needed or it is none. */
  take?(seat: Seat, waiting: Buffer): Step | undefined
  /** What it does with bytes that are no message of its own; a reset, unless it says more. */
  foreign?(seat: Seat, waiting: Buffer, found: Found): { answer?: Buffer | string; close: 'end' | 'reset' }
}

/** The next line without its end and the bytes it took; a line of more than 4,096 bytes is cut there. */
export function nextLine(waiting: Buffer): { line: string; used: number } | undefined {
  const end = waiting.subarray(0, 4096).indexOf(10)
  if (end < 0) return waiting.length >= 4096 ? { line: waiting.toString('latin1', 0, 4096), used: 4096 } : undefined
  return { line: waiting.toString('latin1', 0, end > 0 && waiting[end - 1] === 13 ? end - 1 : end), used: end + 1 }
}

/** A seat in a drawn world, for tests of the shell and its programs. */
import type { Connection, Context, Session } from '../decoy.ts'
import { testPersona } from '../test-harness.ts'
import { openWorld, type World } from '../world.ts'
import { openSeat, type Seat } from './seat.ts'

export interface TestSeat {
  seat: Seat
  world: World
  /** What was emitted, in order. */
  events: { kind: string; body: Record<string, unknown> }[]
}

/** Opens a seat of `user` as if from 192.0.2.7 port 4444 to 10.9.8.7 port 22. */
export function testSeat(persona: string, options: { user?: string; terminal?: boolean } = {}): TestSeat {
  const drawn = testPersona(persona)
  const world = openWorld(drawn)
  const events: TestSeat['events'] = []
  const context = {
    persona: drawn,
    world,
    clock: () => Date.now(),
    signal: new AbortController().signal,
    blobs: { put: async () => ({ sha256: '0'.repeat(64), size: 0, truncated: false }) },
  } as unknown as Context
  const connection = { source: { ip: '192.0.2.7', port: 4444 }, destination: { ip: '10.9.8.7', port: 22 }, end() {} } as unknown as Connection
  const session = { id: 'x', emit: (kind: string, body: Record<string, unknown>) => void events.push({ kind, body }), close() {} } as unknown as Session
  const seat = openSeat({ connection, context, session, user: options.user ?? 'root', terminal: options.terminal ?? false, closed: () => false })
  return { seat, world, events }
}

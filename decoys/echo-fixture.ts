/** A services module for tests: `echo` answers lines and has a world of one counter, `shout` answers datagrams with as many bytes as it is told to, `idle` joins its adversary's session, `trouble` fails in given ways. */
import { connect } from 'node:net'
import { z } from 'zod'
import { defineDatagramDecoy, defineDecoy, lazily } from './decoy.ts'
import type { Persona } from './persona.ts'
import type { World } from './world.ts'

const worlds = new WeakMap<World, { count: number; saved: number }>()
const stateOf = (world: World): { count: number; saved: number } => worlds.get(world) as { count: number; saved: number }

export function openWorld(_persona: Persona, saved?: Uint8Array): World {
  const state = { count: saved ? Number(Buffer.from(saved).toString()) : 0, saved: -1 }
  state.saved = state.count
  const world = {
    save(): Uint8Array | undefined {
      if (state.saved === state.count) return undefined
      state.saved = state.count
      return Buffer.from(String(state.count))
    },
  } as unknown as World
  worlds.set(world, state)
  return world
}

const command = (input: string) => ({ mode: 'shell' as const, input, user: 'root', directory: '/root' })

const echo = defineDecoy({
  name: 'echo',
  transport: 'tcp',
  settings: z.strictObject({ greeting: z.string().default('') }),
  async serve(connection, context, { greeting }) {
    const session = context.session()
    if (greeting) connection.write(greeting)
    for await (const chunk of connection) {
      const text = String(chunk).trim()
      if (text === 'count') {
        stateOf(context.world).count += 1
        connection.write(`${stateOf(context.world).count}\n`)
      } else if (text.startsWith('prove ')) {
        await context.prove({ kind: 'lure', value: text.slice(6) })
        connection.write(`${stateOf(context.world).count}\n`)
      } else if (text.startsWith('file ')) {
        const file = await context.blobs.put(Buffer.alloc(Number(text.slice(5)), 'x'))
        session.emit('file.uploaded', { path: '/tmp/x', method: 'sftp', file })
        connection.write(`${file.sha256}\n`)
      } else if (text === 'who') connection.write(`${context.persona.hostname} ${connection.source.ip}\n`)
      else if (text === 'reset') connection.reset()
      else {
        session.emit('command.executed', command(text.slice(0, 100)))
        connection.write(chunk)
      }
    }
    connection.end('bye\n')
  },
})

const idle = defineDecoy({
  name: 'idle',
  transport: 'tcp',
  sessions: 'idle',
  settings: z.strictObject({}),
  async serve(connection, context) {
    const first = await connection.peek(4)
    context.session().emit('command.executed', command(String(first)))
    if (String(first) === 'late') {
      await new Promise((resolve) => context.signal.addEventListener('abort', resolve))
      context.session().emit('command.executed', command('said while it ended'))
      return
    }
    connection.end(`${context.session().id} ${first}\n`)
  },
})

const shout = defineDatagramDecoy({
  name: 'shout',
  transport: 'udp',
  settings: z.strictObject({}),
  async serve(flow, context) {
    const session = context.session()
    for await (const datagram of flow) {
      const text = String(datagram.subarray(0, 100))
      session.emit('command.executed', command(text.slice(0, 20)))
      if (text.startsWith('out ')) flow.reply(Buffer.alloc(Number(text.slice(4)), 'x'))
      else if (text.trim() === 'who') flow.reply(Buffer.from(`${flow.source.ip} ${flow.destination.ip}`))
      else flow.reply(datagram)
    }
  },
})

const trouble = defineDecoy({
  name: 'trouble',
  transport: 'tcp',
  settings: z.strictObject({}),
  async serve(connection, context) {
    const session = context.session()
    for await (const chunk of connection) {
      const text = String(chunk).trim()
      if (text === 'throw') throw new Error('the service failed')
      if (text === 'fault') setImmediate(() => JSON.parse('{'))
      if (text === 'exit') process.exit(9)
      if (text === 'hang') for (;;);
      if (text === 'lie') session.emit('sensor.stopped' as 'terminal.opened', { term: 'x', columns: 1, rows: 1 })
      if (text.startsWith('out ')) {
        const answer = await new Promise<string>((resolve) => {
          const socket = connect(Number(text.slice(4)), '127.0.0.1', () => resolve('connected'))
          socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'failed'))
        })
        connection.write(`${answer}\n`)
      } else connection.write('here\n')
    }
  },
})

export const services = [
  lazily('echo', async () => echo),
  lazily('idle', async () => idle),
  lazily('shout', async () => shout),
  lazily('trouble', async () => trouble),
]

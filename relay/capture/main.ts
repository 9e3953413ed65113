/** Entry of the capture process; a relay with --capture starts it in a namespace of its own. */
import { startIdle } from '../idle/idle.ts'
import { hostCapture, type StartEngine } from './host.ts'
import type { FromCapture, ToCapture } from './messages.ts'

/** Runs until its relay is gone or asks it to end; never resolves. */
export async function runCapture(startEngine: StartEngine = startIdle): Promise<never> {
  if (!process.send) throw Object.assign(new Error('it is started by a relay: shenlou relay --capture INTERFACE'), { name: 'StartError' })
  const send = (message: FromCapture, handle?: unknown): Promise<void> =>
    new Promise((resolve, reject) => {
      if (!process.connected) return reject(new Error('the relay is gone'))
      process.send?.(message, handle as never, {}, (error) => (error ? reject(error) : resolve()))
    })
  const host = hostCapture({ startEngine, send, exit: (code) => process.exit(code) })
  process.on('message', (message) => host.take(message as ToCapture))
  process.on('disconnect', () => process.exit(1))
  void send({ type: 'waiting' })
  return new Promise(() => {})
}

if (import.meta.main) await runCapture()

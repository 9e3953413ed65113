import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import type { ProofSaid } from '@shenlou/link/door-types'
import { uuidv7 } from '@shenlou/link/uuid'
import { clientPorts, openProver } from './prover.ts'

/** Asks for one touch and tells it to go once it is bound; answers all that was said. */
async function prove(prover: ReturnType<typeof openProver>, port: number, address = '127.0.0.1'): Promise<ProofSaid[]> {
  const id = uuidv7()
  const said: ProofSaid[] = []
  const done = Promise.withResolvers<void>()
  prover.hear({ type: 'prove', id, address, port, transport: 'tcp' }, (each) => {
    said.push(each)
    if (each.type === 'proof-bound') prover.hear({ type: 'prove-go', id }, (last) => (said.push(last), done.resolve()))
    else done.resolve()
  })
  await done.promise
  return said
}

test('a touch comes from where it was said to, sends no byte, and ends in order, each from another port of the kernel', async () => {
  const seen: { from: string; bytes: number; reset: boolean }[] = []
  const server = createServer((socket: Socket) => {
    const entry = { from: `${socket.remoteAddress}:${socket.remotePort}`, bytes: 0, reset: false }
    seen.push(entry)
    socket.on('data', (data) => (entry.bytes += data.length))
    socket.on('error', () => (entry.reset = true))
    if (seen.length % 2) socket.write('SSH-2.0-OpenSSH_7.4\r\n')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const prover = openProver()
  const all = await Promise.all(Array.from({ length: 4 }, () => prove(prover, port)))
  const bound = all.map(([first]) => (first?.type === 'proof-bound' ? `${first.source}:${first.port}` : ''))
  assert.deepEqual(seen.map(({ from }) => from).sort(), [...bound].sort())
  assert.equal(new Set(bound).size, 4)
  const [from, to] = clientPorts()
  for (const each of bound) assert.ok(Number(each.split(':')[1]) >= from && Number(each.split(':')[1]) <= to)
  assert.ok(all.every(([, last]) => last?.type === 'proof-done' && last.outcome === 'connected'))
  assert.ok(seen.every(({ bytes, reset }) => bytes === 0 && !reset))
  server.close()
  await once(server, 'close')
  const [, last] = await prove(prover, port)
  assert.equal(last?.type === 'proof-done' && last.outcome, 'refused')
})

test('without the word to go nothing is sent, and no more is taken on than a prober may', async () => {
  let touched = 0
  const server = createServer(() => touched++).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const prover = openProver()
  const said: ProofSaid[] = []
  for (let n = 0; n < 40; n++) {
    prover.hear({ type: 'prove', id: uuidv7(), address: '127.0.0.1', port, transport: 'tcp' }, (each) => said.push(each))
    if (n % 8 === 7) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  for (const end = Date.now() + 5000; said.length < 40 && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.ok(said.filter(({ type }) => type === 'proof-bound').length <= 24)
  assert.ok(said.some((each) => each.type === 'proof-done' && each.outcome === 'failed'))
  assert.equal(touched, 0)
  server.close()
})

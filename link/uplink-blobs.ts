/** Captured files on their way to the core, in ranges, from where the core has them. */
import { dial } from './dial.ts'
import { exchange } from './enrol.ts'
import type { SensorIdentity } from './identity-types.ts'
import type { BlobSpool } from './uplink-types.ts'

const rangeBytes = 2 * 1024 * 1024

/** Sends a file from `from` on until the core has it whole, then forgets it here. Rejects when the connection fails; the core asks again. */
export async function sendBlob(options: {
  sha256: string
  from: number
  spool: BlobSpool
  identity: SensorIdentity
  proxy?: string | undefined
  signal: AbortSignal
}): Promise<void> {
  const { sha256, spool, identity } = options
  const blob = spool.waiting().find((each) => each.sha256 === sha256)
  if (!blob) return
  let received = options.from
  for (let stalled = 0; received < blob.size; ) {
    if (options.signal.aborted) return
    const bytes = await spool.read(sha256, received, Math.min(rangeBytes, blob.size - received))
    const { socket } = await dial({ address: identity.door, identity, expect: { role: 'core' }, proxy: options.proxy })
    try {
      const headers = { 'content-range': `bytes ${received}-${received + bytes.length - 1}/${blob.size}` }
      const answer = (await exchange(socket, { method: 'PUT', path: `/blobs/${sha256}`, body: bytes, headers })) as { received?: unknown }
      if (!Number.isSafeInteger(answer.received)) throw new Error('the core did not say how much it has')
      stalled = (answer.received as number) > received ? 0 : stalled + 1
      if (stalled > 2) throw new Error('the core does not take it')
      received = answer.received as number
    } finally {
      socket.destroy()
    }
  }
  await spool.forget(sha256)
}

/** Captured files on their way to the core, in ranges, from where the core has them. */
import type { Exchange } from './enrol.ts'
import type { BlobSpool } from './uplink-types.ts'

const rangeBytes = 2 * 1024 * 1024

/** Sends a file from `from` on until the core has it whole, then forgets it here. Rejects when a request fails; the next connection offers it again. */
export async function sendBlob(options: { sha256: string; from: number; spool: BlobSpool; ask(what: Exchange): Promise<unknown> }): Promise<void> {
  const { sha256, spool } = options
  const blob = spool.waiting().find((each) => each.sha256 === sha256)
  if (!blob) return
  let received = options.from
  for (let stalled = 0; received < blob.size; ) {
    const bytes = await spool.read(sha256, received, Math.min(rangeBytes, blob.size - received))
    const headers = { 'content-range': `bytes ${received}-${received + bytes.length - 1}/${blob.size}` }
    const answer = (await options.ask({ method: 'PUT', path: `/blobs/${sha256}`, body: bytes, headers })) as { received?: unknown }
    if (!Number.isSafeInteger(answer.received)) throw new Error('the core did not say how much it has')
    stalled = (answer.received as number) > received ? 0 : stalled + 1
    if (stalled > 2) throw new Error('the core does not take it')
    received = answer.received as number
  }
  await spool.forget(sha256)
}

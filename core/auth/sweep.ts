/** Removes what has run out: sessions, half-done sign-ins, forgotten failures. */
import type { Core } from '../core.ts'

const everyMs = 3_600_000

/** Now and every hour until the returned function is called. */
export function startSweep(core: Core): () => void {
  const sweep = () =>
    sweepSignIns(core).catch((error: Error) => {
      if (!core.signal.aborted) core.log(`ended sign-ins were not removed: ${error.message}`)
    })
  sweep()
  const timer = setInterval(sweep, everyMs).unref()
  return () => clearInterval(timer)
}

export async function sweepSignIns({ sql, clock }: Core): Promise<void> {
  const now = new Date(clock())
  await sql`delete from person_session where expires_at < ${now}`
  await sql`delete from person_verification where expires_at < ${now}`
  await sql`delete from sign_in_limit where expire < ${now.getTime()}`
}

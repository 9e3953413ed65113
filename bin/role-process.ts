/** One role as a process of its own: signals stop it in order, a supervisor above it is told when it is ready. */
export type RoleName = 'core' | 'decoys' | 'relay'

/** What a role tells the supervisor that started it. */
export type RoleMessage = { type: 'ready'; detail: Record<string, unknown> } | { type: 'line'; text: string } | { type: 'failed'; text: string }

export interface RoleTools {
  /** Stops the role in order. */
  signal: AbortSignal
  log(text: string): void
  ready(detail: Record<string, unknown>): void
}

const tell = (message: RoleMessage): void => {
  if (process.connected) process.send?.(message)
}

/** Runs until a signal, or until the supervisor is gone. Resolves to the exit code, which is that of the work where it has one. */
export async function runProcess(role: RoleName, work: (tools: RoleTools) => Promise<number | void>): Promise<number> {
  const controller = new AbortController()
  const stop = (): void => controller.abort()
  process.once('SIGINT', stop).once('SIGTERM', stop).once('disconnect', stop)
  const supervised = process.connected === true
  const log = (text: string): void => (supervised ? tell({ type: 'line', text }) : console.error(`${new Date().toISOString()} ${role}: ${text}`))
  const ready = (detail: Record<string, unknown>): void => {
    if (supervised) tell({ type: 'ready', detail })
    else log(`ready ${JSON.stringify(detail)}`)
  }
  try {
    return (await work({ signal: controller.signal, log, ready })) ?? 0
  } catch (error) {
    if (supervised && error instanceof Error && ['StartError', 'ApiError'].includes(error.name)) {
      tell({ type: 'failed', text: error.message })
      return 1
    }
    throw error
  } finally {
    if (process.connected) process.disconnect()
  }
}

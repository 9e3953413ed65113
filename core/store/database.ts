/** Opens the database: the PostgreSQL that settings name, or the embedded one. */
import { Socket } from 'node:net'
import postgres from 'postgres'
import { startEmbedded } from './embedded.ts'
import { migrate } from './migrate.ts'
import { StartError } from './start-error.ts'

export interface Database {
  /** The pool. Do not hand it to drizzle, which changes how its client reads times and JSON: give that `connect(url)`. */
  sql: postgres.Sql
  url: string
  /** Process id of the embedded server. */
  serverPid(): number | undefined
  close(): Promise<void>
}

/** Milliseconds since 1970 of a timestamptz column or expression, as a number with fraction. */
export const ms = (sql: postgres.Sql | postgres.TransactionSql, column: string): postgres.PendingQuery<postgres.Row[]> =>
  sql`(extract(epoch from ${sql(column)}) * 1000)::float8`

/** A client for `url`; `host` in its query names the folder of a unix socket, as in libpq. Times are in UTC. */
export function connect(url: string, options: { max?: number; name?: string; lasting?: boolean; onclose?: () => void } = {}): postgres.Sql {
  const parsed = new URL(url)
  const host = parsed.searchParams.get('host')
  parsed.searchParams.delete('host')
  return postgres(parsed.href, {
    max: options.max ?? 10,
    connect_timeout: 10,
    ...(options.lasting && { max_lifetime: null }),
    // A crashed server is back within a second; postgres.js would wait up to 20 s.
    backoff: (retries: number) => Math.min(0.02 * 2 ** retries, 1),
    connection: { application_name: options.name ?? 'shenlou', TimeZone: 'UTC' },
    types: { int8: { to: 20, from: [20], parse: Number, serialize: String } } as never,
    onnotice: () => {},
    ...(options.onclose && { onclose: options.onclose }),
    ...(host
      ? { host }
      : {
          // Nagle and delayed acknowledgements cost 40 ms a batch over TCP.
          socket: ({ host, port }: { host: string[]; port: number[] }) =>
            new Promise<Socket>((resolve, reject) => {
              const socket = new Socket()
              socket.setNoDelay(true)
              socket.once('error', reject)
              socket.connect(Number(port[0]), host[0] as string, () => {
                socket.off('error', reject)
                resolve(socket)
              })
            }),
        }),
  } as postgres.Options<Record<string, postgres.PostgresType>>) as unknown as postgres.Sql
}

/** Connects to `sql`'s database a second time, with its own pool: for locks, COPY, or a library that changes its client. */
const urls = new WeakMap<object, string>()
export const urlOf = (sql: postgres.Sql): string => {
  const url = urls.get(sql)
  if (!url) throw new Error('this client was not opened by openDatabase or testDatabase')
  return url
}
export const rememberUrl = (sql: postgres.Sql, url: string): void => {
  urls.set(sql, url)
}

/**
 * Opens and migrates. With `url` that server is used, else an embedded one on `dataDir`, kept running until `close` or `signal`.
 * Throws a StartError of one line for what an operator can mend.
 */
export async function openDatabase(
  where: { url: string } | { dataDir: string },
  signal: AbortSignal,
  log: (line: string) => void = () => {},
): Promise<Database> {
  const server = 'dataDir' in where ? await startEmbedded(where.dataDir, signal, log) : undefined
  const url = server?.url ?? (where as { url: string }).url
  const sql = connect(url)
  rememberUrl(sql, url)
  const close = async (): Promise<void> => {
    await sql.end({ timeout: 5 })
    await server?.close()
  }
  try {
    await migrate(sql)
  } catch (error) {
    await close()
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (/^(ECONN|ENOTFOUND|ENOENT|CONNECT|EHOST|28|3D)/.test(code)) {
      const shown = new URL(url)
      throw new StartError(`the database ${shown.host}${shown.pathname} cannot be reached (${code}): check --database-url (SHENLOU_DATABASE_URL)`, {
        cause: error,
      })
    }
    throw error
  }
  return { sql, url, serverPid: () => server?.pid, close }
}

/** What kind of failure a database error is, by SQLSTATE (PostgreSQL appendix A) or by the client's code. */

const codeOf = (error: unknown): string => String((error as { code?: unknown } | undefined)?.code ?? '')

/** The server or the way to it is away, overloaded or restarting: the same statement may work later. */
export const isTransient = (error: unknown): boolean => /^(08|53|57|40|CONNECT|ECONN|ENOENT|EPIPE|ETIMEDOUT|EHOST|ENOTFOUND|EAI_)/.test(codeOf(error))

/** A row with that key is there already. */
export const isDuplicate = (error: unknown): boolean => codeOf(error) === '23505'

/** The disk of the database is full. */
export const isDiskFull = (error: unknown): boolean => codeOf(error) === '53100'

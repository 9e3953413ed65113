/** How the parts of an HTTP exchange are told apart. */

/** The colour of a status code; 0: no answer was given. */
export const statusTone = (status: number): string =>
  status >= 500 ? 'text-critical' : status >= 400 ? 'text-medium' : status >= 300 ? 'text-low' : 'text-good'

/** The value of a header, by its name in any case; empty when there is none. */
export const headerOf = (headers: readonly (readonly [string, string])[], name: string): string =>
  headers.find(([given]) => given.toLowerCase() === name)?.[1] ?? ''

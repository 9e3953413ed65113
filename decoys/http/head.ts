/** A request's head as a dialect has read it, and what stands in its way. */

/** One header line; names keep the casing they came with. Text is Latin-1: one character a byte. */
export type Field = readonly [name: string, value: string]

export interface Head {
  method: string
  /** The target as it came, Latin-1. */
  target: string
  /** Decoded and normalised path, Latin-1 of its bytes; always begins with `/` but for `*`. */
  path: string
  /** What follows `?`, as it came; empty when nothing does. */
  query: string
  /** `9` for HTTP/0.9, else major * 1000 + minor. */
  version: number
  headers: Field[]
  /** Lower-case name to value, the first of each name that the server heeds. */
  fields: Map<string, string>
  /** Host in lower case without port; empty when none was given. */
  host: string
  keepAlive: boolean
  chunked: boolean
  /** Bytes of the body; `-1` when no length was said. */
  contentLength: number
  expectsContinue: boolean
}

/** Why the server refuses, with the status it answers. `code` names the page where a status has several (nginx 494, 497). */
export interface Fault {
  status: number
  code?: number
  reason: string
  /** The head as far as it was understood. */
  head: Partial<Head>
}

/** Reads one request head, byte by byte as it arrives. */
export interface HeadParser {
  /** Takes bytes; answers how many it used. Once `done` it takes no more. */
  push(bytes: Uint8Array): number
  readonly done: boolean
  /** Bytes taken so far, none when nothing but empty lines came. */
  readonly size: number
  readonly raw: Buffer
  head?: Head
  fault?: Fault
}

/** `METHOD target` texts shown in events when a request never became one. */
export const versionText = (version: number | undefined): string =>
  version === undefined ? '' : version === 9 ? 'HTTP/0.9' : `HTTP/${Math.floor(version / 1000)}.${version % 1000}`

/** What a site answers, before a server's dialect turns it into bytes. */
import type { Fault, Field, Head, HeadParser } from './head.ts'

/** A file under the server's root. */
export interface StaticFile {
  body: Buffer
  /** For a body that takes time to make: resolves when it is there; undefined when it is already. */
  prepare?(): Promise<void> | undefined
  type: string
  /** Seconds since 1970 UTC. */
  modified: number
}

export type Answer =
  /** A static file, with conditions and ranges as the server applies them. */
  | { kind: 'file'; file: StaticFile }
  /** The server's own page of a status, or the site's when it has one. `code` as in `Fault`. */
  | { kind: 'error'; status: number; code?: number; headers?: Field[] }
  /** The server's own redirect to a path of this host; `target` is raw, with its query. */
  | { kind: 'redirect'; status: 301 | 302; target: string }
  /**
   * A page of the application behind the server, with its headers in its order. `reason`: its phrase for the status, where that is not the server's.
   * `shown`: its body as `cleanPage` makes it, where that is known already. `page`: hash of its fixed parts.
   */
  | { kind: 'page'; status: number; reason?: string; type: string; headers: Field[]; body: Buffer; shown?: string; page?: string }

export interface Rendered {
  status: number
  headers: Field[]
  /** Head and body as they go out. */
  bytes: Buffer
  /** Bytes of the body as sent. */
  bodySize: number
  /** The body for the event, before compression: text made for this request, hash of what that does not hold, hash of the fixed parts of such a page. */
  shown?: string
  sha256?: string
  page?: string
  close: boolean
}

export interface RenderContext {
  /** Undefined when the request was never understood. */
  head?: Head
  secure: boolean
  /** The port that the client believes to talk to. */
  port: number
  address: string
  /** Whether the connection may go on after this answer. */
  keepAlive: boolean
  /** Milliseconds since 1970 UTC. */
  now: number
}

/** One web server's way with the wire. */
export interface Dialect {
  parser(): HeadParser
  render(answer: Answer, context: RenderContext): Rendered
  fault(fault: Fault, context: RenderContext): Rendered
  /** Path of a static request, in the server's words: method and existence decide. */
  readonly bodyLimit: number
  readonly timeouts: Timeouts
  readonly keepAliveRequests: number
  /** The interim answer to `Expect: 100-continue`. */
  readonly continueBytes: Buffer
  /** Whether a request without a head in time gets a page or a silent close. */
  timedOut(started: boolean, context: RenderContext): Rendered | undefined
}

/** Milliseconds. */
export interface Timeouts {
  /** From accept, or from the first byte, to a whole head. */
  head: number
  /** Between two reads of a body. */
  body: number
  /** Between two requests. */
  keepAlive: number
}

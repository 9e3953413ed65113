/** Errors that a person or a program is told about, with the HTTP status they answer as. */
import type { TemplateFault } from '@shenlou/contract/template'

/** `code` is stable for programs; `message` says what was wrong, with what, and what to do. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly code: string
  readonly extra: { faults?: TemplateFault[]; fields?: Record<string, string> }
  constructor(status: number, code: string, message: string, extra: { faults?: TemplateFault[]; fields?: Record<string, string>; cause?: unknown } = {}) {
    super(message, 'cause' in extra ? { cause: extra.cause } : undefined)
    this.status = status
    this.code = code
    const { faults, fields } = extra
    this.extra = { ...(faults && { faults }), ...(fields && { fields }) }
  }
}

/** 404: nothing of that name, or nothing that this actor may see. */
export const notFound = (what: string): ApiError => new ApiError(404, 'not-found', `no such ${what}, or it is not yours to see`)

/** Every error code that the API answers, with its status. A test compares this table with what the core throws. */
import type { apiError } from '@shenlou/contract/api'
import type { z } from 'zod'
import { ApiError } from '../api-error.ts'

/** Errors of the door itself, before any domain function runs: status and sentence. */
const door = {
  'bad-request': [400, 'the request is not of the form that this route takes'],
  'host-refused': [421, 'this name is not one that the console answers to: open it under its own address, or add the name with --public-name'],
  'origin-refused': [403, 'the request comes from another site'],
  'signed-out': [401, 'sign in first'],
  'password-change-required': [403, 'the one-time password must be changed before anything else'],
  'permission-missing': [403, 'this account may not do that'],
  'not-found': [404, 'there is nothing here'],
  'body-too-large': [413, 'the body is too large'],
  'body-type': [415, 'the body must be JSON: send content-type application/json'],
  'too-many-requests': [429, 'too many requests: slow down'],
  internal: [500, 'something went wrong on our side; the log of the core says what'],
  unavailable: [503, 'the database does not answer: try again in a moment'],
} as const satisfies Record<string, readonly [number, string]>
export type DoorCode = keyof typeof door

/** An error of the door. `message` says more than the table where more is known. */
export const doorError = (code: DoorCode, message?: string, fields?: Record<string, string>): ApiError => {
  const [status, sentence] = door[code]
  return new ApiError(status, code, message ?? sentence, fields && { fields })
}

/** What domain functions throw besides. */
const domain: Record<string, number> = {
  'bad-cursor': 400,
  'bad-filter': 400,
  'bad-name': 400,
  'bad-network': 400,
  'bad-setting': 400,
  'code-wrong': 403,
  fingerprint: 409,
  forbidden: 403,
  invalid: 400,
  'last-administrator': 409,
  limit: 409,
  locked: 429,
  'name-taken': 409,
  'no-door': 503,
  'no-group': 400,
  'not-yet-here': 409,
  'other-scope': 409,
  'own-account': 409,
  'password-same': 400,
  'password-weak': 400,
  'password-wrong': 403,
  'permission-beyond': 403,
  'person-required': 403,
  'plan-stale': 409,
  'preferences-invalid': 400,
  'preferences-too-large': 413,
  release: 409,
  'release-key': 400,
  revoked: 409,
  rollout: 409,
  scope: 403,
  'scope-outside': 403,
  'scope-unknown': 400,
  'sign-in-failed': 401,
  'template-conflict': 409,
  'template-invalid': 422,
  'too-much': 503,
  'totp-is-on': 409,
  'totp-not-begun': 409,
  'username-taken': 409,
  'ticket.assignable': 409,
  'ticket.evidence': 409,
  'ticket.future': 409,
  'ticket.held': 409,
  'ticket.needs': 400,
  'ticket.not-the-fixer': 403,
  'ticket.other-ticket': 409,
  'ticket.own-link': 409,
  'ticket.permission': 403,
  'ticket.positive-evidence': 409,
  'ticket.state': 409,
  'ticket.system': 403,
  'ticket.version': 409,
  'incident.all': 409,
  'incident.itself': 409,
  'incident.merged': 409,
  'incident.not-here': 409,
  'incident.unrelated': 409,
  exists: 409,
  'no-network': 400,
  transport: 409,
  network: 403,
}

/** The whole table: code to status. */
export const errorCodes: Readonly<Record<string, number>> = Object.freeze({
  ...domain,
  ...Object.fromEntries(Object.entries(door).map(([code, [status]]) => [code, status])),
})

/** An error as it is answered. */
export const errorBody = (error: ApiError): z.infer<typeof apiError> => ({ error: { code: error.code, message: error.message, ...error.extra } })

/** PostgreSQL's complaint about a value of the caller: not a UUID, out of range, a NUL in text. */
const badValue = new Set(['22P02', '22003', '22021', '22008', '22007', '22P05'])

/** Any thrown thing as an error to answer; `unexpected` when it is a fault of ours and belongs into the log. */
export function toApiError(error: unknown): { error: ApiError; unexpected: boolean } {
  if (error instanceof ApiError) return { error, unexpected: false }
  const code = String((error as { code?: unknown } | null)?.code ?? '')
  if (badValue.has(code)) return { error: doorError('bad-request', 'a value in the request is not of its kind'), unexpected: false }
  if (/^(CONNECTION_|CONNECT_TIMEOUT|ECONN|ENOENT|57P0|08)/.test(code)) return { error: doorError('unavailable'), unexpected: true }
  return { error: doorError('internal'), unexpected: true }
}

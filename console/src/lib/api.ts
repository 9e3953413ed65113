/** The typed client of `/api/v1`. Every failure is an `ApiProblem` whose message is a sentence for people. */

import table from 'virtual:routes'
import type { RouteAnswer, RouteBody, RouteName, RouteQuery } from '@shenlou/contract/api'
import type { TemplateFault } from '@shenlou/contract/template'
import { m } from '../paraglide/messages.js'
import { clean } from './evidence.ts'
import { problemSentence } from './problems.ts'

/** What went wrong with a call. `status` is 0 when the server was not reached. */
export class ApiProblem extends Error {
  readonly status: number
  readonly code: string
  readonly faults: TemplateFault[]
  readonly fields: Record<string, string>
  constructor(status: number, code: string, message: string, faults: TemplateFault[] = [], fields: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.faults = faults
    this.fields = fields
  }
}

type Input<N extends RouteName> = {
  params?: Record<string, string>
  signal?: AbortSignal
} & (RouteQuery<N> extends undefined ? { query?: undefined } : { query?: RouteQuery<N> }) &
  (RouteBody<N> extends undefined ? { body?: undefined } : { body: RouteBody<N> })

let onSignedOut: () => void = () => {}

/** Sets what happens when the server says that nobody is signed in. */
export function whenSignedOut(then: () => void): void {
  onSignedOut = then
}

/** Address of a route, for links that download. */
export function addressOf(name: RouteName, params: Record<string, string> = {}, query: Record<string, unknown> = {}): string {
  const path = table[name][1].replace(/:([a-z0-9]+)/g, (_, key: string) => encodeURIComponent(params[key] ?? ''))
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== null && value !== '') search.set(key, String(value))
  const text = search.toString()
  return `/api/v1${path}${text ? `?${text}` : ''}`
}

function sentenceFor(status: number): string {
  if (status === 401) return m.error_signed_out()
  if (status === 403) return m.error_forbidden()
  if (status === 404) return m.error_not_found()
  if (status === 409) return m.error_conflict()
  if (status === 413) return m.error_too_large()
  if (status === 429) return m.error_too_many()
  return m.error_server({ status })
}

async function problemOf(response: Response): Promise<ApiProblem> {
  const body = (await response
    .text()
    .then((text) => JSON.parse(text, clean))
    .catch(() => undefined)) as { error?: { code?: string; message?: string; faults?: TemplateFault[]; fields?: Record<string, string> } } | undefined
  const error = body?.error
  return new ApiProblem(
    response.status,
    error?.code ?? 'unknown',
    problemSentence(error?.code ?? '', error?.message, error?.fields) || sentenceFor(response.status),
    error?.faults,
    error?.fields,
  )
}

/** Calls one route by its name in the contract. Throws `ApiProblem`; an abort is thrown as it came. */
export async function call<N extends RouteName>(
  name: N,
  ...[input]: RouteBody<N> extends undefined ? [input?: Input<N>] : [input: Input<N>]
): Promise<RouteAnswer<N>> {
  const { params, query, body, signal } = (input ?? {}) as {
    params?: Record<string, string>
    query?: Record<string, unknown>
    body?: unknown
    signal?: AbortSignal
  }
  let response: Response
  try {
    response = await fetch(addressOf(name, params, query), {
      method: table[name][0],
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      ...(signal ? { signal } : {}),
      credentials: 'same-origin',
      cache: 'no-store',
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiProblem(0, 'unreachable', m.error_unreachable())
  }
  if (!response.ok) {
    if (response.status === 401 && name !== 'signIn') onSignedOut()
    throw await problemOf(response)
  }
  return JSON.parse(await response.text(), clean) as RouteAnswer<N>
}

/** The sentence of any thrown thing. */
export const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error))

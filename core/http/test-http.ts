/** For tests: a served core, people signed in to it, and handlers that only say that they were called. */
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { RouteName } from '@shenlou/contract/api'
import type { Role } from '@shenlou/contract/permissions'
import { type Actor, systemActor } from '../actor.ts'
import { changePassword, signIn, signOut, totpBegin, totpConfirm, totpOff } from '../auth/sign-in.ts'
import { changePerson, createPerson, me, people, preferences, scopes, setPreferences } from '../people.ts'
import { type TestCore, testCore } from '../store/test-core.ts'
import { createToken, revokeToken, tokens } from '../tokens.ts'
import { health } from './health.ts'
import type { Handlers } from './route-types.ts'
import { type HttpOptions, type HttpServer, startHttp } from './server.ts'

const own = { changePassword, changePerson, createPerson, createToken, health, me, people, preferences, revokeToken, scopes, setPreferences }
const signing = { signIn, signOut, tokens, totpBegin, totpConfirm, totpOff }

export interface Called {
  name: RouteName
  actor: Actor
  input: unknown
}

/** Handlers of people and signing in as they are; every other one notes its call and answers `{}`. */
export function standIns(called: Called[]): Handlers {
  const note = (name: RouteName) => async (_core: unknown, actor: Actor, input: unknown) => {
    called.push({ name, actor, input })
    return name === 'blob' || name === 'recordingCast' ? new Uint8Array([80, 75]) : {}
  }
  const real: Record<string, unknown> = { ...own, ...signing }
  return new Proxy(real, { get: (target, name) => target[name as string] ?? note(name as RouteName) }) as unknown as Handlers
}

export interface TestHttp {
  core: TestCore
  server: HttpServer
  called: Called[]
  consoleDir: string
  /** A request to the served port; `cookie` and `token` are credentials. */
  call(pathname: string, init?: RequestInit & { cookie?: string; token?: string; json?: unknown }): Promise<Response>
  /** A signed-in person whose password is their own; answers the Cookie header. */
  enter(person: { username: string; role?: Role; scopes?: string[] }): Promise<{ cookie: string; id: string; username: string; password: string }>
  /** The secret of a new token. */
  token(permissions: string[], scopes?: string[]): Promise<string>
  close(): Promise<void>
}

/** Serves a fresh core, or a second time the one of `shared`, which then outlives it. */
export async function testHttp(options: Partial<HttpOptions> = {}, shared?: TestHttp): Promise<TestHttp> {
  const core = shared?.core ?? (await testCore())
  const called: Called[] = []
  const consoleDir = await mkdtemp(path.join(tmpdir(), 'shenlou-console-'))
  await mkdir(path.join(consoleDir, 'assets'))
  await writeFile(path.join(consoleDir, 'index.html'), '<!doctype html><title>console</title>')
  await writeFile(path.join(consoleDir, 'assets', 'index-AbCd1234.js'), `export const x = ${JSON.stringify('x'.repeat(5000))}`)
  const server = await startHttp(core, { host: '127.0.0.1', port: 0, consoleDir, handlers: standIns(called), checkAnswers: 'off', ...options })
  const base = `http://127.0.0.1:${server.port}`
  const call: TestHttp['call'] = (pathname, { cookie, token, json, ...init } = {}) =>
    fetch(new URL(pathname, base), {
      redirect: 'manual',
      ...init,
      ...(json !== undefined && { method: init.method ?? 'POST', body: JSON.stringify(json) }),
      headers: {
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(cookie && { cookie, origin: base }),
        ...(token && { authorization: `Bearer ${token}` }),
        ...(init.headers as Record<string, string>),
      },
    })
  return {
    core,
    server,
    called,
    consoleDir,
    call,
    async enter({ username, role = 'analyst', scopes = ['group'] }) {
      const { person, password } = await createPerson(core, systemActor, { body: { username, name: username, role, scopes }, address: null })
      await core.sql`update person set must_change_password = false where id = ${person.id}`
      const answer = await call('/api/v1/sign-in', { json: { username, password } })
      const cookie = answer.headers.getSetCookie()[0]?.split(';', 1)[0]
      if (!cookie) throw new Error(`no cookie: ${answer.status} ${await answer.text()}`)
      return { cookie, id: person.id, username, password }
    },
    async token(permissions, scopes = ['group']) {
      const { secret } = await createToken(core, systemActor, { body: { name: 'test', permissions: permissions as never, scopes, days: 1 }, address: null })
      return secret
    },
    async close() {
      await server.close()
      if (!shared) await core.close()
      await rm(consoleDir, { recursive: true, force: true })
    },
  }
}

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Permission, roles } from '@shenlou/contract/permissions'
import { type Actor, systemActor } from './actor.ts'
import { ApiError } from './api-error.ts'
import type { Caller } from './auth/caller.ts'
import { changePerson, createPerson, me, people, preferences, scopes, setPreferences } from './people.ts'
import { type TestCore, testCore } from './store/test-core.ts'
import { createToken, revokeToken, tokenActor, tokens } from './tokens.ts'

let core: TestCore
before(async () => {
  core = await testCore()
})
after(() => core.close())

const address = '192.0.2.10'
const refused = (code: string) => (error: unknown) => error instanceof ApiError && error.code === code

const actorOf = (role: keyof typeof roles, own: string[], id = '01990000-0000-7000-8000-00000000000a'): Actor => ({
  kind: 'person',
  id,
  name: role,
  permissions: new Set(roles[role].permissions),
  scopes: own,
})
const make = async (username: string, role: keyof typeof roles, own: string[], by: Actor = systemActor) =>
  (await createPerson(core, by, { body: { username, name: username, role, scopes: own }, address })).person

test('nobody gives a scope that is not theirs, to a person or a token', async () => {
  const admin = actorOf('administrator', ['group/a'])
  for (const given of ['group', 'group/b', 'group/ab', 'group/a-x']) {
    await assert.rejects(make('reach', 'viewer', [given], admin), refused('scope-outside'), given)
    await assert.rejects(
      createToken(core, admin, { body: { name: 'x', permissions: ['event.read'], scopes: ['group/a', given], days: 1 }, address }),
      refused('scope-outside'),
    )
  }
  assert.deepEqual((await make('inside', 'viewer', ['group/a/park-1'], admin)).scopes, ['group/a/park-1'])
})

test('a token never has a permission that its maker lacks', async () => {
  const admin = actorOf('administrator', ['group'])
  const narrow: Actor = { ...admin, permissions: new Set(['token.manage', 'event.read']) }
  await assert.rejects(
    createToken(core, narrow, { body: { name: 'x', permissions: ['event.read', 'user.manage'], scopes: ['group'], days: 1 }, address }),
    refused('permission-beyond'),
  )
  const { token } = await createToken(core, narrow, { body: { name: 'reader', permissions: ['event.read'], scopes: ['group/b'], days: 2 }, address })
  assert.equal(token.createdBy, 'administrator')
  const days = (token.expiresAt - token.createdAt) / 86_400_000
  assert.equal(days, 2)
  const other = actorOf('administrator', ['group/a'])
  assert.ok(!(await tokens(core, other, {})).items.some(({ id }) => id === token.id), 'not seen from another branch')
  await assert.rejects(revokeToken(core, other, { params: { id: token.id }, address }), refused('not-found'))
  await assert.rejects(revokeToken(core, admin, { params: { id: 'no-uuid' }, address }), refused('not-found'))
  await revokeToken(core, admin, { params: { id: token.id }, address })
  await assert.rejects(revokeToken(core, admin, { params: { id: token.id }, address }), refused('not-found'))
})

test('people see their own branch of the tree; only administrators see more than names', async () => {
  await make('branch-a', 'analyst', ['group/a'])
  await make('branch-b', 'analyst', ['group/b'])
  await make('above', 'analyst', ['group'])
  const off = await make('gone', 'analyst', ['group/a'])
  await changePerson(core, systemActor, { params: { id: off.id }, body: { disabled: true }, address })
  const names = (list: { username: string }[]) => list.map(({ username }) => username)
  const seen = await people(core, actorOf('analyst', ['group/a/park-1']), {})
  assert.ok(names(seen.items).includes('branch-a') && names(seen.items).includes('above'))
  assert.ok(!names(seen.items).includes('branch-b') && !names(seen.items).includes('gone'))
  assert.ok(seen.items.every((person) => person.scopes.length === 0 && person.lastSignInAt === null))
  const all = await people(core, actorOf('administrator', ['group']), {})
  assert.ok(names(all.items).includes('gone') && names(all.items).includes('branch-b'))
  assert.deepEqual(all.items.find(({ username }) => username === 'branch-b')?.scopes, ['group/b'])
})

test('a user name is taken once', async () => {
  await make('twice', 'viewer', ['group'])
  await assert.rejects(make('twice', 'viewer', ['group']), refused('username-taken'))
})

test('the last administrator stays, also when two demote each other at once; nobody demotes themselves', async () => {
  await core.sql`update person set role = 'viewer' where role = 'administrator'`
  const one = await make('admin-1', 'administrator', ['group'])
  const two = await make('admin-2', 'administrator', ['group'])
  const as = (person: { id: string }) => actorOf('administrator', ['group'], person.id)
  const demote = (by: Actor, id: string) => changePerson(core, by, { params: { id }, body: { role: 'viewer' }, address })
  await assert.rejects(demote(as(one), one.id), refused('own-account'))
  const both = await Promise.allSettled([demote(as(one), two.id), demote(as(two), one.id)])
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  const failed = both.find((result) => result.status === 'rejected') as PromiseRejectedResult
  assert.ok(refused('last-administrator')(failed.reason))
})

test('an administrator changes nobody of another branch, nor somebody above', async () => {
  const above = await make('over', 'analyst', ['group'])
  const beside = await make('beside', 'analyst', ['group/b'])
  const admin = actorOf('administrator', ['group/a'])
  await assert.rejects(changePerson(core, admin, { params: { id: above.id }, body: { disabled: true }, address }), refused('scope-outside'))
  await assert.rejects(changePerson(core, admin, { params: { id: beside.id }, body: { disabled: true }, address }), refused('not-found'))
  await assert.rejects(changePerson(core, admin, { params: { id: 'x' }, body: {}, address }), refused('not-found'))
})

test('every change is in the audit log with who, from where and what, and never a secret', async () => {
  const admin = actorOf('administrator', ['group'])
  const made = await createPerson(core, admin, { body: { username: 'audited', name: 'A', role: 'viewer', scopes: ['group'] }, address })
  const reset = await changePerson(core, admin, { params: { id: made.person.id }, body: { role: 'analyst', resetPassword: true }, address })
  assert.match(reset.password ?? '', /^.{20}$/)
  assert.equal(reset.person.mustChangePassword, true)
  const { token, secret } = await createToken(core, admin, { body: { name: 't', permissions: ['event.read'], scopes: ['group'], days: 1 }, address })
  await revokeToken(core, admin, { params: { id: token.id }, address })
  const rows = await core.sql<{ action: string; actor: string; address: string; detail: object }[]>`
    select action, actor, address, detail from audit_entry where target in ('audited', ${token.id}) order by number`
  assert.deepEqual(
    rows.map(({ action }) => action),
    ['person.created', 'person.changed', 'token.created', 'token.revoked'],
  )
  assert.ok(rows.every((row) => row.actor === 'administrator' && row.address === address))
  assert.deepEqual(rows[1]?.detail, { role: { from: 'viewer', to: 'analyst' }, resetPassword: true })
  const text = JSON.stringify(rows)
  for (const word of [made.password, reset.password as string, secret]) assert.ok(!text.includes(word))
})

test('preferences are kept whole, bounded, and the locale is told by me', async () => {
  const person = await make('prefers', 'viewer', ['group'])
  const actor = actorOf('viewer', ['group'], person.id)
  const caller = { actor, cookie: 'x', person: { ...person } } as unknown as Caller
  const exchange = { userAgent: null, caller, setSession: () => {} }
  const set = (value: Record<string, unknown>) => setPreferences(core, actor, { body: { preferences: value } }, exchange)
  await set({ locale: 'zh', columns: ['time', 'kind'], 列: { 宽: 3 } })
  assert.deepEqual((await preferences(core, actor, {}, exchange)).preferences, { locale: 'zh', columns: ['time', 'kind'], 列: { 宽: 3 } })
  assert.equal((await me(core, actor, {})).locale, 'zh')
  await set({ locale: 'xx' })
  assert.equal((await me(core, actor, {})).locale, null)
  await assert.rejects(set({ big: 'x'.repeat(70_000) }), refused('preferences-too-large'))
  await assert.rejects(set({ nul: '\0' }), refused('preferences-invalid'))
})

test('the tree shows what lies below the own scopes', async () => {
  const name = core.sql.json({ zh: '园区', en: 'Park' })
  await core.sql`insert into scope (path, name) values ('group/a', ${name}), ('group/a/park-1', ${name}), ('group/b', ${name}), ('group/ab', ${name})`
  const paths = async (own: string[]) => (await scopes(core, actorOf('viewer', own), {})).items.map(({ path }) => path)
  assert.deepEqual(await paths(['group/a']), ['group/a', 'group/a/park-1'])
  assert.deepEqual(await paths(['group/a/new']), ['group/a/new'])
  assert.deepEqual(await paths(['group']), ['group', 'group/a', 'group/a/park-1', 'group/ab', 'group/b'])
})

test("a disabled person's tokens stop at once, also those that their tokens made; a lesser role or scope lessens them", async () => {
  const person = await make('leaver', 'administrator', ['group/a', 'group/b'])
  const self: Actor = actorOf('administrator', ['group/a', 'group/b'], person.id)
  const body = { name: 'script', permissions: ['event.read', 'token.manage', 'user.manage'] as Permission[], scopes: ['group/a', 'group/b'], days: 5 }
  const { secret } = await createToken(core, self, { body, address })
  const first = (await tokenActor(core, secret))?.actor as Actor
  const { secret: second } = await createToken(core, first, { body: { ...body, permissions: ['event.read'] }, address })
  const change = (wanted: object) => changePerson(core, systemActor, { params: { id: person.id }, body: wanted, address })
  await change({ role: 'viewer', scopes: ['group/a'] })
  const less = (await tokenActor(core, secret))?.actor
  assert.deepEqual([[...(less?.permissions ?? [])], less?.scopes], [['event.read'], ['group/a']])
  await change({ disabled: true })
  assert.equal(await tokenActor(core, secret), null)
  assert.equal(await tokenActor(core, second), null)
  await change({ disabled: false })
  assert.notEqual(await tokenActor(core, second), null)
})

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Actor, systemActor } from './actor.ts'
import { appendAudit, audit, auditHash, verifyChain } from './audit.ts'
import type { Core } from './core.ts'
import { testDatabase } from './store/test-database.ts'

let database: Awaited<ReturnType<typeof testDatabase>>
before(async () => {
  database = await testDatabase()
})
after(() => database.close())

const write = (count: number, from = 0) =>
  Promise.all(
    Array.from({ length: count }, (_, at) =>
      database.sql.begin((tx) =>
        appendAudit(tx, {
          actor: { kind: 'person', id: 'p1', name: '王\u0000\ud800芳' },
          address: '192.0.2.7',
          action: 'ticket.assign',
          target: `t${from + at}`,
          detail: { z: 1, a: [1.5, 'x\u0000y', { nested: null }], left: undefined },
          scopes: ['group/b', 'group/a'],
        }),
      ),
    ),
  )
/** Does what only someone with the database's own power can do, then says what the verifier finds. */
const tampered = async (change: (sql: typeof database.sql) => Promise<unknown>) => {
  const fails = new Error('undo')
  let found: Awaited<ReturnType<typeof verifyChain>> | undefined
  await database.sql
    .begin(async (tx) => {
      await tx`alter table audit_entry disable trigger user`
      await change(tx as never)
      found = await verifyChain(tx)
      throw fails
    })
    .catch((error) => assert.equal(error, fails))
  return found as NonNullable<typeof found>
}

test('entries written at the same time form one chain that holds', async () => {
  await write(40)
  const found = await verifyChain(database.sql)
  assert.deepEqual([found.entries, found.intact, found.firstBad], [40, true, null])
  const [head] = await database.sql`select hash from audit_head`
  assert.equal(found.head, head?.hash)
})

test('an altered entry is named, whichever field was altered', async () => {
  for (const set of [
    "actor = 'x'",
    "actor_id = 'x'",
    "address = '192.0.2.8'",
    'address = null',
    "action = 'x'",
    "target = 'x'",
    "detail = '{}'",
    'detail = detail || \'{"b": 1}\'',
    "at = at + interval '1 millisecond'",
    "hash = 'x'",
    "scopes = '{}'",
    "scopes = '{group/a,group}'",
  ]) {
    const found = await tampered((sql) => sql.unsafe(`update audit_entry set ${set} where number = 12`))
    assert.deepEqual([found.intact, found.firstBad], [false, 12], set)
  }
})

test('a deleted entry is named, and so are the newest when they are gone', async () => {
  assert.equal((await tampered((sql) => sql`delete from audit_entry where number = 7`)).firstBad, 7)
  assert.equal((await tampered((sql) => sql`delete from audit_entry where number > 38`)).firstBad, 39)
  assert.equal((await tampered((sql) => sql`delete from audit_entry`)).firstBad, 1)
})

test('two entries that changed places are named', async () => {
  const found = await tampered(async (sql) => {
    await sql`update audit_entry set number = -1 where number = 20`
    await sql`update audit_entry set number = 20 where number = 21`
    await sql`update audit_entry set number = 21 where number = -1`
  })
  assert.equal(found.firstBad, 20)
})

test('an entry that was put in between, or rewritten with a hash of its own, is named', async () => {
  const found = await tampered(async (sql) => {
    const [row] = await sql`select * from audit_entry where number = 40`
    const { hash } = (await sql`select hash from audit_entry where number = 39`)[0] as { hash: string }
    const forged = {
      number: 40,
      at: 1,
      actorId: 'person:x',
      actor: 'x',
      address: null,
      action: 'a',
      target: row?.target,
      detail: {},
      scopes: ['group/a', 'group/b'],
    }
    await sql`update audit_entry set at = to_timestamp(0.001), actor_id = 'person:x', actor = 'x', address = null, action = 'a', detail = '{}',
      hash = ${auditHash(hash, forged)} where number = 40`
  })
  assert.deepEqual([found.intact, found.firstBad], [false, 41])
})

test('the database itself refuses to change or remove an entry', async () => {
  for (const statement of ["update audit_entry set actor = 'x'", 'delete from audit_entry', 'truncate audit_entry'])
    await assert.rejects(database.sql.unsafe(statement), /refused/)
})

test('no two entries share a canonical form', () => {
  const row = { number: 1, at: 1, actorId: 'a', actor: 'b', address: null, action: 'c', target: 'd', detail: {}, scopes: [] as string[] }
  const hashes = [
    row,
    { ...row, actorId: 'ab', actor: '' },
    { ...row, address: '' },
    { ...row, action: 'cd', target: '' },
    { ...row, scopes: ['a'] },
    { ...row, scopes: ['a', 'b'] },
    { ...row, scopes: ['ab'] },
  ].map((each) => auditHash('', each))
  assert.equal(new Set(hashes).size, hashes.length)
  assert.equal(auditHash('', { ...row, detail: { b: 1, a: 2 } }), auditHash('', { ...row, detail: { a: 2, b: 1 } }))
})

test('the log is paged newest first and filtered by actor and action', async () => {
  const core = { sql: database.sql } as Core
  const first = await audit(core, systemActor, { query: { limit: 15 } })
  assert.deepEqual([first.items.length, first.items[0]?.number, first.next, first.total], [15, 40, '26', 40])
  const last = await audit(core, systemActor, { query: { limit: 100, cursor: first.next as string, actor: 'p1', action: 'ticket' } })
  assert.deepEqual([last.items.length, last.next], [25, null])
  assert.equal((await audit(core, systemActor, { query: { limit: 10, actor: 'p_' } })).total, 0)
})

test('a reader sees what concerns only places that they see, and what they did themselves; the whole installation is for who sees all of it', async () => {
  await database.sql`insert into scope (path, name) values ('group/a', '{}'), ('group/b', '{}')`
  const core = { sql: database.sql } as Core
  const say = (action: string, scopes: string[], id = 'x') =>
    database.sql.begin((tx) => appendAudit(tx, { actor: { kind: 'person', id, name: 'n' }, action: `scoped.${action}`, target: 't', scopes }))
  await say('a', ['group/a'])
  await say('below-a', ['group/a/park-1'])
  await say('both', ['group/a', 'group/b'])
  await say('beside', ['group/ab'])
  await say('all', [])
  await say('own', ['group/b'], 'reader')
  const reader = (scopes: string[]): Actor => ({ ...systemActor, kind: 'person', id: 'reader', scopes })
  const seen = async (scopes: string[]): Promise<string[]> => {
    const { items, total } = await audit(core, reader(scopes), { query: { limit: 100, action: 'scoped' } })
    assert.equal(total, items.length)
    return items.map(({ action }) => action.slice(7)).sort()
  }
  assert.deepEqual(await seen(['group/a']), ['a', 'below-a', 'own'])
  assert.deepEqual(await seen(['group/a', 'group/b']), ['a', 'below-a', 'both', 'own'])
  assert.deepEqual(await seen(['group']), ['a', 'all', 'below-a', 'beside', 'both', 'own'])
  assert.equal((await verifyChain(database.sql)).intact, true)
})

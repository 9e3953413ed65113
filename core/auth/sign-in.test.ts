import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { after, before, test } from 'node:test'
import { ApiError } from '../api-error.ts'
import { type Actor, systemActor } from '../actor.ts'
import { changePerson, createFirstAdministrator, createPerson, me } from '../people.ts'
import { connect } from '../store/database.ts'
import { type TestCore, testCore } from '../store/test-core.ts'
import { addressBlock } from './address-block.ts'
import { authOf } from './auth.ts'
import { type Caller, findCaller } from './caller.ts'
import { type Ended, onEnded } from './ended.ts'
import type { Exchange } from './exchange.ts'
import { beginAttempt, sharedTries } from './lock-out.ts'
import { sweepSignIns } from './sweep.ts'
import { changePassword, signIn, signOut, totpBegin, totpConfirm, totpOff } from './sign-in.ts'

let core: TestCore
before(async () => {
  core = await testCore()
})
after(() => core.close())

const address = '192.0.2.10'
const anyone: Actor = { kind: 'person', id: '', name: 'anonymous', permissions: new Set(), scopes: [] }

function exchangeOf(caller: Caller | null = null): Exchange & { cookie: string | null | undefined } {
  const exchange = {
    userAgent: 'test',
    caller,
    cookie: undefined as string | null | undefined,
    setSession(cookie: string | null) {
      exchange.cookie = cookie
    },
  }
  return exchange
}

const refused = (status: number, code: string) => (error: unknown) => {
  assert.ok(error instanceof ApiError, String(error))
  assert.deepEqual([error.status, error.code], [status, code], error.message)
  return true
}

/** Signs in and answers the caller that the cookie stands for. */
async function enter(username: string, password: string, totp?: string, from = address): Promise<Caller> {
  const exchange = exchangeOf()
  await signIn(core, anyone, { body: { username, password, totp }, address: from }, exchange)
  const caller = await findCaller(core, { cookie: exchange.cookie as string, address: from })
  assert.ok(caller)
  return caller
}

let people = 0
async function person(): Promise<{ id: string; username: string; password: string }> {
  const username = `person-${++people}`
  const made = await createPerson(core, systemActor, { body: { username, name: 'Li Na', role: 'analyst', scopes: ['group/a'] }, address })
  return { id: made.person.id, username, password: made.password }
}

test('the first administrator is made once, with a password that must be changed', async () => {
  const first = await createFirstAdministrator(core)
  assert.match(first?.password ?? '', /^[a-zA-Z2-9]{20}$/)
  assert.equal(await createFirstAdministrator(core), null)
  const exchange = exchangeOf()
  const answer = await signIn(core, anyone, { body: { username: 'Admin', password: first?.password as string }, address }, exchange)
  assert.equal(answer.next, 'change-password')
  const caller = await findCaller(core, { cookie: exchange.cookie as string, address })
  assert.equal(caller?.mustChangePassword, true)
  assert.equal((await me(core, caller?.actor as never, {})).username, 'admin')
})

test('a password is kept as argon2id and nowhere else', async () => {
  const { id, password } = await person()
  const [row] = await core.sql<{ password: string }[]>`select password from person_account where user_id = ${id}`
  assert.match(row?.password ?? '', /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  const found = await core.sql`select 1 from audit_entry where detail::text like ${`%${password}%`}`
  assert.equal(found.length, 0)
})

test('a wrong password, an unknown name and a disabled account get the same answer in about the same time', async () => {
  const one = await person()
  const off = await person()
  await changePerson(core, systemActor, { params: { id: off.id }, body: { disabled: true }, address })
  const times: Record<string, number[]> = { wrong: [], unknown: [], odd: [], disabled: [] }
  for (let round = 0; round < 4; round++) {
    const tries = { wrong: [one.username, 'no'], unknown: ['nobody-here', 'no'], odd: ['no such name!', 'no'], disabled: [off.username, off.password] }
    for (const [kind, [username, password]] of Object.entries(tries)) {
      const started = performance.now()
      await assert.rejects(
        signIn(core, anyone, { body: { username: username as string, password: password as string }, address: `198.51.100.${round}` }, exchangeOf()),
        refused(401, 'sign-in-failed'),
      )
      times[kind]?.push(performance.now() - started)
    }
  }
  const least = Object.values(times).map((list) => Math.min(...list))
  assert.ok(Math.max(...least) < 2 * Math.min(...least) + 8, `times differ: ${JSON.stringify(times)}`)
})

test('five failures lock an account for one address, with a delay that grows, and survive a new process', async () => {
  const { username, password } = await person()
  const guess = (word: string, from = '203.0.113.7') => signIn(core, anyone, { body: { username, password: word }, address: from }, exchangeOf())
  for (let n = 0; n < 5; n++) await assert.rejects(guess('wrong'), refused(401, 'sign-in-failed'))
  await assert.rejects(guess(password), refused(429, 'locked'))
  const rows = await core.sql<{ key: string; expire: number }[]>`select key, expire from sign_in_limit where key like 'slot:%' and expire > ${Date.now()}`
  assert.ok(rows.some((row) => row.expire - Date.now() > 20_000))
  assert.ok(await guess(password, '203.0.113.8'), 'another address is not locked')
  // The delay has run: one more try is free, and its failure doubles the delay.
  await core.sql`update sign_in_limit set expire = 1 where key like 'slot:%'`
  await assert.rejects(guess('wrong'), refused(401, 'sign-in-failed'))
  const longest = await core.sql<{ expire: number }[]>`select max(expire) as expire from sign_in_limit where key like 'slot:%'`
  assert.ok((longest[0]?.expire ?? 0) - Date.now() > 50_000)
  await core.sql`update sign_in_limit set expire = 1 where key like 'slot:%'`
  assert.equal((await guess(password)).next, 'change-password')
})

test('a hundred guesses at once are not a hundred tries', async () => {
  const { username } = await person()
  const guesses = Array.from({ length: 40 }, () => signIn(core, anyone, { body: { username, password: 'x' }, address: '203.0.113.9' }, exchangeOf()))
  const answers = await Promise.all(
    guesses.map((guess) =>
      guess.then(
        () => 'in',
        (error: ApiError) => error.code,
      ),
    ),
  )
  assert.ok(answers.filter((answer) => answer === 'sign-in-failed').length <= 5, JSON.stringify(answers))
})

test('changing the password ends every other session and lifts the one-time mark', async () => {
  const { id, username, password } = await person()
  const other = await enter(username, password)
  const caller = await enter(username, password)
  const ended: Ended[] = []
  const off = onEnded(core, (one) => ended.push(one))
  const exchange = exchangeOf(caller)
  const change = (current: string, next: string) => changePassword(core, caller.actor, { body: { current, next }, address }, exchange)
  await assert.rejects(change('not this one', 'a long new password'), refused(403, 'password-wrong'))
  await assert.rejects(change(password, password), refused(400, 'password-same'))
  await assert.rejects(change(password, `my ${username} word`), refused(400, 'password-weak'))
  await change(password, 'a long new password')
  off()
  assert.deepEqual(ended, [{ person: id }])
  assert.equal(await findCaller(core, { cookie: other.cookie as string, address }), null)
  assert.equal(await findCaller(core, { cookie: caller.cookie as string, address }), null)
  const now = await findCaller(core, { cookie: exchange.cookie as string, address })
  assert.equal(now?.mustChangePassword, false)
})

test('signing out ends the session', async () => {
  const { username, password } = await person()
  const caller = await enter(username, password)
  const exchange = exchangeOf(caller)
  await signOut(core, caller.actor, { body: undefined, address }, exchange)
  assert.equal(exchange.cookie, null)
  assert.equal(await findCaller(core, { cookie: caller.cookie as string, address }), null)
})

test('a change of role or state ends the sessions of that person', async () => {
  const { id, username, password } = await person()
  for (const body of [{ role: 'viewer' as const }, { scopes: ['group/b'] }, { disabled: true }]) {
    const caller = await enter(username, password)
    await changePerson(core, systemActor, { params: { id }, body, address })
    assert.equal(await findCaller(core, { cookie: caller.cookie as string, address }), null)
  }
  await assert.rejects(enter(username, password), refused(401, 'sign-in-failed'))
})

test('a forged or altered cookie is nobody', async () => {
  const { username, password } = await person()
  const { cookie = '' } = await enter(username, password)
  const flipped = `${cookie.startsWith('a') ? 'b' : 'a'}${cookie.slice(1)}`
  const [token] = cookie.split('.')
  for (const forged of [flipped, token as string, `${token}.`, '', 'x'.repeat(4000), '%00', `${token}.${'A'.repeat(43)}%3D`]) {
    assert.equal(await findCaller(core, { cookie: forged, address }), null, forged.slice(0, 50))
  }
})

test('TOTP is asked for once it is on; each code serves once; it can be turned off', async () => {
  const { username, password } = await person()
  let caller = await enter(username, password)
  let exchange = exchangeOf(caller)
  await assert.rejects(totpBegin(core, caller.actor, { body: { password: 'wrong' }, address }, exchange), refused(403, 'password-wrong'))
  await assert.rejects(totpConfirm(core, caller.actor, { body: { code: '123456' }, address }, exchange), refused(409, 'totp-not-begun'))
  const { uri } = await totpBegin(core, caller.actor, { body: { password }, address }, exchange)
  const url = new URL(uri)
  assert.equal(url.protocol, 'otpauth:')
  assert.match(decodeURIComponent(url.pathname), new RegExp(`Shenlou:${username}$`))
  const secret = base32(url.searchParams.get('secret') as string)
  const code = async () => (await authOf(core).api.generateTOTP({ body: { secret } })).code
  await assert.rejects(totpConfirm(core, caller.actor, { body: { code: '000000' }, address }, exchange), refused(403, 'code-wrong'))
  const first = await code()
  await totpConfirm(core, caller.actor, { body: { code: first }, address }, exchange)
  caller = (await findCaller(core, { cookie: exchange.cookie as string, address })) as Caller
  assert.ok(caller, 'the session goes on under a new cookie')

  exchange = exchangeOf()
  const answer = await signIn(core, anyone, { body: { username, password }, address }, exchange)
  assert.deepEqual([answer.next, exchange.cookie], ['totp', undefined])
  await assert.rejects(enter(username, password, first), refused(401, 'sign-in-failed'), 'the code was used')
  await assert.rejects(enter(username, password, '000000'), refused(401, 'sign-in-failed'))
  await core.sql`update person set totp_used = null`
  const again = await enter(username, password, await code())
  assert.equal((await me(core, again.actor, {})).totp, true)

  exchange = exchangeOf(again)
  await totpOff(core, again.actor, { body: { password }, address }, exchange)
  assert.ok(await enter(username, password))
})

test('signing in asks nobody elsewhere: no socket is opened but to the database', async () => {
  const { username, password } = await person()
  const opened: unknown[] = []
  const note = (message: unknown) => opened.push((message as { socket: { connecting: boolean } }).socket)
  const hear = ['net.client.socket', 'undici:request:create', 'http.client.request.start']
  for (const name of hear) subscribe(name, note)
  const fresh = { ...core, sql: connect(core.url, { max: 2 }) }
  try {
    await signIn(fresh, anyone, { body: { username, password }, address }, exchangeOf())
    await new Promise((resolve) => setImmediate(resolve))
    const isPipe = (socket: unknown) => (socket as { _handle?: object } | undefined)?._handle?.constructor.name === 'Pipe'
    const elsewhere = opened.filter((socket) => !isPipe(socket))
    assert.ok(opened.length > 0, 'the database itself was not heard')
    assert.ok(process.env.SHENLOU_TEST_DATABASE_URL || elsewhere.length === 0, `${elsewhere.length} of ${opened.length}`)
  } finally {
    for (const name of hear) unsubscribe(name, note)
    await fresh.sql.end()
  }
})

test('what has run out is removed', async () => {
  const { username, password } = await person()
  const live = await enter(username, password)
  await enter(username, password)
  await core.sql`update person_session set expires_at = now() - interval '1 second' where id <> ${live.credential} and user_id = ${live.person?.id as string}`
  await core.sql`insert into sign_in_limit (key, points, expire) values ('failures:gone', 3, 1)`
  await sweepSignIns(core)
  assert.ok(await findCaller(core, { cookie: live.cookie as string, address }))
  assert.equal((await core.sql`select 1 from person_session where user_id = ${live.person?.id as string}`).length, 1)
  assert.equal((await core.sql`select 1 from sign_in_limit where key = 'failures:gone'`).length, 0)
})

/** RFC 4648 section 6. */
function base32(text: string): string {
  const bits = [...text.replace(/=+$/, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2))).toString('latin1')
}

test('a hundred failures from anywhere make strange addresses take turns, and leave the address that its owner signs in from alone', async () => {
  const { username, password } = await person()
  await enter(username, password, undefined, '198.51.100.200')
  const guess = (from: string, word = 'wrong-password-1') => signIn(core, anyone, { body: { username, password: word }, address: from }, exchangeOf())
  for (let at = 0; at < sharedTries; at++) await beginAttempt(core, username, `203.0.113.${at}`)
  await assert.rejects(guess('192.0.2.201'), refused(401, 'sign-in-failed'))
  await assert.rejects(guess('192.0.2.202', password), refused(429, 'locked'))
  assert.ok(await enter(username, password, undefined, '198.51.100.200'))
})

test('all addresses of one IPv6 network count as one', async () => {
  assert.equal(addressBlock('192.0.2.1'), '192.0.2.1')
  for (const address of ['2001:db8:0:7::1', '2001:db8::7:9:a:b:c', '2001:0DB8:0:7:ffff::', '2001:db8:0:7::10.0.0.1'])
    assert.equal(addressBlock(address), '2001:db8:0:7::/64')
  assert.equal(addressBlock('::1'), '0:0:0:0::/64')
  assert.equal(addressBlock('fe80::1%eth0'), 'fe80:0:0:0::/64')
  const { username, password } = await person()
  const guess = (from: string, word = 'wrong-password-1') => signIn(core, anyone, { body: { username, password: word }, address: from }, exchangeOf())
  for (let at = 1; at <= 5; at++) await assert.rejects(guess(`2001:db8:5:6::${at}`), refused(401, 'sign-in-failed'))
  await assert.rejects(guess('2001:db8:5:6:1::9', password), refused(429, 'locked'))
})

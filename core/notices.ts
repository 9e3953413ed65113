/** The inbox: one notice a subject, for everyone who may see its scope or for one person; repeats raise its count. */
import type { RouteAnswer } from '@shenlou/contract/api'
import { uuidv7 } from '@shenlou/link/uuid'
import type postgres from 'postgres'
import { type Actor, maySee } from './actor.ts'
import type { Core } from './core.ts'
import { isUuid, olderThan, toCursor } from './store/page.ts'
import { visibleTo } from './store/visible.ts'

type Sql = postgres.Sql | postgres.TransactionSql
type Kind = RouteAnswer<'notices'>['items'][number]['kind']

export interface Said {
  kind: Kind
  /** What it is about; a second notice of one kind about it to the same reader is the first one again. */
  target: string
  title: { zh: string; en: string }
  /** Path in the console. */
  link: string
  scope: string
  /** One reader; everyone who may see `scope` when not given. */
  person?: string
}

/** Says something new about a subject: its notice is unread again and counts one more. Send `tellInboxes` after the commit. */
export async function sayNotice(tx: postgres.TransactionSql, said: Said, now: number): Promise<void> {
  await tx`insert into notice (id, person, scope, kind, target, title, link, at)
    values (${uuidv7()}, ${said.person ?? null}, ${said.scope}, ${said.kind}, ${said.target}, ${tx.json(said.title)}, ${said.link}, to_timestamp(${now / 1000}::float8))
    on conflict (kind, target, person) do update set title = excluded.title, scope = excluded.scope, link = excluded.link, at = excluded.at, count = notice.count + 1`
}

/** Tells the live channel of everyone whose inbox a notice of `scope` lies in. */
export async function tellInboxes(core: Core, said: readonly Pick<Said, 'scope' | 'person'>[]): Promise<void> {
  if (said.length === 0) return
  const people = await core.sql<{ id: string; scopes: string[] }[]>`select id, scopes from person where not disabled`
  for (const { id, scopes } of people)
    if (said.some((each) => (each.person ? each.person === id : maySee({ kind: 'person', scopes } as unknown as Actor, each.scope))))
      core.bus.emit('notices', { person: id })
}

/** Notices for this reader: their own, and those of scopes they see if they may read tickets. */
const mine = (sql: Sql, actor: Actor) =>
  sql`(n.person = ${actor.id} or (n.person is null and ${actor.permissions.has('ticket.read')} and ${visibleTo(sql, actor, 'n.scope')}))`

const unread = (sql: Sql) => sql`(r.read_at is null or r.read_at < n.at)`

/** How many notices this reader has not read since they last said something. */
export async function unreadNotices(core: Core, actor: Actor): Promise<number> {
  const { sql } = core
  const [row] = await sql<
    { count: number }[]
  >`select count(*) as count from notice as n left join notice_read as r on r.notice = n.id and r.person = ${actor.id}
    where ${mine(sql, actor)} and ${unread(sql)}`
  return row?.count ?? 0
}

/** Route `notices`: newest first. */
export async function notices(core: Core, actor: Actor, input: { query: { cursor?: string; limit: number } }): Promise<RouteAnswer<'notices'>> {
  const { sql } = core
  const { cursor, limit } = input.query
  const rows = await sql<RouteAnswer<'notices'>['items']>`
    select n.id, (extract(epoch from n.at) * 1000)::float8 as at, n.kind, n.title, n.link, n.count,
      case when ${unread(sql)} then null else (extract(epoch from r.read_at) * 1000)::float8 end as "readAt"
    from notice as n left join notice_read as r on r.notice = n.id and r.person = ${actor.id}
    where ${mine(sql, actor)} and ${olderThan(sql, cursor, 'n.at', 'n.id')} order by n.at desc, n.id desc limit ${limit + 1}`
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  const [total] = await sql<{ total: number }[]>`select count(*) as total from notice as n where ${mine(sql, actor)}`
  return { items, next: rows.length > limit && last ? toCursor(last.at, last.id) : null, total: total?.total ?? 0 }
}

/** Route `readNotices`. Ids that are not this reader's are passed over. */
export async function readNotices(core: Core, actor: Actor, input: { body: { ids: string[] } }): Promise<RouteAnswer<'readNotices'>> {
  const { sql } = core
  const ids = input.body.ids.filter(isUuid)
  const now = core.clock() / 1000
  await sql`insert into notice_read (notice, person, read_at) select n.id, ${actor.id}, greatest(to_timestamp(${now}::float8), n.at) from notice as n
    where n.id = any(${ids}::uuid[]) and ${mine(sql, actor)} on conflict (notice, person) do update set read_at = excluded.read_at`
  core.bus.emit('notices', { person: actor.id })
  return { ok: true }
}

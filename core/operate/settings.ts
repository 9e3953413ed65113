/** Settings of this installation that the database keeps, since several processes read them. */
import type { Sql, TransactionSql } from 'postgres'

export interface SiteSettings {
  /** Address that `$bind` in a scenario stands for. */
  bind: string
  /** `host:port` where a decoy host listens for tunnels unless a scenario says otherwise. */
  tunnel: string
}
const defaults: SiteSettings = { bind: '127.0.0.1', tunnel: '127.0.0.1:7443' }

export async function siteSettings(sql: Sql | TransactionSql): Promise<SiteSettings> {
  const rows = await sql<{ key: string; value: unknown }[]>`select key, value from setting where key in ('bind', 'tunnel')`
  return { ...defaults, ...Object.fromEntries(rows.map(({ key, value }) => [key, value])) }
}

export async function saveSiteSettings(sql: Sql | TransactionSql, settings: Partial<SiteSettings>): Promise<void> {
  for (const [key, value] of Object.entries(settings)) {
    if (value !== undefined)
      await sql`insert into setting (key, value) values (${key}, ${sql.json(value)}) on conflict (key) do update set value = excluded.value`
  }
}

/** The credentials that decoys accept at once: what an operator may need to try a decoy or to plant as a lure. */
import type { Core } from '../core.ts'

export interface GivenAccount {
  decoy: string
  service: string
  user: string
  password: string
  origin: 'given' | 'lure'
}

export async function givenAccounts(core: Pick<Core, 'sql'>): Promise<GivenAccount[]> {
  const rows = await core.sql<
    { id: string; services: { service: string; settings: { login?: { accounts?: Omit<GivenAccount, 'decoy' | 'service'>[] } } }[] }[]
  >`select id, services from decoy order by id`
  return rows.flatMap(({ id, services }) =>
    services.flatMap(({ service, settings }) =>
      (settings.login?.accounts ?? []).map(({ user, password, origin }) => ({ decoy: id, service, user, password, origin })),
    ),
  )
}

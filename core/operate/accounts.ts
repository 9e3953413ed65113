/** The credentials that decoys accept at once, SNMP communities among them: what an operator may need to try a decoy or to plant as a lure. */
import type { SnmpSettings } from '@shenlou/contract/snmp'
import type { Core } from '../core.ts'

export interface GivenAccount {
  decoy: string
  service: string
  user: string
  password: string
  origin: 'given' | 'lure'
}

type Account = Omit<GivenAccount, 'decoy' | 'service'>
type Settings = { login?: { accounts?: Account[] } } & Partial<SnmpSettings>

/** A community has no user; what it lets do stands in for one. */
const snmpAccounts = ({ communities, users = [] }: Settings): Account[] => [
  ...(communities?.read ?? []).map((password) => ({ user: 'read', password, origin: 'given' as const })),
  ...(communities?.write ?? []).map((password) => ({ user: 'write', password, origin: 'given' as const })),
  ...users.flatMap(({ user, auth }) => (auth ? [{ user, password: auth.password, origin: 'given' as const }] : [])),
]

/** `written`: of decoys that are written out alone; segments bring thousands. */
export async function givenAccounts(core: Pick<Core, 'sql'>, { written = false }: { written?: boolean } = {}): Promise<GivenAccount[]> {
  const rows = await core.sql<
    { id: string; services: { service: string; settings: Settings }[] }[]
  >`select id, services from decoy where segment is null or not ${written} order by id`
  return rows.flatMap(({ id, services }) =>
    services.flatMap(({ service, settings }) =>
      [...(settings.login?.accounts ?? []), ...snmpAccounts(settings)].map(({ user, password, origin }) => ({ decoy: id, service, user, password, origin })),
    ),
  )
}

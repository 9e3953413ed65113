/** Who decoys were drawn as, as their host says it: kept so that people read the real name of a host, not the pattern behind it. */
import { escapeText } from '@shenlou/contract/bytes'
import type { DecoyIdentity } from '@shenlou/contract/sensor'
import type { Core } from '../core.ts'

/** Keeps what the decoy host `sensor` says of decoys that are placed on it; of others it may say nothing. */
export async function keepIdentities(core: Core, sensor: string, said: readonly DecoyIdentity[]): Promise<void> {
  if (said.length === 0) return
  const rows = said.map(({ decoy, hostname, mac, serial }) => ({ decoy, hostname: escapeText(hostname), mac: escapeText(mac), serial: escapeText(serial) }))
  await core.sql`insert into decoy_identity (decoy, sensor, hostname, mac, serial, said_at)
    select decoy.id, sensor.id, x.hostname, x.mac, x.serial, to_timestamp(${core.clock() / 1000}::float8)
    from json_to_recordset(${JSON.stringify(rows)}::text::json) as x(decoy text, hostname text, mac text, serial text)
    join sensor on sensor.id = ${sensor} and sensor.role = 'decoys' and sensor.status = 'confirmed'
    join decoy on decoy.id = x.decoy and decoy.host = sensor.name
    on conflict (decoy) do update set sensor = excluded.sensor, hostname = excluded.hostname, mac = excluded.mac, serial = excluded.serial, said_at = excluded.said_at
    where (decoy_identity.sensor, decoy_identity.hostname, decoy_identity.mac, decoy_identity.serial)
      is distinct from (excluded.sensor, excluded.hostname, excluded.mac, excluded.serial)`
}

/** Suricata EVE JSON, one record a line (Suricata user guide, "EVE JSON Format"). Only alerts are events here. */
import { isIP } from 'node:net'
import type { Severity } from '@shenlou/contract/primitives'
import { endpoint, isSeverity, kept, plausible, type Reading, recordLimit, techniquesIn } from './record.ts'

type Json = Record<string, unknown>
const object = (value: unknown): Json => (value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : {})

/** Suricata's priority: 1 is the most severe. `signature_severity` in the rule's metadata says more where it is given. */
function severityOf(alert: Json): Severity {
  const said = [object(alert.metadata).signature_severity].flat().map((each) => String(each).toLowerCase())
  const byPriority: Record<string, Severity> = { 1: 'high', 2: 'medium', 3: 'low' }
  const priority = byPriority[String(alert.severity)] ?? 'info'
  if (said.includes('critical')) return 'critical'
  return isSeverity(priority) ? priority : 'info'
}

/** Suricata's own form, `2022-07-12T06:22:33.415742+0000`, in milliseconds since 1970 UTC; NaN for others. */
export const eveTime = (text: unknown): number => (typeof text === 'string' ? Date.parse(text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2')) : Number.NaN)

/** Reads one line; what stands before the first brace (a syslog header) is passed over. `received` in milliseconds since 1970 UTC. */
export function readEve(line: string, received: number): Reading {
  const start = line.indexOf('{')
  if (start < 0) return { kind: 'rejected', reason: 'holds no JSON object' }
  if (line.length > recordLimit) return { kind: 'rejected', reason: `is longer than ${recordLimit} characters` }
  let record: Json
  try {
    record = object(JSON.parse(line.slice(start)))
  } catch (error) {
    return { kind: 'rejected', reason: `is not JSON: ${kept((error as Error).message, 200)}` }
  }
  const type = record.event_type
  if (typeof type !== 'string') return { kind: 'rejected', reason: 'has no event_type: is this EVE?' }
  if (type !== 'alert') return { kind: 'ignored', what: kept(type, 64) }
  const alert = object(record.alert)
  if (typeof alert.signature !== 'string' || alert.signature_id === undefined)
    return { kind: 'rejected', reason: 'is an alert without signature or signature_id' }
  const { source, destination } = ends(record, alert)
  return {
    kind: 'alert',
    time: plausible(eveTime(record.timestamp), received),
    ...(source && { source }),
    ...(destination && { destination }),
    body: {
      product: 'Suricata',
      format: 'suricata-eve',
      rule: kept(`${alert.gid ?? 1}:${alert.signature_id}:${alert.rev ?? 0}`, 200),
      title: kept(alert.signature, 1024),
      category: kept(alert.category, 200),
      severity: severityOf(alert),
      originalId: kept(record.flow_id ?? '', 200),
      originalTime: kept(record.timestamp, 100),
      device: kept(record.host ?? record.sensor_name ?? record.in_iface ?? '', 255),
      techniques: techniquesIn(JSON.stringify(object(alert.metadata)).slice(0, 20_000)),
      raw: kept(line.slice(start), recordLimit),
    },
  }
}

/**
 * Who attacks whom. A rule with a `target` says so itself (alert.source, alert.target); else the packet's source attacks. Behind a reverse
 * proxy the client is the last address of `xff`.
 */
function ends(record: Json, alert: Json): { source: ReturnType<typeof endpoint>; destination: ReturnType<typeof endpoint> } {
  const [from, to] = [object(alert.source), object(alert.target)]
  const named = from.ip !== undefined && to.ip !== undefined
  const client = String(record.xff ?? object(record.http).xff ?? '')
    .split(',')
    .at(-1)
    ?.trim()
  const source = named ? endpoint(from.ip, from.port) : endpoint(record.src_ip, record.src_port)
  const destination = named ? endpoint(to.ip, to.port) : endpoint(record.dest_ip, record.dest_port)
  return { source: client && isIP(client) ? endpoint(client, undefined) : source, destination }
}

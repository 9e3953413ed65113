/** One line that says what an event is, in the attacker's own words where there are any. Protocol words stay as they are. */
import type { StoredEvent } from '@shenlou/contract/event'
import type { EventBody, EventKind } from '@shenlou/contract/event-kinds'
import { m } from '../paraglide/messages.js'
import { adversary } from './adversary.ts'
import { address, bytes, duration } from './format.ts'

type Summaries = { [K in EventKind]: (body: EventBody<K>) => string }

const few = (values: readonly (string | number)[], max = 6): string => values.slice(0, max).join(', ') + (values.length > max ? ' …' : '')

const summaries: Summaries = {
  'connection.opened': (b) => b.transport,
  'connection.refused': (b) => `${b.transport} ${b.reason}`,
  'connection.closed': (b) => `${b.by} ${b.how}, ${bytes(b.bytesIn)} ⇢ ${bytes(b.bytesOut)} ⇠, ${duration(b.durationMs)}`,
  'scan.detected': (b) => m.summary_scan({ addresses: b.addresses.length, ports: b.ports.length, list: few(b.ports), n: b.connections }),
  'address.claimed': (b) => `${b.segment}: ${b.hosts.length} · ${few(b.hosts.map((host) => host.address))}`,
  'address.refused': (b) => `${b.segment}: ${b.count} · ${few(b.addresses)} · ${b.reason}${b.by ? ` · ${b.by}` : ''}`,
  'address.released': (b) => `${b.segment}: ${b.count} · ${few(b.addresses)} · ${b.reason}${b.by ? ` · ${b.by}` : ''}${b.frame ? ` (${b.frame})` : ''}`,
  'segment.halted': (b) => m.summary_segment_halted({ segment: b.segment, n: b.giveUps, window: duration(b.windowMs), list: few(b.addresses) }),
  'segment.resumed': (b) => `${b.segment}: ${b.by}`,
  'segment.surveyed': (b) =>
    m.summary_segment_surveyed({ segment: b.segment, would: b.would.count, not: b.not.reduce((sum, { count }) => sum + count, 0), used: b.used.count }),
  'session.opened': (b) => adversary(b.adversary),
  'session.closed': (b) => `${b.reason}, ${duration(b.durationMs)}`,
  'protocol.violated': (b) => `${b.reason}: ${b.data}`,
  'tls.negotiated': (b) => [b.version, b.cipher, b.serverName, b.ja4].filter(Boolean).join(' · '),
  'ssh.negotiated': (b) => `${b.clientVersion} · ${b.hassh}`,
  'protocol.negotiated': (b) =>
    [b.protocol.toUpperCase(), `${few(b.offered)} → ${b.selected}`, b.client.name, b.client.build, b.client.system, b.client.cookie]
      .filter(Boolean)
      .join(' · '),
  'exploit.attempted': (b) => `${b.vulnerability}: ${b.step}`,
  'delay.began': (b) => b.kind,
  'delay.ended': (b) => `${b.kind} · ${(b.heldMs / 1000).toFixed(1)} s · ${b.bytesOut} B · ${b.reason}`,
  'payload.recognised': (b) => [`${b.protocol}/${b.port}`, b.request, b.marks.join(', ')].filter((part) => part !== '').join(' · '),
  'payload.received': (b) => `${b.protocol}/${b.port} · ${b.size} B · ${b.sha256.slice(0, 16)}`,
  'login.attempted': (b) =>
    `${b.ntlm?.domain ? `${b.ntlm.domain}\\` : ''}${b.user} / ${b.password ?? b.key?.fingerprint ?? b.ntlm?.hash ?? `(${b.method})`} → ${b.outcome}`,
  'command.executed': (b) => b.input,
  'command.finished': (b) => `exit ${b.exitCode}, ${duration(b.durationMs)}`,
  'terminal.opened': (b) => `${b.term} ${b.columns}×${b.rows}`,
  'terminal.resized': (b) => `${b.columns}×${b.rows}`,
  'terminal.data': (b) => `${b.stream}, ${bytes(Math.floor((b.data.length * 3) / 4))}`,
  'recording.cut': (b) => bytes(b.bytes),
  'file.uploaded': (b) => `${b.method} ${b.path} (${bytes(b.file.size)}, ${b.file.sha256.slice(0, 12)}…)`,
  'file.downloaded': (b) => `${b.method} ${b.path} (${bytes(b.size)})`,
  'file.changed': (b) => `${b.change} ${b.path}${b.to ? ` → ${b.to}` : ''}`,
  'download.requested': (b) => `${b.tool} ${b.url}`,
  'egress.refused': (b) => `${b.tool} ${address(b.host, b.port)}`,
  'forward.requested': (b) => `${b.type} ${address(b.host, b.port)}`,
  'http.exchanged': (b) => `${b.method} ${b.target} → ${b.status}`,
  'sensor.started': (b) => `${b.host} ${b.version}`,
  'sensor.stopped': (b) => b.reason,
  'sensor.troubled': (b) => `${b.problem}: ${b.detail} (${b.count})`,
  'worker.exited': (b) => `code ${b.code ?? '–'} signal ${b.signal ?? '–'}`,
  'world.dropped': (b) => `${b.adversary}: ${b.reason}`,
  'industrial.requested': (b) =>
    `${b.function}${b.points.length > 0 ? ` ${b.points.map((point) => (point.before === undefined || point.before === point.value ? `${point.tag ?? point.address}${point.value === undefined ? '' : ` ${point.value}`}` : `${point.tag ?? point.address} ${point.before} → ${point.value}`)).join(', ')}` : ''}${b.outcome === 'done' ? '' : ` (${b.reason ?? b.outcome})`}`,
  'plant.affected': (b) => `${b.id} ${b.tag} ${b.value}${b.unit ?? ''}`,
  'plant.sampled': (b) => `${b.plant} ${Object.keys(b.values).length}`,
  'plant.dropped': (b) => `${b.plant}: ${b.adversary}`,
  'tunnel.opened': (b) => b.gate,
  'tunnel.closed': (b) => `${b.gate}: ${b.reason}`,
  'journal.summarised': (b) => `${b.fromSeq}–${b.toSeq}`,
  'alert.received': (b) => `${b.product}: ${b.title}`,
}

/** The summary of an event; an unknown or odd body is shown as its JSON. */
export function summary(event: Pick<StoredEvent, 'kind' | 'body'>): string {
  try {
    const make = (summaries as Record<string, ((body: unknown) => string) | undefined>)[event.kind]
    if (make && Object.hasOwn(summaries, event.kind)) return make(event.body)
  } catch {
    // a body of another version of the contract: shown whole below
  }
  return JSON.stringify(event.body)
}

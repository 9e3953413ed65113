/** Words of the contract in the language shown. Each table is typed by the contract: a missing word does not compile. */
import type { EventBody, EventKind } from '@shenlou/contract/event-kinds'
import type { Permission, Role } from '@shenlou/contract/permissions'
import type { Severity } from '@shenlou/contract/primitives'
import type { SensorSummary, TicketAction, TicketState } from '@shenlou/contract/records'
import { m } from '../paraglide/messages.js'

type Word = () => string

export const kindWords: Record<EventKind, Word> = {
  'connection.opened': m.kind_connection_opened,
  'connection.refused': m.kind_connection_refused,
  'connection.closed': m.kind_connection_closed,
  'scan.detected': m.kind_scan_detected,
  'address.claimed': m.kind_address_claimed,
  'address.refused': m.kind_address_refused,
  'address.released': m.kind_address_released,
  'segment.halted': m.kind_segment_halted,
  'segment.resumed': m.kind_segment_resumed,
  'segment.surveyed': m.kind_segment_surveyed,
  'session.opened': m.kind_session_opened,
  'session.closed': m.kind_session_closed,
  'protocol.violated': m.kind_protocol_violated,
  'tls.negotiated': m.kind_tls_negotiated,
  'ssh.negotiated': m.kind_ssh_negotiated,
  'protocol.negotiated': m.kind_protocol_negotiated,
  'exploit.attempted': m.kind_exploit_attempted,
  'delay.began': m.kind_delay_began,
  'delay.ended': m.kind_delay_ended,
  'payload.recognised': m.kind_payload_recognised,
  'payload.received': m.kind_payload_received,
  'login.attempted': m.kind_login_attempted,
  'command.executed': m.kind_command_executed,
  'command.finished': m.kind_command_finished,
  'terminal.opened': m.kind_terminal_opened,
  'terminal.resized': m.kind_terminal_resized,
  'terminal.data': m.kind_terminal_data,
  'recording.cut': m.kind_recording_cut,
  'file.uploaded': m.kind_file_uploaded,
  'file.downloaded': m.kind_file_downloaded,
  'file.changed': m.kind_file_changed,
  'download.requested': m.kind_download_requested,
  'egress.refused': m.kind_egress_refused,
  'forward.requested': m.kind_forward_requested,
  'http.exchanged': m.kind_http_exchanged,
  'sensor.started': m.kind_sensor_started,
  'sensor.stopped': m.kind_sensor_stopped,
  'sensor.troubled': m.kind_sensor_troubled,
  'worker.exited': m.kind_worker_exited,
  'world.dropped': m.kind_world_dropped,
  'industrial.requested': m.kind_industrial_requested,
  'plant.affected': m.kind_plant_affected,
  'plant.sampled': m.kind_plant_sampled,
  'plant.dropped': m.kind_plant_dropped,
  'tunnel.opened': m.kind_tunnel_opened,
  'tunnel.closed': m.kind_tunnel_closed,
  'journal.summarised': m.kind_journal_summarised,
  'alert.received': m.kind_alert_received,
}

export const severityWords: Record<Severity, Word> = {
  info: m.severity_info,
  low: m.severity_low,
  medium: m.severity_medium,
  high: m.severity_high,
  critical: m.severity_critical,
}
export const stateWords: Record<TicketState, Word> = {
  new: m.state_new,
  open: m.state_open,
  assigned: m.state_assigned,
  in_progress: m.state_in_progress,
  contained: m.state_contained,
  on_hold: m.state_on_hold,
  retest_queued: m.state_retest_queued,
  retesting: m.state_retesting,
  accepted: m.state_accepted,
  closed_fixed: m.state_closed_fixed,
  closed_false_positive: m.state_closed_false_positive,
  closed_duplicate: m.state_closed_duplicate,
}
export const actionWords: Record<TicketAction, Word> = {
  triage: m.action_triage,
  assign: m.action_assign,
  start: m.action_start,
  contain: m.action_contain,
  hold: m.action_hold,
  resume: m.action_resume,
  close_fixed: m.action_close_fixed,
  close_false_positive: m.action_close_false_positive,
  close_duplicate: m.action_close_duplicate,
  reopen: m.action_reopen,
  comment: m.action_comment,
  link: m.action_link,
  unlink: m.action_unlink,
  submit: m.action_submit,
  retest: m.action_retest,
  pass: m.action_pass,
  fail: m.action_fail,
  accept: m.action_accept,
  expire: m.action_expire,
}
export const permissionWords: Record<Permission, Word> = {
  'session.read': m.permission_session_read,
  'event.read': m.permission_event_read,
  'incident.read': m.permission_incident_read,
  'incident.change': m.permission_incident_change,
  'ticket.read': m.permission_ticket_read,
  'ticket.work': m.permission_ticket_work,
  'ticket.close': m.permission_ticket_close,
  'sensor.read': m.permission_sensor_read,
  'sensor.manage': m.permission_sensor_manage,
  'segment.release': m.permission_segment_release,
  'delay.manage': m.permission_delay_manage,
  'template.read': m.permission_template_read,
  'template.apply': m.permission_template_apply,
  'source.push': m.permission_source_push,
  'source.manage': m.permission_source_manage,
  'user.manage': m.permission_user_manage,
  'token.manage': m.permission_token_manage,
  'audit.read': m.permission_audit_read,
  'blob.read': m.permission_blob_read,
}
export const roleWords: Record<Role, Word> = { administrator: m.role_administrator, analyst: m.role_analyst, viewer: m.role_viewer }

type ProblemKey = SensorSummary['problems'][number]['key']
export const problemWords: Record<ProblemKey, Word> = {
  silent: m.problem_silent,
  'not-connected': m.problem_not_connected,
  gap: m.problem_gap,
  rejected: m.problem_rejected,
  cloned: m.problem_cloned,
  blind: m.problem_blind,
  unproved: m.problem_unproved,
  'segment-failed': m.problem_segment_failed,
  'segment-halted': m.problem_segment_halted,
  'not-contained': m.problem_not_contained,
  clock: m.problem_clock,
  certificate: m.problem_certificate,
  'listen-failed': m.problem_listen_failed,
  'tunnel-down': m.problem_tunnel_down,
  'journal-full': m.problem_journal_full,
  unconfirmed: m.problem_unconfirmed,
  revoked: m.problem_revoked,
  other: m.problem_other,
}
export const sensorRoleWords: Record<SensorSummary['role'], Word> = { relay: m.sensor_role_relay, decoys: m.sensor_role_decoys, source: m.sensor_role_source }
export const confidenceWords = { low: m.confidence_low, medium: m.confidence_medium, high: m.confidence_high }
export const loopWords = { incident: m.loop_incident, vulnerability: m.loop_vulnerability, baseline: m.loop_baseline, risk: m.loop_risk }
export const identityWords = {
  address: m.identity_address,
  credential: m.identity_credential,
  lure: m.identity_lure,
  key: m.identity_key,
  fingerprint: m.identity_fingerprint,
  payload: m.identity_payload,
  asset: m.identity_asset,
  session: m.identity_session,
}
export const figureWords = {
  'live-sessions': m.figure_live_sessions,
  'open-tickets': m.figure_open_tickets,
  'my-tickets': m.figure_my_tickets,
  'overdue-tickets': m.figure_overdue_tickets,
  'events-24h': m.figure_events_24h,
  'sources-24h': m.figure_sources_24h,
  'logins-24h': m.figure_logins_24h,
  'sensor-problems': m.figure_sensor_problems,
}

type Industrial = EventBody<'industrial.requested'>
export const operationWords: Record<Industrial['operation'], Word> = {
  connect: m.operation_connect,
  identify: m.operation_identify,
  browse: m.operation_browse,
  read: m.operation_read,
  write: m.operation_write,
  command: m.operation_command,
  alarm: m.operation_alarm,
  start: m.operation_start,
  stop: m.operation_stop,
  restart: m.operation_restart,
  upload: m.operation_upload,
  download: m.operation_download,
  delete: m.operation_delete,
  authenticate: m.operation_authenticate,
  clock: m.operation_clock,
  diagnose: m.operation_diagnose,
  other: m.operation_other,
}
export const outcomeWords: Record<Industrial['outcome'], Word> = { done: m.outcome_done, refused: m.outcome_refused, ignored: m.outcome_ignored }
export const consequenceWords: Record<EventBody<'plant.affected'>['consequence'], Word> = {
  alarm: m.consequence_alarm,
  trip: m.consequence_trip,
  interlock: m.consequence_interlock,
  damage: m.consequence_damage,
  quality: m.consequence_quality,
  process: m.consequence_process,
  recovered: m.consequence_recovered,
}
/** What a tag is; as the tag tables of controllers sort them. */
export const classWords: Record<string, Word> = {
  PV: m.class_pv,
  SP: m.class_sp,
  CMD: m.class_cmd,
  STAT: m.class_stat,
  ALM: m.class_alm,
  TRIP: m.class_trip,
  LIM: m.class_lim,
  CNT: m.class_cnt,
  '': m.class_other,
}

/** Names of filters. In the address bar they stay English. */
export const fieldWords: Record<string, Word> = {
  text: m.search,
  kind: m.kind,
  source: m.source,
  decoy: m.decoy,
  service: m.service,
  sensor: m.sensor,
  session: m.session,
  connection: m.connection,
  proof: m.proof_only,
  incident: m.incident,
  technique: m.technique,
  rule: m.rule,
  actor: m.actor,
  action: m.action,
}

/** The word of a key that may be newer than this console: the key itself then. */
export const word = (table: Record<string, Word>, key: string): string => (Object.hasOwn(table, key) ? (table[key] as Word)() : key)

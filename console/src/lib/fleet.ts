/** Sensors as the fleet page orders and filters them, and the words for what they say of themselves. */
import type { RouteAnswer } from '@shenlou/contract/api'
import type { ProofPathSummary, SensorSummary } from '@shenlou/contract/records'
import { m } from '../paraglide/messages.js'
import { problemWords } from './words.ts'

type Problem = SensorSummary['problems'][number]['key']
export type SettingRow = RouteAnswer<'sensorSettings'>['settings'][number]

/** Worst first: what is lost now, what is shut, what may be wrong soon. */
const order = Object.keys({
  ...{
    cloned: 0,
    blind: 0,
    gap: 0,
    silent: 0,
    'not-connected': 0,
    'segment-failed': 0,
    'not-contained': 0,
    'journal-full': 0,
    'listen-failed': 0,
    'tunnel-down': 0,
  },
  ...{ 'segment-halted': 0, rejected: 0, certificate: 0, clock: 0, unproved: 0, unconfirmed: 0, other: 0, revoked: 0 },
} satisfies Record<Problem, 0>)

/** 0 is the worst; a sensor without problems comes after all others. */
export const rankOf = ({ problems }: SensorSummary): number => Math.min(order.length, ...problems.map(({ key }) => order.indexOf(key)))
export const worstFirst = (a: SensorSummary, b: SensorSummary): number =>
  rankOf(a) - rankOf(b) || b.problems.length - a.problems.length || a.name.localeCompare(b.name)

/** Whether a person must look now: those are red, the rest amber. */
export const isRed = (key: Problem): boolean => order.indexOf(key) <= order.indexOf('segment-failed')

export interface FleetFilter {
  text: string
  role: string
  group: string
  problem: string
}
export function fits(row: SensorSummary, { text, role, group, problem }: FleetFilter): boolean {
  if (role && row.role !== role) return false
  if (group && (row.group ?? '-') !== group) return false
  if (problem === 'any' ? row.problems.length === 0 : problem && !row.problems.some(({ key }) => key === problem)) return false
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const all = [row.name, row.scope, row.group, row.version, ...row.problems.map(({ key, detail }) => `${problemWords[key]()} ${key} ${detail}`)]
    .join(' ')
    .toLowerCase()
  return words.every((word) => all.includes(word))
}

/** How a relay stands by its proofs: as its worst path does. */
export function proofOf({ proofs }: SensorSummary): ProofPathSummary | undefined {
  const worst = proofs[0]
  if (worst && worst.state !== 'proved') return worst
  return proofs.reduce<ProofPathSummary | undefined>((oldest, each) => (oldest && (oldest.provedAt ?? 0) <= (each.provedAt ?? 0) ? oldest : each), undefined)
}
export const proofWords: Record<ProofPathSummary['state'], () => string> = {
  waiting: m.proof_waiting,
  proved: m.proof_proved,
  blind: m.proof_blind,
  unproved: m.proof_unproved,
}
export const proofTones = { waiting: 'plain', proved: 'good', blind: 'bad', unproved: 'warn' } as const

export const settingWords: Record<SettingRow['key'], () => string> = {
  proofIntervalS: m.setting_proof_interval,
  heartbeatS: m.setting_heartbeat,
  journalMiB: m.setting_journal,
  maxConnections: m.setting_max_connections,
  streams: m.setting_streams,
  opensPerSecond: m.setting_opens,
  mibPerSecond: m.setting_mib,
  updateChannel: m.setting_channel,
}
export const fromWords: Record<SettingRow['from'], () => string> = {
  default: m.setting_from_default,
  group: m.setting_from_group,
  sensor: m.setting_from_sensor,
}

/** How a relay fares with updates, by its own account. */
export const updateWords: Record<NonNullable<NonNullable<SensorSummary['update']>['state']>, () => string> = {
  unmanaged: m.updates_report_unmanaged,
  idle: m.updates_report_idle,
  downloading: m.updates_report_downloading,
  ready: m.updates_report_ready,
  probation: m.updates_report_probation,
  refused: m.updates_report_refused,
  'rolled-back': m.updates_report_rolled_back,
}

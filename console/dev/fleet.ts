/** Fixed sensors, decoys, templates, people and all else that is set up rather than seen. */
import type { RouteAnswer } from '@shenlou/contract/api'
import { permissions } from '@shenlou/contract/permissions'
import type { ProofPathSummary, SensorSummary } from '@shenlou/contract/records'
import { day, hash, hour, minute, now, scope, sensors, uuid } from './records.ts'

const proof = (path: string, over: Partial<ProofPathSummary>): ProofPathSummary => ({
  path,
  state: 'proved',
  since: now - 2 * day,
  provedAt: now - 48_000,
  by: 'relay-park-3b',
  source: '10.31.8.9',
  target: `${path.replace(/^segment .*/, '10.31.9.14')}:22`,
  inside: false,
  detail: '',
  ...over,
})
const fingerprintOfKey = '7d41b0a6'.repeat(8)
/** A release under way: the canary has it, the others wait for a person. */
export const releaseList: RouteAnswer<'releases'>['items'] = [
  {
    sha256: 'c3'.repeat(32),
    version: '0.2.0',
    role: 'relay',
    platform: 'linux-x64',
    sequence: 12,
    size: 44_800_000,
    key: fingerprintOfKey,
    importedAt: now - 5 * hour,
    importedBy: 'local:0',
  },
]
export const rolloutList: RouteAnswer<'rollouts'>['items'] = releaseList.map((release) => ({
  id: '0199b000-0000-7000-8000-00000000a001',
  release,
  state: 'waiting',
  stage: 'canary',
  waitMinutes: null,
  startedAt: now - 4 * hour,
  startedBy: 'local:0',
  healthyAt: now - 3 * hour,
  reason: '',
  sensors: [
    { sensor: '0199b000-0000-7000-8000-00000000b001', name: 'relay-park-3', stage: 'canary', state: 'healthy', detail: '' },
    { sensor: '0199b000-0000-7000-8000-00000000b002', name: 'relay-park-4', stage: 'rest', state: 'pending', detail: '' },
  ],
}))
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
  update: role === 'relay' ? { wanted: null, state: 'idle', detail: '' } : null,
  contained: role === 'decoys' ? true : null,
  queueEvents: 0,
  gaps: 0,
  missingEvents: 0,
  rejected: 0,
  streams: role === 'relay' ? 14 : null,
  group: null,
  uptimeMs: role === 'source' ? null : 9 * day,
  queueBytes: role === 'source' ? null : 0,
  journalBytes: role === 'source' ? null : 18 * 1024 * 1024,
  addresses: role === 'relay' ? 3 : null,
  touches: role === 'relay' ? { count: 41, since: now - 23 * hour } : null,
  segments: [],
  proofs: role === 'relay' ? [proof('10.31.8.40', {})] : [],
  problems: [],
  ...over,
})
export const sensorList: SensorSummary[] = [
  sensor(sensors.relay, 'relay-park-3', 'relay', {
    group: 'halls',
    addresses: 65,
    segments: [
      { id: 'office', state: 'claiming', wanted: 63, claimed: 61, used: 88, refused: { 'owner-seen': 2 }, giveUps10m: 0, detail: '' },
      { id: 'yard', state: 'halted', wanted: 40, claimed: 4, used: 9, refused: { halted: 36 }, giveUps10m: 5, detail: '5 give-ups within 10 minutes' },
    ],
    proofs: [
      proof('segment yard', { state: 'blind', since: now - 6 * minute, provedAt: now - 7 * minute, detail: 'timeout 10.31.9.14:445' }),
      proof('segment office', {}),
      proof('10.31.8.40', {}),
    ],
    problems: [
      { key: 'blind', detail: 'segment yard timeout 10.31.9.14:445' },
      { key: 'segment-halted', detail: 'yard 5 give-ups within 10 minutes' },
    ],
  }),
  sensor(sensors.near, 'relay-park-5', 'relay', {
    proofs: [proof('10.35.1.7', { inside: true, by: 'relay-park-5', source: '10.35.1.7' })],
    touches: { count: 0, since: now - 23 * hour },
  }),
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

export const sensorGroups: RouteAnswer<'sensorGroups'>['items'] = [{ name: 'halls', scope, settings: { heartbeatS: 2, journalMiB: 4096 }, sensors: 3 }]
export const sensorSettings: RouteAnswer<'sensorSettings'> = {
  group: 'halls',
  settings: [
    { key: 'proofIntervalS', value: 60, from: 'sensor', default: 85, group: null, sensor: 60 },
    { key: 'heartbeatS', value: 2, from: 'group', default: 5, group: 2, sensor: null },
    { key: 'journalMiB', value: 4096, from: 'group', default: 1024, group: 4096, sensor: null },
    { key: 'updateChannel', value: 'stable', from: 'default', default: 'stable', group: null, sensor: null },
    { key: 'maxConnections', value: 20_000, from: 'default', default: 20_000, group: null, sensor: null },
  ],
}

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
    hostname: i === 2 ? '{site}-web##' : `${id}.haishan-group.example`,
    identity: i === 2 ? null : { hostname: `${id}.haishan-group.example`, mac: `00:16:3e:4a:1${i}:7c`, serial: `CN7${i}31K0Q`, saidAt: now - day },
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
    draws: { hosts: 63, seconds: 4 },
    segments: [
      {
        id: 'office',
        name: { zh: '办公网段', en: 'Office segment' },
        relay: 'relay-park-3',
        interface: 'eth1',
        vlan: 40,
        network: '10.20.40.0/24',
        dryRun: true,
        quietS: 86_400,
        quota: 63,
        addresses: 254,
        total: 63,
        out: 109,
        idle: 82,
        mix: [
          { persona: 'centos-7', product: 'Inspur NF5280M5', hosts: 31 },
          { persona: 'ubuntu-18.04', product: 'Dell PowerEdge R640', hosts: 32 },
        ],
        vendors: 2,
        hosts: Array.from({ length: 12 }, (_, i) => ({
          address: `10.20.40.${20 + i}`,
          mac: `b0:26:28:69:e1:${(16 + i).toString(16)}`,
          persona: i % 2 ? 'centos-7' : 'ubuntu-18.04',
          hostname: `haichuan-node${10 + i}`,
          ports: i % 2 ? ['22/tcp ssh', '80/tcp portal', '443/tcp portal-https'] : ['22/tcp ssh'],
          tcp: 'linux' as const,
          action: 'create' as const,
        })),
        excluded: [
          { range: '10.20.40.0/24', addresses: 2, reason: 'network', note: 'first and last of /24' },
          { range: '10.20.40.1', addresses: 1, reason: 'gateway', note: '' },
          { range: '10.20.40.100-10.20.40.199', addresses: 100, reason: 'dhcp-pool', note: '' },
        ],
        unseen: ['unicast-of-others' as const, 'silent-owners' as const, 'relayed-dhcp' as const, 'ipv6' as const],
      },
    ],
    warnings: ['port 2222 on relay local answers on every address of this machine'],
    steps: [
      { action: 'create' as const, what: 'segment' as const, id: 'office', detail: 'relay-park-3 eth1 10.20.40.0/24: 63 hosts (63 new, 0 changed, 0 removed)' },
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
      scope,
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
      scope: 'group',
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

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlannedSegment } from '@shenlou/contract/template'
import { segmentLines } from './segment-lines.ts'

const host = (last: number, hostname: string): PlannedSegment['hosts'][number] => ({
  address: `10.0.0.${last}`,
  mac: '00:1b:1b:00:00:01',
  persona: 'siemens-s7-1200',
  hostname,
  ports: ['102/tcp s7comm', '161/udp snmp'],
  tcp: 'embedded',
  action: 'create',
})
const segment: PlannedSegment = {
  id: 'production',
  name: { zh: '生产', en: 'Production' },
  relay: 'park-relay',
  interface: 'eth1',
  vlan: 30,
  network: '10.0.0.0/24',
  dryRun: true,
  quietS: 259_200,
  quota: 3,
  addresses: 254,
  total: 3,
  out: 12,
  idle: 239,
  mix: [{ persona: 'siemens-s7-1200', product: 'Siemens S7-1200', hosts: 3 }],
  vendors: 1,
  hosts: [host(7, 'a-plc1'), host(120, 'a-plc200')],
  excluded: [
    { range: '10.0.0.1', addresses: 1, reason: 'gateway', note: '' },
    { range: '10.0.0.9', addresses: 1, reason: 'cmdb', note: 'printer' },
  ],
  unseen: ['silent-owners', 'ipv6'],
}

test('a planned segment is printed with its hosts in columns, what is left out and why, and what is not seen', () => {
  const text = segmentLines(segment).join('\n')
  assert.match(text, /^segment production: 10\.0\.0\.0\/24 on park-relay eth1 VLAN 30, dry run$/m)
  assert.match(text, /3 hosts of 1 vendors, 12 addresses left out, 239 stay idle; claimed after 72 h of quiet, at most 3 at once/)
  assert.match(text, /left out {2}10\.0\.0\.9 +1 {2}cmdb: printer/)
  assert.match(text, /not seen {2}hosts that never broadcast .*; IPv6/)
  assert.match(text, /^\+ 10\.0\.0\.7 {8}00:1b:1b:00:00:01 {2}a-plc1 {4}siemens-s7-1200 {2}embedded {2}102\/tcp s7comm, 161\/udp snmp$/m)
  assert.match(text, /2 of 3 hosts are shown; --full shows every one/)
  assert.match(segmentLines({ ...segment, quietS: 20 }).join('\n'), /claimed after 20 s of quiet/)
  assert.doesNotMatch(segmentLines({ ...segment, total: 2 }).join('\n'), /--full/)
})

/** The park of the tests: an office and a production network on one interface, with every kind of host that a park template mixes. */

export const office = '10.77.40.0/23'
export const production = '10.77.30.0/24'
/** Given away in the park, so that a test is let in. */
export const lure = { user: 'deploy', password: 'Lure#2024key' }

const login = `{ login: { accounts: [{ user: ${lure.user}, password: "${lure.password}", origin: lure }] } }`
const snmp = '{ service: snmp, port: 161, settings: { communities: { read: [public], write: [private] } } }'

/** How many hosts there are of each kind. */
export const counts = {
  office: { 'centos-7': 30, 'ubuntu-18.04': 30, 'debian-12-dropbear': 10, 'openwrt-19.07': 15, 'windows-10-workstation': 30, 'windows-server-2016': 15 },
  production: { 'siemens-s7-1200': 40, 'siemens-s7-300': 20, 'schneider-m340': 24, 'moxa-mgate': 14, 'weintek-oven-hmi': 20, 'rtu-iec104': 10 },
}
export const hostsInAll = Object.values(counts).reduce((sum, each) => sum + Object.values(each).reduce((all, count) => all + count, 0), 0)

const ssh = `{ service: ssh, port: 22, settings: ${login} }`
const windows = [`{ service: smb, port: 445, settings: ${login} }`, '{ service: rdp, port: 3389 }']
const kinds: Record<string, { services: string[]; plant?: string; closed?: string }> = {
  'centos-7': { services: [ssh, '{ service: portal, port: 80 }', '{ service: portal-https, port: 443 }'] },
  'ubuntu-18.04': { services: [ssh] },
  'debian-12-dropbear': { services: [ssh] },
  'openwrt-19.07': { services: [ssh] },
  'windows-10-workstation': { services: windows, closed: 'silent' },
  'windows-server-2016': { services: windows },
  'siemens-s7-1200': {
    services: ['{ service: s7comm, port: 102 }', '{ service: modbus, port: 502 }', snmp],
    plant: '{ id: paint, units: { oven: [OV1, OV2] } }',
  },
  'siemens-s7-300': { services: ['{ service: s7comm, port: 102 }', snmp], plant: '{ id: test, units: { bench: [HB1, HB2] } }' },
  'schneider-m340': { services: ['{ service: modbus, port: 502 }', snmp], plant: '{ id: concrete, units: { batch: BT1 } }' },
  'moxa-mgate': { services: ['{ service: modbus, port: 502 }', snmp], plant: '{ id: power, units: { m1: WT1, m2: WT2, m3: WT3 } }' },
  'weintek-oven-hmi': { services: ['{ service: modbus, port: 502 }', '{ service: hmi, port: 80 }'], plant: '{ id: paint, units: { oven: [OV1, OV2] } }' },
  'rtu-iec104': { services: ['{ service: iec104, port: 2404 }', snmp], plant: '{ id: power, units: { wt: [WT1, WT2, WT3] } }' },
}

const mixOf = (counted: Record<string, number>): string =>
  Object.entries(counted)
    .map(([persona, count]) => {
      const { services, plant, closed } = kinds[persona] as (typeof kinds)[string]
      const [, id, units] = /^\{ id: (\w+), units: (.*) \}$/.exec(plant ?? '') ?? []
      return `      - persona: ${persona}
        count: ${count}
${closed ? `        closed: ${closed}\n` : ''}${id ? `        plant: ${id}\n        units: ${units}\n` : ''}        services: [${services.join(', ')}]`
    })
    .join('\n')

/** `quiet` in seconds, so that a test need not wait for a day; a real park says hours. */
export const parkScenario = (quiet = 4): string => `kind: scenario
version: 1
name: park
title: { zh: 园区, en: Park }
scopes:
  - { path: group, name: { zh: 集团, en: Group } }
  - { path: group/office, name: { zh: 办公网, en: Office network } }
  - { path: group/production, name: { zh: 生产网, en: Production network } }
plants:
  - { id: paint, template: paint-line }
  - { id: test, template: test-field }
  - { id: concrete, template: batching-plant }
  - { id: power, template: utilities }
segments:
  - id: office
    name: { zh: 办公网段, en: Office segment }
    relay: park-relay
    scope: group/office
    interface: eth1
    network: ${office}
    gateway: 10.77.40.1
    exclude: [{ range: 10.77.40.2-10.77.40.15, reason: cmdb, note: switches and servers }]
    quiet: { seconds: ${quiet} }
    realHosts: 40
    mix:
${mixOf(counts.office)}
  - id: production
    name: { zh: 生产网段, en: Production segment }
    relay: park-relay
    scope: group/production
    interface: eth1
    network: ${production}
    gateway: 10.77.30.1
    exclude: [{ range: 10.77.30.2-10.77.30.15, reason: cmdb, note: engineering stations }]
    quiet: { seconds: ${quiet} }
    realHosts: 30
    mix:
${mixOf(counts.production)}
`

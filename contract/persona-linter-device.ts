/** What would betray an industrial device: an order number of another vendor, a card of another maker, firmware from after its installation. */
import type { PersonaTemplate } from './persona.ts'
import type { DeviceTls } from './server-tls.ts'

/** Order numbers by who prints them: [vendor, form]. */
const orderNumbers: [RegExp, RegExp][] = [
  [/siemens/i, /^(6ES7 ?\d{3}-[0-9A-Z]{5}-[0-9A-Z]{4}|6AV\d [0-9A-Z-]+|6GK\d [0-9A-Z-]+)$/],
  [/schneider|modicon/i, /^(BM[XE][A-Z0-9]{6,12}|TM\d{3}[A-Z0-9]+|140[A-Z]{3}\d{5}[A-Z]?)$/],
]
/** First three bytes of network cards that these vendors have registered. */
const cards: [RegExp, string[]][] = [
  [/siemens/i, ['00:0e:8c', '00:1b:1b', '00:1c:06', '28:63:36', '8c:f3:19', 'ac:64:17', 'e0:dc:a0']],
  [/schneider|modicon|telemecanique/i, ['00:80:f4', '00:00:54', '00:11:00']],
  [/moxa/i, ['00:90:e8']],
]

/** Every contradiction as one sentence that begins with the path. */
export function lintDevice({ os, hardware, host, device, ssh, s7comm, snmp, hmi, web }: PersonaTemplate): string[] {
  const wrong: string[] = []
  if (os.family === 'embedded') {
    if (!device) wrong.push('device: firmware of its own belongs to a device; say which')
    if (os.shell !== 'none') wrong.push('os.shell: a device without an operating system that anybody meets has none')
    if (os.architecture !== 'embedded') wrong.push("os.architecture: is 'embedded' where no program of others runs")
    if (ssh) wrong.push('ssh: a device without a shell serves none')
    if (host.accounts.length > 0) wrong.push('host.accounts: a device without a shell has none; what its pages let in is a setting of the service')
  } else if (os.family === 'linux' && (os.shell === 'none' || os.architecture === 'embedded' || os.kernel === ''))
    wrong.push(`os: ${os.distribution} has a kernel, a shell and an architecture`)
  if (!device) return wrong
  const pairs: [string, readonly [number, number]][] = [
    ['device.cycleMs', device.cycleMs],
    ['device.latencyMs', device.latencyMs],
  ]
  for (const [path, [least, most]] of pairs) {
    if (least > most) wrong.push(`${path}: the range is upside down`)
    else if (least === most) wrong.push(`${path}: no device is that constant; give a range`)
  }
  if (device.firmwareReleased > host.installed[1])
    wrong.push(`device.firmwareReleased: firmware of ${device.firmwareReleased} on a device installed by ${host.installed[1]}`)
  for (const [vendor, form] of orderNumbers) {
    if (!vendor.test(hardware.vendor)) {
      if (form.test(device.orderNumber)) wrong.push(`device.orderNumber: ${device.orderNumber} is not ${hardware.vendor}'s`)
    } else
      for (const number of [device.orderNumber, ...device.modules.map(({ orderNumber }) => orderNumber)])
        if (number !== '' && !form.test(number)) wrong.push(`device: ${number} is not an order number of ${hardware.vendor}`)
  }
  for (const [vendor, prefixes] of cards)
    if (vendor.test(hardware.vendor))
      for (const prefix of hardware.macPrefixes) if (!prefixes.includes(prefix)) wrong.push(`hardware.macPrefixes: ${prefix} is not ${hardware.vendor}'s`)
  if (s7comm) wrong.push(...lintS7comm(s7comm, device.orderNumber))
  if (hmi?.tls && web) wrong.push('hmi.tls: a host with a web section has one certificate already; a device page has its own')
  if (hmi?.tls) wrong.push(...lintTls(hmi.tls, device.firmwareReleased))
  if (snmp) wrong.push(...lintSnmp(snmp, device, hardware.serialPattern))
  const slots = device.modules.map(({ slot }) => slot)
  if (new Set(slots).size !== slots.length) wrong.push('device.modules: two modules are in one slot')
  return wrong
}

/** Families of controllers by the first digits of their order numbers. */
const families: Readonly<Record<string, string>> = { 21: '1200', 31: '300', 41: '400' }

function lintS7comm({ family, protection, timers, counters }: NonNullable<PersonaTemplate['s7comm']>, orderNumber: string): string[] {
  const wrong: string[] = []
  const named = families[/^6ES7 ?(\d\d)/.exec(orderNumber)?.[1] ?? '']
  if (named !== undefined && named !== family) wrong.push(`s7comm.family: ${orderNumber} is of the family ${named}, not ${family}`)
  if (family === '1200' && protection > 1) wrong.push('s7comm.protection: this family asks for no password over S7comm')
  if (family === '1200' && timers + counters > 0) wrong.push('s7comm: this family has no timers and counters of their own area')
  return wrong
}

const versions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

function lintTls({ min, max }: DeviceTls, released: string): string[] {
  const wrong: string[] = []
  if (versions.indexOf(min) > versions.indexOf(max)) wrong.push('hmi.tls: the range of versions is upside down')
  if (max === 'TLSv1.3' && released < '2018-09-11') wrong.push(`hmi.tls.max: firmware of ${released} is older than TLS 1.3`)
  return wrong
}

/** The longest sysDescr that the first request of a scanner may be answered with: 3 bytes for each of its 41, less what is around the text. */
const longestDescription = 76

function lintSnmp(snmp: NonNullable<PersonaTemplate['snmp']>, device: NonNullable<PersonaTemplate['device']>, serial: string): string[] {
  const wrong: string[] = []
  const names: Record<string, unknown> = { ...device, serial }
  const description = snmp.description.replace(/\{([a-zA-Z]+)\}/g, (whole, name: string) => String(names[name] ?? whole))
  if (description.length > longestDescription)
    wrong.push(`snmp.description: ${description.length} characters; beyond ${longestDescription} the first request of a scanner stays unanswered`)
  const seen = new Set<string>()
  for (const { oid, from, value, type } of snmp.objects) {
    if (seen.has(oid)) wrong.push(`snmp.objects: ${oid} is written twice`)
    seen.add(oid)
    if ((from === undefined) === (value === undefined)) wrong.push(`snmp.objects: ${oid} has either a source or a value`)
    if (from !== undefined && (type === 'bits' || type === 'oid' || type === 'ip'))
      wrong.push(`snmp.objects: ${oid}: what comes from the plant is a number or its text`)
  }
  return wrong
}

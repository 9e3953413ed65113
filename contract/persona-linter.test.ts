import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type PersonaTemplate, personaTemplate } from './persona.ts'
import { parse } from 'yaml'
import { lintPersona } from './persona-linter.ts'
import { serverTemplate } from '@shenlou/decoys/persona-fixture'

const sound = personaTemplate.parse(serverTemplate)
const changed = (change: (template: PersonaTemplate & { ssh: NonNullable<PersonaTemplate['ssh']> }) => void): string[] => {
  const template = structuredClone(sound)
  change(template as Parameters<typeof change>[0])
  return lintPersona(template, '2026-11-23')
}

test('a persona that holds together is not refused', () => {
  assert.deepEqual(lintPersona(sound, '2026-11-23'), [])
})

test('every shipped persona holds together', async (context) => {
  const folder = join(import.meta.dirname, '..', 'templates', 'personas')
  const files = globSync('*.yaml', { cwd: folder })
  assert.ok(files.length > 0, 'no persona is shipped')
  for (const file of files) {
    await context.test(file, () => assert.deepEqual(lintPersona(personaTemplate.parse(parse(readFileSync(join(folder, file), 'utf8'))), '2026-11-23'), []))
  }
})

test('the device that docs/devices.md describes holds together', () => {
  const example = readFileSync(join(import.meta.dirname, '..', 'docs', 'devices.md'), 'utf8')
    .split('```yaml\n')[1]
    ?.split('```')[0]
  assert.ok(example)
  assert.deepEqual(lintPersona(personaTemplate.parse(parse(example)), '2026-11-23'), [])
})

const controller = (): PersonaTemplate => ({
  ...structuredClone(sound),
  ssh: undefined,
  web: undefined,
  os: {
    family: 'embedded',
    distribution: 'SIMATIC firmware',
    release: '4.2',
    codename: '',
    kernel: '',
    kernelBuild: '',
    architecture: 'embedded',
    released: '2016-12-01',
    retired: '2030-12-31',
    libc: 'glibc',
    shell: 'none',
  },
  hardware: {
    ...sound.hardware,
    vendor: 'Siemens',
    model: 'S7-1200',
    cpu: '',
    cores: 1,
    memoryMiB: 16,
    macPrefixes: ['28:63:36'],
    serialPattern: 'S C-@#@#####2018',
  },
  host: { ...sound.host, hostname: ['{site}-plc##'], installed: ['2018-02-01', '2021-06-30'], accounts: [] },
  device: {
    class: 'plc',
    product: 'CPU 1214C DC/DC/DC',
    orderNumber: '6ES7 214-1AG40-0XB0',
    hardware: '8',
    firmware: 'V4.2.1',
    firmwareReleased: '2017-03-01',
    plantName: ['PLC_#'],
    stationName: ['S71200-Station_#'],
    modules: [],
    cycleMs: [4, 9],
    latencyMs: [1, 4],
    wordOrder: 'high-first',
    units: { oven: 'curing-oven' },
  },
})

test('a controller is a host without kernel and shell, and is refused where vendor, card, order number and time disagree', () => {
  assert.deepEqual(lintPersona(personaTemplate.parse(controller()), '2026-11-23'), [])
  const cases: [string, object, RegExp][] = [
    ['hardware', { macPrefixes: ['00:90:e8'] }, /00:90:e8 is not Siemens's/],
    ['hardware', { vendor: 'Schneider Electric' }, /not an order number of Schneider/],
    ['device', { firmwareReleased: '2024-01-01' }, /firmwareReleased/],
    ['device', { cycleMs: [5, 5] }, /constant/],
    ['os', { shell: 'bash' }, /os\.shell/],
  ]
  for (const [section, change, sentence] of cases) {
    const template = controller() as unknown as Record<string, object>
    Object.assign(template[section] as object, change)
    assert.match(lintPersona(template as unknown as PersonaTemplate, '2026-11-23').join('; '), sentence)
  }
  const s7comm = { family: '1200', connections: 8, pdu: 240, slots: [0, 1], cpuType: 'CPU 1214C DC/DC/DC', dataBlocks: [] }
  const speaks = (change: object): string => lintPersona(personaTemplate.parse({ ...controller(), s7comm: { ...s7comm, ...change } }), '2026-11-23').join('; ')
  assert.equal(speaks({}), '')
  assert.match(speaks({ family: '300' }), /s7comm\.family: 6ES7 214-1AG40-0XB0 is of the family 1200, not 300/)
  assert.match(speaks({ protection: 2 }), /s7comm\.protection/)
  assert.match(speaks({ timers: 16 }), /no timers and counters/)
  assert.match(lintPersona({ ...controller(), device: undefined }, '2026-11-23').join('; '), /^device:/)
})

test('a page over TLS is refused whose versions are of another time than the firmware', () => {
  const page = (change: object): string => {
    const tls = { min: 'TLSv1', max: 'TLSv1.2', ciphers: 'HIGH', curves: 'P-256', serverOrder: true, certificate: { commonName: '{hostname}' }, ...change }
    const title = { zh: '炉', en: 'Oven' }
    const hmi = { style: 'simatic-1200', title, tls, groups: [{ id: 'zone', title }], values: [{ from: 'oven.Z1.PV', group: 'zone' }] }
    return lintPersona(personaTemplate.parse({ ...controller(), hmi }), '2026-11-23').join('; ')
  }
  assert.equal(page({}), '')
  assert.match(page({ min: 'TLSv1.3' }), /hmi\.tls: the range of versions is upside down/)
  assert.match(page({ max: 'TLSv1.3' }), /hmi\.tls\.max: firmware of 2017-03-01 is older than TLS 1\.3/)
})

test('the defaults of a well-known decoy contradict themselves at least ten times', () => {
  // What it says by default: a Debian 12 banner over Twisted's lists, a kernel of 2024 with a message log of 2009, and names that everybody knows.
  const wrong = changed((template) => {
    Object.assign(template.os, {
      distribution: 'Debian',
      release: '12',
      kernel: '2.6.26-2-686',
      kernelBuild: '#1 SMP Wed Nov 4 20:45:37 UTC 2009',
      released: '2023-06-10',
      retired: '2028-06-30',
    })
    Object.assign(template.host, { hostname: ['svr04'], accounts: ['root', 'phil'], installed: ['2013-04-05', '2013-04-05'] })
    Object.assign(template.hardware, { vendor: 'Intel', macPrefixes: ['01:2f:a1'], serialPattern: '' })
    Object.assign(template.ssh, {
      ident: 'SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3',
      released: '2023-02-02',
      kex: [
        'curve25519-sha256',
        'curve25519-sha256@libssh.org',
        'ecdh-sha2-nistp256',
        'ecdh-sha2-nistp384',
        'ecdh-sha2-nistp521',
        'diffie-hellman-group-exchange-sha256',
        'diffie-hellman-group-exchange-sha1',
        'diffie-hellman-group14-sha1',
      ],
      hostKey: ['ssh-rsa', 'ssh-dss', 'ecdsa-sha2-nistp256', 'ssh-ed25519'],
      cipher: ['aes128-ctr', 'aes192-ctr', 'aes256-ctr', 'aes256-cbc', 'aes192-cbc', 'aes128-cbc', '3des-cbc', 'blowfish-cbc', 'cast128-cbc'],
      mac: ['hmac-sha2-512', 'hmac-sha2-384', 'hmac-sha2-256', 'hmac-sha1', 'hmac-md5'],
      compression: ['zlib@openssh.com', 'zlib', 'none'],
    })
  })
  assert.ok(wrong.length >= 10, wrong.join('\n'))
  for (const expected of [
    'hmac-sha2-384',
    'svr04',
    'phil',
    '2.6.26-2-686',
    'chacha20-poly1305',
    'ssh-dss',
    'cast128-cbc',
    'group address',
    'before Debian 12',
    '32-bit',
  ])
    assert.ok(
      wrong.some((sentence) => sentence.includes(expected)),
      `${expected} is not among\n${wrong.join('\n')}`,
    )
})

for (const [what, expected, change] of [
  ['curve25519-sha256 under OpenSSH 6.6', /curve25519-sha256 came with 7.4/, (t) => (t.ssh.ident = 'SSH-2.0-OpenSSH_6.6')],
  ['a strict key exchange under OpenSSH 7.4', /kex-strict.*came with 9.6/, (t) => t.ssh.kex.push('kex-strict-s-v00@openssh.com')],
  ['rsa-sha2 under OpenSSH 7.0', /rsa-sha2-512 came with 7.2/, (t) => (t.ssh.ident = 'SSH-2.0-OpenSSH_7.0')],
  ['DSA keys under OpenSSH 7.4', /ssh-dss is not offered since 7/, (t) => t.ssh.hostKey.push('ssh-dss')],
  ['a post-quantum exchange under OpenSSH 7.4', /sntrup761.*came with 8.5/, (t) => t.ssh.kex.push('sntrup761x25519-sha512@openssh.com')],
  ['lists of OpenSSH under a Dropbear banner', /no Dropbear server ever offered umac-64/, (t) => (t.ssh.ident = 'SSH-2.0-dropbear_2019.78')],
  ['a key type without a key', /ssh-ed25519 is offered, and the host has no ed25519 key/, (t) => (t.ssh.hostKeys = ['rsa', 'ecdsa'])],
  ['a server younger than its system', /younger than the end of CentOS/, (t) => (t.ssh.released = '2025-01-01')],
  ['a Debian banner on CentOS', /says Debian, and the host is CentOS/, (t) => (t.ssh.ident = 'SSH-2.0-OpenSSH_7.4p1 Debian-10+deb9u7')],
  ['a kernel of another release', /CentOS 7.9 runs 3.10.0-/, (t) => (t.os.kernel = '5.10.0-8-amd64')],
  ['an ARM processor in an Intel machine', /does not run x86_64/, (t) => (t.hardware.cpu = 'ARM Cortex-A53')],
  ["a virtual machine's card in iron", /QEMU's/, (t) => (t.hardware.macPrefixes = ['52:54:00'])],
  ['a locally administered address', /locally administered/, (t) => (t.hardware.macPrefixes = ['aa:00:04'])],
  ['an installation in the future', /lies in the future/, (t) => (t.host.installed = ['2020-11-20', '2027-01-01'])],
  ['a time zone that is none', /there is no Asia\/Nowhere/, (t) => (t.host.timezone = 'Asia/Nowhere')],
  ['a host name that all sites share', /fewer than 1,000 names/, (t) => (t.host.hostname = ['gw-#'])],
  [
    'TLS 1.3 on CentOS 7',
    /no TLS 1.3/,
    (t) => {
      t.web = {
        server: 'nginx',
        version: '1.20.1',
        header: 'nginx/1.20.1',
        released: '2021-05-25',
        module: '',
        tls: { min: 'TLSv1.2', max: 'TLSv1.3', ciphers: 'HIGH', curves: 'P-256', serverOrder: true, issuer: 'self', rsaBits: 2048 },
      }
    },
  ],
] as [string, RegExp, (template: PersonaTemplate & { ssh: NonNullable<PersonaTemplate['ssh']> }) => unknown][])
  test(`${what} is refused`, () => {
    const wrong = changed(change)
    assert.ok(
      wrong.some((sentence) => expected.test(sentence)),
      `${expected} is not among\n${wrong.join('\n')}`,
    )
  })

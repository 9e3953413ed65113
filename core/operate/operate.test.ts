/** Scenarios: parsed with places, planned, applied, undone. */
import assert from 'node:assert/strict'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemActor } from '../actor.ts'
import { knownScanners, loadScanners } from '../known-scanners.ts'
import { testCore } from '../store/test-core.ts'
import { drawOrganisation, drawPassword } from './organisation.ts'
import { loadPersonas, loadPlants, templatesFolder } from './personas.ts'
import { dataPortOf } from './passive.ts'
import { checkScenario } from './scenario.ts'
import { decoySeed } from './site-secret.ts'
import { applyTemplate, planTemplate } from './templates.ts'

const starter = readFileSync(join(templatesFolder, 'scenarios', 'starter.yaml'), 'utf8')
const personas = loadPersonas()
const plants = loadPlants()

const faultsOf = (text: string): { line: number; column: number; path: string; message: string }[] => {
  const checked = checkScenario(text, personas, plants)
  return 'faults' in checked ? checked.faults : []
}

test('every shipped scenario is valid', () => {
  const files = globSync('*.yaml', { cwd: join(templatesFolder, 'scenarios') })
  assert.ok(files.includes('machinery-park.yaml'))
  for (const file of files) assert.deepEqual(faultsOf(readFileSync(join(templatesFolder, 'scenarios', file), 'utf8')), [], file)
})

test('a device and its plant must fit, and the fault says how', () => {
  const park = readFileSync(join(templatesFolder, 'scenarios', 'machinery-park.yaml'), 'utf8')
  const first = (text: string): string => `${faultsOf(text)[0]?.path}: ${faultsOf(text)[0]?.message}`
  assert.match(
    first(park.replace('plant: paint\n    units: { oven: OV1 }', 'plant: painting\n    units: { oven: OV1 }')),
    /^decoys\.0\.plant: there is no plant 'painting' in this file/,
  )
  assert.match(first(park.replace('{ oven: OV1 }', '{ oven: OV9 }')), /^decoys\.0\.units\.oven: plant 'paint' has no unit 'OV9'; it has OV1, OV2/)
  assert.match(first(park.replace('{ oven: OV1 }', '{ furnace: OV1 }')), /has no alias 'furnace'; it has oven/)
  assert.match(
    first(park.replace('plant: paint\n    units: { oven: OV1 }', 'plant: test\n    units: { oven: HB1 }')),
    /'HB1' is a hydraulic, and 'oven' must be a oven|'oven' must be an? oven/,
  )
  assert.match(first(park.replace('template: paint-line', 'template: paint-shop')), /^plants\.0\.template: there is no plant template 'paint-shop'/)
  assert.match(
    first(park.replace('- { service: snmp, port: 161, settings', '- { service: ftp, port: 21 }\n      - { service: snmp, port: 161, settings')),
    /persona 'siemens-s7-1200' has no 'ftp' section/,
  )
  assert.match(
    first(park.replace('- { service: iec104, port: 2404 }', '- { service: iec104, port: 2404 }\n      - { service: hmi-https, port: 443 }')),
    /^decoys\.5\.services\.\d\.service: the page of persona 'rtu-iec104' has no 'tls'/,
  )
  const crowded = '- { service: s7comm, port: 102 }\n      - { service: s7comm, port: 103 }\n      - { service: s7comm, port: 104 }'
  assert.match(first(park.replace('- { service: s7comm, port: 102 }', crowded)), /^decoys\.0\.services: Too big: expected array to have <=6 items/)
  assert.match(first(starter.replace('    persona: centos-7', '    persona: centos-7\n    plant: paint')), /is no device, so it belongs to no plant/)
})

test('passive transfers of a device get a port of their own, which the plan says and the device names to its clients', async (t) => {
  const core = await testCore()
  t.after(() => core.close())
  const park = readFileSync(join(templatesFolder, 'scenarios', 'machinery-park.yaml'), 'utf8')
  const { steps } = await planTemplate(core, systemActor, { body: { text: park } })
  const [line] = steps.filter(({ what, detail }) => what === 'placement' && detail.endsWith('batching/ftp-data'))
  const port = Number(/ 10\.20\.31\.31:(\d+) /.exec(line?.detail ?? '')?.[1])
  assert.ok(port > 1025 && port < 2000, line?.detail)
  await applyTemplate(core, systemActor, { body: { text: park } })
  const [row] = await core.sql<
    { services: { service: string; port: number; settings: { dataPort?: number } }[] }[]
  >`select services from decoy where id = 'batching'`
  assert.equal(row?.services.find(({ service }) => service === 'ftp')?.settings.dataPort, port)
  assert.equal(row?.services.find(({ service }) => service === 'ftp-data')?.port, port)
  assert.equal((await planTemplate(core, systemActor, { body: { text: park } })).steps.filter(({ action }) => action !== 'keep').length, 0)
})

test('a port for passive transfers that is said is kept, and placements must agree on it', () => {
  const park = readFileSync(join(templatesFolder, 'scenarios', 'machinery-park.yaml'), 'utf8')
  const place = '  - { relay: park-relay, decoy: batching, address: 10.20.31.31 }'
  const said = (ports: string, more = ''): string => park.replace(place, place.replace(' }', `, ports: { ftp-data: ${ports} } }`) + more)
  const checked = checkScenario(said('20000'), personas, plants)
  assert.ok('scenario' in checked)
  const decoy = checked.scenario.decoys.find(({ id }) => id === 'batching')
  assert.ok(decoy)
  assert.equal(dataPortOf(checked.scenario, decoy), 20_000)
  const twice = faultsOf(said('20000', `\n${place.replace('31.31', '31.32')}\n`.replace(' }\n', ', ports: { ftp-data: 20001 } }\n')))
  assert.match(twice[0]?.message ?? '', /its placements give 'ftp-data' the ports 20000 and 20001/)
})

test('a fault names line, column, path and what was expected', () => {
  const [wrongPort] = faultsOf(starter.replace('port: 443', 'port: 99999'))
  assert.equal(wrongPort?.path, 'decoys.0.services.1.port')
  assert.equal(
    starter
      .replace('port: 443', 'port: 99999')
      .split('\n')
      [(wrongPort?.line ?? 0) - 1]?.slice((wrongPort?.column ?? 1) - 1),
    '99999',
  )
  const [unknownKey] = faultsOf(starter.replace('    persona: centos-7', '    persona: centos-7\n    personna: x'))
  assert.match(unknownKey?.message ?? '', /personna/)
  const [service] = faultsOf(starter.replace('service: portal-https', 'service: gopher'))
  assert.match(service?.message ?? '', /there is no service 'gopher'; known: ssh, portal/)
  const [placement] = faultsOf(starter.replace('decoy: router, address', 'decoy: nobody, address'))
  assert.match(placement?.message ?? '', /there is no decoy 'nobody' in this file/)
})

test('tags, aliases, duplicate keys and broken YAML are refused with their place', () => {
  assert.match(faultsOf('kind: !!js/function x')[0]?.message ?? '', /tag/i)
  assert.match(faultsOf('a: &x 1\nb: *x')[0]?.message ?? '', /alias '\*x' is not allowed/)
  assert.match(faultsOf('kind: scenario\nkind: scenario')[0]?.message ?? '', /unique|duplicate/i)
  assert.equal(faultsOf('kind: [')[0]?.line, 1)
})

test('two secrets draw organisations, passwords and seeds that differ; the same secret draws the same', () => {
  const one = Buffer.alloc(32, 1)
  const two = Buffer.alloc(32, 2)
  assert.deepEqual(drawOrganisation(one), drawOrganisation(one))
  assert.notDeepEqual(drawOrganisation(one), drawOrganisation(two))
  assert.notEqual(drawPassword(one, 'router', 'root'), drawPassword(two, 'router', 'root'))
  assert.notEqual(decoySeed(one, 'a'), decoySeed(one, 'b'))
  assert.notEqual(decoySeed(one, 'a'), decoySeed(two, 'a'))
})

test('apply does what plan showed; again it changes nothing; the former file undoes it', async () => {
  const core = await testCore()
  try {
    const plan = await planTemplate(core, systemActor, { body: { text: starter } })
    assert.ok(plan.steps.every(({ action, id }) => action === 'create' || id === 'group'))
    assert.equal(plan.warnings.length, 2)
    const applied = await applyTemplate(core, systemActor, { body: { text: starter, base: plan.base } })
    assert.equal(applied.version, 1)
    const again = await applyTemplate(core, systemActor, { body: { text: starter } })
    assert.equal(again.version, 1)
    assert.ok(again.steps.every(({ action }) => action === 'keep'))
    const secretsBefore = await core.sql`select id, secrets from decoy order by id`

    const changed = starter.replace('ports: { ssh: 2223 }', 'ports: { ssh: 2299 }')
    const second = await applyTemplate(core, systemActor, { body: { text: changed } })
    assert.deepEqual(
      second.steps
        .filter(({ action }) => action !== 'keep')
        .map(({ action, what }) => `${action} ${what}`)
        .sort(),
      ['create placement', 'remove placement'],
    )
    await assert.rejects(applyTemplate(core, systemActor, { body: { text: starter, base: plan.base } }), /plan again/)
    await applyTemplate(core, systemActor, { body: { text: starter } })
    const rows = await core.sql<{ port: number }[]>`select port from placement where decoy = 'router'`
    assert.deepEqual(
      rows.map(({ port }) => port),
      [2223],
    )
    assert.deepEqual([...(await core.sql`select id, secrets from decoy order by id`)], [...secretsBefore], 'a host keeps its keys')
    const viewer = { ...systemActor, kind: 'person' as const, scopes: ['group/elsewhere'] }
    await assert.rejects(planTemplate(core, viewer, { body: { text: starter } }), /lies outside of what you may change/)
  } finally {
    await core.close()
  }
})

test('a known scanner belongs to a place: applying it again changes nothing, a changed port shows, and nobody lists one above their own place', async () => {
  const core = await testCore()
  try {
    const entry =
      "  - { network: 192.0.2.7, owner: Audit, expires: '2099-01-01', ports: [22], reason: weekly, scope: group/head-office }\n  - { network: 198.51.100.9/24, owner: Net, expires: '2099-01-01', reason: monitor }\n"
    const text = `${starter}\nknownScanners:\n${entry}`
    await applyTemplate(core, systemActor, { body: { text } })
    const steps = async (given: string) =>
      (await planTemplate(core, systemActor, { body: { text: given } })).steps
        .filter(({ what }) => what === 'known-scanner')
        .map(({ action, id }) => `${action} ${id}`)
    assert.deepEqual(await steps(text), ['keep 192.0.2.7/32', 'keep 198.51.100.0/24'])
    assert.deepEqual(await steps(text.replace('ports: [22]', 'ports: [22, 80]')), ['change 192.0.2.7/32', 'keep 198.51.100.0/24'])
    assert.deepEqual(await steps(text.replace(', scope: group/head-office', '')), ['create 192.0.2.7/32', 'keep 198.51.100.0/24', 'remove 192.0.2.7/32'])
    await assert.rejects(planTemplate(core, systemActor, { body: { text: text.replace('192.0.2.7', 'nowhere') } }), /not an address or a network/)
    const find = await loadScanners(core.sql)
    assert.equal(find('192.0.2.7', Date.now(), 'group/head-office/floor-1')?.owner, 'Audit')
    assert.equal(find('192.0.2.7', Date.now(), 'group/machinery'), undefined)
    const below = (scopes: string[]) => ({ ...systemActor, kind: 'person' as const, scopes })
    assert.deepEqual(
      (await knownScanners(core, below(['group/head-office']), {})).items.map(({ owner }) => owner),
      ['Audit'],
    )
    const own = text
      .slice(text.indexOf('decoys:'))
      .replace(/ {2}- \{ network: 192.*\n/, '')
      .replaceAll('scope: group\n', 'scope: group/head-office\n')
    const head = 'kind: scenario\nversion: 1\nname: other\ntitle: { zh: 其他, en: Other }\n'
    await assert.rejects(planTemplate(core, below(['group/head-office']), { body: { text: head + own } }), /'group' lies outside of what you may change/)
  } finally {
    await core.close()
  }
})

test('a broken persona of a site is named where it is used and leaves the rest running', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'shenlou-personas-'))
  try {
    mkdirSync(join(dataDir, 'personas'))
    const file = join(dataDir, 'personas', 'ours.yaml')
    writeFileSync(file, 'kind: persona\nversion: 1\nid: ours\n')
    assert.throws(() => loadPersonas(dataDir), /persona ours\.yaml: line \d+, column \d+: /)
    const said: string[] = []
    assert.deepEqual([...loadPersonas(dataDir, (fault) => said.push(fault)).keys()], [...personas.keys()])
    assert.equal(said.length, 1)
    const shipped = readFileSync(join(templatesFolder, 'personas', 'centos-7.yaml'), 'utf8')
    writeFileSync(file, shipped.replace('id: centos-7', 'id: ours'))
    assert.ok(loadPersonas(dataDir).has('ours'), 'a mended file is read again')
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
})

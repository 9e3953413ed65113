/** For tests: a plant of a few tags in memory, and a device persona to show them. */
import { personaTemplate } from '@shenlou/contract/persona'
import { drawPersona, type Persona } from '../persona.ts'
import type { PlantTag, PlantView, Snapshot } from '../plant/plant.ts'

const tag = (id: string, rest: Partial<PlantTag> = {}): PlantTag => ({
  id,
  unitId: id.split('.')[0] as string,
  title: { zh: id, en: id },
  class: 'PV',
  type: 'real',
  unit: '°C',
  range: [0, 400],
  access: 'read',
  logged: true,
  ...rest,
})

/** One oven: a temperature that nobody may write, a setpoint, a command, a limit. */
export function testPlant(): PlantView & { values: Map<string, number>; written: string[] } {
  const tags = [
    tag('OV2.Z1.PV'),
    tag('OV2.Z1.SP', { class: 'SP', access: 'operator' }),
    tag('OV2.Burner.Cmd', { class: 'CMD', type: 'bool', unit: '', range: [0, 1], access: 'operator' }),
    tag('OV2.TripLim', { class: 'LIM', access: 'engineer' }),
  ]
  const values = new Map<string, number>([
    ['OV2.Z1.PV', 179.6],
    ['OV2.Z1.SP', 180],
    ['OV2.Burner.Cmd', 1],
    ['OV2.TripLim', 230],
  ])
  const written: string[] = []
  let mode: 'run' | 'stop' = 'run'
  let branched = false
  const snapshot: Snapshot = { at: 0, step: 0, value: (id) => values.get(id) ?? Number.NaN, good: (id) => values.has(id) }
  return {
    id: 'test',
    template: { units: [], equipment: {} } as unknown as PlantView['template'],
    get branched() {
      return branched
    },
    snapshot,
    tag: (id) => tags.find((each) => each.id === id),
    tags: () => tags,
    write(id, value, { access }) {
      const found = tags.find((each) => each.id === id)
      const before = values.get(id) ?? 0
      if (!found) return { accepted: false, before, reason: 'unknown' }
      if (found.access === 'read' || (found.access === 'engineer' && access === 'operator')) return { accepted: false, before, reason: 'read-only' }
      if (value < found.range[0] || value > found.range[1]) return { accepted: false, before, reason: 'range' }
      values.set(id, value)
      written.push(`${id}=${value}`)
      branched = true
      return { accepted: true, before, after: value }
    },
    mode: () => mode,
    setMode(_, next) {
      mode = next
    },
    controllerClock: () => Date.UTC(2026, 10, 23, 8, 0, 0),
    alarms: () => [],
    acknowledge: () => false,
    history: () => [],
    onStep: () => () => {},
    onConsequence: () => () => {},
    release() {},
    values,
    written,
  }
}

const area = (values: object[], ranges: [number, number][] = []) => ({ ranges, values })
const float = (at: number, from: string, write: 'no' | 'operator' | 'engineer' = 'no') => ({ at, from, as: 'float32', write })

/** A controller with every protocol, drawn from a seed. */
export function testDevice(changes: Record<string, object> = {}): Persona {
  const template = personaTemplate.parse({
    kind: 'persona',
    version: 1,
    id: 'test-device',
    title: { zh: '测试', en: 'Test' },
    os: {
      family: 'embedded',
      distribution: 'firmware',
      release: '3.2',
      codename: '',
      architecture: 'embedded',
      released: '2012-01-01',
      retired: '2030-01-01',
      shell: 'none',
    },
    hardware: {
      vendor: 'Siemens',
      model: 'S7-300',
      cpu: '',
      cores: 1,
      memoryMiB: 16,
      diskGiB: 0.01,
      macPrefixes: ['28:63:36'],
      serialPattern: 'S C-@#@#####2013',
    },
    host: { hostname: ['{site}-plc##'], installed: ['2014-01-01', '2018-01-01'], uptimeDays: [30, 300], accounts: [] },
    device: {
      class: 'plc',
      product: 'CPU 315-2 PN/DP',
      orderNumber: '6ES7 315-2EH14-0AB0',
      hardware: '5',
      firmware: 'V3.2.8',
      firmwareReleased: '2013-06-01',
      plantName: ['{site}-PAINT#'],
      stationName: ['SIMATIC 300(##)'],
      modules: [],
      cycleMs: [2, 6],
      latencyMs: [1, 3],
      units: { oven: 'oven' },
    },
    modbus: {
      connections: 16,
      absent: 'target-failed',
      units: [
        {
          ids: [0, 1, 255],
          functions: [1, 2, 3, 4, 5, 6, 8, 15, 16, 17, 22, 23, 43, 90],
          identification: { 0: 'Schneider Electric', 1: 'BMX P34 2020', 2: 'v{firmware}' },
          serverId: '{orderNumber}',
          coils: area([{ at: 0, from: 'oven.Burner.Cmd', as: 'bit', write: 'operator' }], [[0, 31]]),
          discreteInputs: area([{ at: 0, from: '@mode', as: 'bit' }], [[0, 15]]),
          holdingRegisters: area(
            [{ at: 0, from: 'oven.Z1.SP', as: 'int16', scale: 10, write: 'operator' }, float(10, 'oven.Z1.PV'), float(12, 'oven.TripLim', 'engineer')],
            [[0, 199]],
          ),
          inputRegisters: area([{ at: 0, from: 'oven.Z1.PV', as: 'int16', scale: 10 }], [[0, 99]]),
        },
        {
          ids: [7],
          functions: [3, 6, 16],
          strict: true,
          holdingRegisters: area([
            { at: 0, from: 'oven.Z1.SP', as: 'uint16', write: 'operator' },
            { at: 1, from: 'oven.Z1.PV', as: 'uint16' },
          ]),
        },
      ],
      umas: { project: 'test', hardwareId: 0x06010013, version: '2.70' },
    },
    s7comm: {
      family: '300',
      connections: 4,
      pdu: 240,
      slots: [2],
      cpuType: 'CPU 315-2 PN/DP',
      blocks: [
        { type: 'OB', number: 1, bytes: 512 },
        { type: 'FC', number: 10, bytes: 900, author: 'ENG' },
        { type: 'DB', number: 10, bytes: 120, language: 5 },
      ],
      dataBlocks: [
        {
          number: 10,
          bytes: 64,
          values: [float(0, 'oven.Z1.PV'), float(20, 'oven.Z1.SP', 'operator'), { at: 40, bit: 0, from: 'oven.Burner.Cmd', as: 'bit', write: 'operator' }],
        },
      ],
      inputs: { bytes: 16, values: [] },
      outputs: { bytes: 16, values: [{ at: 0, bit: 0, from: 'oven.Burner.Cmd', as: 'bit' }] },
      flags: { bytes: 256, values: [] },
      timers: 32,
      counters: 32,
    },
    iec104: {
      connections: 2,
      commonAddress: 47,
      points: [
        { address: 1001, type: 'M_SP_NA_1', from: 'oven.Burner.Cmd', groups: [1] },
        { address: 1002, type: 'M_DP_TB_1', from: '@mode' },
        { address: 2001, type: 'M_ME_NC_1', from: 'oven.Z1.PV', deadband: 0.5, groups: [2] },
        { address: 2002, type: 'M_ME_NB_1', from: 'oven.Z1.SP', scale: 10 },
      ],
      commands: [
        { address: 3001, type: 'C_SC_NA_1', from: 'oven.Burner.Cmd', select: true },
        { address: 6001, type: 'C_SE_NC_1', from: 'oven.Z1.SP' },
        { address: 6002, type: 'C_SE_NB_1', from: 'oven.TripLim', scale: 10, write: 'engineer' },
      ],
    },
    ...changes,
  })
  return drawPersona({
    template,
    organisation: { name: { zh: '远山重工', en: 'Yuanshan Heavy Industry' }, domain: 'yuanshan-group.cn' },
    seed: '5a'.repeat(32),
    decoy: 'test-device',
    secrets: {},
  })
}

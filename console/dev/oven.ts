/** An attack on an oven's controller for the mock: identification, polling, raised setpoints and limit, and what came of it. */
import type { StoredEvent } from '@shenlou/contract/event'
import type { EventBody, EventKind } from '@shenlou/contract/event-kinds'
import type { PlantPicture } from '@shenlou/contract/records'

type Say = <K extends EventKind>(kind: K, n: number, ago: number, body: EventBody<K>) => StoredEvent
type Point = EventBody<'industrial.requested'>['points'][number]

const tags: PlantPicture['units'][number]['tags'] = [
  ...([1, 2, 3] as const).flatMap((zone): PlantPicture['units'][number]['tags'] => [
    { id: `OV2.Z${zone}.PV`, title: { zh: `${'一二三'[zone - 1]}区温度`, en: `Zone ${zone} temperature` }, class: 'PV', unit: '°C', range: [0, 350] },
    { id: `OV2.Z${zone}.SP`, title: { zh: `${'一二三'[zone - 1]}区设定`, en: `Zone ${zone} setpoint` }, class: 'SP', unit: '°C', range: [0, 320] },
  ]),
  { id: 'OV2.LEL', title: { zh: '可燃气浓度', en: 'Solvent vapour' }, class: 'PV', unit: '%LEL', range: [0, 100] },
  { id: 'OV2.Exh.Fan', title: { zh: '排风机启动', en: 'Exhaust fan command' }, class: 'CMD', unit: '', range: [0, 1] },
  { id: 'OV2.Burner.Run', title: { zh: '燃烧器运行', en: 'Burner running' }, class: 'STAT', unit: '', range: [0, 1] },
  { id: 'OV2.HH', title: { zh: '超温报警限', en: 'High alarm limit' }, class: 'LIM', unit: '°C', range: [0, 350] },
  { id: 'OV2.Trip', title: { zh: '超温联锁动作', en: 'Overheat trip' }, class: 'TRIP', unit: '', range: [0, 1] },
  { id: 'OV2.Parts', title: { zh: '产量', en: 'Parts' }, class: 'CNT', unit: '', range: [0, 1e9] },
]

export const ovenPicture: PlantPicture = {
  plant: 'paint',
  title: { zh: '涂装生产线', en: 'Paint line' },
  units: [
    {
      id: 'OV2',
      title: { zh: '面漆烘干炉', en: 'Topcoat oven' },
      model: 'oven',
      tags,
      alarms: [{ id: 'OV2.Z1.HH', title: { zh: '一区超温', en: 'Zone 1 high' }, tag: 'OV2.Z1.PV', priority: 2 }],
      picture: {
        size: [60, 24],
        symbols: [
          { id: 'fan', kind: 'fan', at: [1, 1], size: [12, 8], title: { zh: '排风机', en: 'Exhaust fan' }, tags: { command: 'OV2.Exh.Fan' } },
          { id: 'burner', kind: 'heater', at: [46, 1], size: [12, 8], title: { zh: '燃烧器', en: 'Burner' }, tags: { run: 'OV2.Burner.Run' } },
          { id: 'solvent', kind: 'indicator', at: [17, 1], size: [14, 4], tags: { value: 'OV2.LEL' } },
          { id: 'trip', kind: 'lamp', at: [33, 1], size: [12, 3], tags: { on: 'OV2.Trip' } },
          ...([1, 2, 3] as const).map((zone) => ({
            ...{ id: `zone${zone}`, kind: 'zone' as const, at: [zone * 20 - 19, 11] as [number, number], size: [18, 11] as [number, number] },
            tags: { value: `OV2.Z${zone}.PV`, setpoint: `OV2.Z${zone}.SP`, high: 'OV2.HH' },
          })),
        ],
        lines: [
          { from: 'zone1.top', to: 'fan.bottom', via: [], kind: 'duct', arrow: true, flow: 'OV2.Exh.Fan' },
          { from: 'burner.bottom', to: 'zone3.top', via: [], kind: 'duct', arrow: true, flow: 'OV2.Burner.Run' },
        ],
      },
    },
  ],
}

const point = (id: string, address: string, values: { before?: number; value?: number }): Point => {
  const tag = tags.find((each) => each.id === id)
  return { address, tag: id, ...(tag ? { name: tag.title, class: tag.class, unit: tag.unit } : {}), ...values }
}
const base64 = (hex: string): string => Buffer.from(hex.replaceAll(' ', ''), 'hex').toString('base64')

/** How long ago the attack began, in ms. */
export const ovenAgo = 6 * 60_000
const beganAt = ovenAgo - 20_000
const writtenAt = beganAt - 80_000

/** Events of session `n`, oldest first, from `ovenAgo` ms ago on. */
export function ovenEvents(say: Say, n: number): StoredEvent[] {
  const ask = (ago: number, body: Partial<EventBody<'industrial.requested'>>): StoredEvent =>
    say('industrial.requested', n, ago, {
      ...{ protocol: 'modbus', operation: 'read', function: 'Read Input Registers', unit: 1, points: [], count: 0, outcome: 'done', changed: false },
      ...{
        request: base64('0001 0000 0006 01 04 0000 000c'),
        response: base64('0001 0000 001b 01 04 18 0645 0749 06f4 00be 0000 002a 00fe 0132 03e2 0000 0000 0000'),
      },
      ...body,
    })
  const temperatures = (ago: number): [number, number, number] => {
    const after = Math.max(0, writtenAt - ago) / 1000
    const risen = 1 - Math.exp(-after / 90)
    return [160, 186, 174].map((start, zone) => Number((start + risen * [100, 94, 76][zone]! + Math.sin(ago / 3000 + zone)).toFixed(2))) as [
      number,
      number,
      number,
    ]
  }
  const sample = (ago: number): StoredEvent => {
    const written = ago < writtenAt
    const [one, two, three] = temperatures(ago)
    return say('plant.sampled', n, ago, {
      plant: 'paint',
      branched: written,
      values: {
        ...{ 'OV2.Z1.PV': one, 'OV2.Z2.PV': two, 'OV2.Z3.PV': three, 'OV2.LEL': 4.2, 'OV2.Exh.Fan': 1, 'OV2.Burner.Run': 1, 'OV2.Trip': 0, 'OV2.Parts': 8421 },
        ...{ 'OV2.Z1.SP': written ? 260 : 160, 'OV2.Z2.SP': written ? 280 : 186, 'OV2.Z3.SP': written ? 250 : 174, 'OV2.HH': written ? 280 : 205 },
      },
    })
  }
  const reads = (ago: number): StoredEvent =>
    ask(ago, { points: temperatures(ago).map((value, zone) => point(`OV2.Z${zone + 1}.PV`, `3000${zone + 1}`, { value })), count: 12 })
  const write = (
    ago: number,
    id: string,
    register: number,
    before: number,
    value: number,
    more: Partial<EventBody<'industrial.requested'>> = {},
  ): StoredEvent => {
    const hex = `0014 0000 0006 01 06 ${register.toString(16).padStart(4, '0')} ${(value * 10).toString(16).padStart(4, '0')}`
    return ask(ago, {
      ...{ operation: 'write', function: 'Write Single Register', points: [point(id, String(40_001 + register), { before, value })], count: 1, changed: true },
      ...{ request: base64(hex), response: base64(hex), ...more },
    })
  }
  const events = [
    say('session.opened', n, ovenAgo, { adversary: 'address 198.51.100.77' }),
    ask(beganAt, {
      ...{ operation: 'identify', function: 'Read Device Identification', request: base64('0001 0000 0005 01 2b 0e 01 00') },
      response: base64('0001 0000 001f 01 2b 0e 01 01 00 00 02 00 07 5765696e74656b 01 08 634d5433303930 00'),
    }),
    ask(beganAt - 1000, {
      ...{ function: 'Read Holding Registers', outcome: 'refused', reason: 'exception 2' },
      ...{ request: base64('0002 0000 0006 01 03 01f4 0004'), response: base64('0002 0000 0003 01 83 02') },
    }),
    ...Array.from({ length: 30 }, (_, i) => reads(beganAt - 3000 - i * 2000)),
    write(writtenAt + 3000, 'OV2.HH', 20, 205, 280, { operation: 'alarm' }),
    write(writtenAt + 2000, 'OV2.Z1.SP', 0, 160, 260),
    write(writtenAt + 1000, 'OV2.Z2.SP', 1, 186, 280),
    write(writtenAt, 'OV2.Z3.SP', 2, 174, 250),
    ...Array.from({ length: 60 }, (_, i) => reads(writtenAt - 2000 - i * 2000)),
    say('plant.affected', n, writtenAt - 70_000, {
      ...{
        plant: 'paint',
        consequence: 'alarm',
        id: 'OV2.Z1.HH',
        tag: 'OV2.Z1.PV',
        name: { zh: '一区温度', en: 'Zone 1 temperature' },
        value: 214.2,
        limit: 205,
      },
      ...{ unit: '°C', after: { tag: 'OV2.Z1.SP', value: 260, time: 0 } },
    }),
    ...Array.from({ length: 68 }, (_, i) => sample(ovenAgo - 1000 - i * 5000)),
  ]
  const cause = events.find((event) => event.kind === 'industrial.requested' && (event.body.points as Point[])[0]?.tag === 'OV2.Z1.SP')
  for (const event of events) if (event.kind === 'plant.affected' && cause) (event.body.after as { time: number }).time = cause.time
  return events.sort((a, b) => a.time - b.time)
}

/** Fixed segments of idle addresses: one that answers, one let go of, a whole /16. */
import { type AddressState, addressStates, type CoverageSegment, type SegmentAddress } from '@shenlou/contract/coverage'
import { minute, now } from './records.ts'

/** States of a segment's addresses, drawn by a rule that leaves runs and holes. */
function cellsOf(size: number, claimed: number, used: number): Uint8Array {
  const cells = new Uint8Array(size)
  const code = (state: AddressState): number => addressStates.indexOf(state)
  let [left, real] = [claimed, used]
  for (let at = 1; at < size - 1; at++) {
    const block = Math.floor(at / 7)
    if (real > 0 && (block * 2654435761) % 11 < 3) {
      cells[at] = code('used')
      real--
    } else if (left > 0 && (block * 40503) % 5 < 2) {
      cells[at] = code(at % 29 === 0 ? 'refused' : at % 17 === 0 ? 'planned' : 'claimed')
      left--
    }
  }
  cells.fill(code('pool'), Math.floor(size * 0.8), Math.floor(size * 0.87))
  cells.fill(code('excluded'), Math.floor(size * 0.9), Math.floor(size * 0.93))
  for (const at of [0, 1, size - 1]) cells[at] = code('reserved')
  return cells
}
export const segmentCells = new Map<string, Uint8Array>([
  ['office', cellsOf(256, 90, 60)],
  ['production', cellsOf(512, 80, 45)],
  ['yard', cellsOf(65_536, 4096, 900)],
])
const count = (cells: Uint8Array): CoverageSegment['cells'] =>
  Object.fromEntries(addressStates.map((state, at) => [state, cells.reduce((sum, cell) => sum + (cell === at ? 1 : 0), 0)])) as CoverageSegment['cells']

function segmentOf(id: string, network: string, name: CoverageSegment['name'], over: Partial<CoverageSegment>): CoverageSegment {
  const cells = count(segmentCells.get(id) as Uint8Array)
  const decoys = cells.claimed
  const real = cells.used
  return {
    id,
    name,
    scope: 'group/machinery/park-3',
    relay: 'relay-park-3',
    host: 'decoys-hq',
    interface: 'eth1',
    vlan: 40,
    network,
    state: 'claiming',
    detail: '',
    released: null,
    addresses: (segmentCells.get(id)?.length ?? 2) - 2,
    cells,
    hosts: cells.claimed + cells.planned + cells.refused,
    undrawn: 0,
    wanted: cells.claimed + cells.planned + cells.refused,
    claimed: cells.claimed,
    used: real,
    realHosts: real + 12,
    refused: [
      { reason: 'not-quiet', count: 3 },
      { reason: 'probe-answered', count: 1 },
    ],
    giveUps10m: 0,
    touches: {
      basis: 'claimed',
      decoys,
      real: real + 12,
      from: 'said',
      ratio: decoys / (real + 12),
      orders: [
        { order: 'random', expected: decoys / (real + 13), simulated: decoys / (real + 13) + 0.1 },
        { order: 'ascending', expected: 3.2, simulated: 3.1 },
      ],
      ports: [
        { port: 22, transport: 'tcp', service: 'ssh', decoys, expected: decoys / (real + 13) },
        { port: 80, transport: 'tcp', service: 'portal', decoys: 24, expected: 24 / (real + 13) },
        { port: 161, transport: 'udp', service: 'snmp', decoys: 9, expected: 9 / (real + 13) },
      ],
    },
    blind: [
      { kind: 'not-seen', detail: `${real}/${real + 12}`, count: 12 },
      { kind: 'port', detail: '445/tcp smb', count: null },
      { kind: 'port', detail: '3389/tcp rdp', count: null },
      { kind: 'other-vlans', detail: 'eth1: 30, 40', count: null },
    ],
    ...over,
  }
}

export const segments: CoverageSegment[] = [
  segmentOf('office', '10.20.40.0/24', { zh: '办公网段', en: 'Office segment' }, { undrawn: 7 }),
  segmentOf(
    'production',
    '10.20.30.0/23',
    { zh: '生产网段', en: 'Production segment' },
    {
      vlan: 30,
      state: 'released',
      released: { at: now - 5 * minute, by: 'lin.wei', reason: '更换交换机 switch replaced' },
      blind: [{ kind: 'released', detail: '', count: null }],
      refused: [],
    },
  ),
  segmentOf('yard', '10.40.0.0/16', { zh: '堆场网段', en: 'Yard segment' }, { vlan: null, state: 'halted', giveUps10m: 5, detail: '5 give-ups in 10 minutes' }),
]

/** Rows of a segment's addresses, as the server answers them. */
export function addressesOf(id: string, query: Record<string, string>): { items: SegmentAddress[]; next: string | null; total: number } {
  const cells = segmentCells.get(id) ?? new Uint8Array()
  const segment = segments.find((each) => each.id === id)
  const first = (segment?.network.split('/')[0] ?? '0.0.0.0').split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  const address = (at: number): string => [24, 16, 8, 0].map((shift) => Math.floor((first + at) / 2 ** shift) % 256).join('.')
  const from = query.from ? query.from.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) - first : 0
  const fitting = [...cells.keys()].filter((at) => !query.state || addressStates[cells[at] as number] === query.state)
  const start = Number(query.cursor ?? 0)
  const shown = fitting.filter((at) => at >= Math.max(start, from)).slice(0, Number(query.limit ?? 100) + 1)
  const rows = shown.slice(0, Number(query.limit ?? 100)).map((at): SegmentAddress => {
    const state = addressStates[cells[at] as number] as AddressState
    const ours = state === 'claimed' || state === 'planned' || state === 'refused'
    return {
      address: address(at),
      state,
      reason: state === 'used' ? 'owner-seen' : state === 'refused' ? 'not-quiet' : state === 'pool' ? 'dhcp-pool' : state === 'excluded' ? 'cmdb' : null,
      owner: state === 'used' ? '00:1b:1b:0a:00:07' : null,
      note: state === 'excluded' ? 'printers of the second floor' : '',
      at: state === 'claimed' || state === 'used' ? now - at * 1000 : null,
      event: null,
      decoy: ours
        ? {
            id: `${id}-${address(at).replaceAll('.', '-')}`,
            persona: 'ubuntu-18.04',
            hostname: `haichuan-node${at}`,
            mac: 'b0:26:28:69:e1:2f',
            ports: ['22/tcp ssh'],
            drawn: at % 13 !== 0,
          }
        : null,
    }
  })
  return { items: rows, next: shown.length > rows.length ? String(shown.at(-1)) : null, total: fitting.length }
}

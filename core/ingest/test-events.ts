/** Events for tests and benchmarks, shaped like those of a decoy host. */
import type { SensorEvent } from '@shenlou/contract/event'
import { uuidv7 } from '@shenlou/link/uuid'

export const testSensor = { id: '01990000-0000-7000-8000-000000000001', scope: 'group/machinery/park-1' }

/** `count` command events from `seq` on. */
export const commandEvents = (seq: number, count: number, more: Partial<SensorEvent> = {}): SensorEvent[] =>
  Array.from({ length: count }, (_, index) => ({
    id: uuidv7(),
    time: Date.now(),
    seq: seq + index,
    kind: 'command.executed',
    decoy: 'erp-1',
    service: 'ssh',
    source: { ip: '203.0.113.7', port: 40_000 },
    destination: { ip: '10.1.2.3', port: 22 },
    body: { mode: 'shell', input: `cat /proc/cpuinfo | grep ${seq + index}`, user: 'root', directory: '/root' },
    ...more,
  }))

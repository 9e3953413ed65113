import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ScanReport, watchScans } from './scan.ts'

const watch = (options: Partial<Parameters<typeof watchScans>[0]> = {}) => {
  const reports: (ScanReport & { source: string })[] = []
  return { reports, scans: watchScans({ ...options, onScan: (source, report) => reports.push({ source, ...report }) }) }
}

test('a source that touches five ports within a minute is one scan, said at once and again as it grows', () => {
  const { reports, scans } = watch()
  for (let nth = 0; nth < 1000; nth++) scans.touched('203.0.113.9', '192.0.2.1', 1 + nth, nth * 40)
  scans.flush(200_000)
  assert.deepEqual(
    reports.map(({ source, type, ports, connections }) => [source, type, ports.length, connections]),
    [
      ['203.0.113.9', 'port', 5, 5],
      ['203.0.113.9', 'port', 755, 755],
      ['203.0.113.9', 'port', 1000, 1000],
    ],
  )
  assert.equal(scans.sources, 0)
})

test('many addresses are an address scan, many silent connections a probe', () => {
  const { reports, scans } = watch()
  for (let nth = 1; nth <= 5; nth++) scans.touched('a', `192.0.2.${nth}`, 22, nth)
  for (let nth = 0; nth < 20; nth++) {
    scans.touched('b', '192.0.2.1', 22, nth)
    scans.silent('b', '192.0.2.1', 22, nth)
  }
  assert.deepEqual(
    reports.map(({ source, type, silent }) => [source, type, silent]),
    [
      ['a', 'address', 0],
      ['b', 'probe', 20],
    ],
  )
})

test('three ports touched without a word are a port scan', () => {
  const { reports, scans } = watch()
  for (const port of [22, 80, 443]) {
    scans.touched('a', '192.0.2.1', port, port)
    scans.silent('a', '192.0.2.1', port, port + 1)
  }
  assert.deepEqual(
    reports.map(({ type, ports }) => [type, ports]),
    [['port', [22, 80, 443]]],
  )
})

test('a client that uses few ports again and again is no scan', () => {
  const { reports, scans } = watch()
  for (let nth = 0; nth < 5000; nth++) scans.touched('a', '192.0.2.1', [22, 80, 443][nth % 3] as number, nth * 1000)
  for (let nth = 0; nth < 100; nth++) scans.touched('b', '192.0.2.1', nth, nth * 61_000)
  scans.flush(1e9)
  assert.deepEqual(reports, [])
})

test('what it remembers is bounded', () => {
  const { scans } = watch({ maxSources: 100 })
  for (let nth = 0; nth < 10_000; nth++) scans.touched(`source ${nth}`, '192.0.2.1', 22, nth)
  assert.equal(scans.sources, 100)
})

test('closed ports that the kernel told of and connections to open ones are one scan, which says how many were closed', () => {
  const { reports, scans } = watch()
  scans.touched('a', '192.0.2.1', 22, 0)
  for (let port = 1; port <= 300; port++) scans.probed('a', '192.0.2.1', port, 2000)
  scans.touched('a', '192.0.2.1', 80, 2500)
  scans.flush(100_000)
  assert.equal(reports.length, 2, 'said at once, and whole when it was over')
  assert.ok(reports.every(({ source, type }) => source === 'a' && type === 'port'))
  assert.deepEqual(
    reports.map(({ ports, connections, probes }) => [ports.length, connections, probes]),
    [
      [4, 1, 3],
      [300, 2, 300],
    ],
  )
})

test('one closed port that is asked for now and then is no scan', () => {
  const { reports, scans } = watch()
  for (let nth = 0; nth < 10; nth++) scans.probed('a', '192.0.2.1', 445, nth * 5000)
  scans.flush(1e6)
  assert.deepEqual(reports, [])
})

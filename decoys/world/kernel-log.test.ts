/** The kernel's log of a host. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { webPersona } from '../http/persona-fixture.ts'
import { makeHost } from './host.ts'
import { kernelLog } from './kernel-log.ts'

const timesOf = (log: string): string[] => [...log.matchAll(/^\[ *([\d.]+)\]/gm)].map(([, at]) => at as string)

test('two hosts of one kind boot at their own pace, the same every time it is read, and the log never goes back', () => {
  const logs = [0, 1].map((number) => kernelLog(makeHost(webPersona(number))))
  assert.equal(logs[0], kernelLog(makeHost(webPersona(0))))
  const [one, two] = logs.map(timesOf) as [string[], string[]]
  assert.equal(one.length, two.length)
  assert.deepEqual(
    one.filter((at, nth) => at !== '0.000000' && at === two[nth]),
    [],
  )
  for (const times of [one, two])
    assert.deepEqual(
      times,
      times.toSorted((a, b) => Number(a) - Number(b)),
    )
})

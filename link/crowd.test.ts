import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openCrowd } from './crowd.ts'

test('a flood of silent connections displaces its own and leaves those who speak', () => {
  const evicted: string[] = []
  const crowd = openCrowd({ most: 50, perSource: 1000 })
  const speaking = crowd.admit('203.0.113.9', () => evicted.push('speaking'))
  speaking.spoke(5000)
  const typing = crowd.admit('203.0.113.9', () => evicted.push('typing'))
  typing.spoke(20)
  const quiet = crowd.admit('198.51.100.1', () => evicted.push('quiet'))
  for (let nth = 0; nth < 500; nth++) crowd.admit('203.0.113.9', () => evicted.push(`flood ${nth}`))
  assert.equal(crowd.size, 50)
  assert.deepEqual(
    evicted,
    Array.from({ length: 453 }, (_, nth) => `flood ${nth}`),
  )
  quiet.leave()
  quiet.leave()
  assert.equal(crowd.size, 49)
})

test('one source is held to its share', () => {
  let evicted = 0
  const crowd = openCrowd({ most: 100, perSource: 10 })
  for (let nth = 0; nth < 30; nth++) crowd.admit('203.0.113.9', () => evicted++)
  assert.equal(evicted, 20)
  assert.equal(crowd.size, 10)
})

test('those who speak are displaced too when nobody else is there, the longest idle first', () => {
  const evicted: number[] = []
  const crowd = openCrowd({ most: 3, perSource: 100 })
  const members = [0, 1, 2].map((nth) => crowd.admit('a', () => evicted.push(nth)))
  for (const member of members) member.spoke(10_000)
  members[0]?.spoke(1)
  crowd.admit('b', () => {})
  assert.deepEqual(evicted, [1])
})

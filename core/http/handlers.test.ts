import assert from 'node:assert/strict'
import { test } from 'node:test'
import { routes } from '@shenlou/contract/api'
import { handlers } from './handlers.ts'

test('every route of the contract has its function, of the same name, and no function lacks a route', () => {
  assert.deepEqual(Object.keys(handlers).sort(), Object.keys(routes).sort())
  for (const [name, handler] of Object.entries(handlers)) assert.equal(handler.name, name)
})

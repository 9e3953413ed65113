import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { apiError } from '@shenlou/contract/api'
import { ApiError } from '../api-error.ts'
import { doorError, errorBody, errorCodes, toApiError } from './errors.ts'

const core = path.join(import.meta.dirname, '..')
/** Not the API's: they speak to the core over its local socket. */
const elsewhere = new Set(['admin-socket.ts'])

const thrown = globSync('**/*.ts', { cwd: core, exclude: (name) => name === 'node_modules' || name.endsWith('.test.ts') })
  .filter((file) => !elsewhere.has(file))
  .flatMap((file) => {
    const text = readFileSync(path.join(core, file), 'utf8')
    const direct = [...text.matchAll(/new ApiError\(\s*(\d{3}),\s*'([a-z0-9.-]+)'/g)].map(([, status, code]) => ({
      file,
      status: Number(status),
      code: code as string,
    }))
    const listed = [...text.matchAll(/\[(4\d\d), '([a-z0-9-]+)', /g)].map(([, status, code]) => ({ file, status: Number(status), code: code as string }))
    const refusals = [...text.matchAll(/refuse\((\d{3}), '([a-z-]+)'/g)].map(([, status, rule]) => ({ file, status: Number(status), code: `ticket.${rule}` }))
    return [...direct, ...listed, ...refusals]
  })

test('every code that the core throws is in the table, under one status', () => {
  assert.ok(thrown.length > 20)
  for (const { file, status, code } of thrown) assert.equal(errorCodes[code], status, `${code} of ${file}`)
})

test('the table names no code that nothing throws', () => {
  const doors = readFileSync(path.join(core, 'http', 'errors.ts'), 'utf8')
  for (const code of Object.keys(errorCodes)) {
    assert.ok(thrown.some((one) => one.code === code) || doors.includes(`'${code}': [`) || doors.includes(`  ${code}: [`) || code === 'ticket.needs', code)
  }
})

test('an error is answered in the form of the contract, with what lies where', () => {
  const faults = [{ line: 3, column: 5, path: 'decoys.0', message: 'expected a name' }]
  const body = errorBody(new ApiError(422, 'template-invalid', 'line 3', { faults }))
  assert.deepEqual(apiError.parse(body).error.faults, faults)
  assert.deepEqual(errorBody(doorError('bad-request', 'limit: too small', { limit: 'too small' })).error.fields, { limit: 'too small' })
})

test('what PostgreSQL says of a bad value is the caller’s fault; a lost database is a 503; the rest is ours', () => {
  const of = (code: string) => toApiError(Object.assign(new Error('x'), { code })).error.status
  assert.deepEqual(['22P02', '22003', '57P01', 'ECONNREFUSED', 'CONNECTION_CLOSED', '23505'].map(of), [400, 400, 503, 503, 503, 500])
  assert.equal(toApiError('a string').error.code, 'internal')
  assert.equal(toApiError(null).unexpected, true)
})

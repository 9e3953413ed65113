import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RouteName, routes } from '@shenlou/contract/api'
import { openApi } from './openapi.ts'

interface Operation {
  operationId: string
  summary: string
  parameters?: { name: string; in: string; required: boolean; schema: object }[]
  requestBody?: { content: Record<string, { schema: object }> }
  responses: Record<string, { content?: Record<string, { schema?: object }>; $ref?: string }>
  security?: unknown[]
}
const description = openApi('1.2.3') as {
  openapi: string
  info: { version: string }
  paths: Record<string, Record<string, Operation>>
  components: Record<string, Record<string, unknown>>
}

const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

test('every route is described once, with its path, parameters and body', () => {
  assert.equal(description.openapi, '3.1.0')
  assert.equal(description.info.version, '1.2.3')
  assert.deepEqual(operations.map(({ operation }) => operation.operationId).sort(), Object.keys(routes).sort())
  for (const { path, method, operation } of operations) {
    const route = routes[operation.operationId as RouteName]
    assert.equal(method.toUpperCase(), route.method)
    assert.equal(path, `/api/v1${route.path.replaceAll(/:([a-z0-9]+)/g, '{$1}')}`)
    const inPath = [...path.matchAll(/\{([a-z0-9]+)\}/g)].map(([, name]) => name)
    assert.deepEqual(operation.parameters?.filter((one) => one.in === 'path').map((one) => one.name) ?? [], inPath)
    const asked = 'query' in route ? Object.keys(route.query.shape).sort() : []
    assert.deepEqual((operation.parameters?.filter((one) => one.in === 'query').map((one) => one.name) ?? []).sort(), asked)
    assert.equal(Boolean(operation.requestBody), 'body' in route)
    assert.ok(operation.responses[200]?.content, path)
    assert.equal(operation.responses.default?.$ref, '#/components/responses/Error')
    assert.equal(operation.security?.length === 0, route.permission === 'public')
  }
})

test('schemas are whole: answers have properties, references lead somewhere, nothing is a bare zod leftover', () => {
  const text = JSON.stringify(description)
  for (const [, ref] of text.matchAll(/"\$ref":"([^"]+)"/g)) {
    const found = (ref as string)
      .slice(2)
      .split('/')
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], description)
    assert.ok(found, `${ref} leads nowhere`)
  }
  assert.ok(!text.includes('~standard') && !text.includes('"$schema"'))
  for (const { path, operation } of operations) {
    const schema = operation.responses[200]?.content?.['application/json']?.schema as { type?: string; properties?: object } | undefined
    if (routes[operation.operationId as RouteName].answer === 'bytes') assert.equal(schema, undefined)
    else assert.ok(schema?.type === 'object' && Object.keys(schema.properties ?? {}).length > 0, path)
  }
  const events = description.paths['/api/v1/events']?.get?.parameters?.find(({ name }) => name === 'limit')
  assert.deepEqual([events?.required, (events!.schema as { maximum: number }).maximum], [false, 500])
})

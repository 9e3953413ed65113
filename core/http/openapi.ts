/** `/api/openapi.json`: OpenAPI 3.1 made from the contract's route table. */
import { apiError, type RouteName, routes } from '@shenlou/contract/api'
import { z } from 'zod'

type Json = Record<string, unknown>

const schema = (type: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(type, { target: 'draft-2020-12', io, unrepresentable: 'any', reused: 'inline' }) as Json
  return rest
}

/** Content types of the routes that answer bytes. */
export const bytesTypes: Partial<Record<RouteName, string>> = { blob: 'application/zip', recordingCast: 'application/x-asciicast' }

/** The whole description. `version` is the product's. */
export function openApi(version: string): Json {
  const paths: Record<string, Json> = {}
  for (const [name, route] of Object.entries(routes) as [RouteName, (typeof routes)[RouteName]][]) {
    const path = `/api/v1${route.path.replaceAll(/:([a-z0-9]+)/g, '{$1}')}`
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(name, route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Shenlou',
      version,
      description: 'Times are milliseconds since 1970 UTC. Text that came from an attacker is escaped: `\\xNN` is a byte, `\\\\` a backslash.',
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      schemas: { Error: schema(apiError, 'output') },
      responses: {
        Error: { description: 'What was wrong, with what, what to do.', content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
      },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An API token, `shl_…`.' },
        session: { type: 'apiKey', in: 'cookie', name: '__Host-shenlou', description: 'Session of a signed-in person; `shenlou-PORT` without TLS.' },
      },
    },
  }
}

function operation(name: RouteName, route: (typeof routes)[RouteName]): Json {
  const parameters = [
    ...[...route.path.matchAll(/:([a-z0-9]+)/g)].map(([, key]) => ({ name: key, in: 'path', required: true, schema: { type: 'string' } })),
    ...('query' in route ? queryParameters(route.query) : []),
  ]
  const type = bytesTypes[name]
  const content = type ? { [type]: {} } : { 'application/json': { schema: schema(route.answer as z.ZodType, 'output') } }
  return {
    operationId: name,
    summary: route.summary,
    ...(route.permission === 'public' ? { security: [] } : { 'x-permission': route.permission }),
    ...(parameters.length > 0 && { parameters }),
    ...('body' in route && { requestBody: { required: true, content: requestContent(route.body) } }),
    responses: { 200: { description: 'Done.', content }, default: { $ref: '#/components/responses/Error' } },
  }
}

const requestContent = (body: z.ZodType): Json =>
  isText(body) ? { 'text/plain': { schema: { type: 'string' } } } : { 'application/json': { schema: schema(body, 'input') } }

/** Whether a body is taken as text, not as JSON. */
export const isText = (body: z.ZodType): boolean => body instanceof z.ZodString

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = schema(query, 'input') as { properties?: Record<string, Json>; required?: string[] }
  return Object.entries(properties).map(([name, value]) => ({ name, in: 'query', required: required.includes(name), schema: value }))
}

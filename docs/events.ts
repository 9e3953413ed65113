/** Prints docs/events.md from the catalogue: `node docs/events.ts > docs/events.md`. */
import { eventKinds } from '@shenlou/contract/event-kinds'
import { z } from 'zod'

interface Schema {
  type?: string
  properties?: Record<string, Schema>
  required?: string[]
  enum?: unknown[]
  items?: Schema | false
  prefixItems?: Schema[]
  anyOf?: Schema[]
  additionalProperties?: Schema | boolean
  maxLength?: number
}

function shape(schema: Schema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(' ')
  if (schema.anyOf) return schema.anyOf.map(shape).join(' or ')
  if (schema.prefixItems) return `[${schema.prefixItems.map(shape).join(', ')}]`
  if (schema.type === 'array') return `list of ${shape(schema.items || {})}`
  if (schema.properties)
    return `{ ${Object.entries(schema.properties)
      .map(([name, inner]) => `${name}${schema.required?.includes(name) ? '' : '?'}: ${shape(inner)}`)
      .join(', ')} }`
  if (schema.type === 'object') return 'map'
  return `${schema.type ?? 'any'}${schema.maxLength ? ` ≤ ${schema.maxLength}` : ''}`
}

export function eventsPage(): string {
  const rows = Object.entries(eventKinds).map(([kind, { emitter, value, summary, body }]) => {
    const { properties = {}, required = [] } = z.toJSONSchema(body, { io: 'input' }) as Schema
    const fields = Object.entries(properties).map(([name, schema]) => `- \`${name}\`${required.includes(name) ? '' : ' (optional)'}: ${shape(schema)}`)
    return `## ${kind}\n\n${summary} Said by: ${emitter}. Value: ${value}.\n\n${fields.join('\n')}\n`
  })
  return `# Events\n\nPrinted from \`contract/event-kinds.ts\` by \`node docs/events.ts\`. Text that came from an attacker is escaped: visible UTF-8 stays, every other byte is \`\\xNN\`, a backslash is \`\\\\\`.\n\n${rows.join('\n')}`
}

if (import.meta.main) process.stdout.write(eventsPage())

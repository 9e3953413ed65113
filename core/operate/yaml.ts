/** YAML as people write it, into checked values: no tags, no aliases, bounded, faults with line and column. */
import type { TemplateFault } from '@shenlou/contract/template'
import { isCollection, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml'
import type { z } from 'zod'

export const maxTemplateBytes = 1_048_576

export type Parsed<T> = { value: T; at: (path: readonly PropertyKey[], message: string) => TemplateFault } | { faults: TemplateFault[] }

/** Parses and checks a text. Every fault says where (1-based), what was found and what was expected. */
export function parseYaml<T>(text: string, schema: z.ZodType<T>): Parsed<T> {
  if (Buffer.byteLength(text) > maxTemplateBytes) return { faults: [{ line: 1, column: 1, path: '', message: `is larger than ${maxTemplateBytes} bytes` }] }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, schema: 'core', customTags: [], strict: true, uniqueKeys: true, stringKeys: true })
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  if (document.errors.length > 0) {
    return {
      faults: document.errors
        .slice(0, 20)
        .map((error) => ({ ...place(error.pos[0]), path: '', message: (error.message.split(' at line ')[0] ?? error.message).trim() })),
    }
  }
  const refused: TemplateFault[] = []
  visit(document, {
    Alias: (_, node) => void refused.push({ ...place(node.range?.[0] ?? 0), path: '', message: `alias '*${node.source}' is not allowed; write the value out` }),
    Node: (_, node) => {
      if ((isScalar(node) || isCollection(node)) && node.tag)
        refused.push({ ...place(node.range?.[0] ?? 0), path: '', message: `tag '${node.tag}' is not allowed` })
    },
  })
  if (refused.length > 0) return { faults: refused.slice(0, 20) }

  const at = (path: readonly PropertyKey[], message: string): TemplateFault => {
    // A missing key has no node of its own: its nearest parent shows where.
    for (let depth = path.length; depth >= 0; depth--) {
      const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth).map(String), true)
      if (isNode(node) && node.range) return { ...place(node.range[0]), path: path.join('.'), message }
    }
    return { line: 1, column: 1, path: path.join('.'), message }
  }
  const result = schema.safeParse(document.toJS({ maxAliasCount: 0 }))
  if (result.success) return { value: result.data, at }
  return {
    faults: result.error.issues
      .slice(0, 20)
      .map((issue) => at(issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path, issue.message)),
  }
}

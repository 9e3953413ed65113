/** `shenlou persona lint FILE`: contradictions of a persona, before anybody meets them. */
import { personaTemplate } from '@shenlou/contract/persona'
import { lintPersona } from '@shenlou/contract/persona-linter'
import { parseYaml } from '@shenlou/core/operate/yaml'
import type { Invocation } from './commands.ts'
import { readGivenFile, SettingsError } from './settings.ts'
import { line } from './terminal.ts'

export async function persona({ positionals: [verb, file] }: Invocation): Promise<number> {
  if (verb !== 'lint' || !file) throw new SettingsError("'shenlou persona' is used as: shenlou persona lint FILE")
  const parsed = parseYaml(readGivenFile(file), personaTemplate)
  if ('faults' in parsed) {
    for (const fault of parsed.faults) line(`${file}:${fault.line}:${fault.column}: ${fault.path ? `${fault.path}: ` : ''}${fault.message}`)
    return 1
  }
  const contradictions = lintPersona(parsed.value)
  for (const contradiction of contradictions) line(`${file}: ${contradiction}`)
  line(contradictions.length === 0 ? `${parsed.value.id}: no contradiction found` : `${contradictions.length} contradictions`)
  return contradictions.length === 0 ? 0 : 1
}

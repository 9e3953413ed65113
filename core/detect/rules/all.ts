/** Every rule, by kind of event. A new rule is one entry in one of the files beside this one, with its fixtures in rules.fixtures.txt. */
import type { Rule } from '../rule.ts'
import { accessRules } from './access.ts'
import { commandRules } from './commands.ts'
import { deviceRules } from './devices.ts'
import { discoveryRules } from './discovery.ts'
import { industrialRules } from './industrial.ts'
import { listenerRules } from './listener.ts'
import { networkRules } from './network.ts'
import { plantRules } from './plant.ts'
import { segmentRules, sensorRules } from './sensors.ts'
import { webRules } from './web.ts'
import { windowsRules } from './windows.ts'

export const allRules: readonly Rule[] = Object.freeze([
  ...networkRules,
  ...accessRules,
  ...discoveryRules,
  ...commandRules,
  ...webRules,
  ...industrialRules,
  ...deviceRules,
  ...plantRules,
  ...windowsRules,
  ...listenerRules,
  ...sensorRules,
  ...segmentRules,
])

const byKind = new Map<string, Rule[]>()
for (const rule of allRules) for (const kind of rule.kinds) byKind.set(kind, [...(byKind.get(kind) ?? []), rule])

/** The rules that look at events of this kind. */
export const rulesFor = (kind: string): readonly Rule[] => byKind.get(kind) ?? []

/** Where techniques were seen on a session's time line, from its findings: as the recording has them, for a session that still lives. */
import type { FindingSummary, Recording } from '@shenlou/contract/records'

/** One mark for each technique of each event that shows it, in order of time; `at` in ms since `startedAt`. */
export function marksOf(findings: readonly FindingSummary[], session: string, startedAt: number): Recording['marks'] {
  const marks = new Map<string, Recording['marks'][number]>()
  for (const finding of findings)
    for (const evidence of finding.evidence)
      if (evidence.session === session)
        for (const { id, name } of finding.techniques)
          marks.set(`${finding.id} ${evidence.event} ${id}`, {
            at: Math.max(0, evidence.time - startedAt),
            technique: id,
            name,
            finding: finding.id,
            event: evidence.event,
          })
  return [...marks.values()].sort((a, b) => a.at - b.at)
}

/** Recordings: what passed on a session's terminal, made from its events, with marks where a technique was seen. */
import type { RouteAnswer } from '@shenlou/contract/api'
import type { EventBody } from '@shenlou/contract/event-kinds'
import type { Actor } from './actor.ts'
import { notFound } from './api-error.ts'
import type { Core } from './core.ts'
import { techniqueNamed } from './detect/techniques.ts'
import { session } from './sessions.ts'

type Recording = RouteAnswer<'recording'>

interface Row {
  kind: string
  time: number
  epoch: string
  seq: number
  body: Record<string, unknown>
}

const streams = { input: 'i', output: 'o', error: 'e' } as const
const unknownSize = { columns: 80, rows: 24 }

/** Route `recording`. A session without a terminal answers one without frames. */
export async function recording(core: Core, actor: Actor, input: { params: { id: string } }): Promise<Recording> {
  const { sql } = core
  const { id, startedAt } = await session(core, actor, input)
  const rows = await sql<Row[]>`select kind, (extract(epoch from time) * 1000)::float8 as time, epoch, seq, body from event
    where session = ${id} and kind in ('terminal.opened', 'terminal.resized', 'terminal.data', 'recording.cut')`
  const marks = await sql<{ finding: string; event: string; time: number; techniques: string[] }[]>`
    select distinct finding.id as finding, evidence.event, (extract(epoch from evidence.time) * 1000)::float8 as time, finding.techniques
    from finding_evidence as evidence join finding on finding.id = evidence.finding where evidence.session = ${id} order by time, finding`
  return {
    session: id,
    ...toRecording(startedAt, inOrder([...rows])),
    marks: marks.flatMap(({ finding, event, time, techniques }) =>
      techniques.map((technique) => ({ at: Math.max(0, time - startedAt), technique, name: techniqueNamed(technique).name, finding, event })),
    ),
  }
}

/** The order they were said in: by sequence number, epochs by their first time. Batches may be committed in another. */
function inOrder(rows: Row[]): Row[] {
  const begins = new Map<string, number>()
  for (const { epoch, time } of rows) begins.set(epoch, Math.min(begins.get(epoch) ?? time, time))
  return rows.sort((a, b) => (begins.get(a.epoch) as number) - (begins.get(b.epoch) as number) || a.seq - b.seq)
}

function toRecording(startedAt: number, rows: Row[]): Omit<Recording, 'session' | 'marks'> {
  const frames: Recording['frames'] = []
  let size: { columns: number; rows: number } | undefined
  let bytes = 0
  let cut = false
  let at = 0
  for (const { kind, time, body } of rows) {
    // A clock that was set back must not turn the replay back.
    at = Math.max(at, time - startedAt)
    if (kind === 'recording.cut') cut = true
    else if (kind === 'terminal.data') {
      const { stream, data } = body as EventBody<'terminal.data'>
      bytes += Buffer.byteLength(data, 'base64')
      frames.push([at, streams[stream], data])
    } else {
      const next = body as EventBody<'terminal.resized'>
      if (size) frames.push([at, 'r', `${next.columns}x${next.rows}`])
      size ??= { columns: next.columns, rows: next.rows }
    }
  }
  return { startedAt, ...(size ?? unknownSize), durationMs: at, cut, bytes, frames }
}

/** Route `recordingCast`: asciicast v2 (docs.asciinema.org/manual/asciicast/v2), one JSON value a line. */
export async function recordingCast(core: Core, actor: Actor, input: { params: { id: string } }): Promise<Uint8Array> {
  const made = await recording(core, actor, input)
  if (made.frames.length === 0) throw notFound('recording')
  const header = { version: 2, width: made.columns, height: made.rows, timestamp: Math.floor(made.startedAt / 1000), title: made.session }
  // The format holds text: a character that was cut between two frames comes with the second.
  const decoders = { i: new TextDecoder(), o: new TextDecoder(), e: new TextDecoder() }
  const lines: [number, string, string][] = made.frames.map(([at, stream, data]) => {
    if (stream === 'r') return [at / 1000, 'r', data]
    return [at / 1000, stream === 'i' ? 'i' : 'o', decoders[stream].decode(Buffer.from(data, 'base64'), { stream: true })]
  })
  for (const { at, technique, name } of made.marks) lines.push([at / 1000, 'm', `${technique} ${name}`])
  lines.sort(([a], [b]) => a - b)
  return Buffer.from(`${[header, ...lines].map((line) => JSON.stringify(line)).join('\n')}\n`)
}

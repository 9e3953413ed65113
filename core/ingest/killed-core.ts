/** A core that kill.test.ts kills: commits batches that it is sent and says what is committed. Not part of the product. */
import { createCore } from '../core.ts'
import { startConsumer } from './consumer.ts'
import { ingestBatch } from './ingest.ts'
import { type Announced, marksOf } from './proofs.ts'
import { connect, rememberUrl } from '../store/database.ts'

const [url, dataDir] = process.argv.slice(2) as [string, string]
const sql = connect(url)
rememberUrl(sql, url)
const core = await createCore({ sql, dataDir, signal: new AbortController().signal, log: (line) => process.stderr.write(`${line}\n`) })
await startConsumer(core, 'copy', async (tx, events) => {
  const rows = events.map(({ id, sensor, seq, position }) => ({ id, sensor, seq, position }))
  await tx`insert into copied select * from json_to_recordset(${JSON.stringify(rows)}::text::json) as x(id uuid, sensor uuid, seq bigint, position bigint)`
})
process.on('message', ({ number, batch, announce }: { number: number; batch: Parameters<typeof ingestBatch>[1]; announce?: Announced }) => {
  if (announce) return void marksOf(core).then(async (marks) => marks.announce(announce).then(() => process.send?.({ announced: announce.id })))
  void ingestBatch(core, batch).then(({ committed }) => process.send?.({ number, committed }))
})
process.send?.('ready')

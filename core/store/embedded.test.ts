import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { connect, openDatabase } from './database.ts'
import { startEmbedded } from './embedded.ts'
import { lockFolder } from './folder-lock.ts'
import { migrate } from './migrate.ts'
import { StartError } from './start-error.ts'
import { testDatabase } from './test-database.ts'

const root = await mkdtemp(path.join(tmpdir(), 'shenlou-embedded-'))
after(() => rm(root, { recursive: true, force: true }))
let folders = 0
const folder = () => path.join(root, `data ${++folders}`)
const oneLine = (pattern: RegExp) => (error: Error) => {
  assert.ok(error instanceof StartError, String(error.stack))
  assert.match(error.message, pattern)
  assert.ok(!error.message.includes('\n'))
  return true
}
async function until(look: () => Promise<unknown> | unknown): Promise<void> {
  for (const end = Date.now() + 10_000; !(await look()); ) {
    assert.ok(Date.now() < end, `waited too long for ${look}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
/** Whether a process still does anything; one that nobody has reaped yet does not. */
const running = async (pid: number) => (await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')) !== ''

test('a killed server is started again and has every committed row; the pool goes on', async () => {
  const stop = new AbortController()
  const server = await startEmbedded(folder(), stop.signal)
  const sql = connect(server.url)
  await sql`create table kept (n int)`
  for (let round = 1; round <= 3; round++) {
    await sql`insert into kept values (${round})`
    const before = server.pid as number
    process.kill(before, 'SIGKILL')
    await until(() => server.pid !== undefined && server.pid !== before)
    await until(() =>
      sql`select from kept`.then(
        (rows) => rows.length === round,
        () => false,
      ),
    )
  }
  await sql.end()
  stop.abort()
  await server.close()
})

test('closing leaves no process, no socket and no lock; the next start has the data', async () => {
  const dataDir = folder()
  const first = await startEmbedded(dataDir, new AbortController().signal)
  const pid = first.pid as number
  const socketDir = new URL(first.url).searchParams.get('host') as string
  const sql = connect(first.url)
  await sql`create table kept (n int)`
  await sql.end()
  await first.close()
  assert.equal(await running(pid), false)
  await assert.rejects(stat(socketDir))
  await assert.rejects(stat(path.join(dataDir, 'lock')))
  const second = await startEmbedded(dataDir, new AbortController().signal)
  const again = connect(second.url)
  assert.equal((await again`select from kept`).length, 0)
  await again.end()
  await second.close()
})

test('a core that is killed leaves no server behind, and the next one takes over its folder', async () => {
  const dataDir = folder()
  const code = `import { startEmbedded } from ${JSON.stringify(new URL('./embedded.ts', import.meta.url).href)}
    const server = await startEmbedded(process.argv[1], new AbortController().signal)
    console.log(JSON.stringify({ pid: server.pid, url: server.url }))
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const { pid, url } = JSON.parse(line.toString()) as { pid: number; url: string }
  await assert.rejects(startEmbedded(dataDir, new AbortController().signal), oneLine(new RegExp(`in use by process ${child.pid}`)))
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  const next = await startEmbedded(dataDir, new AbortController().signal)
  assert.equal(await running(pid), false)
  await assert.rejects(stat(new URL(url).searchParams.get('host') as string), 'the old socket is cleared away')
  await next.close()
})

test('a torn lock file, and one whose process number now belongs to another, hold nobody up', async () => {
  for (const text of ['', '{"pid":', JSON.stringify({ pid: process.pid, started: '1', leftovers: [] })]) {
    const dataDir = folder()
    await mkdir(dataDir)
    await writeFile(path.join(dataDir, 'lock'), text)
    const lock = await lockFolder(dataDir)
    await assert.rejects(lockFolder(dataDir), oneLine(/in use/))
    await lock.release()
  }
})

test('many that start at once: one gets the folder', async () => {
  const dataDir = folder()
  await mkdir(dataDir)
  await writeFile(path.join(dataDir, 'lock'), '{}')
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(dataDir)))
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('a cluster that was cut short while it was made is made anew', async () => {
  const dataDir = folder()
  await mkdir(path.join(dataDir, 'postgres.new', 'base'), { recursive: true })
  const server = await startEmbedded(dataDir, new AbortController().signal)
  await server.close()
})

test('a folder that is a file or cannot be written is one line', async () => {
  const file = path.join(root, 'a file')
  await writeFile(file, '')
  await assert.rejects(startEmbedded(file, new AbortController().signal), oneLine(/not a folder|in use/))
  // Root may write anywhere but where nothing can be.
  if (process.getuid?.() === 0) return
  const closed = folder()
  await mkdir(closed)
  await chmod(closed, 0o500)
  await assert.rejects(startEmbedded(closed, new AbortController().signal), oneLine(/not writable/))
})

test('a full disk is one line', { skip: process.getuid?.() === 0 ? false : 'mounting needs root' }, async (context) => {
  const small = folder()
  await mkdir(small)
  // Its own mount namespace would hide the disk from the server; a tmpfs of 8 MiB is seen by both and unmounted below.
  const mounted = await new Promise<boolean>((resolve) =>
    spawn('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', small], { stdio: 'ignore' }).on('exit', (code) => resolve(code === 0)),
  )
  if (!mounted) return context.skip('this machine does not let mounts be made')
  try {
    await assert.rejects(startEmbedded(small, new AbortController().signal), oneLine(/full disk/))
  } finally {
    await once(spawn('umount', [small], { stdio: 'ignore' }), 'exit')
  }
})

test('an unreachable database is one line without its password', async () => {
  await assert.rejects(openDatabase({ url: 'postgres://someone:secret@127.0.0.1:1/shenlou' }, new AbortController().signal), (error: Error) => {
    oneLine(/127\.0\.0\.1:1.*cannot be reached/)(error)
    return !error.message.includes('secret')
  })
})

test('migrations run once, in order, each whole; an altered or unknown one is refused', async () => {
  const database = await testDatabase()
  const own = folder()
  await mkdir(own)
  const { sql } = database
  await sql`drop table migration`
  try {
    await writeFile(path.join(own, '0001-one.sql'), 'create table one (n int); insert into one values (1);')
    await migrate(sql, own)
    await migrate(sql, own)
    assert.equal((await sql`select from one`).length, 1)
    await writeFile(path.join(own, '0002-two.sql'), 'create table two (n int); select nothing from nowhere;')
    await assert.rejects(migrate(sql, own), /0002-two\.sql failed/)
    await assert.rejects(sql`select from two`, /does not exist/)
    await rm(path.join(own, '0002-two.sql'))
    const text = await readFile(path.join(own, '0001-one.sql'), 'utf8')
    await writeFile(path.join(own, '0001-one.sql'), `${text} -- more`)
    await assert.rejects(migrate(sql, own), oneLine(/altered/))
    await rm(path.join(own, '0001-one.sql'))
    await assert.rejects(migrate(sql, own), oneLine(/does not know/))
  } finally {
    await database.close()
  }
})

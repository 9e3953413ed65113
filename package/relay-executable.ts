/** The relay as one executable: its code in one CommonJS file, put into a copy of the locked Node (single executable application). */
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { rolldown } from 'rolldown'
import { heapFlags } from '../bin/heap.ts'
import { nodeBinary, root } from './modules.ts'

/** Node's own name for the place of the blob, and the word in its binary that says there is one. */
const resource = 'NODE_SEA_BLOB'
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
const injector = createRequire(import.meta.url).resolve('postject/dist/cli.js')

/** The entry and all it imports as CommonJS, and the files that went into it. Throws where something is imported that is neither here nor Node's. */
export async function bundleRelay(version: string): Promise<{ code: string; files: string[] }> {
  const about = join(root, 'relay', 'package.json')
  const bundle = await rolldown({
    input: join(root, 'package', 'relay-entry.ts'),
    platform: 'node',
    // Only the entry is run by itself; ws looks for faster helpers that nobody ships.
    transform: { define: { 'import.meta.main': 'false', 'process.env.WS_NO_BUFFER_UTIL': '"1"', 'process.env.WS_NO_UTF_8_VALIDATE': '"1"' } },
    plugins: [
      {
        name: 'shenlou',
        load(id) {
          // The schema library's messages in fifty languages; ours are our own.
          if (id.endsWith('/zod/v4/locales/index.js')) return { code: '', moduleSideEffects: false }
          return id === about ? { code: JSON.stringify({ version }), moduleType: 'json' } : undefined
        },
      },
    ],
    onLog(level, log) {
      if (level === 'warn') throw new Error(`the relay could not be bundled: ${log.message}`)
    },
  })
  try {
    const { output } = await bundle.generate({ format: 'cjs', codeSplitting: false, comments: { legal: false } })
    const [chunk, ...more] = output
    if (more.length > 0) throw new Error(`the bundle of the relay has parts of its own: ${more.map(({ fileName }) => fileName).join(', ')}`)
    return { code: chunk.code, files: chunk.moduleIds.filter((id) => id.startsWith(root)).sort() }
  } finally {
    await bundle.close()
  }
}

/** Writes the executable (mode 0755); resolves with the files in it. `folder` takes what is made on the way. */
export async function buildRelay({ target, folder, version }: { target: string; folder: string; version: string }): Promise<string[]> {
  const { code, files } = await bundleRelay(version)
  await mkdir(folder, { recursive: true })
  const [main, output, config] = ['relay.cjs', 'relay.blob', 'relay.json'].map((name) => join(folder, name)) as [string, string, string]
  await writeFile(main, code)
  await writeFile(
    config,
    // Their names alone: the blob keeps them, and the folder has another name each time.
    JSON.stringify({
      main: basename(main),
      output: basename(output),
      disableExperimentalSEAWarning: true,
      execArgv: [...heapFlags.relay, '--no-warnings'],
      execArgvExtension: 'none',
    }),
  )
  await promisify(execFile)(nodeBinary, ['--experimental-sea-config', config], { cwd: folder, env: {} })
  await rm(target, { force: true })
  await copyFile(nodeBinary, target)
  await chmod(target, 0o755)
  // A program of its own: it warns of Node's sections on the terminal, whatever becomes of it.
  await promisify(execFile)(nodeBinary, [injector, target, resource, output, '--sentinel-fuse', fuse], { env: {} })
  return files
}

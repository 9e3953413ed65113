/** Folders as archives that are the same bytes whoever makes them when: sorted names, one time, no owner. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

/** Seconds since 1970 of every file in an archive; 1980, as older tools know no earlier time. */
const time = Number(process.env.SOURCE_DATE_EPOCH ?? 315_532_800)

/** All files below a folder, sorted, relative to it; links are files. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}

export async function sha256OfFile(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** Writes SHA256SUMS, as sha256sum(1) checks it, over all else in the folder. */
export async function writeSums(folder: string): Promise<void> {
  const rows: string[] = []
  for (const name of await filesBelow(folder)) {
    if (name === 'SHA256SUMS') continue
    // A link is checked through what it leads to.
    const isLink = (await readdir(dirname(join(folder, name)), { withFileTypes: true })).find((entry) => entry.name === basename(name))?.isSymbolicLink()
    if (!isLink) rows.push(`${await sha256OfFile(join(folder, name))}  ${name}\n`)
  }
  await writeFile(join(folder, 'SHA256SUMS'), rows.join(''))
}

/** Packs a folder under its own name into a .tar.gz. Rejects with what tar(1) said. */
export async function pack(folder: string, file: string): Promise<void> {
  const tar = spawn(
    'tar',
    [
      '--sort=name',
      '--format=gnu',
      `--mtime=@${time}`,
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '--mode=u=rwX,go=rX',
      '-C',
      dirname(folder),
      '-cf',
      '-',
      basename(folder),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, LC_ALL: 'C' } },
  )
  let said = ''
  tar.stderr.on('data', (bytes: Buffer) => (said += bytes))
  const ended = new Promise<number | null>((resolve, reject) => tar.once('error', reject).once('close', resolve))
  await Promise.all([pipeline(tar.stdout, createGzip({ level: 6 }), createWriteStream(file)), ended])
  const code = await ended
  if (code !== 0) throw new Error(`tar ended with ${code}: ${said.trim()}`)
}

/** Copies a text file, its `@NAME@` replaced. Throws on a name that is not given. */
export async function fill(from: string, to: string, values: Record<string, string>): Promise<void> {
  const text = (await readFile(from, 'utf8')).replace(/@([A-Z]+)@/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${from} asks for @${name}@, which nothing gives`)
    return value
  })
  await writeFile(to, text)
}

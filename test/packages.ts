/** The packages of `npm run package` for tests: made once for the sources as they are, unpacked where they are used. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { build, packageName } from '../package/build.ts'
import { root } from './installation.ts'

const kept = join(root, 'node_modules/.cache/shenlou-packages')
const relayParts = ['contract', 'link', 'relay', 'bin', 'package', 'package-lock.json']
const sources = { relay: relayParts, site: [...relayParts, 'core', 'decoys', 'templates', 'console'] }

function hashOf(what: keyof typeof sources): string {
  const hash = createHash('sha256')
  const files = sources[what].flatMap((part) => (statSync(join(root, part)).isFile() ? [part] : globSync(`${part}/**/*`, { cwd: root })))
  for (const file of files.sort()) {
    if (/node_modules|\/dist\/|\/paraglide\/|\.(test|soak)\.ts$/.test(file) || !statSync(join(root, file)).isFile()) continue
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0')
  }
  return hash.digest('hex').slice(0, 24)
}

/** The archive's path; made when there is none of these sources. */
export async function madePackage(what: 'relay' | 'site', version = '0.1.0'): Promise<string> {
  const folder = join(kept, `${what}-${hashOf(what)}`)
  const file = join(folder, `${packageName(what, version)}.tar.gz`)
  if (existsSync(file)) return file
  mkdirSync(kept, { recursive: true })
  for (const name of readdirSync(kept))
    if (name.startsWith(`${what}-`) && join(kept, name) !== folder) rmSync(join(kept, name), { recursive: true, force: true })
  const making = join(kept, `making-${process.pid}`)
  const [built] = await build({ out: making, version, only: [what] })
  mkdirSync(folder, { recursive: true })
  renameSync(built?.file as string, file)
  rmSync(making, { recursive: true, force: true })
  return file
}

/** Unpacks into `folder`; returns the folder that was in it. */
export function unpack(file: string, folder: string): string {
  execFileSync('tar', ['-xzf', file, '-C', folder])
  return join(folder, (file.split('/').at(-1) as string).replace(/\.tar\.gz$/, ''))
}

/** A folder for PATH with every program of this machine but Node and npm. */
export function pathWithoutNode(folder: string): string {
  const path = join(folder, 'path')
  mkdirSync(path)
  for (const from of ['/usr/sbin', '/usr/bin', '/sbin', '/bin'])
    for (const name of existsSync(from) ? readdirSync(from) : [])
      if (!/^(node|nodejs|npm|npx|corepack)$/.test(name) && !existsSync(join(path, name))) {
        try {
          symlinkSync(join(from, name), join(path, name))
        } catch {
          // A link there that leads nowhere.
        }
      }
  return path
}

/** Which installed packages a part of the project needs to run, by the lock file; and the licences of what is shipped. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')
/** The locked Node as installed beside the other packages. */
export const nodePackage = `node_modules/node-linux-${process.arch}`
export const nodeBinary = join(root, nodePackage, 'bin', 'node')

interface LockEntry {
  dependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  peerDependenciesMeta?: Record<string, { optional?: boolean }>
  resolved?: string
  link?: boolean
}

/**
 * Folders below the root of all packages that these workspaces need, in order; the root's own are among them. Optional ones that are not installed (another
 * processor's) are left out. Throws on one that is missing.
 */
export function modulesOf(workspaces: readonly string[]): string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, LockEntry> }
  const found = new Set<string>()
  /** As Node looks: in the nearest node_modules, then upwards. */
  const place = (from: string, name: string): string | undefined => {
    for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
      const path = `${folder}${folder && '/'}node_modules/${name}`
      if (packages[path]) return path
      if (folder === '') return undefined
    }
  }
  const visit = (path: string): void => {
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = packages[path] ?? {}
    const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional)
    for (const name of [...Object.keys(dependencies), ...Object.keys(optionalDependencies), ...peers]) {
      const at = place(path, name)
      if (at !== undefined && packages[at]?.link) continue // a workspace: listed by itself
      if (at === undefined || !existsSync(join(root, at))) {
        if (name in optionalDependencies) continue
        throw new Error(`${name}, which ${path || 'the project'} needs, is not installed: run npm ci`)
      }
      if (found.has(at)) continue
      found.add(at)
      visit(at)
    }
  }
  for (const workspace of ['', ...workspaces]) visit(workspace)
  return [...found].sort()
}

/** The folder of the package that a file belongs to, below the root; undefined for the project's own. */
export const packageOf = (file: string): string | undefined =>
  /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file.startsWith(root) ? file.slice(root.length + 1) : file)?.[1]

/** The licence of each of these packages, in full, as one text. Throws where one names none. */
export function licencesOf(packages: readonly string[]): string {
  return packages
    .map((path) => {
      const about = JSON.parse(readFileSync(join(root, path, 'package.json'), 'utf8')) as { name: string; version: string; license?: string }
      const file = readdirSync(join(root, path)).find((name) => /^(licen[cs]e|copying)/i.test(name))
      if (!file && !about.license) throw new Error(`${about.name} names no licence: it cannot be shipped`)
      const text = file ? readFileSync(join(root, path, file), 'utf8').trim() : `Licensed under ${about.license}; the package brings no text.`
      return `${'='.repeat(100)}\n${about.name} ${about.version} (${about.license ?? 'see the text'})\n\n${text}\n`
    })
    .join('\n')
}

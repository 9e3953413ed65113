/** `npm run package`: the relay as one executable with what installs it, and core and decoys with all they need, as archives in dist/. */
import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { buildConsole } from '../console/build.ts'
import { pack, fill, sha256OfFile, writeSums } from './archive.ts'
import { licencesOf, modulesOf, nodeBinary, nodePackage, packageOf, root } from './modules.ts'
import { buildRelay } from './relay-executable.ts'

export const platform = `linux-${process.arch}`
const parts = ['contract', 'link', 'decoys', 'relay', 'core'] as const
/** What only tests and development read. */
const notShipped = /(\.(test|soak)\.ts|-fixture\.ts|\/test-[^/]*\.ts|\/node_modules)$/
/** Types, maps and documents of packages, below the package: read by no program. */
const dead = /\.(d\.[cm]?ts|map|md|markdown)$|^\/(test|tests|docs|examples)$/i

export interface Built {
  name: string
  file: string
  bytes: number
  sha256: string
}
interface Making {
  out: string
  /** Emptied at the end. */
  folder: string
  version: string
}

export const packageName = (what: 'relay' | 'site', version: string): string => `shenlou${what === 'relay' ? '-relay' : ''}-${version}-${platform}`

async function finish(stage: string, { out }: Making): Promise<Built> {
  await writeSums(stage)
  const name = `${stage.slice(stage.lastIndexOf('/') + 1)}.tar.gz`
  const file = join(out, name)
  await pack(stage, file)
  return { name, file, bytes: (await stat(file)).size, sha256: await sha256OfFile(file) }
}

/** Files of package/files/WHAT, scripts among them executable. */
async function texts(what: 'relay' | 'site', stage: string, version: string): Promise<void> {
  const from = join(root, 'package', 'files', what)
  for (const name of await readdir(from)) {
    await fill(join(from, name), join(stage, name), { VERSION: version, PLATFORM: platform, NODE: nodePackage })
    if ((await readFile(join(stage, name), 'utf8')).startsWith('#!')) await chmod(join(stage, name), 0o755)
  }
}

/** The relay: its executable, unit, environment, scripts, licences. */
export async function packageRelay(making: Making): Promise<Built> {
  const stage = join(making.folder, packageName('relay', making.version))
  await mkdir(stage)
  const files = await buildRelay({ target: join(stage, 'shenlou-relay'), folder: join(making.folder, 'sea'), version: making.version })
  await texts('relay', stage, making.version)
  await cp(join(root, 'LICENSE'), join(stage, 'LICENSE'))
  const packages = [...new Set(files.flatMap((file) => packageOf(file) ?? []))]
  await writeFile(join(stage, 'LICENSES.txt'), licencesOf([nodePackage, ...packages]))
  return finish(stage, making)
}

/** Core and decoys, and a relay beside them for `start`: sources as Node runs them, their packages, Node, PostgreSQL, the built console, templates. */
export async function packageSite(making: Making): Promise<Built> {
  const stage = join(making.folder, packageName('site', making.version))
  await mkdir(stage)
  await buildConsole({ log: (line) => process.stderr.write(`${line}\n`) })
  const copy = async (path: string, keep: (path: string) => boolean): Promise<void> => {
    await mkdir(dirname(join(stage, path)), { recursive: true })
    await cp(join(root, path), join(stage, path), { recursive: true, verbatimSymlinks: true, filter: (source) => keep(relative(root, source)) })
  }
  for (const folder of [...parts, 'bin', 'templates']) await copy(folder, (path) => !notShipped.test(path))
  for (const path of ['console/build.ts', 'console/package.json', 'LICENSE']) await copy(path, () => true)
  await copy('console/dist', (path) => !/\/\.[^/]+$/.test(path))
  const modules = modulesOf(parts)
  for (const path of modules) {
    if (path === nodePackage) continue
    // A package's own packages are in the list where they are needed.
    await copy(path, (inner) => !dead.test(inner.slice(path.length)) && !inner.slice(path.length).startsWith('/node_modules'))
  }
  for (const path of ['bin/node', 'package.json', 'LICENSE']) await copy(join(nodePackage, path), () => true)
  await mkdir(join(stage, 'node_modules/@shenlou'))
  for (const name of [...parts, 'console']) await symlink(`../../${name}`, join(stage, 'node_modules/@shenlou', name))
  const about = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  await writeFile(join(stage, 'package.json'), JSON.stringify({ name: about.name, version: making.version, private: true, type: 'module' }, null, 2))
  for (const part of parts) {
    const file = join(stage, part, 'package.json')
    await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), version: making.version }, null, 2))
  }
  await texts('site', stage, making.version)
  await writeFile(join(stage, 'LICENSES.txt'), licencesOf(modules))
  // Workers' code without its types: where the folder may not be written to, a start could not make it.
  await promisify(execFile)(nodeBinary, ['--no-warnings', join(stage, 'decoys/worker-code.ts')])
  return finish(stage, making)
}

/** Makes the named packages into `out`. */
export async function build({ out, version, only = ['relay', 'site'] }: { out: string; version: string; only?: string[] | undefined }): Promise<Built[]> {
  await mkdir(out, { recursive: true })
  const folder = await mkdtemp(join(tmpdir(), 'shenlou-package-'))
  try {
    const making: Making = { out, folder, version }
    const built: Built[] = []
    if (only.includes('relay')) built.push(await packageRelay(making))
    if (only.includes('site')) built.push(await packageSite(making))
    return built
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: 'string' }, version: { type: 'string' }, only: { type: 'string' } } })
  const version = values.version ?? JSON.parse(await readFile(join(root, 'package.json'), 'utf8')).version
  if (!/^\d+\.\d+\.\d+(-[a-z0-9.]+)?$/.test(version)) throw new Error(`--version: must be like 1.2.3, not '${version}'`)
  const begun = performance.now()
  const built = await build({ out: values.out ?? join(root, 'dist'), version, only: values.only?.split(',') })
  for (const { name, bytes, sha256 } of built) console.log(`${sha256}  ${name}  ${(bytes / 1e6).toFixed(1)} MB`)
  console.log(`made in ${((performance.now() - begun) / 1000).toFixed(1)} s`)
}

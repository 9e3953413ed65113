/** The console's files, held in memory: what is not in this list of files is not served, so no path can lead elsewhere. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

export interface StaticFiles {
  /** Answers a GET or HEAD. A path that is no file gets the console's page, which routes by itself. */
  answer(request: Request): Response
}

interface File {
  body: Buffer<ArrayBuffer>
  gz?: Buffer<ArrayBuffer> | undefined
  br?: Buffer<ArrayBuffer> | undefined
  type: string
  tag: string
  immutable: boolean
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.map': 'application/json',
  '.webmanifest': 'application/manifest+json',
}
const compressible = /^(text|application|image\/svg)/
/** Vite puts a hash of the content before the ending. */
const hashed = /-[A-Za-z0-9_-]{8}\.[a-z0-9]+$/

/** Reads the built console. Without one, every page says how to build it. */
export async function loadStatic(folder: string): Promise<StaticFiles> {
  const found = await readAll(folder)
  const files = new Map<string, File>()
  for (const [name, body] of found) {
    if (/\.(gz|br)$/.test(name)) continue
    const type = types[path.extname(name)] ?? 'application/octet-stream'
    const worthIt = compressible.test(type) && body.length > 1024
    const gz = found.get(`${name}.gz`) ?? (worthIt ? ((await promisify(gzip)(body)) as Buffer<ArrayBuffer>) : undefined)
    const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    files.set(name, { body, gz, br: found.get(`${name}.br`), type, tag, immutable: name.startsWith('/assets/') && hashed.test(name) })
  }
  return { answer: (request) => answer(files, request) }
}

async function readAll(folder: string): Promise<Map<string, Buffer<ArrayBuffer>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const files = new Map<string, Buffer<ArrayBuffer>>()
  for (const entry of entries) {
    if (!entry.isFile()) continue
    const full = path.join(entry.parentPath, entry.name)
    files.set(`/${path.relative(folder, full).split(path.sep).join('/')}`, await readFile(full))
  }
  return files
}

function answer(files: Map<string, File>, request: Request): Response {
  const { pathname } = new URL(request.url)
  const file = files.get(pathname) ?? (pathname.startsWith('/assets/') ? undefined : files.get('/index.html'))
  if (!file) {
    const text = files.size === 0 ? 'The console is not built: run npm run prepare, then start again.\n' : 'There is nothing here.\n'
    return new Response(text, { status: files.size === 0 ? 503 : 404, headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' } })
  }
  const headers = new Headers({
    'content-type': file.type,
    'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag: file.tag,
    vary: 'accept-encoding',
  })
  if (request.headers.get('if-none-match')?.includes(file.tag)) return new Response(null, { status: 304, headers })
  const accepted = request.headers.get('accept-encoding') ?? ''
  if (file.br && /\bbr\b/.test(accepted)) {
    headers.set('content-encoding', 'br')
    return new Response(file.br, { headers })
  }
  if (file.gz && /\bgzip\b/.test(accepted)) {
    headers.set('content-encoding', 'gzip')
    return new Response(file.gz, { headers })
  }
  return new Response(file.body, { headers })
}

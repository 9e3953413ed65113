/** A device's web page as one adversary uses it with curl: its values, and a write by its own forms. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export interface Pages {
  /** A page's text, redirections followed. */
  get(path: string): Promise<string>
  /** Fills in the form of a login page. */
  enter(path: string, user: string, password: string): Promise<void>
  /** Sends the form that stands in the row of a table that begins with `label`. Throws when the page has none. */
  write(path: string, label: string, value: string): Promise<void>
  remove(): void
}

/** Pages of `http://host:port`, asked from the address `from`. */
export function openPages(host: string, port: number, from: string): Pages {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-pages-'))
  const curl = async (path: string, more: string[] = []): Promise<string> => {
    const jar = join(folder, 'cookies')
    const { stdout } = await execute('curl', ['-sS', '-L', '-m', '10', '--interface', from, '-b', jar, '-c', jar, ...more, `http://${host}:${port}${path}`])
    return stdout
  }
  const inputs = (form: string): { name: string; value: string; type: string }[] =>
    [...form.matchAll(/<input[^>]*>/g)].map(([text]) => {
      const attribute = (name: string): string => new RegExp(`\\b${name}="([^"]*)"`).exec(text)?.[1] ?? ''
      return { name: attribute('name'), value: attribute('value'), type: attribute('type') }
    })
  const send = (form: string, fill: (input: { name: string; value: string; type: string }) => string): Promise<string> =>
    curl(
      /<form[^>]*\baction="([^"]+)"/.exec(form)?.[1] ?? '/',
      inputs(form)
        .filter(({ name }) => name !== '')
        .flatMap((input) => ['--data-urlencode', `${input.name}=${fill(input)}`]),
    )
  return {
    get: (path) => curl(path),
    async enter(path, user, password) {
      const form = /<form[\s\S]*?<\/form>/.exec(await curl(path))?.[0]
      if (!form) throw new Error(`${path} has no form`)
      await send(form, ({ type, value }) => (type === 'password' ? password : type === 'hidden' ? value : user))
    },
    async write(path, label, value) {
      const page = await curl(path)
      const row = page.slice(page.indexOf(`<td>${label}</td>`))
      const form = page.includes(`<td>${label}</td>`) ? /<form[\s\S]*?<\/form>/.exec(row)?.[0] : undefined
      if (!form) throw new Error(`${path} has nothing to write in a row ${label}`)
      await send(form, (input) => (input.type === 'hidden' ? input.value : value))
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

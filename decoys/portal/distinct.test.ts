/** Two sites of different seeds share the words of the web and of the language, and nothing of ours. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Harness, host } from '../http/harness-fixture.ts'
import { webPersona } from '../http/persona-fixture.ts'
import { goods, kinds } from './content.ts'
import { enParts, labels } from './lexicon.ts'
import { commonRuns, withoutStandardWords } from './plain-web-fixture.ts'
import { portal } from './portal.ts'

/** What two sites may share though it is no standard word: paths that sites commonly have, and what companies count. */
const common = 'products business downloads careers contact company profile article feedback message inquiry guestbook hectares founded patents markets plants'

interface Captured {
  /** Heads and bodies of all that is text. */
  text: Buffer
  names: Set<string>
  tags: Set<string>
  cookies: Set<string>
  icon: string
}

async function capture(number: number): Promise<Captured> {
  const harness: Harness = await host(portal, webPersona(number), {})
  const out: Captured = { text: Buffer.alloc(0), names: new Set(), tags: new Set(), cookies: new Set(), icon: '' }
  const parts: Buffer[] = []
  const seen = new Set<string>()
  const queue = ['/', '/robots.txt', '/sitemap.xml', '/favicon.ico', '/admin', '/login', '/no/such', '/.git/config', '/x.php', '/search?q=test']
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    if (seen.has(path) || path.endsWith('.png')) continue
    seen.add(path)
    const answer = await fetch(`http://127.0.0.1:${harness.port}${path}`, { redirect: 'manual' })
    const body = Buffer.from(await answer.arrayBuffer())
    if (path === '/favicon.ico') out.icon = body.toString('latin1')
    const tag = answer.headers.get('etag')
    if (tag) out.tags.add(tag)
    for (const cookie of answer.headers.getSetCookie()) out.cookies.add(cookie.split('=')[0] as string)
    parts.push(Buffer.from([...answer.headers].map(([name, value]) => `${name}: ${value}`).join('\n')))
    // Pictures are compressed pixels; their names, sizes and tags are compared instead.
    if (!/\.(png|ico|pdf|zip)$/.test(path)) parts.push(body)
    if (!/html/.test(answer.headers.get('content-type') ?? '')) continue
    const text = body.toString('utf8')
    for (const [, link] of text.matchAll(/(?:href|src|action)="(\/[^"#]*)"/g)) queue.push((link as string).replaceAll('&amp;', '&'))
    for (const [, name] of text.matchAll(/(?:class|id|name)="([^"]+)"/g)) for (const one of (name as string).split(' ')) out.names.add(one)
    for (const [, name] of text.matchAll(/(?:href|src)="[^"]*\/([^"/]+\.(?:css|js|png|pdf|zip))"/g)) out.names.add(name as string)
  }
  await harness.close()
  out.text = Buffer.concat(parts.flatMap((part) => [part, Buffer.from('\n')]))
  return out
}

/** Single English words of page furniture and of goods: any company has them. */
const plainWords = new Set([
  ...common.split(' '),
  ...[...Object.values(labels).map(([, english]) => english), ...[...kinds, ...goods].map(([, english]) => english), ...Object.values(enParts).flat()].flatMap(
    (text) => text.toLowerCase().split(/[^a-z]+/),
  ),
])
/** Chinese, and the mark of the licence number that every Chinese site must show. */
const isChinese = (run: string): boolean => /^[\x80-\xff]+$/.test(run.replace('ICP', ''))
const standardNames = new Set(['viewport', 'description', 'keywords'])

test('no class, id, field, file name, cookie, ETag or icon is common to two sites', async () => {
  const sites = [await capture(0), await capture(1), await capture(2), await capture(3)]
  for (const [i, one] of sites.entries())
    for (const other of sites.slice(i + 1)) {
      assert.deepEqual(
        [...one.names].filter((name) => other.names.has(name) && !standardNames.has(name)),
        [],
      )
      assert.deepEqual(
        [...one.tags].filter((tag) => other.tags.has(tag)),
        [],
      )
      assert.deepEqual(
        [...one.cookies].filter((cookie) => other.cookies.has(cookie)),
        [],
      )
      assert.notEqual(one.icon, other.icon)
    }
})

test('runs of eight bytes that two sites share are words of the web, pairs of Chinese words, or reviewed', async (t) => {
  let most = 0
  for (const [a, b] of [
    [0, 1],
    [3, 4],
    [5, 6],
  ] as const) {
    const [one, two] = [await capture(a), await capture(b)]
    const runs = commonRuns(withoutStandardWords(one.text), withoutStandardWords(two.text))
    const own = runs.filter((run) => !isChinese(run) && !plainWords.has(run.toLowerCase()))
    const chinese = runs.filter(isChinese)
    t.diagnostic(`sites ${a} and ${b}: ${chinese.length} short runs of Chinese words in common, ${own.length} others`)
    assert.deepEqual(own, [])
    assert.ok(
      chinese.every((run) => run.length <= 24),
      `no common run is a sentence: ${chinese.map((run) => Buffer.from(run, 'latin1')).join(' ')}`,
    )
    most = Math.max(most, chinese.length)
  }
  assert.ok(most <= 120, `${most}`)
})

test('a constant that both sites carried would be found', async () => {
  const [one, two] = [await capture(0), await capture(1)]
  const planted = (text: Buffer): string => withoutStandardWords(Buffer.concat([text, Buffer.from('<div class="svrtemplate">')]))
  assert.ok(commonRuns(planted(one.text), planted(two.text)).includes('svrtemplate'))
})

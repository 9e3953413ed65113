/** Pictures: the same bytes whichever way they are made, and nobody waits for them but who asked. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { host } from '../http/harness-fixture.ts'
import { webPersona } from '../http/persona-fixture.ts'
import { drawMachine, drawWorks } from './art.ts'
import { portal } from './portal.ts'
import { randomFor } from './random.ts'
import { siteOf } from './site.ts'

const persona = webPersona(5)
const site = siteOf(persona, Date.now())

test('a picture made in slices has the bytes of one made at once', async () => {
  for (const draw of [drawMachine, drawWorks]) {
    const picture = () => draw(site.design.palette, randomFor(persona, 'trial'), true)
    const [slow, again] = await Promise.all([picture().slowly(), picture().slowly()])
    assert.ok(slow.equals(again))
    assert.ok(slow.equals(picture().now()))
    assert.equal(slow.toString('latin1', 1, 4), 'PNG')
  }
})

test('while a picture is drawn for its first viewer, others are answered', async () => {
  const decoy = await host(portal, persona, { login: {} })
  try {
    const order: string[] = []
    const get = async (path: string): Promise<Buffer> => {
      const body = Buffer.from(await (await fetch(`http://127.0.0.1:${decoy.port}${path}`)).arrayBuffer())
      order.push(path)
      return body
    }
    const { hero } = site.parts.assets
    await get('/robots.txt')
    const picture = get(hero)
    // The drawing has begun once its request was read: the next one comes behind it.
    await get('/favicon.ico')
    await get('/robots.txt')
    const bytes = await picture
    assert.deepEqual(order, ['/robots.txt', '/favicon.ico', '/robots.txt', hero])
    assert.ok(bytes.equals(site.files.get(hero)?.body as Buffer))
  } finally {
    await decoy.close()
  }
})

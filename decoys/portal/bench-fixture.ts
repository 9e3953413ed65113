/** For measurements: a portal on a loopback port that captures every request, says so as text, and thinks no time. */
import { host } from '../http/harness-fixture.ts'
import { webPersona } from '../http/persona-fixture.ts'
import { portal } from './portal.ts'
import { siteOf } from './site.ts'

const persona = webPersona(0)
const harness = await host(portal, persona, { login: { afterTries: { users: ['admin'], from: 900, to: 1000 } } }, { keep: false })
const { layout, markup } = siteOf(persona, Date.now())
console.log(JSON.stringify({ port: harness.port, login: layout.login, form: `${markup.id('user')}=admin&${markup.id('password')}` }))

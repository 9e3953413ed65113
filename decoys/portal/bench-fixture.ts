/** For measurements: a portal on a loopback port that captures every request, says so as text, and thinks no time. */
import { host } from '../http/harness-fixture.ts'
import { webPersona } from '../http/persona-fixture.ts'
import { portal } from './portal.ts'

const harness = await host(portal, webPersona(0), { login: { afterTries: { users: ['admin'], from: 900, to: 1000 } } }, { keep: false })
console.log(JSON.stringify({ port: harness.port }))

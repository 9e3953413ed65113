/** The decoy services `ftp` and `ftp-data`: a device's files over RFC 959, with EPSV (RFC 2428), SIZE and MDTM (RFC 3659) where its server knows them. */
import { escapeBytes } from '@shenlou/contract/bytes'
import type { ServiceSettings } from '@shenlou/contract/services'
import { type Context, defineDecoy } from '../../decoy.ts'
import { clean } from '../../http/clean.ts'
import { judge } from '../../ssh/policy.ts'
import { admit } from '../connections.ts'
import { expectData, offerData } from './data.ts'
import { readAhead } from './lines.ts'
import { repliesOf } from './replies.ts'
import type { Seat } from './seat.ts'
import { fileCommand } from './transfer.ts'
import { openLiveFiles } from './trends.ts'

type Settings = ServiceSettings<'ftp'>

const mostRefusals = 5

export const ftp = defineDecoy<Settings>({
  name: 'ftp',
  transport: 'tcp',
  async serve(connection, context, settings) {
    const template = context.persona.template.ftp
    if (!template) throw new Error(`decoy ${context.decoy}: its persona ${context.persona.template.id} has no ftp section`)
    const session = context.session()
    const replies = repliesOf(template.style)
    const say = (reply: string): void => void (connection.destroyed || connection.write(Buffer.from(`${reply}\r\n`, 'latin1')))
    connection.on('error', () => {})
    const leave = admit(context.decoy, 'ftp', template.connections)
    if (!leave) {
      session.emit('protocol.violated', { reason: `more than ${template.connections} connections`, data: '' })
      say(replies.busy)
      return
    }
    const seat: Seat = {
      context,
      session,
      connection,
      settings,
      replies,
      live: openLiveFiles(context),
      user: '',
      loggedIn: false,
      directory: '/',
      ascii: true,
      restart: 0,
      renameFrom: undefined,
      expected: undefined,
      abort: undefined,
      say,
    }
    let refusals = 0
    const lines = readAhead(connection, (line) => {
      if (line !== undefined && /^ABOR\s*$/i.test(line)) seat.abort?.()
    })
    const idle = setTimeout(() => {
      say(replies.idle)
      connection.end()
    }, template.idleS * 1000)
    try {
      await pace(context)
      say(`220 ${template.banner}`)
      for (;;) {
        const arrived = await lines.next()
        if (!arrived) return
        const { line, head } = arrived
        idle.refresh()
        await pace(context)
        if (connection.destroyed) return
        if (line === undefined) {
          session.emit('protocol.violated', { reason: 'command line too long', data: escapeBytes(head) })
          say(replies.syntax(''))
          continue
        }
        if (line.trim() === '') continue
        const space = line.indexOf(' ')
        const word = (space < 0 ? line : line.slice(0, space)).toUpperCase()
        const argument = space < 0 ? '' : line.slice(space + 1).trim()
        if (word === 'PASS') {
          const accepted = await logIn(seat, line.slice(5))
          if (!accepted && ++refusals >= mostRefusals) return
          continue
        }
        if (!/^[A-Z]{3,4}$/.test(word)) {
          session.emit('protocol.violated', { reason: 'no command', data: clean(line, 600) })
          say(replies.unknown(word))
          continue
        }
        const told = word !== 'USER' && word !== 'NOOP'
        if (told) session.emit('command.executed', { mode: 'ftp', input: clean(line, 600), user: clean(seat.user, 64), directory: clean(seat.directory, 4096) })
        const began = performance.now()
        const reply = await answer(seat, word, argument)
        idle.refresh()
        const code = Number(reply.slice(0, 3))
        if (told) session.emit('command.finished', { exitCode: code < 400 ? 0 : code, durationMs: Math.round(performance.now() - began) })
        say(reply)
        if (code === 221) return
      }
    } finally {
      clearTimeout(idle)
      lines.stop()
      seat.expected?.cancel()
      leave()
      connection.end(() => connection.destroy())
    }
  },
})

/** Where the passive transfers of `ftp` arrive. */
export const ftpData = defineDecoy<ServiceSettings<'ftp-data'>>({
  name: 'ftp-data',
  transport: 'tcp',
  async serve(connection, context) {
    const over = offerData(context.decoy, connection)
    if (!over) {
      context.session().emit('protocol.violated', { reason: 'data connection that nobody waits for', data: '' })
      connection.reset()
      return
    }
    await over
  },
})

/** What the small processor of such a device takes for a command. */
function pace(context: Context): Promise<void> {
  const [least, most] = context.persona.template.device?.latencyMs ?? [2, 8]
  return context.latency(least + Math.random() * (most - least))
}

/** PASS (RFC 959 section 4.1.1). The password is everything behind the command, blanks and all. */
async function logIn(seat: Seat, password: string): Promise<boolean> {
  const { context, session, settings, replies, user } = seat
  if (seat.loggedIn || user === '') {
    seat.say(seat.loggedIn ? replies.loggedIn : replies.loginNeeded)
    return seat.loggedIn
  }
  const about = { persona: context.persona, logins: context.world.logins, adversary: context.adversary.id }
  const verdict = judge(settings.login, about, user, password)
  session.emit('login.attempted', {
    method: 'ftp',
    user: clean(user, 4096),
    password: clean(password, 8192),
    outcome: verdict.accepted ? 'accepted' : 'refused',
    ...(verdict.accepted ? { by: verdict.by } : {}),
  })
  await context.latency(verdict.accepted ? context.persona.number('ftp login ms', 20, 120) : context.persona.number('ftp refusal ms', 400, 1500))
  if (verdict.accepted && verdict.by === 'lure') await context.prove({ kind: 'credential', value: `${clean(user, 4096)}:${clean(password, 8192)}` })
  seat.loggedIn = verdict.accepted
  seat.say(verdict.accepted ? replies.loggedIn : replies.loginFailed)
  return verdict.accepted
}

/** Answers one command; the reply is its last. */
async function answer(seat: Seat, word: string, argument: string): Promise<string> {
  const { replies, connection, settings } = seat
  switch (word) {
    case 'USER':
      if (argument === '') return replies.syntax(word)
      seat.user = argument
      seat.loggedIn = false
      return replies.password
    case 'QUIT':
      return replies.goodbye
    case 'FEAT':
      return replies.features ? ['211-Features:', ...replies.features.map((name) => ` ${name}`), '211 Ok'].join('\r\n') : replies.unknown(word)
    case 'NOOP':
      return replies.noop
  }
  if (!seat.loggedIn) return replies.loginNeeded
  switch (word) {
    case 'SYST':
      return replies.system
    case 'PWD':
    case 'XPWD':
      return replies.directory(seat.directory)
    case 'TYPE': {
      const kind = argument.toUpperCase().charAt(0)
      if (kind !== 'A' && kind !== 'I' && kind !== 'L') return replies.syntax(word)
      seat.ascii = kind === 'A'
      return replies.type(seat.ascii)
    }
    case 'MODE':
      return argument.toUpperCase() === 'S' ? replies.ok : '504 Unimplemented'
    case 'STRU':
      return argument.toUpperCase() === 'F' ? replies.ok : '504 Unimplemented'
    case 'ALLO':
      return replies.noop
    case 'PASV': {
      const address = /^(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(connection.destination.ip)?.[1]
      const { dataPort } = settings
      if (!address || dataPort === undefined) return replies.noData
      wait(seat)
      return replies.passive([...address.split('.'), dataPort >> 8, dataPort & 255].join(','))
    }
    case 'EPSV': {
      if (!replies.extended) return replies.unknown(word)
      if (settings.dataPort === undefined) return replies.noData
      wait(seat)
      return `229 EPSV ok (|||${settings.dataPort}|)`
    }
    case 'PORT':
    case 'EPRT':
      // Nothing is ever opened from here; the transfer finds its way blocked, as behind a firewall.
      if (word === 'EPRT' && !replies.extended) return replies.unknown(word)
      seat.expected?.cancel()
      seat.expected = undefined
      return /^(?:\d{1,3},){5}\d{1,3}$|^\|[12]\|/.test(argument) ? replies.port : replies.syntax(word)
    case 'REST':
      if (!/^\d{1,12}$/.test(argument)) return replies.syntax(word)
      seat.restart = Number(argument)
      return replies.restart(seat.restart)
    case 'ABOR':
      seat.expected?.cancel()
      seat.expected = undefined
      return replies.complete
    default:
      return fileCommand(seat, word, argument)
  }
}

function wait(seat: Seat): void {
  seat.expected?.cancel()
  seat.expected = expectData(seat.context.decoy, seat.connection.source.ip)
}

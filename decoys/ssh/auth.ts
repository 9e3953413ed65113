/** User authentication (RFC 4252, RFC 4256) as the claimed server does it; every credential is said before it is answered. */
import { createHash } from 'node:crypto'
import { escapeBytes } from '@shenlou/contract/bytes'
import type { LoginPolicy } from '@shenlou/contract/template'
import keyParser from 'ssh2/lib/protocol/keyParser.js'
import utils from 'ssh2/lib/protocol/utils.js'
import type { Context, Session } from '../decoy.ts'
import { judge } from './policy.ts'
import type { ServerKind } from './server-kind.ts'
import type { Transport } from './transport.ts'
import { message, pack, Reader } from './wire.ts'

type Method = 'none' | 'password' | 'keyboard-interactive' | 'publickey'

export interface Auth {
  /** Takes a message of the authentication protocol; false when it is not one. */
  message(type: number, payload: Buffer): boolean
  /** Says a probe that offered nothing but `none`. */
  closed(): void
}

const escapeLatin = (text: string): string => escapeBytes(Buffer.from(text.slice(0, 1000), 'latin1'))
/** At most 8,192 characters escaped, whatever the bytes. */
const escapePassword = (text: string): string => escapeBytes(Buffer.from(text.slice(0, 2000), 'latin1'))

/** Serves authentication; `accepted` is called once, after the success was sent. */
export function serveAuth(options: {
  transport: Transport
  kind: ServerKind
  context: Context
  session: Session
  policy: LoginPolicy
  accepted(user: string): void
}): Auth {
  const { transport, kind, context, session, policy } = options
  const ssh = context.persona.template.ssh
  if (!ssh) throw new Error('this persona has no ssh section')
  let serviceAccepted = false
  let done = false
  let failures = 0
  let attempts = 0
  let noneUser: string | undefined
  let said = 0
  let name: string | undefined
  let service = ''
  /** Who was asked for a password, or has given the right one and is told so. */
  let asking: { user: string; right: boolean } | undefined
  const queue: Buffer[] = []
  let busy = false

  const say = (
    method: Method,
    user: string,
    outcome: 'accepted' | 'refused',
    extra: { password?: string; key?: { type: string; fingerprint: string }; by?: 'given' | 'lure' | 'tries' } = {},
  ): void => {
    said++
    session.emit('login.attempted', { method, user: escapeLatin(user), outcome, ...extra })
  }

  function refuse(method: string): void {
    if (!(kind.noneIsFree && method === 'none' && attempts === 1)) failures++
    if (failures >= (ssh?.maxTries ?? 6)) {
      if (kind.answersLastFailure) transport.send(pack(message.USERAUTH_FAILURE, ssh?.methods.join(',') ?? '', false))
      if (kind.tooManyFailures) transport.disconnect(kind.tooManyFailures)
      else transport.end()
      done = true
      return
    }
    transport.send(pack(message.USERAUTH_FAILURE, ssh?.methods.join(',') ?? '', false))
  }

  /** The pause before a wrong password is answered, drawn anew each time within the persona's bounds. */
  async function delay(): Promise<void> {
    const [least, most] = ssh?.refusalMs ?? [0, 0]
    await context.latency(least + Math.random() * (most - least))
  }

  function accept(user: string): void {
    done = true
    transport.accepted()
    options.accepted(user)
  }

  async function password(method: 'password' | 'keyboard-interactive', user: string, text: string): Promise<void> {
    const known = user.split(':', 1)[0] as string
    const verdict = judge(policy, { persona: context.persona, logins: context.world.logins, adversary: context.adversary.id }, known, text)
    if (verdict.accepted) {
      say(method, user, 'accepted', { password: escapePassword(text), by: verdict.by })
      if (verdict.by === 'lure') await context.prove({ kind: 'credential', value: `${escapeLatin(known)}:${escapePassword(text)}` })
      if (method === 'password') return accept(known)
      // sshd takes what PAM has to say to the client in another request; without a message it has no prompt (RFC 4256 section 3.2)
      asking = { user: known, right: true }
      transport.send(pack(message.USERAUTH_INFO_REQUEST, '', '', '', 0))
      return
    }
    say(method, user, 'refused', { password: escapePassword(text) })
    await delay()
    if (!done) refuse(method)
  }

  async function publickey(user: string, reader: Reader, payload: Buffer): Promise<void> {
    const signed = reader.bool()
    const algorithm = reader.text()
    const blob = reader.string()
    const end = reader.position
    const fingerprint = `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
    const key = { type: escapeLatin(algorithm).slice(0, 64), fingerprint }
    const listed = authorisedKey(context, user.split(':', 1)[0] as string, blob)
    if (!listed) {
      say('publickey', user, 'refused', { key })
      refuse('publickey')
      return
    }
    if (!signed) {
      transport.send(pack(message.USERAUTH_PK_OK, algorithm, blob))
      return
    }
    const outer = new Reader(reader.string(), 0)
    const type = outer.text()
    const hash = type === 'rsa-sha2-256' ? 'sha256' : type === 'rsa-sha2-512' ? 'sha512' : undefined
    const parsed = keyParser.parseKey(listed)
    const plain = Array.isArray(parsed) ? parsed[0] : parsed
    const signature = utils.sigSSHToASN1(outer.string(), plain && !(plain instanceof Error) ? plain.type : type)
    const { sessionId } = transport
    const data = Buffer.concat([pack(0, sessionId).subarray(1), payload.subarray(0, end)])
    const good = plain && !(plain instanceof Error) && signature ? plain.verify(data, signature, hash) === true : false
    say('publickey', user, good ? 'accepted' : 'refused', { key })
    if (!good) return refuse('publickey')
    await context.prove({ kind: 'key', value: fingerprint })
    accept(user.split(':', 1)[0] as string)
  }

  async function request(payload: Buffer): Promise<void> {
    const reader = new Reader(payload)
    const user = reader.text()
    const wanted = reader.text()
    const method = reader.text()
    asking = undefined
    if (name !== undefined && (user !== name || wanted !== service)) {
      if (kind.tooManyFailures) transport.disconnect(`Change of username or service not allowed: (${name},${service}) -> (${user},${wanted})`.slice(0, 1024))
      else transport.end()
      done = true
      return
    }
    name = user
    service = wanted
    attempts++
    if (wanted !== 'ssh-connection') return refuse(method)
    if (method === 'none') {
      noneUser = user
      return refuse(method)
    }
    const offered = (ssh?.methods as string[] | undefined)?.includes(method) ?? false
    if (method === 'password' && offered) {
      reader.bool() // a wish to change the password is not heard
      return password('password', user, reader.text())
    }
    if (method === 'publickey' && offered) return publickey(user, reader, payload)
    if (method === 'keyboard-interactive' && offered) {
      asking = { user, right: false }
      transport.send(pack(message.USERAUTH_INFO_REQUEST, '', '', '', 1, 'Password: ', false))
      return
    }
    refuse(method)
  }

  async function answer(payload: Buffer): Promise<void> {
    const asked = asking
    asking = undefined
    if (asked === undefined) return transport.unimplemented()
    const reader = new Reader(payload)
    const count = reader.uint32()
    if (count !== (asked.right ? 0 : 1)) {
      // sshd ends the connection without a word when the number of answers is another
      if (count > 0 && !asked.right) say('keyboard-interactive', asked.user, 'refused', { password: escapePassword(reader.text()) })
      done = true
      return transport.end()
    }
    if (asked.right) return accept(asked.user)
    await password('keyboard-interactive', asked.user, reader.text())
  }

  async function work(): Promise<void> {
    if (busy) return
    busy = true
    try {
      for (let next = queue.shift(); next && !done; next = queue.shift()) await (next[0] === message.USERAUTH_REQUEST ? request(next) : answer(next))
    } catch {
      if (!done) transport.end()
      done = true
    } finally {
      busy = false
    }
  }

  return {
    message(type, payload) {
      if (type === message.SERVICE_REQUEST && !done) {
        const wanted = new Reader(payload).text()
        if (wanted === 'ssh-userauth') {
          serviceAccepted = true
          transport.send(pack(message.SERVICE_ACCEPT, wanted))
        } else if (kind.tooManyFailures) transport.disconnect(`bad service request ${wanted}`.slice(0, 1024))
        else transport.end()
        return true
      }
      if (type !== message.USERAUTH_REQUEST && type !== message.USERAUTH_INFO_RESPONSE) return false
      if (done) return true // requests after success are silently ignored (RFC 4252 section 5.1)
      if (!serviceAccepted) return false
      if (queue.length >= 10) {
        transport.end()
        done = true
        return true
      }
      queue.push(Buffer.from(payload))
      void work()
      return true
    },
    closed() {
      done = true
      if (said === 0 && noneUser !== undefined) say('none', noneUser, 'refused')
    },
  }
}

/** The line of the user's authorized_keys that holds this key; what an adversary put there holds for that adversary. */
function authorisedKey(context: Context, name: string, blob: Buffer): string | undefined {
  const { users, files } = context.world
  const user = users.byName(name)
  if (!user) return undefined
  const encoded = blob.toString('base64')
  const paths = context.world.host.flavour === 'openwrt' ? ['/etc/dropbear/authorized_keys'] : [`${user.home}/.ssh/authorized_keys`]
  for (const path of paths) {
    const stat = files.stat(path)
    if (!stat || stat.kind !== 'file' || stat.size > 65_536) continue
    for (const line of files.read(path).toString('latin1').split('\n')) {
      const at = line.indexOf(encoded)
      const type = /(ssh-rsa|ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)) $/.exec(line.slice(Math.max(0, at - 40), at))
      if (at > 0 && type) return `${type[1]} ${encoded}`
    }
  }
  return undefined
}

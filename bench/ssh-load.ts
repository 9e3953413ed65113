/** What SSH clients do to a server, for measurements: sockets of their own without Nagle's delay, keys typed one at a time. */
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import ssh2, { type Client, type ClientChannel, type ConnectConfig } from 'ssh2'
import { until } from '../test/installation.ts'

const algorithms: ConnectConfig['algorithms'] = {
  kex: ['curve25519-sha256'],
  serverHostKey: ['ssh-ed25519', 'rsa-sha2-512', 'rsa-sha2-256'],
  cipher: ['aes128-ctr'],
  hmac: ['hmac-sha2-256'],
}

/** A server under load: a way to reach it and an account. */
export interface SshServer {
  connect(lane: number): Duplex
  username: string
  password?: string
  privateKey?: Buffer
  /** It closes the channel before it answers the request, which ssh2 takes for a refusal: the answer is not asked for. */
  answersLate?: boolean
}

export interface Shell {
  client: Client
  channel: ClientChannel
  text: string
}

/** Address that a lane comes from, so that each is another attacker. */
export const sourceOf = (lane: number): string => `127.0.6.${1 + (lane % 250)}`

/** `connect` over TCP, as ssh2 by itself would not do it: Nagle's delay of the client is not the server's. */
export const overTcp = (port: number) => (lane: number) => connectTcp({ host: '127.0.0.1', port, noDelay: true, localAddress: sourceOf(lane) })

function begin(server: SshServer, lane: number, extra: ConnectConfig = {}): Client {
  const { username, password, privateKey } = server
  const client = new ssh2.Client()
  const authHandler = [privateKey ? 'publickey' : 'password'] as ConnectConfig['authHandler']
  client.connect({ sock: server.connect(lane), username, password, privateKey, algorithms, readyTimeout: 30_000, authHandler, ...extra } as ConnectConfig)
  return client
}

export async function login(server: SshServer, lane = 0): Promise<Client> {
  const client = begin(server, lane)
  await new Promise<void>((resolve, reject) => client.once('ready', resolve).once('error', reject))
  client.on('error', () => undefined)
  return client
}

interface Insides {
  _protocol: { exec(id: number, command: string, wantReply: boolean): void }
  _chanMgr: { _channels: Record<string, { outgoing?: { id: number }; _callbacks: ((failed: boolean) => void)[] } | undefined> }
}
/** Makes `exec` of this client ask for no answer. */
function askNoReply(client: Client): void {
  const { _protocol: protocol, _chanMgr: channels } = client as unknown as Insides
  const exec = protocol.exec.bind(protocol)
  protocol.exec = (id, command) => {
    exec(id, command, false)
    const channel = Object.values(channels._channels).find((each) => each?.outgoing?.id === id && each._callbacks.length > 0)
    process.nextTick(() => channel?._callbacks.shift()?.(false))
  }
}

async function loginAndExec(server: SshServer, lane: number): Promise<void> {
  const client = await login(server, lane)
  if (server.answersLate) askNoReply(client)
  let output = 0
  await new Promise<void>((resolve, reject) => {
    client.exec('uname -a', (error, channel) => {
      if (error) return reject(error)
      channel.on('data', (part: Buffer) => (output += part.length)).on('close', () => resolve())
    })
  })
  if (output === 0) throw new Error('the command answered nothing')
  const closed = once(client, 'close')
  client.end()
  await closed
}

/** Runs `count` of them, `width` at once. Answers how many a second. */
async function rate(count: number, width: number, one: (lane: number) => Promise<void>): Promise<number> {
  let left = count
  const begun = performance.now()
  await Promise.all(
    Array.from({ length: width }, async (_, lane) => {
      while (left-- > 0) await one(lane)
    }),
  )
  return count / ((performance.now() - begun) / 1000)
}

/** Logs in, runs `uname -a`, reads its output, closes. Answers sessions a second. */
export const execRate = (server: SshServer, count: number, width: number): Promise<number> => rate(count, width, (lane) => loginAndExec(server, lane))

/** Wrong passwords, `tries` on each of `connections`. Answers how many were refused and the milliseconds that each took. */
export async function wrongPasswords(server: SshServer, connections: number, tries: number, width: number): Promise<number[]> {
  const times: number[] = []
  let serial = 0
  await rate(connections, width, async (lane) => {
    let sent = 0
    let at = 0
    const client = begin(server, lane, {
      authHandler: ((_left: unknown, _partial: unknown, next: (method: unknown) => void) => {
        if (sent > 0) times.push(performance.now() - at)
        if (sent++ >= tries) return next(false)
        at = performance.now()
        next({ type: 'password', username: server.username, password: `wrong-${serial++}` })
      }) as never,
    })
    client.on('error', () => client.end())
    await new Promise<void>((resolve) => client.once('close', () => resolve()))
  })
  return times
}

const plain = (text: string): string => text.replace(/\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b[=>]/g, '')
const atPrompt = /[#$] ?$/

export async function openShell(server: SshServer, lane = 0): Promise<Shell> {
  const client = await login(server, lane)
  const channel = await new Promise<ClientChannel>((resolve, reject) =>
    client.shell({ term: 'xterm', cols: 200, rows: 40 }, (error, opened) => (error ? reject(error) : resolve(opened))),
  )
  const shell: Shell = { client, channel, text: '' }
  channel.on('data', (part: Buffer) => {
    shell.text = (shell.text + plain(part.toString('latin1'))).slice(-4000)
  })
  await until('a prompt', () => atPrompt.test(shell.text), 30_000)
  return shell
}

export async function openShells(server: SshServer, count: number, width = 4): Promise<Shell[]> {
  const shells: Shell[] = []
  await rate(count, width, async (lane) => void shells.push(await openShell(server, lane)))
  return shells
}

/** Milliseconds until `text` of the shell fits, from the moment that `key` is sent. */
function press(shell: Shell, key: string, fits: (text: string) => boolean): Promise<number> {
  shell.text = ''
  const begun = performance.now()
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => {
      clearTimeout(timer)
      shell.channel.off('data', look)
      if (error) reject(error)
      else resolve(performance.now() - begun)
    }
    const look = (): void => void (fits(shell.text) && done())
    const timer = setTimeout(() => done(new Error(`no answer to a key; got ${JSON.stringify(shell.text.slice(-80))}`)), 30_000)
    shell.channel.on('data', look)
    shell.channel.write(key)
  })
}

/** Each shell types `lines` lines of 31 keys, one key every `gapMs`. Answers the milliseconds from key to echo and from Enter to prompt. */
export async function type(shells: Shell[], lines: number, gapMs = 100): Promise<{ echo: number[]; enter: number[] }> {
  const echo: number[] = []
  const enter: number[] = []
  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
  await Promise.all(
    shells.map(async (shell) => {
      await pause(Math.random() * gapMs)
      for (let line = 0; line < lines; line++) {
        for (const key of 'echo abcdefghijklmnopqrstuvwxyz') {
          echo.push(await press(shell, key, (text) => text.includes(key)))
          await pause(gapMs)
        }
        enter.push(await press(shell, '\r', (text) => atPrompt.test(text)))
        await pause(gapMs)
      }
    }),
  )
  return { echo, enter }
}

/** Opens shells, types two lines in each, closes them. */
export async function keys(server: SshServer, shells = 50): Promise<{ echo: number[]; enter: number[] }> {
  const open = await openShells(server, shells)
  const times = await type(open, 2)
  for (const { client } of open) client.end()
  return times
}

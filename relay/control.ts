/**
 * What a person may do to a running relay on its own machine, without the core: a unix socket in the relay's folder that only its user and root may open.
 * One JSON line each way: `{"act":"release","segment":"office"}` is answered with `{"segments":[…]}` or `{"failed":"…"}`.
 */
import { chmodSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import type { HandAct, HandAnswer } from './capture/messages.ts'
import type { CaptureProcess } from './capture/start.ts'

export interface HandRequest {
  act: HandAct
  /** All of them without one. */
  segment?: string | undefined
}

const maxBytes = 4096
const answerMs = 15_000
const socketOf = (dataDir: string): string => join(dataDir, 'control')
/** sockaddr_un holds 108 bytes with its end. */
const maxPath = 107

/** Rejects with one line when the socket cannot be had. */
export async function openControl(dataDir: string, capture: Pick<CaptureProcess, 'say' | 'onMessage'>): Promise<{ close(): void }> {
  const path = socketOf(dataDir)
  if (Buffer.byteLength(path) > maxPath) throw new Error(`${path} is too long for a socket; choose a data folder with a shorter path`)
  const waiting = new Map<number, (answer: HandAnswer) => void>()
  let asked = 0
  capture.onMessage((message) => {
    if (message.type !== 'hand') return
    waiting.get(message.id)?.(message.answer)
    waiting.delete(message.id)
  })
  const ask = ({ act, segment }: HandRequest): Promise<HandAnswer> =>
    new Promise((resolve) => {
      const id = ++asked
      const timer = setTimeout(() => {
        waiting.delete(id)
        resolve({ failed: `the capture process did not answer within ${answerMs / 1000} s; stop the relay, and its claims end within their lease` })
      }, answerMs)
      waiting.set(id, (answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
      capture.say({ type: 'hand', id, act, segment })
    })

  const server = createServer((socket) => {
    let text = ''
    socket.setEncoding('utf8')
    socket.on('error', () => {})
    socket.on('data', (part: string) => {
      text += part
      if (text.length > maxBytes) return void socket.destroy()
      const end = text.indexOf('\n')
      if (end < 0) return
      socket.removeAllListeners('data')
      const request = parseRequest(text.slice(0, end))
      const answer: Promise<HandAnswer> = request ? ask(request) : Promise.resolve({ failed: 'this is no request' })
      void answer.then((value) => socket.end(`${JSON.stringify(value)}\n`))
    })
  })
  // What a killed one left.
  rmSync(path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      chmodSync(path, 0o600)
      resolve()
    })
  })
  server.on('error', () => {})
  server.unref()
  return {
    close() {
      server.close()
      rmSync(path, { force: true })
    },
  }
}

function parseRequest(text: string): HandRequest | undefined {
  try {
    const { act, segment } = JSON.parse(text) as Record<string, unknown>
    if (act !== 'release' && act !== 'resume' && act !== 'survey') return undefined
    if (segment !== undefined && (typeof segment !== 'string' || segment.length > 64)) return undefined
    return { act, segment }
  } catch {
    return undefined
  }
}

/** Asks the relay that runs with this folder. Rejects with one line: that none runs, or that this user may not. */
export function askRelay(dataDir: string, request: HandRequest): Promise<HandAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketOf(dataDir))
    let text = ''
    socket.setEncoding('utf8')
    socket.setTimeout(answerMs + 5000, () => socket.destroy(new Error('the relay did not answer; stop it, and its claims end within their lease')))
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`))
    socket.on('data', (part: string) => {
      text += part
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const gone = error.code === 'ENOENT' || error.code === 'ECONNREFUSED'
      const refused = error.code === 'EACCES' || error.code === 'EPERM'
      if (gone) reject(new Error(`no relay with --capture runs on ${dataDir}; nothing is answered for it then`))
      else reject(refused ? new Error(`${socketOf(dataDir)} is the relay's and root's; run this as root`) : error)
    })
    socket.on('close', () => {
      try {
        resolve(JSON.parse(text) as HandAnswer)
      } catch {
        reject(new Error('the relay closed without an answer'))
      }
    })
  })
}

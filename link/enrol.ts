/** Enrolment and renewal, the sensor's side: how a machine gets its first certificate with a token, and every later one. */
import { X509Certificate } from 'node:crypto'
import { request } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { type EnrolmentToken, enrolAnswer, enrolmentToken } from '@shenlou/contract/sensor'
import { keyHashOf, peerIdentity } from './certificate.ts'
import { dial, secure } from './dial.ts'
import { createKeyAndCsr, type RenewableIdentity, saveIdentity } from './identity.ts'

/** The token as a person copies it: base64url of its JSON. */
export const encodeToken = (token: EnrolmentToken): string => Buffer.from(JSON.stringify(token)).toString('base64url')

/** Throws a RangeError for a text that is no token. */
export function decodeToken(text: string): EnrolmentToken {
  try {
    return enrolmentToken.parse(JSON.parse(Buffer.from(text.trim(), 'base64url').toString()))
  } catch (cause) {
    throw new RangeError('this is not an enrolment token; copy it whole, as the console shows it', { cause })
  }
}

/**
 * Spends a token: pins the authority by the hash in the token before the secret is said, makes a key here, and keeps the
 * identity in `dir`. Rejects with an Error that says what to do; the token is not spent unless the core answered.
 */
export async function enrol(options: { token: string; dir: string; proxy?: string }): Promise<RenewableIdentity> {
  const token = decodeToken(options.token)
  if (token.expires < Date.now()) throw new Error('this enrolment token is too old; ask for a new one in the console')
  const socket = await secure({ address: token.door, proxy: options.proxy }, { rejectUnauthorized: false })
  try {
    const ca = pinned(socket, token)
    const { key, csr } = await createKeyAndCsr()
    const answer = enrolAnswer.parse(await exchange(socket, { method: 'POST', path: '/enrol', json: { token: token.id, secret: token.secret, csr } }))
    if (keyHashOf(new X509Certificate(answer.ca)) !== token.caKeyHash) throw new Error('the core answered with another authority than the token names')
    const said = peerIdentity(new X509Certificate(answer.certificate), ca)
    if (said.role !== token.role || said.sensor !== answer.sensor) throw new Error('the core signed another role than the token names')
    const { role, name, door } = token
    return await saveIdentity(options.dir, { sensor: answer.sensor, role, name, door, key, certificate: answer.certificate, ca: answer.ca })
  } finally {
    socket.destroy()
  }
}

/** Gets a new certificate for a new key and keeps it. An expired certificate may do this too. */
export async function renew(identity: RenewableIdentity, proxy?: string): Promise<void> {
  const { socket } = await dial({ address: identity.door, identity, expect: { role: 'core' }, proxy })
  try {
    const { key, csr } = await createKeyAndCsr()
    const answer = (await exchange(socket, { method: 'POST', path: '/renew', json: { csr } })) as { certificate?: unknown }
    await identity.replace(key, enrolAnswer.shape.certificate.parse(answer.certificate))
  } finally {
    socket.destroy()
  }
}

/** The door shows its whole chain: the authority in it must be the token's, and must have signed a certificate of the core. */
function pinned(socket: TLSSocket, token: EnrolmentToken): X509Certificate {
  const leaf = socket.getPeerX509Certificate()
  const ca = leaf?.issuerCertificate
  if (!leaf || !ca || keyHashOf(ca) !== token.caKeyHash)
    throw new Error(`${token.door} is not the core that gave out this token; check the address, and that nothing stands in between`)
  if (peerIdentity(leaf, ca).role !== 'core') throw new Error(`${token.door} shows a certificate that is not the core's`)
  return ca
}

export interface Exchange {
  method: 'GET' | 'POST' | 'PUT'
  path: string
  json?: unknown
  body?: Buffer
  headers?: Record<string, string>
}
/** The door answered with an error; `code` is one of its stable codes. */
export class DoorRefusal extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

const maxAnswerBytes = 64 * 1024 * 1024

/** One HTTP exchange on a connection that is already secure; answers the parsed JSON. Rejects with a DoorRefusal for an error status. */
export function exchange(socket: TLSSocket, { method, path, json, body, headers }: Exchange): Promise<unknown> {
  const bytes = json === undefined ? body : Buffer.from(JSON.stringify(json))
  return new Promise((resolve, reject) => {
    // Of node:https, though the connection is secure already: an import of node:http loads Node's fetch too, 13 MiB of it.
    const sent = request({
      method,
      path,
      createConnection: () => socket,
      headers: { host: 'localhost', connection: 'keep-alive', ...(bytes && { 'content-length': bytes.length }), ...headers },
    })
    sent.setTimeout(60_000, () => sent.destroy(new Error('the core did not answer within 60 s')))
    sent.on('error', reject)
    sent.on('response', (response) => {
      const parts: Buffer[] = []
      let size = 0
      response.on('error', reject)
      response.on('data', (part: Buffer) => {
        size += part.length
        if (size > maxAnswerBytes) return sent.destroy(new Error(`the core's answer to ${path} is above ${maxAnswerBytes} bytes`))
        parts.push(part)
      })
      response.on('end', () => {
        let answer: { error?: string; message?: string }
        try {
          answer = JSON.parse(Buffer.concat(parts).toString())
        } catch (cause) {
          return reject(new Error(`the core's answer to ${path} is not JSON (status ${response.statusCode})`, { cause }))
        }
        if (response.statusCode === 200) resolve(answer)
        else reject(new DoorRefusal(response.statusCode ?? 0, String(answer.error), String(answer.message)))
      })
    })
    sent.end(bytes)
  })
}

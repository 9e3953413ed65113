/** TLS as the persona's server speaks it: its versions, ciphers, curves, tickets and certificate; the client's hello is told. */
import { randomBytes } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { Connection, Context, Session, TlsOptions } from '../decoy.ts'
import type { Persona } from '../persona.ts'
import { clean, cleanBytes } from './clean.ts'
import { helloSize, ja3, ja4, parseClientHello } from './client-hello.ts'

type Options = { plain: TlsOptions; http11: TlsOptions }
const made = new WeakMap<Persona, Options>()

/**
 * TLS options of a persona's web server. The same objects come back for the same persona, so that whoever makes secure contexts
 * from them can keep those. Throws when the persona has no web section or no TLS key.
 */
export function tlsOptions(persona: Persona): Options {
  const known = made.get(persona)
  if (known) return known
  const web = persona.template.web
  if (!web) throw new Error(`persona ${persona.template.id} has no web section`)
  const key = persona.keys['tls-key']
  const cert = persona.keys['tls-certificate']
  if (!key || !cert) throw new Error(`persona ${persona.template.id} has no TLS key or certificate`)
  const old = web.tls.min === 'TLSv1' || web.tls.min === 'TLSv1.1'
  const plain: TlsOptions = {
    key,
    cert,
    minVersion: web.tls.min,
    maxVersion: web.tls.max,
    // The old versions sign with SHA-1, which today's security level forbids.
    ciphers: old ? `${web.tls.ciphers}:@SECLEVEL=0` : web.tls.ciphers,
    ecdhCurve: web.tls.curves,
    honorCipherOrder: web.tls.serverOrder,
    sessionIdContext: 'HTTP',
    // One set of ticket keys for the life of the process, as the servers do.
    ticketKeys: randomBytes(48),
  }
  const options = { plain, http11: { ...plain, ALPNProtocols: ['http/1.1'] } }
  made.set(persona, options)
  return options
}

/** Peeks at the hello, serves TLS, says `tls.negotiated`. Undefined when the handshake failed; that is said too. */
export async function openTls(connection: Connection, context: Context, session: Session): Promise<TLSSocket | undefined> {
  const first = await connection.peek(5)
  const size = helloSize(first)
  const bytes = size === undefined ? first : await connection.peek(size)
  const hello = parseClientHello(bytes)
  const options = tlsOptions(context.persona)
  try {
    const socket = await connection.startTls(hello?.alpn.includes('http/1.1') ? options.http11 : options.plain)
    session.emit('tls.negotiated', {
      version: socket.getProtocol() ?? '',
      cipher: socket.getCipher()?.standardName ?? '',
      ...(hello?.serverName ? { serverName: clean(hello.serverName, 255) } : {}),
      ...(hello ? { ja3: ja3(hello), ja4: ja4(hello) } : {}),
    })
    return socket
  } catch (error) {
    const code = (error as { code?: string }).code ?? 'unknown'
    session.emit('protocol.violated', {
      reason: `TLS handshake failed: ${clean(code, 80)}${hello ? `, ja4 ${ja4(hello)}` : ''}`,
      data: cleanBytes(bytes.subarray(0, 4096), 4096),
    })
    return undefined
  }
}

/** TLS as the persona's server speaks it: its versions, ciphers, curves, tickets and certificate; the client's hello is told. */
import type { DeviceTls } from '@shenlou/contract/server-tls'
import { constants, randomBytes } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { Connection, Context, Session, TlsOptions } from '../decoy.ts'
import type { Persona } from '../persona.ts'
import { clean, cleanBytes } from './clean.ts'
import { helloSize, ja3, ja4, parseClientHello } from './client-hello.ts'

type Options = { plain: TlsOptions; http11: TlsOptions }
const made = new WeakMap<Persona, Options>()

/** OpenSSL's switch for RFC 7627, which Node does not name. */
const noExtendedMasterSecret = 1
const switches: Record<DeviceTls['extensions'][number], number> = {
  'session-ticket': constants.SSL_OP_NO_TICKET,
  'encrypt-then-mac': constants.SSL_OP_NO_ENCRYPT_THEN_MAC,
  'extended-master-secret': noExtendedMasterSecret,
}
const withoutExtensions = ({ extensions, serverOrder }: DeviceTls): number =>
  (Object.keys(switches) as (keyof typeof switches)[])
    .filter((name) => !extensions.includes(name))
    .reduce((all, name) => all | switches[name], serverOrder ? constants.SSL_OP_CIPHER_SERVER_PREFERENCE : 0)

/**
 * TLS options of a persona's web server or device page. The same objects come back for the same persona, so that whoever makes secure contexts
 * from them can keep those. Throws when the persona has no TLS or no TLS key.
 */
export function tlsOptions(persona: Persona): Options {
  const known = made.get(persona)
  if (known) return known
  const { web, hmi, id } = persona.template
  const tls = web?.tls ?? hmi?.tls
  if (!tls) throw new Error(`persona ${id} has no TLS: neither a web section nor tls in an hmi section`)
  const key = persona.keys['tls-key']
  const cert = persona.keys['tls-certificate']
  if (!key || !cert) throw new Error(`persona ${id} has no TLS key or certificate; apply its scenario again to have them drawn`)
  const old = tls.min === 'TLSv1' || tls.min === 'TLSv1.1'
  const plain: TlsOptions = {
    key,
    cert,
    minVersion: tls.min,
    maxVersion: tls.max,
    // The old versions sign with SHA-1, which today's security level forbids.
    ciphers: old ? `${tls.ciphers}:@SECLEVEL=0` : tls.ciphers,
    ecdhCurve: tls.curves,
    honorCipherOrder: tls.serverOrder,
    sessionIdContext: 'HTTP',
    // One set of ticket keys for the life of the process, as the servers do.
    ticketKeys: randomBytes(48),
    ...(web || !hmi?.tls ? {} : { secureOptions: withoutExtensions(hmi.tls) }),
  }
  const options = { plain, http11: { ...plain, ALPNProtocols: ['http/1.1'] } }
  made.set(persona, options)
  return options
}

/** Peeks at the hello, serves TLS, as `given` or as the persona's web server, says `tls.negotiated`. Undefined when the handshake failed; that is said too. */
export async function openTls(connection: Connection, context: Context, session: Session, given?: TlsOptions): Promise<TLSSocket | undefined> {
  const first = await connection.peek(5)
  const size = helloSize(first)
  const bytes = size === undefined ? first : await connection.peek(size)
  const hello = parseClientHello(bytes)
  const options = given ? { plain: given, http11: given } : tlsOptions(context.persona)
  try {
    const socket = await connection.startTls(hello?.alpn.includes('http/1.1') && context.persona.template.web ? options.http11 : options.plain)
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

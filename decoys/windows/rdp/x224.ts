/** The first exchange of RDP: TPKT (RFC 1006 section 6), X.224 (ITU-T X.224 section 13) and the negotiation of its security ([MS-RDPBCGR] section 2.2.1.1). */

/** [MS-RDPBCGR] section 2.2.1.1.1 requestedProtocols. */
export const rdpProtocol = { rdp: 0, tls: 1, hybrid: 2, rdsTls: 4, hybridEx: 8 } as const
const names: readonly [number, string][] = [
  [rdpProtocol.tls, 'TLS'],
  [rdpProtocol.hybrid, 'CredSSP'],
  [rdpProtocol.rdsTls, 'RDSTLS'],
  [rdpProtocol.hybridEx, 'CredSSP with early user authorization'],
]
export const protocolNames = (bits: number): string[] => ['RDP', ...names.filter(([bit]) => bits & bit).map(([, name]) => name)]

/** Section 2.2.1.2.2 failureCode. */
export const failure = { tlsRequired: 1, hybridRequired: 5 } as const

/** The longest first request: cookies have at most a line. */
export const longestRequest = 4096

export interface ConnectionRequest {
  /** What is before the line's end: `Cookie: mstshash=user`, or a routing token. Raw Latin-1. */
  cookie: string
  /** Undefined where nothing is negotiated, as by the oldest clients. */
  requested: number | undefined
}

/**
 * TPKT version(1, 3) 0(1) length(2), X.224 length(1) code(1, 0xE0) destination(2) source(2) class(1), cookie CR LF, RDP_NEG_REQ type(1, 1) flags(1)
 * length(2 LE, 8) protocols(4 LE), perhaps a correlation id behind it. Undefined for what is none.
 */
export function readConnectionRequest(frame: Buffer): ConnectionRequest | undefined {
  if (frame.length < 11 || frame.readUInt8(0) !== 3 || (frame.readUInt8(5) & 0xf0) !== 0xe0) return undefined
  let at = 11
  let cookie = ''
  const end = frame.indexOf('\r\n', at)
  // The negotiation itself may hold these two bytes, but never before its own type.
  if (end >= 0 && frame.readUInt8(at) !== 1) {
    cookie = frame.toString('latin1', at, end)
    at = end + 2
  }
  if (at + 8 > frame.length || frame.readUInt8(at) !== 1 || frame.readUInt16LE(at + 2) !== 8) return { cookie, requested: undefined }
  return { cookie, requested: frame.readUInt32LE(at + 4) }
}

/** X.224 Connection Confirm, with RDP_NEG_RSP (type 2) or RDP_NEG_FAILURE (type 3): type(1) flags(1) length(2 LE, 8) protocol or code(4 LE). */
export function connectionConfirm(said: { selected: number } | { failure: number }): Buffer {
  const bytes = Buffer.from('030000130ed000001234000200080000000000', 'hex')
  if ('selected' in said) {
    // Extended client data, graphics pipeline, a reserved bit, restricted administration, redirected logon: what Windows 10 and 2016 know.
    bytes.writeUInt8(0x1f, 12)
    bytes.writeUInt32LE(said.selected, 15)
  } else {
    bytes.writeUInt8(3, 11)
    bytes.writeUInt32LE(said.failure, 15)
  }
  return bytes
}

/** An X.224 data unit: TPKT, length(1, 2) code(1, 0xF0) end(1, 0x80), content. */
export function dataUnit(...content: readonly Buffer[]): Buffer {
  const whole = Buffer.concat([Buffer.from('0300000002f080', 'hex'), ...content])
  whole.writeUInt16BE(whole.length, 2)
  return whole
}

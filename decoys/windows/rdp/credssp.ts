/** CredSSP, the server's side ([MS-CSSP]): tokens of SPNEGO or NTLMSSP inside of DER, until the client has shown who it is. */
import { child, children, der, integer, readTlv } from '../der.ts'

/** What is read of a TSRequest; longer ones end the connection. */
export const longestTsRequest = 65_536

export interface TsRequest {
  version: number
  token: Buffer | undefined
}

/**
 * TSRequest ([MS-CSSP] section 2.2.1): SEQUENCE { [0] version INTEGER, [1] negoTokens SEQUENCE OF SEQUENCE { [0] OCTET STRING }, [2] authInfo, [3] pubKeyAuth,
 * [4] errorCode INTEGER, [5] clientNonce }. Undefined for what is none.
 */
export function readTsRequest(bytes: Buffer): TsRequest | undefined {
  const outer = readTlv(bytes)
  if (outer?.tag !== 0x30) return undefined
  const version = child(child(outer.value, 0xa0), 0x02)
  if (!version || version.length === 0 || version.length > 4) return undefined
  const list = child(child(outer.value, 0xa1), 0x30)
  const first = list && children(list)[0]
  return { version: version.readUIntBE(0, version.length), token: first && child(child(first.value, 0xa0), 0x04) }
}

/** TSRequest with one token. */
export const tokenRequest = (version: number, token: Buffer): Buffer =>
  der(0x30, der(0xa0, integer(version)), der(0xa1, der(0x30, der(0x30, der(0xa0, der(0x04, token))))))

/** TSRequest that says why it ends: an NTSTATUS, in four bytes as Windows writes it. Clients of versions 2 and 5 are not told (section 3.1.5). */
export function errorRequest(version: number, code: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(code)
  return der(0x30, der(0xa0, integer(version)), der(0xa4, der(0x02, bytes)))
}

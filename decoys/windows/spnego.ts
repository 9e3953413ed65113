/** SPNEGO as a Windows server speaks it (RFC 4178, [MS-SPNG]): what it offers, and the NTLMSSP tokens inside of what comes. */
import { children, child, der, objectId, readTlv } from './der.ts'
import { ntlmSignature } from './ntlmssp.ts'

const spnego = objectId('1.3.6.1.5.5.2')
const negoEx = objectId('1.3.6.1.4.1.311.2.2.30')
const msKerberos = objectId('1.2.840.48018.1.2.2')
const kerberos = objectId('1.2.840.113554.1.2.2')
const userToUser = objectId('1.2.840.113554.1.2.2.3')
const ntlm = objectId('1.3.6.1.4.1.311.2.2.10')

/**
 * NegTokenInit2 ([MS-SPNG] section 2.2.1): APPLICATION 0 { SPNEGO, [0] SEQUENCE { [0] mechTypes, [3] negHints { [0] hintName } } }.
 * A member of a domain offers Kerberos, others NTLM alone.
 */
export function negTokenInit2(joined: boolean): Buffer {
  const mechanisms = joined ? [negoEx, msKerberos, kerberos, userToUser, ntlm] : [ntlm]
  const hint = der(0x1b, Buffer.from('not_defined_in_RFC4178@please_ignore', 'latin1'))
  const init = der(0x30, der(0xa0, der(0x30, ...mechanisms)), der(0xa3, der(0x30, der(0xa0, hint))))
  return der(0x60, spnego, der(0xa0, init))
}

/** A client's token: how it is wrapped, and what NTLMSSP there is in it. */
export interface SpnegoToken {
  /** `raw`: NTLMSSP without SPNEGO around it. */
  form: 'raw' | 'init' | 'response'
  ntlm: Buffer | undefined
  /** NTLM is among the mechanisms, also where the token is of another. */
  offersNtlm: boolean
}

/**
 * NegTokenInit (RFC 4178 section 4.2.1): APPLICATION 0 { SPNEGO, [0] SEQUENCE { [0] mechTypes, [1] reqFlags, [2] mechToken, [3] mechListMIC } };
 * NegTokenResp (section 4.2.2): [1] SEQUENCE { [0] negState, [1] supportedMech, [2] responseToken, [3] mechListMIC }. Undefined for what is neither.
 */
export function readSpnego(bytes: Buffer): SpnegoToken | undefined {
  if (bytes.subarray(0, 8).equals(ntlmSignature)) return { form: 'raw', ntlm: bytes, offersNtlm: true }
  const outer = readTlv(bytes)
  if (!outer) return undefined
  if (outer.tag === 0x60) {
    const fields = child(child(outer.value, 0xa0), 0x30)
    const mechanisms = child(child(fields, 0xa0), 0x30)
    if (!fields || !mechanisms) return undefined
    const offersNtlm = children(mechanisms).some(({ tag, value }) => tag === 6 && der(6, value).equals(ntlm))
    return { form: 'init', ntlm: asNtlm(child(child(fields, 0xa2), 0x04)), offersNtlm }
  }
  if (outer.tag !== 0xa1) return undefined
  const fields = child(outer.value, 0x30)
  return fields && { form: 'response', ntlm: asNtlm(child(child(fields, 0xa2), 0x04)), offersNtlm: true }
}

const asNtlm = (token: Buffer | undefined): Buffer | undefined => (token?.subarray(0, 8).equals(ntlmSignature) ? token : undefined)

const state = { accepted: 0, incomplete: 1, rejected: 2, requestMic: 3 } as const
const negState = (value: number): Buffer => der(0xa0, der(0x0a, Buffer.from([value])))

/** NegTokenResp that goes on with NTLM: with its challenge, or naming it where the client began with another mechanism. In the client's own form. */
export function goOn(form: SpnegoToken['form'], challenge?: Buffer): Buffer {
  if (form === 'raw' && challenge) return challenge
  return der(
    0xa1,
    der(
      0x30,
      negState(challenge ? state.incomplete : state.requestMic),
      ...(form === 'response' && challenge ? [] : [der(0xa1, ntlm)]),
      ...(challenge ? [der(0xa2, der(0x04, challenge))] : []),
    ),
  )
}

/** NegTokenResp of the end: accept-completed. Raw NTLMSSP has no such thing. */
export const accepted = (form: SpnegoToken['form']): Buffer => (form === 'raw' ? Buffer.alloc(0) : der(0xa1, der(0x30, negState(state.accepted))))

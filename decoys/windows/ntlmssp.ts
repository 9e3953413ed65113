/**
 * NTLMSSP, the server's side ([MS-NLMP]): reads what a client negotiates, challenges it with random bytes, and reads its answer as the line that
 * hashcat takes (modes 5600 and 5500).
 */
import { randomBytes } from 'node:crypto'
import { fileTime, type WindowsIdentity } from './identity.ts'

export const ntlmSignature = Buffer.from('NTLMSSP\0', 'latin1')

/** [MS-NLMP] section 2.2.2.5. */
export const ntlmFlag = {
  unicode: 0x0000_0001,
  oem: 0x0000_0002,
  requestTarget: 0x0000_0004,
  sign: 0x0000_0010,
  seal: 0x0000_0020,
  ntlm: 0x0000_0200,
  anonymous: 0x0000_0800,
  alwaysSign: 0x0000_8000,
  targetDomain: 0x0001_0000,
  targetServer: 0x0002_0000,
  extendedSecurity: 0x0008_0000,
  targetInfo: 0x0080_0000,
  version: 0x0200_0000,
  bits128: 0x2000_0000,
  keyExchange: 0x4000_0000,
  bits56: 0x8000_0000,
} as const

/** What the client may ask for and is then given. */
const echoed =
  ntlmFlag.sign | ntlmFlag.seal | ntlmFlag.alwaysSign | ntlmFlag.extendedSecurity | ntlmFlag.version | ntlmFlag.bits128 | ntlmFlag.keyExchange | ntlmFlag.bits56

/** The type of an NTLMSSP message, 1 to 3; undefined where it is none. */
export function ntlmType(token: Buffer): number | undefined {
  if (token.length < 12 || !token.subarray(0, 8).equals(ntlmSignature)) return undefined
  const type = token.readUInt32LE(8)
  return type >= 1 && type <= 3 ? type : undefined
}

/** Version ([MS-NLMP] section 2.2.2.10): major(1) minor(1) build(2) reserved(3) revision(1). As `10.0.19041`. */
function readVersion(token: Buffer, at: number, flags: number): string | undefined {
  if (!(flags & ntlmFlag.version) || at + 8 > token.length) return undefined
  return `${token.readUInt8(at)}.${token.readUInt8(at + 1)}.${token.readUInt16LE(at + 2)}`
}

/**
 * NEGOTIATE_MESSAGE ([MS-NLMP] section 2.2.1.1):
 * signature(8) type(4, 1) flags(4) domain(length 2, most 2, offset 4) workstation(2, 2, 4) version(8) payload
 */
export function readNegotiate(token: Buffer): { flags: number; version: string | undefined } {
  // Some clients end it after the flags, or send none.
  const flags = token.length >= 16 ? token.readUInt32LE(12) : ntlmFlag.unicode | ntlmFlag.ntlm
  return { flags, version: readVersion(token, 32, flags) }
}

/** Of a persona: names and version. */
export type NtlmIdentity = Pick<WindowsIdentity, 'joined' | 'computer' | 'domain' | 'dnsComputer' | 'dnsDomain' | 'dnsTree' | 'major' | 'minor' | 'build'>

/** AV_PAIR ([MS-NLMP] section 2.2.2.1): id(2) length(2) value. */
function avPair(id: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt16LE(id, 0)
  head.writeUInt16LE(value.length, 2)
  return Buffer.concat([head, value])
}

/**
 * CHALLENGE_MESSAGE ([MS-NLMP] section 2.2.1.2):
 * signature(8) type(4, 2) target name(length 2, most 2, offset 4) flags(4) challenge(8) reserved(8) target info(2, 2, 4) version(8) payload
 */
export function encodeChallenge(identity: NtlmIdentity, asked: number, challenge: Buffer, now: number): Buffer {
  const unicode = (asked & ntlmFlag.unicode) !== 0 || (asked & ntlmFlag.oem) === 0
  const text = (value: string): Buffer => Buffer.from(value, 'utf16le')
  const named = (asked & ntlmFlag.requestTarget) !== 0
  const target = named ? Buffer.from(identity.domain, unicode ? 'utf16le' : 'latin1') : Buffer.alloc(0)
  const info = Buffer.concat([
    avPair(2, text(identity.domain)),
    avPair(1, text(identity.computer)),
    avPair(4, text(identity.dnsDomain)),
    avPair(3, text(identity.dnsComputer)),
    ...(identity.dnsTree === undefined ? [] : [avPair(5, text(identity.dnsTree))]),
    avPair(7, fileTime(now)),
    avPair(0, Buffer.alloc(0)),
  ])
  const flags =
    ((asked & echoed) |
      (unicode ? ntlmFlag.unicode : ntlmFlag.oem) |
      ntlmFlag.ntlm |
      ntlmFlag.targetInfo |
      (named ? ntlmFlag.requestTarget | (identity.joined ? ntlmFlag.targetDomain : ntlmFlag.targetServer) : 0)) >>>
    0
  const head = Buffer.alloc(56)
  ntlmSignature.copy(head)
  head.writeUInt32LE(2, 8)
  head.writeUInt16LE(target.length, 12)
  head.writeUInt16LE(target.length, 14)
  head.writeUInt32LE(56, 16)
  head.writeUInt32LE(flags, 20)
  challenge.copy(head, 24, 0, 8)
  head.writeUInt16LE(info.length, 40)
  head.writeUInt16LE(info.length, 42)
  head.writeUInt32LE(56 + target.length, 44)
  if (asked & ntlmFlag.version) {
    head.writeUInt8(identity.major, 48)
    head.writeUInt8(identity.minor, 49)
    head.writeUInt16LE(identity.build, 50)
    head.writeUInt8(15, 55)
  }
  return Buffer.concat([head, target, info])
}

/** What a client answered a challenge with. Texts are raw, not escaped. */
export interface NtlmAnswer {
  user: string
  domain: string
  workstation: string
  lm: Buffer
  nt: Buffer
  /** `10.0.19041`, where it says so. */
  version: string | undefined
  /** The eight bytes that it answered. */
  challenge: Buffer
}

/**
 * AUTHENTICATE_MESSAGE ([MS-NLMP] section 2.2.1.3):
 * signature(8) type(4, 3) LM response(length 2, most 2, offset 4) NT response domain user workstation session key(2, 2, 4 each) flags(4) version(8) MIC(16)
 * payload. Undefined where a field points outside of it.
 */
export function readAuthenticate(token: Buffer, challenge: Buffer): NtlmAnswer | undefined {
  if (token.length < 64 || ntlmType(token) !== 3) return undefined
  const flags = token.readUInt32LE(60)
  const parts: Buffer[] = []
  for (let at = 12; at < 60; at += 8) {
    const length = token.readUInt16LE(at)
    const offset = token.readUInt32LE(at + 4)
    if (length > 0 && offset + length > token.length) return undefined
    parts.push(length > 0 ? token.subarray(offset, offset + length) : Buffer.alloc(0))
  }
  const [lm, nt, domain, user, workstation] = parts as [Buffer, Buffer, Buffer, Buffer, Buffer]
  const text = (bytes: Buffer): string => (flags & ntlmFlag.unicode ? bytes.subarray(0, bytes.length & ~1).toString('utf16le') : bytes.toString('latin1'))
  return {
    user: text(user).toWellFormed(),
    domain: text(domain).toWellFormed(),
    workstation: text(workstation).toWellFormed(),
    lm: Buffer.from(lm),
    nt: Buffer.from(nt),
    version: readVersion(token, 64, flags),
    challenge,
  }
}

/** Nobody: no name and no response but the single zero byte of an anonymous session ([MS-NLMP] section 3.2.5.1.2). */
export const isAnonymous = ({ user, nt, lm }: Pick<NtlmAnswer, 'user' | 'nt' | 'lm'>): boolean => user === '' && nt.length === 0 && lm.length <= 1

/**
 * The line that hashcat takes: `user::domain:challenge:proof(16):blob` of NetNTLMv2 (5600), `user::host:lm(24):nt(24):challenge` of NetNTLMv1 (5500).
 * Undefined where the answer holds neither.
 */
export function hashLine({ user, domain, workstation, lm, nt, challenge }: NtlmAnswer): { form: 'netntlmv1' | 'netntlmv2'; line: string } | undefined {
  if (user === '') return undefined
  // NTLMv2_RESPONSE is proof(16) and a blob of at least 28 bytes (section 2.2.2.8), NTLM_RESPONSE 24 bytes (section 2.2.2.6).
  if (nt.length >= 44)
    return {
      form: 'netntlmv2',
      line: `${user}::${domain}:${challenge.toString('hex')}:${nt.toString('hex', 0, 16)}:${nt.toString('hex', 16)}`,
    }
  if (nt.length === 24)
    return { form: 'netntlmv1', line: `${user}::${workstation || domain}:${lm.toString('hex')}:${nt.toString('hex')}:${challenge.toString('hex')}` }
  return undefined
}

export interface NtlmServer {
  /** A token of the client: an answer to send, who it says it is, or `undefined` for what is out of turn or broken. */
  take(token: Buffer): { challenge: Buffer } | { answer: NtlmAnswer } | undefined
}

/** One authentication: a challenge of its own, then the answer to it. `clock` in milliseconds since 1970 UTC. */
export function openNtlm(identity: NtlmIdentity, clock: () => number): NtlmServer {
  let challenge: Buffer | undefined
  return {
    take(token) {
      const type = ntlmType(token)
      if (type === 1) {
        challenge = randomBytes(8)
        return { challenge: encodeChallenge(identity, readNegotiate(token).flags, challenge, clock()) }
      }
      if (type !== 3 || !challenge) return undefined
      const answer = readAuthenticate(token, challenge)
      challenge = undefined
      return answer && { answer }
    },
  }
}

/** SMB1 of a Windows host that still has it ([MS-CIFS], [MS-SMB]): negotiation, logon, IPC$ for nobody, and what worms try on it, answered as a patched one. */
import { randomBytes } from 'node:crypto'
import { clean, cleanBytes } from '../../http/clean.ts'
import { fileTime, fineClock } from '../identity.ts'
import { logOn, shown } from '../logon.ts'
import { isAnonymous, openNtlm } from '../ntlmssp.ts'
import { negTokenInit2 } from '../spnego.ts'
import { status } from '../status.ts'
import { sayAnonymous, sayExploit, type Seat, setUp } from './seat.ts'
import { andX, encodeSmb1, flags2, headSize, readSmb1, readTexts, type Smb1Answer, type Smb1Message, writeTexts } from './smb1-wire.ts'

const command = {
  echo: 0x2b,
  transaction: 0x25,
  transaction2: 0x32,
  transaction2Secondary: 0x33,
  treeDisconnect: 0x71,
  negotiate: 0x72,
  sessionSetup: 0x73,
  logoff: 0x74,
  treeConnect: 0x75,
  ntTransaction: 0xa0,
  ntTransactionSecondary: 0xa1,
} as const

/** What the first message of a connection may be, beside SMB 2 itself. */
export type Negotiated = { smb2: number } | { answer: Buffer } | 'refused'

export interface Smb1 {
  /** The first message: SMB 2 where the client knows it, SMB1 where the host still has it. */
  negotiate(frame: Buffer): Negotiated
  /** Answers one message after it; an empty answer to what is never answered; undefined closes the connection. */
  take(frame: Buffer): Promise<Buffer | undefined>
}

const mostDialects = 32
/** The dialect of which [MS-SMB2] speaks where any of its own is meant. */
const anySmb2 = 'SMB 2.???'

export function openSmb1(seat: Seat, negotiated: (offered: string[], chosen: string, more?: { system?: string }) => void): Smb1 {
  const { template, identity } = seat
  const spoken = template.dialects.includes('NT LM 0.12')
  /** The challenge of clients without extended security. */
  let challenge: Buffer | undefined

  async function sessionSetup(asked: Smb1Message): Promise<Smb1Answer | undefined> {
    if (asked.words.length === 24) return extended(asked)
    return asked.words.length === 26 ? plain(asked) : undefined
  }

  /**
   * SESSION_SETUP_ANDX with extended security ([MS-SMB] section 2.2.4.6.1): words are AndX(4) buffer(2) multiplex(2) circuit(2) key(4) token length(2)
   * reserved(4) capabilities(4), bytes are token, system, LAN manager.
   */
  async function extended(asked: Smb1Message): Promise<Smb1Answer> {
    const length = asked.words.readUInt16LE(14)
    if (length > asked.bytes.length) return { status: status.invalidParameter }
    const step = await setUp(seat, BigInt(asked.user), asked.bytes.subarray(0, length))
    if (step.status !== status.ok && step.status !== status.moreProcessing) return { status: step.status }
    const words = andX(0, step.token.length)
    return { status: step.status, words, user: Number(step.id & 0xffffn), bytes: Buffer.concat([step.token, native(asked, 4, step.token.length)]) }
  }

  /**
   * SESSION_SETUP_ANDX without ([MS-CIFS] section 2.2.4.53.1): words are AndX(4) buffer(2) multiplex(2) circuit(2) key(4) LM length(2) NT length(2)
   * reserved(4) capabilities(4), bytes are LM, NT, user, domain, system, LAN manager.
   */
  async function plain(asked: Smb1Message): Promise<Smb1Answer> {
    const lmLength = asked.words.readUInt16LE(14)
    const ntLength = asked.words.readUInt16LE(16)
    if (!challenge || lmLength + ntLength > asked.bytes.length) return { status: status.invalidParameter }
    const lm = Buffer.from(asked.bytes.subarray(0, lmLength))
    const nt = Buffer.from(asked.bytes.subarray(lmLength, lmLength + ntLength))
    const [user = '', domain = '', system = '', manager = ''] = readTexts(asked, lmLength + ntLength, 4)
    negotiated(['NT LM 0.12'], 'NT LM 0.12', { system: shown(`${system} / ${manager}`, 200) })
    const answer = { user, domain, workstation: '', lm, nt, version: undefined, challenge }
    if (isAnonymous(answer) && template.anonymous === 'session') {
      const id = seat.nextId++
      if (seat.logons.size >= 16) return { status: status.requestNotAccepted }
      seat.logons.set(id, { ntlm: openNtlm(identity, fineClock(seat.context.clock)), form: 'raw', valid: true, trees: new Set() })
      sayAnonymous(seat)
      return { status: status.ok, words: andX(0), user: Number(id), bytes: native(asked, 3, 0) }
    }
    const { context, session, settings } = seat
    return { status: await logOn(answer, { context, session, policy: settings.login, refusalMs: template.refusalMs }) }
  }

  /** System, LAN manager and domain of the host, behind `before` bytes of an answer with so many words. */
  const native = (asked: Smb1Message, words: number, before: number): Buffer =>
    writeTexts(asked.flags2, headSize + 3 + 2 * words + before, [
      identity.nativeOs,
      identity.nativeLanManager,
      ...(words === 3 ? [identity.joined ? identity.domain : identity.workgroup] : []),
    ])

  async function answerOne(asked: Smb1Message, frame: Buffer): Promise<Smb1Answer | 'silent' | undefined> {
    if (asked.command === command.sessionSetup) return sessionSetup(asked)
    // Clients ask for the echo of nobody too.
    if (asked.command === command.echo) return { status: status.ok, words: Buffer.from([1, 0]), bytes: asked.bytes.subarray(0, 256) }
    if (asked.command === command.negotiate) return undefined
    const logon = seat.logons.get(BigInt(asked.user))
    const probe = probeOf(asked)
    if (probe) sayExploit(seat, probe.vulnerability, probe.step, frame)
    if (asked.command === command.transaction2Secondary || asked.command === command.ntTransactionSecondary) return 'silent'
    if (!logon?.valid) return { status: status.smbBadUid }
    switch (asked.command) {
      case command.logoff:
        seat.logons.delete(BigInt(asked.user))
        return { status: status.ok, words: andX() }
      case command.treeConnect:
        return treeConnect(asked, logon.trees)
      case command.treeDisconnect:
        return logon.trees.delete(asked.tree) ? { status: status.ok } : { status: status.smbBadTid }
    }
    if (!logon.trees.has(asked.tree)) return { status: status.smbBadTid }
    if (probe) return { status: probe.status }
    return { status: asked.command > 0xd0 ? status.smbBadCommand : status.accessDenied }
  }

  /**
   * TREE_CONNECT_ANDX ([MS-CIFS] section 2.2.4.55): words are AndX(4) flags(2) password length(2), bytes are password, path, service. Its answer:
   * AndX(4) support(2) service file system, or with the rights of owner and guest (4 each) where they are asked for (flag 8).
   */
  function treeConnect(asked: Smb1Message, trees: Set<number>): Smb1Answer {
    if (asked.words.length !== 8) return { status: status.invalidParameter }
    const [path = ''] = readTexts(asked, asked.words.readUInt16LE(6), 1)
    const share = path.split('\\').at(-1)?.toUpperCase() ?? ''
    if (share !== 'IPC$') return { status: /^(?:ADMIN|[A-Z])\$$/.test(share) ? status.accessDenied : status.badNetworkName }
    if (trees.size >= 16) return { status: status.requestNotAccepted }
    const tree = Array.from({ length: 17 }, (_, at) => 0x0800 + at).find((id) => !trees.has(id)) as number
    trees.add(tree)
    const rights = (asked.words.readUInt16LE(4) & 8) !== 0
    return {
      status: status.ok,
      tree,
      words: rights ? andX(1, 0x01ff, 0x001f, 0x01ff, 0x001f) : andX(1),
      bytes: Buffer.from('IPC\0\0\0', 'latin1').subarray(0, asked.flags2 & flags2.unicode ? 6 : 5),
    }
  }

  return {
    /** NEGOTIATE ([MS-CIFS] section 2.2.4.52): bytes are dialects, each 0x02 and a text that ends in a zero. */
    negotiate(frame) {
      const asked = readSmb1(frame)
      if (!asked || asked.command !== command.negotiate) return 'refused'
      const names = asked.bytes
        .toString('latin1')
        .split('\0')
        .slice(0, mostDialects)
        .map((name) => name.slice(1))
        .filter(Boolean)
      const offered = names.map((name) => clean(name, 64))
      const tell = (chosen: string): void => negotiated(offered, chosen)
      if (names.includes(anySmb2) && template.dialects.some((name) => name !== 'NT LM 0.12' && name !== '2.0.2')) {
        tell(anySmb2)
        return { smb2: 0x02ff }
      }
      if ((names.includes('SMB 2.002') || names.includes(anySmb2)) && template.dialects.includes('2.0.2')) {
        tell('2.0.2')
        return { smb2: 0x0202 }
      }
      if (!spoken) {
        tell('none')
        return 'refused'
      }
      const index = names.indexOf('NT LM 0.12')
      tell(index < 0 ? 'none' : 'NT LM 0.12')
      // User ids of SMB1 have 16 bits; Windows counts them from here.
      seat.nextId = 0x0800n
      // Index 0xffff: none of them.
      if (index < 0) return { answer: encodeSmb1(asked, { status: status.ok, words: Buffer.from([0xff, 0xff]) }) }
      return { answer: encodeSmb1(asked, { status: status.ok, ...agreed(asked, index) }) }
    },
    async take(frame) {
      const asked = readSmb1(frame)
      if (!asked) {
        seat.session.emit('protocol.violated', { reason: 'SMB1 message that is cut off', data: cleanBytes(frame.subarray(0, 512), 2048) })
        return undefined
      }
      const answer = await answerOne(asked, frame)
      if (answer === 'silent') return Buffer.alloc(0)
      return answer && encodeSmb1(asked, answer)
    },
  }

  /**
   * Answer to NEGOTIATE ([MS-SMB] section 2.2.4.5.2): words are index(2) security mode(1) multiplex(2) circuits(2) buffer(4) raw(4) key(4) capabilities(4)
   * time(8) zone(2, minutes west) challenge length(1); bytes are GUID and token, or challenge, domain and name.
   */
  function agreed(asked: Smb1Message, index: number): Pick<Smb1Answer, 'words' | 'bytes'> {
    const secure = (asked.flags2 & flags2.extendedSecurity) !== 0
    const words = Buffer.alloc(34)
    words.writeUInt16LE(index, 0)
    words.writeUInt8(template.signing === 'required' ? 0x0f : 0x03, 2)
    words.writeUInt16LE(50, 3)
    words.writeUInt16LE(1, 5)
    words.writeUInt32LE(16_644, 7)
    words.writeUInt32LE(65_536, 11)
    words.writeUInt32LE(secure ? 0x8001_f3fc : 0x0001_f3fc, 19)
    fileTime(fineClock(seat.context.clock)()).copy(words, 23)
    words.writeInt16LE(-seat.context.world.host.offsetMinutes, 31)
    if (secure) return { words, bytes: Buffer.concat([seat.guid, negTokenInit2(identity.joined)]) }
    challenge = randomBytes(8)
    words.writeUInt8(8, 33)
    // Unicode whatever the client's flags say, for it is among the capabilities; and never aligned.
    return {
      words,
      bytes: Buffer.concat([challenge, Buffer.from(`${identity.joined ? identity.domain : identity.workgroup}\0${identity.computer}\0`, 'utf16le')]),
    }
  }
}

/**
 * What only an attacker asks of IPC$: TRANS_PEEK_NMPIPE of file 0 tells a host without the update of MS17-010 by its answer; TRANS2_SESSION_SETUP, reserved
 * since ever, is how DoublePulsar is called; NT_TRANSACT whose parts follow in TRANS2_SECONDARY is the overflow itself.
 */
function probeOf({ command: asked, words }: Smb1Message): { vulnerability: string; step: string; status: number } | undefined {
  const vulnerability = 'MS17-010'
  if (asked === command.transaction && words.length >= 32 && words.readUInt16LE(28) === 0x23 && words.readUInt16LE(30) === 0)
    return { vulnerability, step: 'TRANS_PEEK_NMPIPE of file 0', status: status.invalidHandle }
  if (asked === command.transaction2 && words.length >= 30 && words.readUInt16LE(28) === 0x000e)
    return { vulnerability, step: 'TRANS2_SESSION_SETUP, as DoublePulsar is called', status: status.notImplemented }
  if (asked === command.ntTransaction && words.length >= 38 && words.readUInt32LE(7) > 0xffff)
    return { vulnerability, step: 'NT_TRANSACT of more than 64 KiB', status: status.invalidParameter }
  if (asked === command.transaction2Secondary) return { vulnerability, step: 'TRANS2_SECONDARY to an NT_TRANSACT', status: status.invalidParameter }
  return undefined
}

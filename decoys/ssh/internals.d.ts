/** The parts of ssh2 1.17.0 (pinned) that its own types do not name: its transport without its client and server. */
declare module 'ssh2/lib/protocol/Protocol.js' {
  export interface Cipher {
    outSeqno: number
    /** MAC key of a cipher with a MAC of its own. */
    _macKey?: import('node:crypto').KeyObject | Uint8Array
    encrypt(packet: Buffer): void
    free(): void
  }
  export interface Kex {
    type: string
    sessionID: Buffer
    negotiated: {
      kex: string
      serverHostKey: string
      cs: { cipher: string; mac: string; compress: string }
      sc: { cipher: string; mac: string; compress: string }
    }
    remoteExtInfoEnabled: boolean
    parse(payload: Buffer): unknown
    finish(): unknown
    setDHParams(prime: Buffer, generator: Buffer): void
    generateKeys(): void
    getDHParams(): { prime: Buffer; generator: Buffer }
    _minBits: number
    _prefBits: number
    _maxBits: number
    _dhData: Buffer | undefined
    _hostKey: unknown
    _step: number
  }
  class Protocol {
    constructor(config: object)
    parse(chunk: Buffer, from: number, to: number): void
    cleanup(): void
    disconnect: (reason: number) => void
    _destruct: unknown
    _kex: Kex | undefined
    _kexinit: Buffer | undefined
    _cipher: Cipher
    _decipher:
      | { inSeqno: number; _macKey?: import('node:crypto').KeyObject | Uint8Array; decrypt(chunk: Buffer, from: number, to: number): number; free(): void }
      | undefined
    _parse: (this: Protocol, chunk: Buffer, from: number, to: number) => number
    _onPayload: (payload: Buffer) => unknown
    _identRaw: Buffer
    _remoteIdentRaw: Buffer | undefined
    _hostKeys: Record<string, unknown>
    _packetRW: {
      read: { read(payload: Buffer): Buffer; _zlib?: { _maxOutputLength: number } }
      write: { allocStart: number; allocStartKEX: number; alloc(size: number, force?: boolean): Buffer; finalize(packet: Buffer, force?: boolean): Buffer }
    }
    _authsQueue: string[]
    _offer: object
    _queue: Buffer[] | undefined
    authSuccess(): void
  }
  export default Protocol
}
declare module 'ssh2/lib/protocol/kex.js' {
  const kex: {
    KexInit: new (lists: object) => object
    kexinit(protocol: unknown): void
    onKEXPayload(this: unknown, state: { firstPacket: boolean }, payload: Buffer): unknown
    HANDLERS: Record<number, (protocol: unknown, payload: Buffer) => unknown>
  }
  export default kex
}
declare module 'ssh2/lib/protocol/crypto.js' {
  const crypto: { init: Promise<void>; NullDecipher: new (seqno: number, onPayload: (payload: Buffer) => unknown) => never }
  export default crypto
}
declare module 'ssh2/lib/protocol/keyParser.js' {
  export interface ParsedKey {
    type: string
    getPublicSSH(): Buffer
    getPrivatePEM(): string
    sign(data: Buffer, hash?: string): Buffer | Error
    verify(data: Buffer, signature: Buffer, hash?: string): boolean | Error
  }
  const parser: { parseKey(data: string | Buffer): ParsedKey | ParsedKey[] | Error }
  export default parser
}
declare module 'ssh2/lib/protocol/utils.js' {
  const utils: {
    sendPacket(protocol: unknown, packet: Buffer, bypass?: boolean): boolean
    convertSignature(signature: Buffer, type: string): Buffer
    sigSSHToASN1(signature: Buffer, type: string): Buffer | undefined
  }
  export default utils
}
declare module 'ssh2/lib/protocol/constants.js' {
  const constants: {
    SUPPORTED_KEX: string[]
    SUPPORTED_SERVER_HOST_KEY: string[]
    SUPPORTED_CIPHER: string[]
    SUPPORTED_MAC: string[]
    SUPPORTED_COMPRESSION: string[]
  }
  export default constants
}

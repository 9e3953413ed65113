/**
 * A ZIP with one file under a password, so that no scanner on the way opens it and nobody runs it by accident.
 * PKWARE APPNOTE 6.3.10: local header 4.3.7, central directory 4.3.12, end record 4.3.16, traditional encryption 6.1.
 */
import { randomBytes } from 'node:crypto'
import { crc32, deflateRawSync } from 'node:zlib'

/** The customary password of malware samples. */
export const zipPassword = 'infected'

const table = Int32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})
const step = (crc: number, byte: number): number => (table[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8)

/** Encrypts in place by the three keys of section 6.1.5. */
function encrypt(bytes: Buffer, password: string): Buffer {
  let key0 = 0x12345678
  let key1 = 0x23456789
  let key2 = 0x34567890
  const update = (byte: number): void => {
    key0 = step(key0, byte)
    key1 = (Math.imul(key1 + (key0 & 0xff), 134775813) + 1) | 0
    key2 = step(key2, key1 >>> 24)
  }
  for (const byte of Buffer.from(password, 'latin1')) update(byte)
  for (let at = 0; at < bytes.length; at++) {
    const plain = bytes[at] as number
    const mask = (key2 | 2) & 0xffff
    bytes[at] = plain ^ ((Math.imul(mask, mask ^ 1) >>> 8) & 0xff)
    update(plain)
  }
  return bytes
}

/** A ZIP of `content` as `name` (ASCII), encrypted with `zipPassword`. */
export function zipWithPassword(name: string, content: Buffer): Buffer {
  const crc = crc32(content)
  const packed = deflateRawSync(content)
  // 12 random bytes first, the last one the top of the CRC, by which a reader knows the password (section 6.1.6).
  const body = encrypt(Buffer.concat([randomBytes(11), Buffer.of(crc >>> 24), packed]), zipPassword)
  const file = Buffer.from(name, 'latin1')

  const common = Buffer.alloc(26)
  common.writeUInt16LE(20, 0) // version needed: 2.0
  common.writeUInt16LE(1, 2) // flag: encrypted
  common.writeUInt16LE(8, 4) // deflate
  common.writeUInt16LE(0, 6)
  common.writeUInt16LE(0x21, 8) // 1980-01-01: the time of capture is in the event
  common.writeUInt32LE(crc, 10)
  common.writeUInt32LE(body.length, 14)
  common.writeUInt32LE(content.length, 18)
  common.writeUInt16LE(file.length, 22)

  const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, file])
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, Buffer.alloc(14), file])
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length + body.length, 16)
  return Buffer.concat([local, body, central, end])
}

/** Programs that show bytes in another form: sums, base64, hexadecimal. */
import { createHash } from 'node:crypto'
import type { CommandTable } from '../command.ts'
import { options } from '../command.ts'
import { texts } from './text-input.ts'

function hash(algorithm: string): CommandTable[string] {
  return async (run, args) => {
    const { list, status } = await texts(
      run,
      args.filter((a) => !a.startsWith('-') || a === '-'),
    )
    for (const { name, text } of list) run.out(`${createHash(algorithm).update(text, 'latin1').digest('hex')}  ${name}\n`)
    return status
  }
}
/** The checksum of POSIX cksum: CRC-32 from the high bit on, over the bytes and then their number. */
function posixCrc(bytes: Buffer): number {
  let crc = 0
  const take = (byte: number): void => {
    crc ^= byte << 24
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000_0000 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1
  }
  for (const byte of bytes) take(byte)
  for (let left = bytes.length; left > 0; left = Math.floor(left / 256)) take(left & 0xff)
  return ~crc >>> 0
}

export const dumpCommands: CommandTable = {
  async strings(run, args) {
    const { list, status } = await texts(
      run,
      args.filter((a) => !a.startsWith('-')),
    )
    for (const { text } of list) for (const m of text.slice(0, 1_000_000).matchAll(/[\x20-\x7e\t]{4,}/g)) run.out(`${m[0]}\n`)
    return status
  },
  md5sum: hash('md5'),
  sha1sum: hash('sha1'),
  sha256sum: hash('sha256'),
  sha512sum: hash('sha512'),
  async cksum(run, args) {
    const { list, status } = await texts(run, args)
    for (const { name, text } of list) run.out(`${posixCrc(Buffer.from(text, 'latin1'))} ${text.length}${name === '-' ? '' : ` ${name}`}\n`)
    return status
  },
  async base64(run, args) {
    const { flags, rest } = options(args, 'diw:', { decode: 'd', wrap: 'w' })
    const { list, status } = await texts(run, rest)
    for (const { text } of list) {
      if (flags.has('d')) {
        run.out(Buffer.from(text, 'base64').toString('latin1'))
        if (!/^[A-Za-z0-9+/=\s]*$/.test(text) && !flags.has('i')) return run.fault(run.shell.ash ? 'truncated input' : 'invalid input')
      } else {
        const wide = Number(flags.get('w') ?? 76)
        const encoded = Buffer.from(text, 'latin1').toString('base64')
        run.out(wide > 0 ? encoded.replace(new RegExp(`.{1,${Math.min(wide, 9999)}}`, 'g'), '$&\n') : encoded)
      }
    }
    return status
  },
  async xxd(run, args) {
    const { flags, rest } = options(args, 'prl:c:s:g:ui', {})
    const { list, status } = await texts(run, rest)
    for (const { text } of list) {
      const bytes = Buffer.from(text.slice(0, flags.has('l') ? Number(flags.get('l')) : 262_144), 'latin1')
      if (flags.has('r')) run.out(Buffer.from(text.replace(/[^0-9a-fA-F]/g, ''), 'hex').toString('latin1'))
      else if (flags.has('p')) run.out(bytes.toString('hex').replace(/.{1,60}/g, '$&\n'))
      else for (let at = 0; at < bytes.length; at += 16) run.out(dumpLine(bytes, at))
    }
    return status
  },
  async hexdump(run, args) {
    const { flags, rest } = options(args, 'Cn:s:ve:')
    const { list, status } = await texts(run, rest)
    for (const { text } of list) {
      const bytes = Buffer.from(text.slice(0, flags.has('n') ? Number(flags.get('n')) : 262_144), 'latin1')
      for (let at = 0; at < bytes.length; at += 16) {
        const row = bytes.subarray(at, at + 16)
        const hex = [...row].map((b) => b.toString(16).padStart(2, '0'))
        run.out(
          flags.has('C')
            ? `${at.toString(16).padStart(8, '0')}  ${hex.slice(0, 8).join(' ').padEnd(23)}  ${hex.slice(8).join(' ').padEnd(23)}  |${[...row].map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : '.')).join('')}|\n`
            : `${at.toString(16).padStart(7, '0')} ${(hex.length % 2 === 1 ? [...hex, '00'] : hex)
                .join('')
                .replace(/(..)(..)/g, '$2$1 ')
                .trimEnd()
                .padEnd(39)}\n`,
        )
      }
      run.out(`${bytes.length.toString(16).padStart(flags.has('C') ? 8 : 7, '0')}\n`)
    }
    return status
  },
  async od(run, args) {
    const { flags, rest } = options(args, 'cxbdovA:t:N:j:w:')
    const { list, status } = await texts(run, rest)
    const type = flags.get('t') ?? (flags.has('c') ? 'c' : flags.has('b') ? 'o1' : flags.has('x') ? 'x2' : flags.has('d') ? 'u2' : 'o2')
    const size = type[0] === 'c' || type[0] === 'a' ? 1 : Math.min(8, Number(/\d/.exec(type)?.[0] ?? 4))
    const radix = flags.get('A') ?? 'o'
    const place = (at: number): string => (radix === 'n' ? '' : at.toString(radix === 'x' ? 16 : radix === 'd' ? 10 : 8).padStart(radix === 'x' ? 6 : 7, '0'))
    const names: Record<number, string> = { 0: '\\0', 7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 11: '\\v', 12: '\\f', 13: '\\r' }
    const cell = (word: number): string => {
      if (type[0] === 'c') return (names[word] ?? (word >= 32 && word < 127 ? String.fromCharCode(word) : word.toString(8).padStart(3, '0'))).padStart(4)
      const base = type[0] === 'x' ? 16 : type[0] === 'o' ? 8 : 10
      const wide = base === 16 ? size * 2 : base === 8 ? ([0, 3, 6, 0, 11][size] ?? 22) : ([0, 3, 5, 0, 10][size] ?? 20)
      return ` ${word.toString(base).padStart(wide, base === 10 ? ' ' : '0')}`
    }
    const from = Number(flags.get('j')) || 0
    const bytes = Buffer.from(
      list
        .map(({ text }) => text)
        .join('')
        .slice(from, from + (flags.has('N') ? Number(flags.get('N')) : 262_144)),
      'latin1',
    )
    for (let at = 0; at < bytes.length; at += 16) {
      const row = bytes.subarray(at, at + 16)
      let line = place(from + at)
      for (let i = 0; i < row.length; i += size) {
        let word = 0
        for (let j = Math.min(size, row.length - i) - 1; j >= 0; j--) word = word * 256 + (row[i + j] as number)
        line += cell(word)
      }
      run.out(`${line}\n`)
    }
    if (radix !== 'n') run.out(`${place(from + bytes.length)}\n`)
    return status
  },
}

function dumpLine(bytes: Buffer, at: number): string {
  const row = bytes.subarray(at, at + 16)
  const hex = row
    .toString('hex')
    .replace(/.{1,4}/g, '$& ')
    .padEnd(40)
  return `${at.toString(16).padStart(8, '0')}: ${hex} ${[...row].map((b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : '.')).join('')}\n`
}

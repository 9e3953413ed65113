/** Files to take away: small, valid PDF and ZIP files. */
import { crc32, deflateRawSync, deflateSync } from 'node:zlib'

export interface PdfTraits {
  version: string
  producer: string
  /** `YYYYMMDDHHMMSS+08'00'` */
  created: string
  /** 32 hexadecimal digits. */
  id: string
  compress: boolean
  /** Four bytes above 127 that tell readers the file is not text; each writer has its own. */
  mark: Buffer
  /** How the text of a page begins: colour, size and place, in the operators of PDF. */
  start: string
}

/** A PDF of one page for each list of lines (Latin text; Helvetica). */
export function pdf(title: string, pages: readonly (readonly string[])[], traits: PdfTraits): Buffer {
  const objects: Buffer[] = []
  const add = (body: string | Buffer): number => objects.push(typeof body === 'string' ? Buffer.from(body, 'latin1') : body)
  const font = 3
  const first = 5
  add(`<</Type/Catalog/Pages 2 0 R>>`)
  add(`<</Type/Pages/Count ${pages.length}/Kids[${pages.map((_, i) => `${first + 2 * i} 0 R`).join(' ')}]>>`)
  add(`<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>`)
  add(`<</Title(${pdfText(title)})/Producer(${pdfText(traits.producer)})/CreationDate(D:${traits.created})>>`)
  pages.forEach((lines, i) => {
    add(`<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 ${font} 0 R>>>>/Contents ${first + 2 * i + 1} 0 R>>`)
    let text = traits.start
    lines.forEach((line, n) => {
      text += n === 1 ? ' /F1 11 Tf' : ''
      text += ` ${n === 0 ? '' : '0 -20 Td '}(${pdfText(line)}) Tj\n`
    })
    const content = Buffer.from(`${text}ET`, 'latin1')
    const stream = traits.compress ? deflateSync(content) : content
    add(
      Buffer.concat([Buffer.from(`<</Length ${stream.length}${traits.compress ? '/Filter/FlateDecode' : ''}>>\nstream\n`), stream, Buffer.from('\nendstream')]),
    )
  })
  const parts: Buffer[] = [Buffer.concat([Buffer.from(`%PDF-${traits.version}\n%`), traits.mark, Buffer.from('\n')])]
  let offset = (parts[0] as Buffer).length
  const offsets: number[] = []
  objects.forEach((body, i) => {
    const part = Buffer.concat([Buffer.from(`${i + 1} 0 obj\n`), body, Buffer.from('\nendobj\n')])
    offsets.push(offset)
    offset += part.length
    parts.push(part)
  })
  const table = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  parts.push(
    Buffer.from(
      `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer\n<</Size ${objects.length + 1}/Root 1 0 R/Info 4 0 R/ID[<${traits.id}><${traits.id}>]>>\nstartxref\n${offset}\n%%EOF\n`,
      'latin1',
    ),
  )
  return Buffer.concat(parts)
}

const pdfText = (text: string): string => text.replace(/[^\x20-\x7e]/g, ' ').replace(/[\\()]/g, (sign) => `\\${sign}`)

/** A ZIP file. `modified` in seconds since 1970 UTC. */
export function zip(files: readonly { name: string; body: Buffer }[], modified: number): Buffer {
  const date = new Date(modified * 1000 + 8 * 3_600_000)
  const dosTime = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1)
  const dosDate = ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate()
  const local: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const { name, body } of files) {
    const bytes = Buffer.from(name, 'utf8')
    const data = deflateRawSync(body)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(0x0800, 2)
    common.writeUInt16LE(8, 4)
    common.writeUInt16LE(dosTime, 6)
    common.writeUInt16LE(dosDate, 8)
    common.writeUInt32LE(crc32(body), 10)
    common.writeUInt32LE(data.length, 14)
    common.writeUInt32LE(body.length, 18)
    common.writeUInt16LE(bytes.length, 22)
    local.push(Buffer.from('PK\x03\x04', 'latin1'), common, bytes, data)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    central.push(Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, tail, bytes)
    offset += 4 + 26 + bytes.length + data.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...local, directory, end])
}

/** multipart/form-data (RFC 7578): fields and files of a form, bounded. */

export interface Part {
  name: string
  filename?: string
  data: Buffer
}

/** At most 100 parts of `body`, which may be cut off. Undefined when the type names no boundary. */
export function multipartParts(contentType: string, body: Buffer): Part[] | undefined {
  const match = /boundary=(?:"([^"]{1,200})"|([^;,\s"]{1,200}))/i.exec(contentType.slice(0, 1000))
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined || !/^multipart\//i.test(contentType)) return undefined
  const mark = Buffer.from(`--${boundary}`, 'latin1')
  const parts: Part[] = []
  let at = body.indexOf(mark)
  while (at >= 0 && parts.length < 100) {
    const lineEnd = body.indexOf('\n', at + mark.length)
    if (lineEnd < 0 || body.subarray(at + mark.length, at + mark.length + 2).toString('latin1') === '--') break
    const next = body.indexOf(mark, lineEnd)
    const end = next < 0 ? body.length : next
    const part = onePart(body.subarray(lineEnd + 1, end))
    if (part) parts.push(part)
    at = next
  }
  return parts
}

function onePart(bytes: Buffer): Part | undefined {
  let split = bytes.indexOf('\r\n\r\n')
  let gap = 4
  if (split < 0) {
    split = bytes.indexOf('\n\n')
    gap = 2
  }
  if (split < 0 || split > 8192) return undefined
  const head = bytes.subarray(0, split).toString('latin1')
  let data = bytes.subarray(split + gap)
  if (data.at(-1) === 0x0a) data = data.subarray(0, data.at(-2) === 0x0d ? -2 : -1)
  const name = /[;\s]name="([^"\r\n]{0,500})"/i.exec(head)?.[1] ?? ''
  const filename = /[;\s]filename="([^"\r\n]{0,2000})"/i.exec(head)?.[1]
  return filename === undefined ? { name, data } : { name, filename, data }
}

/** Fields of an urlencoded form or query: at most 200 pairs, bytes as Latin-1. */
export function formFields(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const pair of text.split('&', 200)) {
    if (pair === '') continue
    const at = pair.indexOf('=')
    const key = decodeForm(at < 0 ? pair : pair.slice(0, at))
    if (!fields.has(key)) fields.set(key, at < 0 ? '' : decodeForm(pair.slice(at + 1)))
  }
  return fields
}

const decodeForm = (text: string): string =>
  text.includes('%') || text.includes('+')
    ? text.replaceAll('+', ' ').replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    : text

/** Latin-1 text of UTF-8 bytes as text. */
export const utf8 = (latin1: string): string => Buffer.from(latin1, 'latin1').toString('utf8')

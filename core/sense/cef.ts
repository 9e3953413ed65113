/** ArcSight Common Event Format, versions 0 and 1 (Micro Focus, "Implementing ArcSight CEF", revision 27). */
import { escapeText } from '@shenlou/contract/bytes'
import type { Severity } from '@shenlou/contract/primitives'
import { endpoint, kept, plausible, type Reading, recordLimit, techniquesIn } from './record.ts'

const keysLimit = 500
const keyChars = /[A-Za-z0-9_.[\]-]/

/** The seven fields before the extension. */
interface Header {
  version: string
  vendor: string
  product: string
  deviceVersion: string
  signature: string
  name: string
  severity: string
}

/** Splits the header at `|` that no backslash stands before; `\|` and `\\` are the characters themselves. */
function readHeader(text: string): { header: Header; rest: string } | undefined {
  const fields: string[] = []
  let field = ''
  let at = 0
  for (; at < text.length && fields.length < 7; at++) {
    const c = text[at] as string
    if (c === '\\' && (text[at + 1] === '|' || text[at + 1] === '\\')) field += text[++at]
    else if (c === '|') {
      fields.push(field.trim())
      field = ''
    } else field += c
  }
  // The last bar may be missing when there is no extension.
  if (fields.length === 6) fields.push(field.trim())
  if (fields.length !== 7) return undefined
  const [version, vendor, product, deviceVersion, signature, name, severity] = fields as [string, string, string, string, string, string, string]
  return { header: { version, vendor, product, deviceVersion, signature, name, severity }, rest: text.slice(at) }
}

/**
 * The extension's pairs. A key is the word before an `=` that no backslash stands before, and begins after a space; a value lasts until the
 * next key. `\=`, `\\`, `\n` and `\r` are undone. At most 500 keys; of a repeated key the last holds.
 */
export function readExtension(text: string): Map<string, string> {
  const marks: { key: string; from: number; value: number }[] = []
  for (let at = 0; at < text.length && marks.length < keysLimit; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '=') {
      let from = at
      while (from > 0 && at - from < 100 && keyChars.test(text[from - 1] as string)) from--
      if (from < at && (from === 0 || text[from - 1] === ' ')) marks.push({ key: text.slice(from, at), from, value: at + 1 })
    }
  }
  const found = new Map<string, string>()
  for (const [index, { key, value }] of marks.entries()) {
    const raw = text.slice(value, marks[index + 1]?.from).trim()
    found.set(
      key,
      raw.replace(/\\([=\\nr|])/g, (_, c: string) => (c === 'n' ? '\n' : c === 'r' ? '\r' : c)),
    )
  }
  return found
}

/** 0 to 10, or a word. */
function severityOf(text: string): Severity {
  const words: Record<string, Severity> = { unknown: 'info', low: 'low', medium: 'medium', high: 'high', 'very-high': 'critical', critical: 'critical' }
  const word = words[text.toLowerCase()]
  if (word) return word
  const number = Number(text)
  if (!/^\d{1,2}$/.test(text) || number > 10) return 'info'
  return number >= 9 ? 'critical' : number >= 7 ? 'high' : number >= 4 ? 'medium' : number >= 1 ? 'low' : 'info'
}

/** Milliseconds since 1970 as digits, or a date in words; NaN for others. A date without a zone is taken as UTC. */
function timeOf(text: string): number {
  if (/^\d{10,16}$/.test(text)) return text.length > 13 ? Number(text) / 1000 : text.length > 10 ? Number(text) : Number(text) * 1000
  const zoned = /(?:Z|[+-]\d{2}:?\d{2}|GMT|UTC)$/.test(text) ? text : `${text} UTC`
  return Date.parse(zoned)
}

const techniqueKey = /mitre|att.?ck|technique/i

/** Techniques that a field names: by its own key, or by the label of a custom field. */
function techniques(extension: ReadonlyMap<string, string>): string[] {
  const found = [...extension].filter(
    ([key, value]) => techniqueKey.test(key) || techniqueKey.test(extension.get(`${key}Label`) ?? '') || /^T\d{4}(?:\.\d{3})?$/.test(value),
  )
  return techniquesIn(found.map(([, value]) => value).join(' '))
}

/** Reads one line; a syslog header before `CEF:` is passed over, and some senders leave out `CEF:` itself. `received` in ms since 1970 UTC. */
export function readCef(line: string, received: number, host = ''): Reading {
  if (line.length > recordLimit) return { kind: 'rejected', reason: `is longer than ${recordLimit} characters` }
  const mark = line.indexOf('CEF:')
  const bare = mark < 0 ? line.trimStart() : line.slice(mark + 4).trimStart()
  if (!/^[01]\|/.test(bare)) return { kind: 'rejected', reason: mark < 0 ? 'holds no CEF:' : `has CEF version ${kept(bare.split('|', 1)[0], 20)}, not 0 or 1` }
  const parsed = readHeader(bare)
  if (!parsed) return { kind: 'rejected', reason: 'has fewer than seven CEF header fields' }
  const { header, rest } = parsed
  if (!header.vendor || !header.product || !header.signature) return { kind: 'rejected', reason: 'lacks vendor, product or signature id' }
  const extension = readExtension(rest)
  const get = (...keys: string[]): string => keys.map((key) => extension.get(key)).find((value) => value !== undefined && value !== '') ?? ''
  const said = get('rt', 'end', 'start', 'deviceReceiptTime', 'UNIFIutcTime')
  const labelled = (label: RegExp): string => [...extension].find(([key, value]) => key.endsWith('Label') && label.test(value))?.[0].replace(/Label$/, '') ?? ''
  const source = endpoint(get('src', 'sourceAddress', labelled(/^source ipv6/i)), get('spt', 'sourcePort'))
  const destination = endpoint(get('dst', 'destinationAddress', labelled(/^destination ipv6/i)), get('dpt', 'destinationPort'))
  const user = get('suser', 'duser')
  return {
    kind: 'alert',
    time: plausible(timeOf(said), received),
    ...(source && { source }),
    ...(destination && { destination }),
    body: {
      product: kept(`${header.vendor} ${header.product}`, 64),
      format: 'cef',
      rule: kept(`${header.vendor}:${header.signature}`, 200),
      title: kept(header.name || get('msg') || header.signature, 1024),
      category: kept(get('cat', 'deviceEventCategory'), 200),
      severity: severityOf(header.severity),
      originalId: kept(get('externalId', 'deviceExternalId'), 200),
      originalTime: kept(said, 100),
      device: kept(get('dvchost', 'dvc', 'deviceExternalId') || host, 255),
      ...(user && { user: kept(user, 255) }),
      techniques: techniques(extension).map(escapeText),
      raw: kept(mark < 0 ? line : line.slice(mark), recordLimit),
    },
  }
}

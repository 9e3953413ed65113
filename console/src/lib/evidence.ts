/** Attacker text for display: already escaped by the core, checked once more here, cut into plain runs and escapes. */
import { escapeText, unescapeBytes } from '@shenlou/contract/bytes'

export type Run = { text: string; escape: boolean }

const unseen = /(?:\p{C}|\p{Zl}|\p{Zp}|\p{Variation_Selector}|\u115f|\u1160)+/gu

/** Replaces every control, bidi or invisible character that slipped through by its escape. */
export const visible = (text: string): string => text.replace(unseen, (run) => escapeText(run))

/**
 * Reviver for everything that the server says: no control, bidi or invisible character gets into the page, not even into a
 * title. Line ends and tabs stay; `text` is a template's own source, shown only in an editor.
 */
export const clean = (key: string, value: unknown): unknown =>
  typeof value === 'string' && key !== 'text' && /[\p{C}\p{Zl}\p{Zp}]/u.test(value)
    ? value
        .split(/([\n\t])/)
        .map((part) => (part === '\n' || part === '\t' ? part : visible(part)))
        .join('')
    : value

/** Runs of plain text and of `\xNN` escapes, in order. `lines` keeps line ends as such instead of marking them. */
export function runs(text: string): Run[] {
  const out: Run[] = []
  let at = 0
  const safe = visible(text)
  for (const match of safe.matchAll(/(?:\\x[0-9a-f]{2})+|(?:\\\\)+/g)) {
    if (match.index > at) out.push({ text: safe.slice(at, match.index), escape: false })
    out.push({ text: match[0], escape: true })
    at = match.index + match[0].length
  }
  if (at < safe.length) out.push({ text: safe.slice(at), escape: false })
  return out
}

/** Escaped text cut at its line ends (`\x0a`, `\x0d\x0a`), for bodies that are read as lines. */
export const lines = (text: string): string[] => visible(text).split(/(?:\\x0d)?\\x0a/)

const strict = new TextDecoder('utf-8', { fatal: true })

/** The fields of a urlencoded form, decoded once and escaped again; undefined when it is not one. */
export function formFields(body: string): [name: string, value: string][] | undefined {
  if (!body.includes('=') || body.includes('\\x0a')) return undefined
  return body.split('&').map((pair) => {
    const at = pair.indexOf('=')
    const name = at < 0 ? pair : pair.slice(0, at)
    return [decode(name), at < 0 ? '' : decode(pair.slice(at + 1))]
  })
}

/** Percent-decodes escaped text and escapes the result; what does not decode is left as it is. */
export function decode(text: string): string {
  try {
    const raw = Array.from(unescapeBytes(text), (byte) => String.fromCharCode(byte)).join('')
    const decoded = raw.replaceAll('+', ' ').replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    const octets = Uint8Array.from(decoded, (char) => char.charCodeAt(0))
    return escapeText(strict.decode(octets))
  } catch {
    return visible(text)
  }
}

/** Bytes of base64 text. */
export const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (char) => char.charCodeAt(0))

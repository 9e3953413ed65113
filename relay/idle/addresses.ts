/** IPv4 addresses as unsigned 32-bit numbers, MAC addresses as 48-bit numbers, and ranges of addresses as people write them. */

/** `10.1.2.3` as a number; undefined for anything else. */
export function addressNumber(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let value = 0
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined
    value = value * 256 + Number(part)
  }
  return value
}

export const addressText = (address: number): string => `${(address >>> 24) & 255}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`

/** `00:1b:1b:12:34:56` as a number; 0 for anything else. */
export const macNumber = (text: string): number => (/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text) ? Number.parseInt(text.replaceAll(':', ''), 16) : 0)

export const macText = (mac: number): string =>
  mac
    .toString(16)
    .padStart(12, '0')
    .replace(/(..)(?=.)/g, '$1:')

/** Both ends belong to it. */
export interface Range {
  first: number
  last: number
}

/** One address, a network `10.1.2.0/24` (host bits are ignored) or a range `10.1.2.10-10.1.2.99`; undefined for anything else. */
export function parseRange(text: string): Range | undefined {
  const [left = '', bits, ...rest] = text.split('/')
  if (rest.length > 0) return undefined
  if (bits !== undefined) {
    const address = addressNumber(left)
    if (address === undefined || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return undefined
    const size = 2 ** (32 - Number(bits))
    const first = Math.floor(address / size) * size
    return { first, last: first + size - 1 }
  }
  const ends = text.split('-').map(addressNumber)
  const [first, last = first] = ends
  if (ends.length > 2 || first === undefined || last === undefined || ends.includes(undefined) || last < first) return undefined
  return { first, last }
}

/** Whether two ranges, as `parseRange` takes them, have an address in common; what is no range has none. */
export function overlap(one: string, two: string): boolean {
  const [a, b] = [parseRange(one), parseRange(two)]
  return a !== undefined && b !== undefined && a.first <= b.last && b.first <= a.last
}

/**
 * Ascending addresses as the shortest list of ranges, at most `most` of them: `10.1.2.3`, `10.1.2.10-10.1.2.99`. What does not fit is left
 * out, so whoever shows it says the count besides.
 */
export function rangesText(addresses: Iterable<number>, most = Number.POSITIVE_INFINITY): string[] {
  const texts: string[] = []
  let first = -1
  let last = -1
  const close = (): void => {
    if (first >= 0 && texts.length < most) texts.push(first === last ? addressText(first) : `${addressText(first)}-${addressText(last)}`)
  }
  for (const address of addresses) {
    if (first >= 0 && address === last + 1) {
      last = address
      continue
    }
    close()
    first = address
    last = address
  }
  close()
  return texts
}

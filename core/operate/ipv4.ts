/** IPv4 networks and ranges as numbers. */

export interface Range {
  /** Both inclusive. */
  from: number
  to: number
}

export const toNumber = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
export const toAddress = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')

/** First and last address of `10.1.2.0/24`; `exact` says whether it is written by its first address. */
export function networkOf(cidr: string): Range & { prefix: number; exact: boolean } {
  const [address = '', length = '32'] = cidr.split('/')
  const prefix = Number(length)
  const size = 2 ** (32 - prefix)
  const given = toNumber(address)
  const from = Math.floor(given / size) * size
  return { from, to: from + size - 1, prefix, exact: given === from }
}

/** One address, a network or `from-to`; undefined when a number in it is too large or the range runs backwards. */
export function rangeOf(text: string): Range | undefined {
  const valid = (address: string): boolean => address.split('.').every((part) => Number(part) <= 255)
  const [first = '', last] = text.split('-')
  if (last !== undefined) {
    if (!valid(first) || !valid(last)) return undefined
    const range = { from: toNumber(first), to: toNumber(last) }
    return range.from <= range.to ? range : undefined
  }
  const [address = '', length] = first.split('/')
  if (!valid(address) || Number(length ?? 32) > 32) return undefined
  const { from, to } = networkOf(`${address}/${length ?? 32}`)
  return { from, to }
}

export const covers = ({ from, to }: Range, inner: Range): boolean => from <= inner.from && inner.to <= to
export const overlap = (a: Range, b: Range): boolean => a.from <= b.to && b.from <= a.to

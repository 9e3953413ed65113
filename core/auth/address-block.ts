/** Addresses as limits count them. */
import { isIPv6 } from 'node:net'

/** An IPv4 address as it is; of an IPv6 address its first 64 bits, since whoever has one there has them all (RFC 4291 section 2.5.1). */
export function addressBlock(address: string): string {
  const plain = address.split('%', 1)[0] as string
  if (!isIPv6(plain)) return address
  const [head = '', tail] = plain.split('::')
  const groups = head === '' ? [] : head.split(':')
  // An IPv4 ending stands for the last two groups, so `::` never hides fewer than it seems to.
  const rest = tail === undefined || tail === '' ? [] : tail.split(':').flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]))
  if (tail !== undefined) groups.push(...Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => '0'), ...rest)
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

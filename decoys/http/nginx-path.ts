/** nginx's normal form of a request target: percent-decoding, `.` and `..`, doubled slashes. */

const hex = (c: number): number => {
  if (c >= 0x30 && c <= 0x39) return c - 0x30
  const lower = c | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

const simple = /^\/(?:[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*\/?)*$/

/**
 * Path and query of a target that begins with `/`, Latin-1. Undefined where nginx refuses: a bad escape, a NUL, a path that
 * leaves the root.
 */
export function complexPath(target: string): { path: string; query: string } | undefined {
  const mark = target.indexOf('?')
  const rawPath = mark < 0 ? target : target.slice(0, mark)
  const query = mark < 0 ? '' : cutFragment(target.slice(mark + 1))
  // A short, tame path needs no work; the length bound keeps the pattern linear.
  if (rawPath.length <= 256 && simple.test(rawPath)) return { path: rawPath, query }
  return decode(rawPath, query)
}

const cutFragment = (text: string): string => {
  const at = text.indexOf('#')
  return at < 0 ? text : text.slice(0, at)
}

function decode(rawPath: string, query: string): { path: string; query: string } | undefined {
  const segments: string[] = []
  let segment = ''
  let ended = false
  const close = (last: boolean): boolean => {
    if (segment === '..') {
      if (segments.length === 0) return false
      segments.pop()
      ended = true
    } else if (segment === '.') ended = true
    else if (segment !== '') {
      segments.push(segment)
      ended = !last
    } else ended = true
    segment = ''
    return true
  }
  for (let i = 1; i < rawPath.length; i++) {
    let c = rawPath.charCodeAt(i)
    if (c === 0x23) {
      query = ''
      break
    }
    const quoted = c === 0x25
    if (quoted) {
      const high = hex(rawPath.charCodeAt(i + 1))
      const low = hex(rawPath.charCodeAt(i + 2))
      if (!(high >= 0 && low >= 0)) return undefined
      c = high * 16 + low
      i += 2
      if (c === 0) return undefined
    }
    if (c === 0x2f) {
      if (!close(false)) return undefined
    } else segment += String.fromCharCode(c)
  }
  if (!close(true)) return undefined
  const body = segments.join('/')
  return { path: body === '' ? '/' : `/${body}${ended ? '/' : ''}`, query }
}

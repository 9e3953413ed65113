/** Answers as an attacker would like them: script, escapes and bidi marks in every field that one could fill. */
export const hostileText = `<img src=x onerror="window.pwned=1"><script>window.pwned=2</script>\u202e\u001b]8;;javascript:window.pwned=3\u0007\u001b[2J"'>{{7*7}}\${pwned}\u0000\u2066`

/** Terminal bytes that ask a terminal for everything it should not give: title, clipboard, links, reports, sizes. */
export const hostileTerminal =
  '\x1b]0;pwned\x07\x1b]52;c;cHduZWQ=\x07\x1b]8;;javascript:window.pwned=4\x07click\x1b]8;;\x07\x1b[c\x1b[6n\x1b[21t\x1b]10;?\x07\x1b[8;9999;9999t\x1bPq#0;2;0;0;0\x1b\\\x1b[?1000h\x1b[?2004h<script>window.pwned=5</script>\r\n'

const fillable = new Set(
  'mac serial user client hassh lastAction decoy service adversary via zh en value why label comment name reason raw hostname product products persona host knownScanner owner network address actor target title by version fingerprint warnings message source sources destination rule detail message assignee originalId why createdBy scope'.split(
    ' ',
  ),
)

/** The same value with every fillable string replaced; ids, kinds and states stay so that the pages still work. */
export function hostile<T>(value: T, key = '', inBody = false): T {
  if (typeof value === 'string') {
    if (key === 'link') return 'javascript:window.pwned=6' as T
    if (key === 'data' && inBody) return Buffer.from(hostileTerminal).toString('base64') as T
    return (inBody || fillable.has(key) ? hostileText : value) as T
  }
  if (Array.isArray(value)) {
    if (key === 'frames') return value.map((frame: [number, string, string]) => [frame[0], frame[1], Buffer.from(hostileTerminal).toString('base64')]) as T
    return value.map((entry) => hostile(entry, key, inBody)) as T
  }
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => [
      name,
      name === 'source' && typeof entry === 'object' ? entry : hostile(entry, name, inBody || name === 'body' || name === 'detail'),
    ]),
  ) as T
}

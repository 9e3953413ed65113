/** The header of a syslog message, RFC 5424 or the older BSD form (RFC 3164); only who sent it is kept. */

/** The sender's name and the message after the header; a line without a header is all message. Linear in the line's length. */
export function readSyslog(line: string): { host: string; message: string } {
  const text = line.replace(/^<\d{1,3}>/, '')
  return modern(text) ?? old(text) ?? { host: '', message: text }
}

/** RFC 5424 section 6: VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG. */
function modern(text: string): { host: string; message: string } | undefined {
  const match = /^1 (\S{1,64}) (\S{1,255}) (\S{1,64}) (\S{1,128}) (\S{1,64}) /.exec(text)
  if (!match) return undefined
  let at = match[0].length
  if (text[at] === '-') at++
  else
    while (text[at] === '[') {
      let quoted = false
      for (at++; at < text.length && (quoted || text[at] !== ']'); at++) {
        if (text[at] === '\\' && quoted) at++
        else if (text[at] === '"') quoted = !quoted
      }
      at++
    }
  const message = text
    .slice(at)
    .replace(/^ /, '')
    .replace(/^\ufeff/, '')
  return { host: match[2] === '-' ? '' : (match[2] as string), message }
}

/** RFC 3164 section 4.1: TIMESTAMP HOSTNAME TAG: CONTENT. A CEF header is no tag. */
function old(text: string): { host: string; message: string } | undefined {
  const match = /^[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} (\S{1,255}) /.exec(text)
  if (!match) return undefined
  const rest = text.slice(match[0].length)
  const tag = /^(?!CEF:)[^\s:[\]]{1,64}(?:\[[^\]\s]{1,32}\])?: ?/.exec(rest)
  return { host: match[1] as string, message: tag ? rest.slice(tag[0].length) : rest }
}

/** Dates as HTTP writes them (RFC 9110 section 5.6.7). */

let lastSecond = -1
let lastText = ''

/** IMF-fixdate of a time in milliseconds since 1970 UTC. */
export function httpDate(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second !== lastSecond) {
    lastText = new Date(second * 1000).toUTCString()
    lastSecond = second
  }
  return lastText
}

/** Seconds since 1970 UTC of an HTTP date, or undefined when it is none. */
export function parseHttpDate(text: string): number | undefined {
  if (text.length > 64) return undefined
  const match =
    /^(?:[A-Za-z]{3,9}, )?(?:\d{1,2}[ -][A-Za-z]{3}[ -]\d{2,4} \d{2}:\d{2}:\d{2}(?: GMT)?|[A-Za-z]{3} [A-Za-z]{3} {1,2}\d{1,2} \d{2}:\d{2}:\d{2} \d{4})$/.test(
      text,
    )
  if (!match) return undefined
  const ms = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000)
}

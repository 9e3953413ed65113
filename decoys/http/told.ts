/** Which answers a session has been told of whole, so that the same page need not be said a thousand times to a guesser. Bounded; what is forgotten is said again. */

const mostSessions = 5000
const mostPages = 100
const told = new Map<string, Set<string>>()

/** Whether this session meets the page of that hash for the first time. */
export function firstTime(session: string, page: string): boolean {
  let pages = told.get(session)
  if (!pages) {
    pages = new Set()
    told.set(session, pages)
    if (told.size > mostSessions)
      for (const oldest of told.keys()) {
        told.delete(oldest)
        break
      }
  }
  if (pages.has(page)) return false
  if (pages.size < mostPages) pages.add(page)
  return true
}

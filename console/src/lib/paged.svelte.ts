/** A list that comes page by page: its rows so far, and how to get more. */
import { sentence } from './api.ts'
import { Resource } from './resource.svelte.ts'
import { toasts } from './toasts.svelte.ts'

type Page<T> = { items: T[]; next: string | null }

export class Paged<T> {
  rows = $state.raw<T[]>([])
  /** Cursor of the next page; null at the end. */
  next = $state<string | null>(null)
  busy = $state(false)
  readonly first: Resource<Page<T>>
  readonly #fetch: (signal: AbortSignal | undefined, cursor: string | undefined) => Promise<Page<T>>
  readonly #key: (row: T) => unknown

  /** `fetch` reads one page, the first without a cursor; what it reads synchronously begins the list anew. Call it while a component initialises. */
  constructor(fetch: (signal: AbortSignal | undefined, cursor: string | undefined) => Promise<Page<T>>, key: (row: T) => unknown) {
    this.#fetch = fetch
    this.#key = key
    this.first = new Resource(async (signal) => {
      const page = await fetch(signal, undefined)
      this.rows = page.items
      this.next = page.next
      return page
    })
  }

  /** Adds the next page; a row that is here already, because it came live, is not shown twice. */
  more = async (): Promise<void> => {
    const cursor = this.next
    if (!cursor || this.busy) return
    this.busy = true
    try {
      const page = await this.#fetch(undefined, cursor)
      // The list may have begun anew meanwhile: this page is then not its next one.
      if (this.next === cursor) {
        const known = new Set(this.rows.map(this.#key))
        this.rows = [...this.rows, ...page.items.filter((row) => !known.has(this.#key(row)))]
        this.next = page.next
      }
    } catch (error) {
      toasts.say(sentence(error), true)
    }
    this.busy = false
  }
}

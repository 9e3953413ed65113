/** A value that comes from the server: its data, whether it is being fetched, and the sentence when that failed. */
import { ApiProblem, sentence } from './api.ts'
import { session } from './session.svelte.ts'

export class Resource<T> {
  data = $state.raw<T | undefined>(undefined)
  problem = $state('')
  status = $state(0)
  busy = $state(true)
  #fetch: (signal: AbortSignal) => Promise<T>
  #running: AbortController | undefined

  /** Fetches now, after a new sign-in, and whenever what `fetch` reads synchronously changes. Call it while a component initialises. */
  constructor(fetch: (signal: AbortSignal) => Promise<T>) {
    this.#fetch = fetch
    $effect(() => {
      void session.round
      void this.#run()
      return () => this.#running?.abort()
    })
  }

  /** Fetches again; the former data stay until the new ones are here. */
  reload = (): Promise<void> => this.#run()

  async #run(): Promise<void> {
    this.#running?.abort()
    const running = new AbortController()
    this.#running = running
    const promise = this.#fetch(running.signal)
    this.busy = true
    try {
      const data = await promise
      if (running.signal.aborted) return
      this.data = data
      this.problem = ''
      this.status = 200
    } catch (error) {
      if (running.signal.aborted) return
      this.problem = sentence(error)
      this.status = error instanceof ApiProblem ? error.status : 0
    }
    this.busy = false
  }
}

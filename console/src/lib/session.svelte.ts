/** Who is signed in, what they may do, and what they set in the console. */
import type { RouteAnswer } from '@shenlou/contract/api'
import type { Permission } from '@shenlou/contract/permissions'
import { ApiProblem, call, sentence, whenSignedOut } from './api.ts'
import { live } from './live.svelte.ts'
import { setLocale } from './locale.svelte.ts'

type Me = RouteAnswer<'me'>
type Preferences = Record<string, unknown>

class Session {
  me = $state.raw<Me | null>(null)
  /** 'starting' until the server has said whether somebody is signed in. */
  phase = $state<'starting' | 'out' | 'in' | 'failed'>('starting')
  problem = $state('')
  unread = $state(0)
  #preferences = $state.raw<Preferences>({})
  #saving: ReturnType<typeof setTimeout> | undefined

  constructor() {
    whenSignedOut(() => this.#signedOut())
    live.on('notices', (frame) => {
      this.unread = frame.unread
    })
  }

  can(permission: Permission): boolean {
    return this.me?.permissions.includes(permission) ?? false
  }

  /** Asks the server who is signed in. */
  async start(): Promise<void> {
    try {
      const me = await call('me')
      if (me.mustChangePassword) {
        this.me = me
        this.phase = 'out'
        return
      }
      const [{ preferences }, notices] = await Promise.all([call('preferences'), call('notices', { query: { limit: 100 } })])
      this.#preferences = preferences
      this.unread = notices.items.filter((notice) => notice.readAt === null).length
      this.me = me
      if (me.locale && !localStorage.getItem('shenlou.locale')) setLocale(me.locale)
      this.phase = 'in'
      live.start()
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401) this.phase = 'out'
      else {
        this.problem = sentence(error)
        this.phase = 'failed'
      }
    }
  }

  async signOut(): Promise<void> {
    await call('signOut').catch(() => undefined)
    this.#signedOut()
  }

  #signedOut(): void {
    live.stop()
    this.me = null
    this.phase = 'out'
  }

  /** A setting of this person, or `otherwise` when it was never set or has another type. */
  preference<T extends string | number | boolean>(name: string, otherwise: T): T {
    const value = this.#preferences[name]
    return typeof value === typeof otherwise ? (value as T) : otherwise
  }

  /** Keeps a setting of this person; written to the server half a second after the last change. */
  setPreference(name: string, value: unknown): void {
    this.#preferences = { ...this.#preferences, [name]: value }
    clearTimeout(this.#saving)
    this.#saving = setTimeout(() => call('setPreferences', { body: { preferences: this.#preferences } }).catch(() => undefined), 500)
  }
}

export const session = new Session()

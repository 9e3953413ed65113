/** Who is signed in, what they may do, and what they set in the console. */
import type { RouteAnswer } from '@shenlou/contract/api'
import type { Permission } from '@shenlou/contract/permissions'
import { m } from '../paraglide/messages.js'
import { ApiProblem, call, sentence, whenSignedOut } from './api.ts'
import { live } from './live.svelte.ts'
import { setLocale, whenLocaleChosen } from './locale.svelte.ts'
import { setTheme, whenThemeChosen } from './theme.svelte.ts'
import { toasts } from './toasts.svelte.ts'

type Me = RouteAnswer<'me'>
type Preferences = Record<string, unknown>

class Session {
  me = $state.raw<Me | null>(null)
  /** 'starting' until the server has said whether somebody is signed in; 'lapsed' when a sign-in ended under an open page. */
  phase = $state<'starting' | 'out' | 'in' | 'lapsed' | 'failed'>('starting')
  problem = $state('')
  unread = $state(0)
  /** Grows with each sign-in: what failed for want of one is fetched again. */
  round = $state(0)
  #preferences = $state.raw<Preferences>({})
  #changed: Preferences = {}
  #saving: ReturnType<typeof setTimeout> | undefined

  constructor() {
    whenSignedOut(() => this.#lapse())
    whenLocaleChosen((next) => this.setPreference('locale', next))
    whenThemeChosen((next) => this.setPreference('theme', next))
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
      // Asked together: one way there and back less before the first page. Of a failure the first answer tells.
      const rest = Promise.all([call('preferences'), call('notices', { query: { limit: 100 } })])
      rest.catch(() => {}) // awaited below; this only keeps an early failure from counting as unhandled
      const me = await call('me')
      if (me.mustChangePassword) {
        this.me = me
        this.phase = 'out'
        return
      }
      const [{ preferences }, notices] = await rest
      this.#preferences = preferences
      this.unread = notices.items.filter((notice) => notice.readAt === null).length
      this.me = me
      this.#show(preferences)
      this.phase = 'in'
      this.round += 1
      live.start()
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401) this.phase = 'out'
      else {
        this.problem = sentence(error)
        this.phase = 'failed'
      }
    }
  }

  /** Ends the sign-in. When the server could not be told, the person is still signed in, and that is said. */
  async signOut(): Promise<void> {
    try {
      await call('signOut')
    } catch (error) {
      if (!(error instanceof ApiProblem && error.status === 401)) {
        toasts.say(m.sign_out_failed({ problem: sentence(error) }), true)
        return
      }
    }
    live.stop()
    this.me = null
    this.phase = 'out'
  }

  /** The page stays under the sign-in form: what was typed on it is not lost. */
  #lapse(): void {
    live.stop()
    this.phase = this.phase === 'in' || this.phase === 'lapsed' ? 'lapsed' : 'out'
  }

  /** Shows what this person chose, on whatever machine they chose it. */
  #show({ locale, theme }: Preferences): void {
    if (locale === 'zh' || locale === 'en') setLocale(locale)
    if (theme === 'light' || theme === 'dark' || theme === 'system') setTheme(theme)
  }

  /** A setting of this person, or `otherwise` when it was never set or has another type. */
  preference<T extends string | number | boolean>(name: string, otherwise: T): T {
    const value = this.#preferences[name]
    return typeof value === typeof otherwise ? (value as T) : otherwise
  }

  /** Keeps a setting of this person; written to the server half a second after the last change. */
  setPreference(name: string, value: unknown): void {
    if (this.phase !== 'in' || this.#preferences[name] === value) return
    this.#preferences = { ...this.#preferences, [name]: value }
    this.#changed[name] = value
    clearTimeout(this.#saving)
    this.#saving = setTimeout(() => void this.#save(), 500)
  }

  /** Writes what changed here over what is kept now: another open page may have changed the rest. */
  async #save(): Promise<void> {
    const changed = this.#changed
    this.#changed = {}
    try {
      const kept = await call('preferences')
      await call('setPreferences', { body: { preferences: { ...kept.preferences, ...changed } } })
    } catch (error) {
      this.#changed = { ...changed, ...this.#changed }
      toasts.say(m.preferences_not_kept({ problem: sentence(error) }), true)
    }
  }
}

export const session = new Session()

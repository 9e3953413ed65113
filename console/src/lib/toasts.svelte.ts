/** Short sentences about what has just been done or has failed. */
type Toast = { id: number; text: string; bad: boolean }

/** Failures on the screen at once; the oldest gives way. */
const most = 4

class Toasts {
  list = $state.raw<Toast[]>([])
  #next = 1

  /** Shows a sentence: what was done for four seconds, what failed until it is closed. The same failure shows once. */
  say(text: string, bad = false): void {
    const id = this.#next++
    this.list = [...this.list.filter((toast) => toast.text !== text), { id, text, bad }].slice(-most)
    if (!bad) setTimeout(() => this.close(id), 4000)
  }

  close(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id)
  }
}

export const toasts = new Toasts()

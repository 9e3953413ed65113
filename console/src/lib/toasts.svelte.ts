/** Short sentences about what has just been done or has failed. */
type Toast = { id: number; text: string; bad: boolean }

class Toasts {
  list = $state.raw<Toast[]>([])
  #next = 1

  say(text: string, bad = false): void {
    const id = this.#next++
    this.list = [...this.list, { id, text, bad }]
    setTimeout(() => (this.list = this.list.filter((toast) => toast.id !== id)), bad ? 8000 : 4000)
  }
}

export const toasts = new Toasts()

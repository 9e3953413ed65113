/** How many connections each service of a device has now: controllers have few, and the next one is turned away. */

const open = new Map<string, number>()

/** Takes a place; answers how to leave it, or undefined when all `most` are taken. */
export function admit(decoy: string, service: string, most: number): (() => void) | undefined {
  const key = `${decoy}\n${service}`
  const now = open.get(key) ?? 0
  if (now >= most) return undefined
  open.set(key, now + 1)
  let left = false
  return () => {
    if (left) return
    left = true
    const after = (open.get(key) ?? 1) - 1
    if (after > 0) open.set(key, after)
    else open.delete(key)
  }
}

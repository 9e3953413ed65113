/** A capture process whose engine claims every host at once and asks nobody: what the rules alone hold back is seen with it. */
import { runCapture } from './main.ts'

await runCapture(({ segment, hosts, kernel, log, onProbed }) => {
  let wanted = [...hosts]
  let detail = ''
  let claimed = 0
  const claim = (): Promise<void> =>
    kernel.claim(wanted).then(
      () => {
        claimed = wanted.length
      },
      (error: Error) => {
        detail = error.message
        log?.(error.message)
      },
    )
  void claim()
  const draining = setInterval(
    () =>
      void kernel.scanned().then(
        (rows) => rows.length > 0 && onProbed?.(rows),
        () => {},
      ),
    500,
  )
  return {
    update(_, next) {
      const gone = wanted.filter(({ address }) => !next.some((host) => host.address === address)).map(({ address }) => address)
      wanted = [...next]
      void kernel.release(gone).then(claim)
    },
    health: () => ({ id: segment.id, state: 'claiming', wanted: wanted.length, claimed, used: 0, refused: {}, giveUps10m: 0, detail }),
    async close() {
      clearInterval(draining)
      await kernel.releaseAll()
    },
  }
})

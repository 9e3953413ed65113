/** Connections that say a kilobyte of random bytes to every decoy service in turn. */
import { randomBytes } from 'node:crypto'
import { exchange } from './capture.ts'
import type { Installation } from './installation.ts'

export async function connectRandomly({ ports }: Installation, count: number): Promise<void> {
  const all = [ports.portal, ports.router, ports.ssh, ports.https]
  let left = count
  await Promise.all(
    Array.from({ length: 100 }, async () => {
      while (left-- > 0) await exchange(all[left % all.length] as number, randomBytes(1024), 200)
    }),
  )
}

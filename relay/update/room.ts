/** Room on a disk, asked for before it is taken. */
import { statfs } from 'node:fs/promises'

/** Bytes that stay free besides. */
const spare = 16 * 1024 * 1024

/** Rejects with a line where a folder has no room for so many bytes and some besides. */
export async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const mb = (count: number): string => `${Math.ceil(count / 1e6)} MB`
  if (bavail * bsize < bytes + spare) throw new Error(`there is no room for it in ${folder}: ${mb(bytes + spare)} are needed, ${mb(bavail * bsize)} are free`)
}

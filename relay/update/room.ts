/** Room on a disk, asked for before it is taken. */
import { statfs } from 'node:fs/promises'

/** The disk, or the share of it that this user has, is full. */
export const outOfRoom = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')

/** Bytes that stay free besides. */
const spare = 16 * 1024 * 1024

/** Rejects with a line where a folder has no room for so many bytes and some besides. */
export async function requireRoom(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const mb = (count: number): string => `${Math.ceil(count / 1e6)} MB`
  if (bavail * bsize < bytes + spare) throw new Error(`there is no room for it in ${folder}: ${mb(bytes + spare)} are needed, ${mb(bavail * bsize)} are free`)
}

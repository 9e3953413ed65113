/** A reason not to start that is the operator's to mend: shown as one line, without a stack. */
export class StartError extends Error {
  override readonly name = 'StartError'
}

const reasons: Record<string, string> = {
  EACCES: 'is not writable: give this user the right to write there, or choose another with --data',
  EPERM: 'is not writable: give this user the right to write there, or choose another with --data',
  EROFS: 'is on a read-only file system: choose another with --data',
  ENOSPC: 'is on a full disk: free some space, or choose another with --data',
  EDQUOT: 'is over its disk quota: free some space, or choose another with --data',
  ENOENT: 'cannot be made there: choose another with --data',
  EEXIST: 'is not a folder: choose another with --data',
  ENOTDIR: 'is not a folder: choose another with --data',
}

/** Turns a file-system error about `folder` into its one line; other errors pass as they are. */
export function folderError(folder: string, error: unknown): unknown {
  const reason = reasons[(error as NodeJS.ErrnoException)?.code ?? '']
  return reason ? new StartError(`data folder ${folder} ${reason}`, { cause: error }) : error
}

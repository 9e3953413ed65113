/** Says what passes through a terminal or command before it is sent, within the bound of a session's recording. */
import type { Session } from '../decoy.ts'

export const maxRecorded = 32 * 1024 * 1024
const maxPiece = 32 * 1024

/** Recorder of one session; all its channels share the bound. */
export class Recorder {
  #left = maxRecorded
  readonly #session: Session
  constructor(session: Session) {
    this.#session = session
  }

  say(stream: 'input' | 'output' | 'error', bytes: Buffer): void {
    for (let at = 0; at < bytes.length && this.#left > 0; at += maxPiece) {
      const piece = bytes.subarray(at, at + maxPiece)
      this.#left -= piece.length
      this.#session.emit('terminal.data', { stream, data: piece.toString('base64') })
      if (this.#left <= 0) this.#session.emit('recording.cut', { bytes: maxRecorded })
    }
  }
}

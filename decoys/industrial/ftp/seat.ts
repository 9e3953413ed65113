/** What one control connection of FTP is at, and the way from there to a data connection. */
import type { ServiceSettings } from '@shenlou/contract/services'
import type { Connection, Context, Session } from '../../decoy.ts'
import type { Expected } from './data.ts'
import type { Replies } from './replies.ts'
import type { LiveFiles } from './trends.ts'

export interface Seat {
  context: Context
  session: Session
  connection: Connection
  settings: ServiceSettings<'ftp'>
  replies: Replies
  live: LiveFiles
  user: string
  loggedIn: boolean
  directory: string
  ascii: boolean
  restart: number
  renameFrom: string | undefined
  expected: Expected | undefined
  /** Ends the transfer that is under way; undefined while there is none. */
  abort: (() => void) | undefined
  /** Sends a reply before the last one of a command. */
  say(reply: string): void
}

const dataPatienceMs = 15_000
/** For a client that has nothing more to say: its data connection is there or never comes. */
const lastPatienceMs = 500

/** Runs a transfer over the data connection that was asked for. The reply is its last. */
export async function withData(seat: Seat, opening: string, transfer: (data: Connection) => Promise<string>): Promise<string> {
  const { expected, replies, connection } = seat
  seat.expected = undefined
  if (!expected) return replies.noData
  let aborted = false
  seat.abort = () => {
    aborted = true
    expected.cancel()
  }
  seat.say(opening)
  connection.once('end', expected.cancel)
  let limit: NodeJS.Timeout | undefined
  try {
    const data = await expected.take(connection.readableEnded ? lastPatienceMs : dataPatienceMs)
    connection.off('end', expected.cancel)
    if (!data || aborted) return aborted ? replies.aborted : replies.noData
    // A client that stops reading or sending holds the place of another.
    limit = setTimeout(() => data.destroy(), 600_000).unref()
    const reply = await transfer(data)
    return aborted ? replies.aborted : reply
  } finally {
    seat.abort = undefined
    connection.off('end', expected.cancel)
    clearTimeout(limit)
    expected.finish()
  }
}

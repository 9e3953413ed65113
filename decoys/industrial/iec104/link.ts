/** The numbered transfer of one connection: windows, acknowledgements and timers of the controlled station (IEC 60870-5-104, sections 5 and 9.6). */
import { type Apdu, encodeI, encodeS, encodeU, uFunction } from './apci.ts'

/** k, w, t1, t2 and t3 as the standard recommends. */
export interface LinkTimes {
  unacknowledged: number
  acknowledgeAfter: number
  t1: number
  t2: number
  t3: number
}
export const standardTimes: LinkTimes = { unacknowledged: 12, acknowledgeAfter: 8, t1: 15_000, t2: 10_000, t3: 20_000 }

export interface Link {
  /** Takes what came. False when the connection has to be closed: a number that cannot be, or data before STARTDT. */
  take(apdu: Apdu): boolean
  /** Sends application data as the window lets it; at most 4,096 wait. */
  send(asdu: Buffer): void
  /** Data transfer was started by the master. */
  readonly started: boolean
  close(): void
}

const maxWaiting = 4096
const modulo = 32_768

export function openLink({ write, fail, times = standardTimes }: { write(frame: Buffer): void; fail(why: string): void; times?: LinkTimes }): Link {
  let started = false
  let nextSend = 0
  let acknowledged = 0
  let nextReceive = 0
  let told = 0
  let waiting: Buffer[] = []
  let closed = false
  let unanswered: NodeJS.Timeout | undefined
  let telling: NodeJS.Timeout | undefined
  let testing = false
  /** When each frame that is not acknowledged was sent, and the test frame that is not answered; oldest first. */
  let sentAt: number[] = []
  let testedAt = 0
  const idle = setTimeout(() => {
    if (closed) return
    if (!testing) testedAt = Date.now()
    testing = true
    put(encodeU(uFunction.testAct))
    expect()
  }, times.t3)

  function put(frame: Buffer): void {
    if (closed) return
    write(frame)
    idle.refresh()
  }
  /** Whatever was sent must be acknowledged within t1, the oldest first. */
  function expect(): void {
    clearTimeout(unanswered)
    unanswered = undefined
    const oldest = Math.min(testing ? testedAt : Number.POSITIVE_INFINITY, sentAt[0] ?? Number.POSITIVE_INFINITY)
    if (closed || oldest === Number.POSITIVE_INFINITY) return
    unanswered = setTimeout(() => fail('no acknowledgement within t1'), Math.max(0, oldest + times.t1 - Date.now()))
  }
  const outstanding = (): number => (nextSend - acknowledged + modulo) % modulo
  function pump(): void {
    while (started && waiting.length > 0 && outstanding() < times.unacknowledged) {
      put(encodeI(nextSend, nextReceive, waiting.shift() as Buffer))
      nextSend = (nextSend + 1) % modulo
      sentAt.push(Date.now())
      tellDone()
      if (sentAt.length === 1) expect()
    }
  }
  function tellDone(): void {
    told = nextReceive
    clearTimeout(telling)
    telling = undefined
  }
  function tell(): void {
    put(encodeS(nextReceive))
    tellDone()
  }
  function acknowledge(receive: number): boolean {
    if ((receive - acknowledged + modulo) % modulo > outstanding()) return false
    if (receive !== acknowledged) {
      acknowledged = receive
      sentAt = sentAt.slice(sentAt.length - outstanding())
      expect()
    }
    pump()
    return true
  }

  return {
    get started() {
      return started
    },
    take(apdu) {
      idle.refresh()
      if (apdu.kind === 'S') return acknowledge(apdu.receive)
      if (apdu.kind === 'I') {
        if (!started || apdu.send !== nextReceive || !acknowledge(apdu.receive)) return false
        nextReceive = (nextReceive + 1) % modulo
        if ((nextReceive - told + modulo) % modulo >= times.acknowledgeAfter) tell()
        else telling ??= setTimeout(tell, times.t2)
        return true
      }
      if (apdu.function === uFunction.startAct) {
        started = true
        put(encodeU(uFunction.startCon))
        pump()
      } else if (apdu.function === uFunction.stopAct) {
        if (nextReceive !== told) tell()
        started = false
        put(encodeU(uFunction.stopCon))
      } else if (apdu.function === uFunction.testAct) put(encodeU(uFunction.testCon))
      else if (apdu.function === uFunction.testCon && testing) {
        testing = false
        expect()
      }
      return true
    },
    send(asdu) {
      if (waiting.length < maxWaiting) waiting.push(asdu)
      pump()
    },
    close() {
      closed = true
      waiting = []
      clearTimeout(idle)
      clearTimeout(unanswered)
      clearTimeout(telling)
    },
  }
}

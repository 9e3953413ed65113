/** The figures of politeness, each with why it is what it is. */
export interface PolitenessRules {
  /** After a frame of an owner its address stays his so long: longer than the longest public holiday that a plant is switched off for, and than any power cut. */
  usedForS: number
  /** After somebody only asked whether an address is free (RFC 5227 probe) and never came; as an answered probe would have told him that it is not. */
  askedForS: number
  /** An address given up is claimed again after the times above, doubled with each time that it was given up, this often at most. */
  maxDoublings: number
  /** Clean probes in a row, so far apart, before an address is claimed on which somebody was ever seen. */
  cleanAgain: number
  cleanApartS: number
  /** More give-ups than this within the window stop new claims. */
  giveUps: number
  giveUpWindowMs: number
  /**
   * A halted segment goes on by itself after so long without a give-up: every shift has come and gone once, so what is switched on daily has spoken; and each address
   * still has to be quiet for its own time.
   */
  resumeAfterS: number
  /** An address is probed when it is asked for, not more often than this; and all wanted ones one after the other. */
  probeAgainS: number
  sweepS: number
  /** Probes a second, and at once. A /16 is swept in under six minutes; broadcast limits of industrial switches begin at several times this. */
  probesPerS: number
  probesAtOnce: number
  /** A probe without a result is forgotten. */
  probeLostMs: number
  /** What was not watched for longer than this counts as never watched: quiet times begin anew. A restart or an update of the relay takes less. */
  gapMs: number
}

export const politenessRules: PolitenessRules = {
  usedForS: 10 * 86_400,
  askedForS: 86_400,
  maxDoublings: 5,
  cleanAgain: 3,
  cleanApartS: 60,
  giveUps: 3,
  giveUpWindowMs: 600_000,
  resumeAfterS: 86_400,
  probeAgainS: 5,
  sweepS: 3600,
  probesPerS: 200,
  probesAtOnce: 512,
  probeLostMs: 15_000,
  gapMs: 600_000,
}

/** Times of the sensors' door, in milliseconds. */

/** A sensor says its health every 5 s; one unheard for that long is silent. */
export const silentAfter = 60_000

/** Longest life of an enrolment token. */
export const tokenLife = 3_600_000

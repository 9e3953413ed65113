/** Limits of the sensors' door; times in milliseconds. */

/** A sensor says its health every 5 s; one unheard for that long is silent. */
export const silentAfter = 60_000

/** Longest life of an enrolment token. */
export const tokenLife = 3_600_000

/** Enrolments that one address may try; each costs a handshake, a look in the database and perhaps a signature. */
export const enrolmentsPerMinute = 60

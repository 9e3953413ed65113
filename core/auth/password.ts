/** Passwords: argon2id hashes (OWASP's second recommended cost) and one-time passwords. */
import { randomInt } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'

/** 19 MiB and two passes; argon2id is the library's default algorithm. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** The PHC string of a password, with a salt of its own. */
export const hashPassword = (password: string): Promise<string> => hash(password, cost)

/** Whether a password is the one behind a PHC string; false for a string that is none. */
export const verifyPassword = async (phc: string, password: string): Promise<boolean> => verify(phc, password).catch(() => false)

/** No 0 O 1 l I: people type it from a screen. */
const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

/** 20 random characters, about 115 bits. */
export const oneTimePassword = (): string => Array.from({ length: 20 }, () => alphabet[randomInt(alphabet.length)]).join('')

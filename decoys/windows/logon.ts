/** A logon by NTLM as all Windows services take it: who it was and what it left is said, and what the host answers follows from its accounts. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { escapeText } from '@shenlou/contract/bytes'
import type { LoginPolicy } from '@shenlou/contract/template'
import type { Context, Session } from '../decoy.ts'
import { clean } from '../http/clean.ts'
import { md4 } from './md4.ts'
import { hashLine, isAnonymous, type NtlmAnswer } from './ntlmssp.ts'
import { status } from './status.ts'

/** What the event's field holds at most; a longer line would be of no use when cut. */
const longestLine = 16_384

/** Text as it came, escaped and at most `max` characters, never ending inside an escape. */
export const shown = (text: string, max: number): string => clean(Buffer.from(text.slice(0, max), 'utf8').toString('latin1'), max)

/**
 * Whether `answer` was made with `password` ([MS-NLMP] section 3.3.2): proof = HMAC-MD5(HMAC-MD5(MD4(password), UPPER(user) + domain), challenge + blob).
 * Only of NetNTLMv2.
 */
export function knowsPassword({ user, domain, nt, challenge }: NtlmAnswer, password: string): boolean {
  if (nt.length < 44) return false
  const key = createHmac('md5', md4(Buffer.from(password, 'utf16le')))
    .update(Buffer.from(user.toUpperCase() + domain, 'utf16le'))
    .digest()
  const proof = createHmac('md5', key).update(challenge).update(nt.subarray(16)).digest()
  return timingSafeEqual(proof, nt.subarray(0, 16))
}

/**
 * Judges one answer, says `login.attempted`, and waits as long as the host takes to refuse. Resolves to the status of the refusal: nobody gets a session,
 * an account of the policy is known and may not log on from the network ([MS-ERREF] STATUS_LOGON_TYPE_NOT_GRANTED).
 */
export async function logOn(
  answer: NtlmAnswer,
  { context, session, policy, refusalMs }: { context: Context; session: Session; policy: LoginPolicy; refusalMs: readonly [number, number] },
): Promise<number> {
  const line = hashLine(answer)
  const name = answer.user.toLowerCase()
  const account = policy.accounts.find(({ user, password }) => user.toLowerCase() === name && knowsPassword(answer, password))
  const hash = line && escapeText(line.line)
  session.emit('login.attempted', {
    method: isAnonymous(answer) ? 'none' : 'ntlm',
    user: shown(answer.user, 1024),
    ntlm: {
      domain: shown(answer.domain, 256),
      workstation: shown(answer.workstation, 256),
      ...(answer.version ? { version: answer.version } : {}),
      ...(line ? { form: line.form } : {}),
      ...(hash !== undefined && hash.length <= longestLine ? { hash } : {}),
    },
    ...(account ? { password: shown(account.password, 1024) } : {}),
    outcome: account ? 'accepted' : 'refused',
    ...(account ? { by: account.origin } : {}),
  })
  const [least, most] = refusalMs
  await context.latency(least + Math.random() * (most - least))
  if (!account) return isAnonymous(answer) ? status.accessDenied : status.logonFailure
  if (account.origin === 'lure') await context.prove({ kind: 'credential', value: `${account.user}:${account.password}` })
  return status.logonTypeNotGranted
}

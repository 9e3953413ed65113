/** What the core's error codes mean, in the language shown. A code that says more than its sentence could is not here. */
import { m } from '../paraglide/messages.js'
import { locale } from './locale.svelte.ts'

const sentences: Record<string, () => string> = {
  'host-refused': m.code_host_refused,
  'origin-refused': m.code_origin_refused,
  'password-change-required': m.code_password_change_required,
  'permission-missing': m.code_permission_missing,
  'not-found': m.code_not_found,
  'body-too-large': m.code_body_too_large,
  'too-many-requests': m.code_too_many_requests,
  internal: m.code_internal,
  unavailable: m.code_unavailable,
  'sign-in-failed': m.code_sign_in_failed,
  'password-wrong': m.code_password_wrong,
  'password-same': m.code_password_same,
  'password-weak': m.code_password_weak,
  'code-wrong': m.code_code_wrong,
  'last-administrator': m.code_last_administrator,
  'own-account': m.code_own_account,
  'plan-stale': m.code_plan_stale,
  'no-door': m.code_no_door,
  'not-yet-here': m.code_not_yet_here,
  'too-much': m.code_too_much,
  'ticket.version': m.code_ticket_version,
  'ticket.state': m.code_ticket_state,
  'ticket.permission': m.code_ticket_permission,
  'ticket.positive-evidence': m.code_ticket_positive_evidence,
  'incident.all': m.code_incident_all,
  'incident.itself': m.code_incident_itself,
}

/**
 * The sentence for an error of the core. In English the core's own, which names what it was about; in Chinese that of its
 * code, and the core's own where the code is not known here.
 */
export function problemSentence(code: string, message: string | undefined, fields: Record<string, string> | undefined): string | undefined {
  if (message && locale() === 'en') return message
  if (code === 'locked' && fields?.seconds) return m.code_locked({ seconds: fields.seconds })
  return Object.hasOwn(sentences, code) ? sentences[code]?.() : message
}

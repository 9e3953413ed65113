/** Routes of whoever calls: signing in, the own account, the inbox. */
import { z } from 'zod'
import * as r from './records.ts'
import { define, list, ok, page } from './route.ts'

const password = z.string().min(12).max(256)

export const accountRoutes = define({
  health: {
    method: 'GET',
    path: '/health',
    permission: 'public',
    summary: 'Whether the core serves.',
    answer: z.object({ ok: z.boolean(), version: z.string() }),
  },
  signIn: {
    method: 'POST',
    path: '/sign-in',
    permission: 'public',
    summary: 'Sign in with name and password, and the TOTP code where it is on.',
    body: z.object({ username: z.string().max(64), password: z.string().max(256), totp: z.string().max(10).optional() }),
    answer: z.object({ next: z.enum(['done', 'totp', 'change-password']) }),
  },
  signOut: { method: 'POST', path: '/sign-out', permission: 'signed-in', summary: 'End this session.', answer: ok },
  me: { method: 'GET', path: '/me', permission: 'signed-in', summary: 'Who is signed in and what they may do.', answer: r.me },
  changePassword: {
    method: 'POST',
    path: '/me/password',
    permission: 'signed-in',
    summary: 'Change the own password; ends all other sessions.',
    body: z.object({ current: z.string().max(256), next: password }),
    answer: ok,
  },
  setPreferences: {
    method: 'PUT',
    path: '/me/preferences',
    permission: 'signed-in',
    summary: 'Keep what this person set in the console.',
    body: z.object({ preferences: z.record(z.string().max(100), z.unknown()) }),
    answer: ok,
  },
  preferences: {
    method: 'GET',
    path: '/me/preferences',
    permission: 'signed-in',
    summary: 'What this person set in the console.',
    answer: z.object({ preferences: z.record(z.string(), z.unknown()) }),
  },
  totpBegin: {
    method: 'POST',
    path: '/me/totp',
    permission: 'signed-in',
    summary: 'Begin TOTP: answers the secret as an otpauth URI.',
    body: z.object({ password: z.string().max(256) }),
    answer: z.object({ uri: z.string() }),
  },
  totpConfirm: {
    method: 'POST',
    path: '/me/totp/confirm',
    permission: 'signed-in',
    summary: 'Turn TOTP on with a code.',
    body: z.object({ code: z.string().max(10) }),
    answer: ok,
  },
  totpOff: {
    method: 'POST',
    path: '/me/totp/off',
    permission: 'signed-in',
    summary: 'Turn TOTP off.',
    body: z.object({ password: z.string().max(256) }),
    answer: ok,
  },
  notices: { method: 'GET', path: '/notices', permission: 'signed-in', summary: 'The inbox.', query: z.object(page), answer: list(r.notice) },
  readNotices: {
    method: 'POST',
    path: '/notices/read',
    permission: 'signed-in',
    summary: 'Mark notices as read.',
    body: z.object({ ids: z.array(z.string()).max(500) }),
    answer: ok,
  },
})

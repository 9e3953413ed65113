/** Routes of people, places, API tokens and the audit log. */
import { z } from 'zod'
import { permissions } from './permissions.ts'
import { scopePath } from './primitives.ts'
import * as r from './records.ts'
import { define, list, ok, page } from './route.ts'

export const peopleRoutes = define({
  people: {
    method: 'GET',
    path: '/people',
    permission: 'ticket.read',
    summary: 'People who can be assigned; administrators see all fields.',
    answer: list(r.person),
  },
  createPerson: {
    method: 'POST',
    path: '/people',
    permission: 'user.manage',
    summary: 'Create an account with a one-time password.',
    body: z.object({
      username: z
        .string()
        .min(2)
        .max(64)
        .regex(/^[a-z0-9._-]+$/),
      name: z.string().min(1).max(100),
      role: z.enum(['administrator', 'analyst', 'viewer']),
      scopes: z.array(scopePath).min(1).max(50),
    }),
    answer: z.object({ person: r.person, password: z.string() }),
  },
  changePerson: {
    method: 'PUT',
    path: '/people/:id',
    permission: 'user.manage',
    summary: 'Change role, scopes or state; ends sessions when disabled.',
    body: z.object({
      role: z.enum(['administrator', 'analyst', 'viewer']).optional(),
      scopes: z.array(scopePath).min(1).max(50).optional(),
      disabled: z.boolean().optional(),
      resetPassword: z.boolean().optional(),
    }),
    answer: z.object({ person: r.person, password: z.string().nullable() }),
  },
  scopes: {
    method: 'GET',
    path: '/scopes',
    permission: 'signed-in',
    summary: 'The organisation tree that this person may see.',
    answer: list(z.object({ path: z.string(), name: z.object({ zh: z.string(), en: z.string() }) })),
  },
  tokens: { method: 'GET', path: '/tokens', permission: 'token.manage', summary: 'API tokens, without their secrets.', answer: list(r.apiToken) },
  createToken: {
    method: 'POST',
    path: '/tokens',
    permission: 'token.manage',
    summary: 'Create an API token; its secret is shown once.',
    body: z.object({
      name: z.string().min(1).max(64),
      permissions: z.array(z.enum(permissions)).min(1),
      scopes: z.array(scopePath).min(1).max(50),
      days: z.number().int().min(1).max(365),
    }),
    answer: z.object({ token: r.apiToken, secret: z.string() }),
  },
  revokeToken: { method: 'DELETE', path: '/tokens/:id', permission: 'token.manage', summary: 'Revoke an API token.', answer: ok },
  audit: {
    method: 'GET',
    path: '/audit',
    permission: 'audit.read',
    summary: 'The audit log, newest first.',
    query: z.object({ ...page, actor: z.string().max(64).optional(), action: z.string().max(64).optional() }),
    answer: list(r.auditEntry),
  },
  verifyAudit: {
    method: 'GET',
    path: '/audit/verify',
    permission: 'audit.read',
    summary: 'Recompute the hash chain and name the first altered entry.',
    answer: z.object({ entries: z.number().int(), intact: z.boolean(), firstBad: z.number().int().nullable(), head: z.string() }),
  },
})

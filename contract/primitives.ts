/** Small schemas that the rest of the contract shares. */
import { z } from 'zod'

/** A UUID (RFC 9562), lower case. Events and sessions use version 7. */
export const uuid = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'is not a UUID')

/** Text made by `escapeBytes`: holds no control, bidi or invisible character. `max` in characters. */
export const escaped = (max = 8192): z.ZodString =>
  z
    .string()
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'holds raw control characters')

/** Raw bytes in base64 (RFC 4648 section 4). `max` in bytes before encoding. */
export const base64 = (max: number): z.ZodString =>
  z
    .string()
    .max(Math.ceil(max / 3) * 4)
    .regex(/^[A-Za-z0-9+/]*={0,2}$/, 'is not base64')

/** An IPv4 or IPv6 address and a port. */
export const endpoint = z.object({ ip: z.union([z.ipv4(), z.ipv6()]), port: z.number().int().min(0).max(65535).optional() })
export type Endpoint = z.infer<typeof endpoint>

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in lower-case hexadecimal')

/** A captured file, by hash: `size` in bytes; `truncated` when only the first part was kept. */
export const fileRef = z.object({ sha256, size: z.number().int().min(0), truncated: z.boolean() })
export type FileRef = z.infer<typeof fileRef>

/** Path of the organisation: group, division, park, such as `group/machinery/park-3`. */
export const scopePath = z
  .string()
  .max(200)
  .regex(/^[a-z0-9][a-z0-9-]*(\/[a-z0-9][a-z0-9-]*)*$/, 'is not a scope path such as group/division/park')

/** A short name that a person gives: a decoy, a sensor, a template. */
export const slug = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[a-z0-9][a-z0-9.-]*$/, 'must be lower-case letters, digits, dots and hyphens')

export const severity = z.enum(['info', 'low', 'medium', 'high', 'critical'])
export type Severity = z.infer<typeof severity>

/** ATT&CK technique id, Enterprise or ICS, such as T1110.001 or T0846. */
export const techniqueId = z.string().regex(/^T\d{4}(\.\d{3})?$/, 'is not an ATT&CK technique id')

export const role = z.enum(['relay', 'decoys', 'source'])

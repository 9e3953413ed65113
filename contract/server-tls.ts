/** TLS of a server as its persona speaks it. */
import { z } from 'zod'

export const serverTls = z.strictObject({
  min: z.enum(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']),
  max: z.enum(['TLSv1.2', 'TLSv1.3']),
  ciphers: z.string().max(2000),
  curves: z.string().max(200),
  /** Whether its own order of ciphers decides, or the client's. */
  serverOrder: z.boolean(),
  rsaBits: z.number().int().default(2048),
})

/** What of a name may be drawn: `{hostname}`, `{serial}`, `{product}` and `{site}`. */
const name = z.string().max(64)

/** TLS of a device: what its library knows beyond the ciphers, and the certificate that it signed for itself when it was installed. */
export const deviceTls = serverTls.extend({
  /** Extensions that its library answers; others it passes over, as those did that are older than the extension. */
  extensions: z.array(z.enum(['session-ticket', 'encrypt-then-mac', 'extended-master-secret'])).default([]),
  certificate: z.strictObject({
    country: z.string().max(2).default(''),
    organisation: name.default(''),
    unit: name.default(''),
    commonName: name.min(1),
    /** Days that it is good for, from the installation on. */
    days: z.number().int().min(1).max(36_500).default(7300),
  }),
})
export type DeviceTls = z.infer<typeof deviceTls>

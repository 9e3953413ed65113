/** The decoy services that a template may name, with the schema of their settings. */
import { z } from 'zod'
import { loginPolicy } from './template.ts'

const login = loginPolicy.default({ accounts: [] })

export const services = {
  ssh: { transport: 'tcp', settings: z.strictObject({ login }), needs: 'ssh' },
  portal: { transport: 'tcp', settings: z.strictObject({ login }), needs: 'web' },
  'portal-https': { transport: 'tcp', settings: z.strictObject({ login }), needs: 'web' },
  modbus: { transport: 'tcp', settings: z.strictObject({}), needs: 'modbus' },
} as const satisfies Record<string, { transport: 'tcp' | 'udp'; settings: z.ZodType; needs: 'ssh' | 'web' | 'modbus' }>

export type ServiceName = keyof typeof services
export type ServiceSettings<N extends ServiceName> = z.infer<(typeof services)[N]['settings']>
export const isService = (name: string): name is ServiceName => Object.hasOwn(services, name)

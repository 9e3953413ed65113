/** The decoy services that a template may name, with the schema of their settings. */
import { z } from 'zod'
import { snmpSettings } from './snmp.ts'
import { loginPolicy } from './template.ts'

const login = loginPolicy.default({ accounts: [] })

export const services = {
  ssh: { transport: 'tcp', settings: z.strictObject({ login }), needs: 'ssh' },
  portal: { transport: 'tcp', settings: z.strictObject({ login }), needs: 'web' },
  'portal-https': { transport: 'tcp', settings: z.strictObject({ login }), needs: 'web' },
  modbus: { transport: 'tcp', settings: z.strictObject({}), needs: 'modbus' },
  iec104: { transport: 'tcp', settings: z.strictObject({}), needs: 'iec104' },
  /** `password` is what a protected controller lets write for. */
  s7comm: { transport: 'tcp', settings: z.strictObject({ password: z.string().min(1).max(8).optional() }), needs: 's7comm' },
  snmp: { transport: 'udp', settings: snmpSettings, needs: 'snmp' },
} as const satisfies Record<string, { transport: 'tcp' | 'udp'; settings: z.ZodType; needs: 'ssh' | 'web' | 'modbus' | 's7comm' | 'iec104' | 'snmp' }>

export type ServiceName = keyof typeof services
export type ServiceSettings<N extends ServiceName> = z.infer<(typeof services)[N]['settings']>
export const isService = (name: string): name is ServiceName => Object.hasOwn(services, name)

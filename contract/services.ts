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
  /** `engineers` are the users who may do more than operate. */
  hmi: {
    transport: 'tcp',
    settings: z.strictObject({ login, engineers: z.array(z.string().min(1).max(64)).max(20).default(['admin', 'engineer', 'Administrator']) }),
    needs: 'hmi',
  },
  /** `dataPort` is where `ftp-data` of the same decoy is placed: passive transfers are told to go there. */
  ftp: { transport: 'tcp', settings: z.strictObject({ login, dataPort: z.number().int().min(1).max(65535).default(1025) }), needs: 'ftp' },
  'ftp-data': { transport: 'tcp', settings: z.strictObject({}), needs: 'ftp' },
} as const satisfies Record<
  string,
  { transport: 'tcp' | 'udp'; settings: z.ZodType; needs: 'ssh' | 'web' | 'modbus' | 's7comm' | 'iec104' | 'snmp' | 'hmi' | 'ftp' }
>

export type ServiceName = keyof typeof services
export type ServiceSettings<N extends ServiceName> = z.infer<(typeof services)[N]['settings']>
export const isService = (name: string): name is ServiceName => Object.hasOwn(services, name)

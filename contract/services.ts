/** The decoy services that a template may name, with the schema of their settings. */
import { z } from 'zod'
import { listenerSettings } from './listener.ts'
import { snmpSettings } from './snmp.ts'
import { loginPolicy } from './template.ts'

const login = loginPolicy.default({ accounts: [] })

/** `engineers` are the users who may do more than operate. */
const hmi = z.strictObject({ login, engineers: z.array(z.string().min(1).max(64)).max(20).default(['admin', 'engineer', 'Administrator']) })

export const services = {
  ssh: { transport: 'tcp', settings: z.strictObject({ login }), needs: 'ssh' },
  portal: { transport: 'tcp', settings: z.strictObject({ login }), needs: 'web' },
  'portal-https': { transport: 'tcp', settings: z.strictObject({ login }), needs: 'web' },
  modbus: { transport: 'tcp', settings: z.strictObject({}), needs: 'modbus' },
  iec104: { transport: 'tcp', settings: z.strictObject({}), needs: 'iec104' },
  /** `password` is what a protected controller lets write for. */
  s7comm: { transport: 'tcp', settings: z.strictObject({ password: z.string().min(1).max(8).optional() }), needs: 's7comm' },
  snmp: { transport: 'udp', settings: snmpSettings, needs: 'snmp' },
  hmi: { transport: 'tcp', settings: hmi, needs: 'hmi' },
  /** The same page over TLS; what the two are to let in is said of each. */
  'hmi-https': { transport: 'tcp', settings: hmi, needs: 'hmi' },
  /** Passive transfers are told to go to `dataPort`: where `ftp-data` of the same decoy is placed, unless a port before the relay leads there. */
  ftp: { transport: 'tcp', settings: z.strictObject({ login, dataPort: z.number().int().min(1).max(65535).optional() }), needs: 'ftp' },
  /** An account of the policy is recognised by its answer and may not log on from the network. */
  smb: { transport: 'tcp', settings: z.strictObject({ login }), needs: 'smb' },
  rdp: { transport: 'tcp', settings: z.strictObject({ login }), needs: 'rdp' },
  /** Comes with `ftp` by itself, at a port that is drawn; written out where the port is to be a certain one. */
  'ftp-data': { transport: 'tcp', settings: z.strictObject({}), needs: 'ftp' },
  /** Any port: waits or greets as what is usual there, and keeps what arrives. A decoy may have it at several ports. */
  listener: { transport: 'tcp', settings: listenerSettings, needs: 'host' },
  'listener-udp': { transport: 'udp', settings: z.strictObject({}), needs: 'host' },
} as const satisfies Record<
  string,
  { transport: 'tcp' | 'udp'; settings: z.ZodType; needs: 'ssh' | 'web' | 'modbus' | 's7comm' | 'iec104' | 'snmp' | 'hmi' | 'ftp' | 'smb' | 'rdp' | 'host' }
>

export type ServiceName = keyof typeof services
export type ServiceSettings<N extends ServiceName> = z.infer<(typeof services)[N]['settings']>
export const isService = (name: string): name is ServiceName => Object.hasOwn(services, name)

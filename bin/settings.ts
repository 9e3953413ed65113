/** Settings of every role: flags before environment before the config file before defaults; each checked with a sentence. */
import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'

const hostPort = z
  .string('must be HOST:PORT, such as 127.0.0.1:7070')
  .regex(/^(\[[0-9a-f:]+\]|[^\s:[\]]+):\d{1,5}$/i, 'must be HOST:PORT, such as 127.0.0.1:7070')
  .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'must have a port up to 65535')
const flag = z.union([z.boolean(), z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1')], 'must be true or false')

export const settingsSchema = z.strictObject({
  data: z.string().min(1).default('data'),
  http: hostPort.default('127.0.0.1:7070'),
  sensors: hostPort.default('127.0.0.1:7444'),
  tunnel: hostPort.default('127.0.0.1:7443'),
  syslog: z.union([z.literal('off'), hostPort], 'must be HOST:PORT, such as 127.0.0.1:5514, or off').default('127.0.0.1:5514'),
  bind: z
    .string()
    .refine((text) => isIP(text) !== 0, 'must be an IP address')
    .default('127.0.0.1'),
  scenario: flag.default(true),
  'database-url': z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres://')
    .optional(),
  'public-name': z.string().max(253).optional(),
  'behind-proxy': flag.default(false),
  'tls-certificate': z.string().optional(),
  'tls-key': z.string().optional(),
  token: z.string().optional(),
  capture: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}(,[A-Za-z0-9][A-Za-z0-9_.-]{0,14}){0,31}$/, 'must be names of network interfaces, such as eth1 or eth1,eth2')
    .optional(),
  'capture-shared': flag.default(false),
})
export type Settings = z.infer<typeof settingsSchema>

/** What each setting means, for --help and docs; the environment variable is SHENLOU_ and the name in capitals. */
export const settingHelp: Record<keyof Settings, string> = {
  data: 'folder for all data of this machine (data)',
  http: 'address of the console and API, HOST:PORT (127.0.0.1:7070)',
  sensors: "address of the sensors' door, HOST:PORT (127.0.0.1:7444)",
  tunnel: "where this machine's decoy host listens for relays, HOST:PORT (127.0.0.1:7443)",
  syslog: 'where alerts arrive by syslog, UDP and TCP, HOST:PORT or off (127.0.0.1:5514)',
  bind: 'address that the starter scenario answers on (127.0.0.1)',
  scenario: '--no-scenario: do not apply the starter scenario at first start',
  'database-url': 'an existing PostgreSQL instead of the embedded one',
  'public-name': 'the name under which people reach the console',
  'behind-proxy': 'a reverse proxy with TLS stands before the console',
  'tls-certificate': "PEM file of the console's certificate",
  'tls-key': 'PEM file of its key',
  token: 'enrolment token of a sensor role',
  capture: 'interfaces on which a relay may answer for idle addresses: eth1,eth2',
  'capture-shared': "the capture interface stays this machine's own; found out by itself where it is the only way out",
}

export class SettingsError extends Error {}

/** A file that a person named. Throws a SettingsError that says what is wrong with it. */
export function readGivenFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why: Record<string, string> = { ENOENT: 'there is no such file', EISDIR: 'it is a folder', EACCES: 'it may not be read' }
    throw new SettingsError(`${file}: ${why[code ?? ''] ?? message}`)
  }
}

/** Reads `key: value` lines; the config file is as flat as the settings are. */
async function readConfigFile(file: string): Promise<Record<string, unknown>> {
  const { parse } = await import('yaml')
  let value: unknown
  try {
    value = parse(readFileSync(file, 'utf8'), { schema: 'core', maxAliasCount: 0 })
  } catch (error) {
    throw new SettingsError(`config file ${file}: ${(error as Error).message.split('\n')[0]}`)
  }
  if (value === null || value === undefined) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw new SettingsError(`config file ${file}: must hold lines of 'setting: value'`)
  return value as Record<string, unknown>
}

/** The settings of a command line, and what stood there besides. Throws a SettingsError with one sentence. */
export async function readSettings(
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ settings: Settings; positionals: string[]; rest: Record<string, string | boolean> }> {
  const names = Object.keys(settingsSchema.shape) as (keyof Settings)[]
  const booleans = new Set<string>(['scenario', 'behind-proxy', 'capture-shared'])
  let parsed: { values: Record<string, unknown>; positionals: string[] }
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      allowNegative: true,
      options: {
        ...Object.fromEntries(names.map((name) => [name, { type: booleans.has(name) ? ('boolean' as const) : ('string' as const) }])),
        config: { type: 'string' },
        file: { type: 'string', short: 'f' },
        name: { type: 'string' },
        role: { type: 'string' },
        scope: { type: 'string' },
        network: { type: 'string' },
        days: { type: 'string' },
        segment: { type: 'string' },
        seconds: { type: 'string' },
        permissions: { type: 'string' },
        fingerprint: { type: 'string' },
        passphrase: { type: 'string' },
        hours: { type: 'string' },
        seed: { type: 'string' },
        tags: { type: 'string' },
        picture: { type: 'string' },
        key: { type: 'string' },
        sequence: { type: 'string' },
        'min-version': { type: 'string' },
        downgrade: { type: 'boolean' },
        canary: { type: 'string' },
        wait: { type: 'string' },
        inbox: { type: 'string' },
        home: { type: 'string' },
        trust: { type: 'string' },
        yes: { type: 'boolean' },
        json: { type: 'boolean' },
        full: { type: 'boolean' },
        reason: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new SettingsError((error as Error).message.split('. ')[0] ?? 'bad arguments')
  }
  const fromEnv = Object.fromEntries(
    names.flatMap((name) =>
      env[`SHENLOU_${name.toUpperCase().replaceAll('-', '_')}`] === undefined ? [] : [[name, env[`SHENLOU_${name.toUpperCase().replaceAll('-', '_')}`]]],
    ),
  )
  const given = parsed.values.config ?? env.SHENLOU_CONFIG
  const data = String(parsed.values.data ?? fromEnv.data ?? 'data')
  const file = typeof given === 'string' ? given : join(data, 'shenlou.yaml')
  if (typeof given === 'string' && !existsSync(file)) throw new SettingsError(`config file ${file}: there is no such file`)
  const fromFile = existsSync(file) ? await readConfigFile(file) : {}
  const own = Object.fromEntries(Object.entries(parsed.values).filter(([key]) => names.includes(key as keyof Settings)))
  const result = settingsSchema.safeParse({ ...fromFile, ...fromEnv, ...own })
  if (!result.success) {
    const [issue] = result.error.issues
    const name = issue?.code === 'unrecognized_keys' ? issue.keys[0] : String(issue?.path[0] ?? '')
    const where =
      name !== undefined && name in own
        ? `--${name}`
        : name !== undefined && name in fromEnv
          ? `SHENLOU_${name.toUpperCase().replaceAll('-', '_')}`
          : `config file ${file}: ${name}`
    throw new SettingsError(
      issue?.code === 'unrecognized_keys' ? `config file ${file}: '${name}' is not a setting; known: ${names.join(', ')}` : `${where}: ${issue?.message}`,
    )
  }
  const rest = Object.fromEntries(Object.entries(parsed.values).filter(([key]) => !names.includes(key as keyof Settings))) as Record<string, string | boolean>
  return { settings: { ...result.data, data: resolve(result.data.data) }, positionals: parsed.positionals, rest }
}

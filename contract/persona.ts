/** Persona template: one kind of host, as data. What is unique to a host is drawn from its seed within these bounds. */
import { z } from 'zod'
import { deviceTemplate } from './device.ts'
import { ftpTemplate } from './ftp.ts'
import { hmiTemplate } from './hmi.ts'
import { iec104Template } from './iec104.ts'
import { modbusTemplate } from './modbus.ts'
import { s7commTemplate } from './s7comm.ts'
import { slug } from './primitives.ts'
import { serverTls } from './server-tls.ts'
import { snmpTemplate } from './snmp.ts'
import { rdpTemplate, smbTemplate, windowsTemplate } from './windows.ts'

const names = z.array(z.string().min(1).max(100))

export const personaTemplate = z.strictObject({
  kind: z.literal('persona'),
  version: z.literal(1),
  id: slug,
  title: z.strictObject({ zh: z.string(), en: z.string() }),
  os: z.strictObject({
    /** `embedded`: a device with firmware of its own; it has no kernel, shell or C library that anybody meets. */
    family: z.enum(['linux', 'windows', 'embedded']),
    distribution: z.string().max(64),
    release: z.string().max(64),
    codename: z.string().max(64).default(''),
    kernel: z.string().max(100).default(''),
    kernelBuild: z.string().max(200).default(''),
    architecture: z.enum(['x86_64', 'aarch64', 'armv7l', 'mips', 'embedded']),
    released: z.iso.date(),
    retired: z.iso.date(),
    libc: z.enum(['glibc', 'musl', 'uclibc']).default('glibc'),
    shell: z.enum(['bash', 'ash', 'none']),
  }),
  hardware: z.strictObject({
    vendor: z.string().max(100),
    model: z.string().max(100),
    cpu: z.string().max(100),
    cores: z.number().int().min(1).max(256),
    memoryMiB: z.number().int().min(1),
    diskGiB: z.number().min(0.01),
    macPrefixes: z.array(z.string().regex(/^([0-9a-f]{2}:){2}[0-9a-f]{2}$/)).min(1),
    serialPattern: z.string().max(64),
  }),
  /** Bounds that a host of this kind is drawn from. `hostname` patterns: `#` a digit, `@` a letter, `{site}` the organisation's short name. */
  host: z.strictObject({
    hostname: names.min(1),
    installed: z.tuple([z.iso.date(), z.iso.date()]),
    uptimeDays: z.tuple([z.number().min(0), z.number().min(0)]),
    accounts: names.max(50),
    timezone: z.string().max(64).default('Asia/Shanghai'),
  }),
  ssh: z
    .strictObject({
      server: z.enum(['openssh', 'dropbear']),
      ident: z
        .string()
        .regex(/^SSH-2\.0-[\x21-\x7e]+( [\x20-\x7e]+)?$/)
        .max(253),
      released: z.iso.date(),
      kex: names,
      hostKey: names,
      cipher: names,
      mac: names,
      compression: names,
      hostKeys: z.array(z.enum(['rsa', 'ecdsa', 'ed25519'])).min(1),
      rsaBits: z.number().int().default(2048),
      /** Methods offered after a refusal, in the server's order. */
      methods: z.array(z.enum(['publickey', 'password', 'keyboard-interactive'])),
      maxTries: z.number().int().min(1),
      loginGraceS: z.number().min(1),
      /** Range of the delay before a refusal, in ms. */
      refusalMs: z.tuple([z.number().min(0), z.number().min(0)]),
    })
    .optional(),
  web: z
    .strictObject({
      server: z.enum(['nginx', 'apache', 'tengine']),
      version: z.string().max(32),
      header: z.string().max(100),
      released: z.iso.date(),
      module: z.string().max(100).default(''),
      tls: serverTls.extend({ issuer: z.enum(['self', 'internal-ca']) }),
    })
    .optional(),
  /** An industrial device; the sections below are the protocols that it speaks. */
  device: deviceTemplate.optional(),
  modbus: modbusTemplate.optional(),
  s7comm: s7commTemplate.optional(),
  iec104: iec104Template.optional(),
  snmp: snmpTemplate.optional(),
  hmi: hmiTemplate.optional(),
  ftp: ftpTemplate.optional(),
  /** A Windows host: its names on the network, file sharing and remote desktop. */
  windows: windowsTemplate.optional(),
  smb: smbTemplate.optional(),
  rdp: rdpTemplate.optional(),
})
export type PersonaTemplate = z.infer<typeof personaTemplate>

/** The FTP side of a device (RFC 959): whose server it looks like, and the files of its firmware and projects. */
import { z } from 'zod'
import { valueSource } from './device.ts'

const path = z
  .string()
  .max(200)
  .regex(/^(?:\/[A-Za-z0-9_{}#@][A-Za-z0-9_.{}#@-]{0,63})+$/, 'must be an absolute path of plain names')

const file = z.strictObject({
  /** Patterns as in names of devices: `#` a digit, `@` a capital letter, `{site}`, `{firmware}`. */
  path,
  /** Firmware image, project archive, log of what happened, settings as text, records as comma separated values, the plant's alarms as such. */
  kind: z.enum(['firmware', 'project', 'log', 'settings', 'records', 'alarms']),
  /** What records are of: values that the plant's historian keeps. Without, they are made up. */
  values: z
    .array(z.strictObject({ from: valueSource, decimals: z.number().int().min(0).max(4).default(1) }))
    .max(16)
    .default([]),
  /** Seconds from one record to the next; whole minutes, for the historian keeps no more of what is older than an hour. */
  everyS: z.number().int().min(60).max(3600).multipleOf(60).default(60),
  /** About so many bytes; the exact size is drawn. */
  bytes: z.number().int().min(16).max(8_388_608),
  /** Cannot be overwritten or removed. */
  locked: z.boolean().default(false),
})
export type DeviceFile = z.infer<typeof file>

export const ftpTemplate = z.strictObject({
  /** The server's way of speaking. */
  style: z.enum(['vxworks', 'busybox']),
  /** After `220 `. */
  banner: z.string().min(1).max(100),
  /** Connections at once; the next is turned away. */
  connections: z.number().int().min(1).max(64).default(4),
  /** Seconds without a command until it closes. */
  idleS: z.number().int().min(10).max(86_400).default(300),
  /** Bytes that an upload may have before the memory of the device is full. */
  room: z.number().int().min(65_536).max(67_108_864).default(16_777_216),
  folders: z.array(path).max(32).default([]),
  files: z.array(file).max(64).default([]),
})
export type FtpTemplate = z.infer<typeof ftpTemplate>

/** The FTP side of a device (RFC 959): whose server it looks like, and the files of its firmware and projects. */
import { z } from 'zod'

const path = z
  .string()
  .max(200)
  .regex(/^(?:\/[A-Za-z0-9_{}#@][A-Za-z0-9_.{}#@-]{0,63})+$/, 'must be an absolute path of plain names')

const file = z.strictObject({
  /** Patterns as in names of devices: `#` a digit, `@` a capital letter, `{site}`, `{firmware}`. */
  path,
  /** Firmware image, project archive, log of what happened, settings as text, records as comma separated values. */
  kind: z.enum(['firmware', 'project', 'log', 'settings', 'records']),
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

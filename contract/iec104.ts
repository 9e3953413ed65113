/** The IEC 60870-5-104 side of a remote terminal unit: its common address, its points and its commands. */
import { z } from 'zod'
import { valueSource } from './device.ts'

const objectAddress = z.number().int().min(1).max(0xffffff)

/** What is sent: single and double points, scaled and short floating values, with or without a time tag. */
export const iec104Monitored = z.enum(['M_SP_NA_1', 'M_SP_TB_1', 'M_DP_NA_1', 'M_DP_TB_1', 'M_ME_NB_1', 'M_ME_TE_1', 'M_ME_NC_1', 'M_ME_TF_1'])
/** What is taken: commands and set points. */
export const iec104Command = z.enum(['C_SC_NA_1', 'C_DC_NA_1', 'C_SE_NB_1', 'C_SE_NC_1'])

export const iec104Template = z.strictObject({
  connections: z.number().int().min(1).max(32).default(4),
  commonAddress: z.number().int().min(1).max(65_534),
  points: z
    .array(
      z.strictObject({
        address: objectAddress,
        type: iec104Monitored,
        from: valueSource,
        /** Of scaled values: what is sent is value * scale. */
        scale: z.number().default(1),
        /** Least change that is sent by itself, in engineering units; 0 sends every change. */
        deadband: z.number().min(0).default(0),
        /** Groups 1 to 16 of the station interrogation that it belongs to, besides the whole. */
        groups: z.array(z.number().int().min(1).max(16)).max(16).default([]),
      }),
    )
    .min(1)
    .max(1000),
  commands: z
    .array(
      z.strictObject({
        address: objectAddress,
        type: iec104Command,
        from: valueSource,
        scale: z.number().default(1),
        write: z.enum(['operator', 'engineer']).default('operator'),
        /** A select must come before the execute. */
        select: z.boolean().default(false),
      }),
    )
    .max(500)
    .default([]),
})
export type Iec104Template = z.infer<typeof iec104Template>

/** The picture of a machine as its template draws it, after ISA-101: symbols bound to tags on a grid, lines between them. */
import { z } from 'zod'
import { mostSymbols, type SymbolName, symbolKinds } from './plant-symbols.ts'

const symbolId = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,31}$/, 'must begin with a letter and hold letters, digits, _ and -, at most 32')
const place = z.tuple([z.number().min(0).max(160), z.number().min(0).max(100)])
const end = z
  .string()
  .max(48)
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,31}\.(left|right|top|bottom)$/, 'must be a symbol and its side, such as pump.right')

/** Schema of a picture whose tags are written as `tag` says. */
export const pictureShape = <T extends z.ZodType<string>>(tag: T) =>
  z.strictObject({
    /** Width and height of the canvas in units of the grid. */
    size: z.tuple([z.number().int().min(20).max(160), z.number().int().min(8).max(100)]).default([64, 36]),
    symbols: z
      .array(
        z.strictObject({
          id: symbolId,
          kind: z.enum(Object.keys(symbolKinds) as [SymbolName, ...SymbolName[]]),
          /** Left and top, in units. */
          at: place,
          /** Width and height; each kind has its own when nothing is said. */
          size: place.optional(),
          /** The title of its first tag when nothing is said. */
          title: z.strictObject({ zh: z.string().min(1).max(60), en: z.string().min(1).max(60) }).optional(),
          /** Which tag each slot of the kind shows. */
          tags: z.record(z.string().max(16), tag).default({}),
        }),
      )
      .min(1)
      .max(mostSymbols),
    lines: z
      .array(
        z.strictObject({
          from: end,
          to: end,
          /** Corners on the way, in units. */
          via: z.array(place).max(12).default([]),
          kind: z.enum(['pipe', 'duct', 'power', 'shaft', 'signal']).default('pipe'),
          /** An arrow at its end. */
          arrow: z.boolean().default(true),
          /** A tag that is above zero while something flows. */
          flow: tag.optional(),
        }),
      )
      .max(120)
      .default([]),
  })

/** A picture with its tags as events name them, such as `OV2.Z1.PV`. */
export const picture = pictureShape(z.string().max(96))
export type Picture = z.infer<typeof picture>
export type PictureSymbol = Picture['symbols'][number]
export type PictureLine = Picture['lines'][number]

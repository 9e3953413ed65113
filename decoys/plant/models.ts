/** The process models by name: one line adds the next, beside its line in contract/plant-models.ts. */
import type { ModelName } from '@shenlou/contract/plant-models'
import { makeBatching } from './models/batching.ts'
import { makeCrane } from './models/crane.ts'
import { makeHydraulic } from './models/hydraulic.ts'
import type { Model, Parameters } from './models/model.ts'
import { makeOven } from './models/oven.ts'
import { makeTurbine } from './models/turbine.ts'

export const models: { readonly [M in ModelName]: (parameters: Parameters<M>) => Model } = {
  oven: makeOven,
  hydraulic: makeHydraulic,
  batching: makeBatching,
  crane: makeCrane,
  turbine: makeTurbine,
}

/** Severities in order. */
import { type Severity, severity as schema } from '@shenlou/contract/primitives'

/** 0 for `info` to 4 for `critical`. */
export const rank = (severity: Severity): number => schema.options.indexOf(severity)

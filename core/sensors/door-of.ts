/** The open door of a core, for the routes that need it. */
import type { Core } from '../core.ts'

export interface OpenDoor {
  /** `host:port` as sensors reach it; goes into enrolment tokens. */
  readonly address: string
  /** SHA-256 of the authority's key, which sensors pin. */
  readonly keyHash: string
  revoke(serials: string[]): void
}

const doors = new WeakMap<Core, OpenDoor>()
export const doorOf = (core: Core): OpenDoor | undefined => doors.get(core)
export const setDoor = (core: Core, door: OpenDoor | undefined): void => {
  if (door) doors.set(core, door)
  else doors.delete(core)
}

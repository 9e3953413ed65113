/** The services that decoys can have, one line each, and the world they share. */
import { modbus } from './industrial/modbus/modbus.ts'
import { portal, portalHttps } from './portal/portal.ts'
import { ssh } from './ssh/ssh.ts'

export { openWorld } from './world.ts'

export const services = [modbus, portal, portalHttps, ssh]

/** The services that decoys can have, one line each, and the world they share. A service's code is loaded when a decoy with it is placed. */
import { lazily } from './decoy.ts'

export { openWorld } from './world.ts'

/** Loads the engine of plants, which only a worker with industrial devices needs. */
export const plantEngine = async () => (await import('./plant/plants.ts')).openPlants

export const services = [
  lazily('ftp', async () => (await import('./industrial/ftp/ftp.ts')).ftp),
  lazily('ftp-data', async () => (await import('./industrial/ftp/ftp.ts')).ftpData),
  lazily('hmi', async () => (await import('./industrial/hmi/hmi.ts')).hmi),
  lazily('hmi-https', async () => (await import('./industrial/hmi/hmi.ts')).hmiHttps),
  lazily('iec104', async () => (await import('./industrial/iec104/iec104.ts')).iec104),
  lazily('listener', async () => (await import('./listener/listener.ts')).listener),
  lazily('listener-udp', async () => (await import('./listener/datagrams.ts')).listenerUdp),
  lazily('modbus', async () => (await import('./industrial/modbus/modbus.ts')).modbus),
  lazily('rdp', async () => (await import('./windows/rdp/rdp.ts')).rdp),
  lazily('s7comm', async () => (await import('./industrial/s7comm/s7comm.ts')).s7comm),
  lazily('smb', async () => (await import('./windows/smb/smb.ts')).smb),
  lazily('snmp', async () => (await import('./industrial/snmp/snmp.ts')).snmp),
  lazily('portal', async () => (await import('./portal/portal.ts')).portal),
  lazily('portal-https', async () => (await import('./portal/portal.ts')).portalHttps),
  lazily('ssh', async () => (await import('./ssh/ssh.ts')).ssh),
]

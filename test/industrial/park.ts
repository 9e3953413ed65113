/** The machinery park as it ships for trying out, in an installation of a test: its devices on loopback addresses that no other test uses. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type Installation, install, root, until } from '../installation.ts'

export interface Park {
  site: Installation
  /** Where a decoy of the scenario answers. */
  address(decoy: string): string
  /** Ports of its services, as the scenario says them. */
  port(decoy: string, service: string): number
  /** Addresses of this machine that are two adversaries, beside the one of programs that choose none. */
  attacker: string
  stranger: string
}

/** A block of loopback addresses by process, so that installations side by side do not meet. */
const block = `127.${64 + (process.pid % 128)}.${1 + ((process.pid >> 7) % 250)}`

/** Whether a device says anything to the first bytes of any of its protocols, or closes upon them; a stranger's, that no test looks at. */
const greeted = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port, localAddress: `${block}.200` })
    const done = (seen: boolean): void => {
      socket.destroy()
      resolve(seen)
    }
    socket.setTimeout(3000, () => done(false))
    socket.on('error', ({ code }: NodeJS.ErrnoException) => done(code === 'ECONNRESET'))
    socket.on('close', () => done(true))
    socket.on('data', () => done(true))
    // A request of HTTP, and the first bytes of no other protocol: those close the connection once they read them.
    socket.write('\r\n\r\nGET / HTTP/1.0\r\n\r\n')
  })

/** Starts an installation with `templates/scenarios/machinery-park-trial.yaml`, whose addresses 127.0.0.x become those of this process. */
export async function startPark(): Promise<Park> {
  const text = readFileSync(join(root, 'templates/scenarios/machinery-park-trial.yaml'), 'utf8').replaceAll(/127\.0\.0\.(?=\d)/g, `${block}.`)
  const places = new Map(
    [...text.matchAll(/decoy: ([\w-]+), address: ([\d.]+)(?:, ports: \{([^}]*)\})?/g)].map(([, decoy = '', address = '', ports = '']) => [
      decoy,
      { address, ports: new Map([...ports.matchAll(/([\w-]+): (\d+)/g)].map(([, service = '', port]) => [service, Number(port)])) },
    ]),
  )
  const place = (decoy: string) => {
    const found = places.get(decoy)
    if (!found) throw new Error(`the park has no decoy ${decoy}`)
    return found
  }
  const site = await install({ scenario: () => text })
  // A plant that is new first lives through the day before it; a device answers once its plant has caught up.
  try {
    for (const { address, ports } of places.values())
      for (const [service, port] of ports)
        if (service !== 'snmp' && service !== 'ftp-data') await until(`${address}:${port} to have its plant`, () => greeted(address, port), 60_000)
  } catch (error) {
    await site.remove()
    throw error
  }
  return {
    site,
    address: (decoy) => place(decoy).address,
    port(decoy, service) {
      const port = place(decoy).ports.get(service)
      if (port === undefined) throw new Error(`${decoy} has no ${service} in the park`)
      return port
    },
    attacker: `${block}.201`,
    stranger: `${block}.202`,
  }
}

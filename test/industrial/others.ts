/** Programs of others that talk to controllers, as the tests run them. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import NodeS7 from 'nodes7'

export const execute = promisify(execFile)

/** What nmap's scripts print about a port. The scripts know a protocol by its usual port, so they are forced onto others. */
export async function nmap(host: string, port: number, scripts: string, transport: 'tcp' | 'udp' = 'tcp'): Promise<string> {
  const { stdout } = await execute(
    'nmap',
    [transport === 'tcp' ? '-sT' : '-sU', '-Pn', '-n', '-p', String(port), '--script', scripts.replaceAll(/[^,]+/g, '+$&'), host],
    { timeout: 60_000 },
  )
  return stdout
}

/** mbpoll once: `table` 0 coils, 1 inputs, 3 input registers, 4 holding registers (`4:float` too); references count from 1. Values to write come last. */
export async function mbpoll(
  host: string,
  port: number,
  { table, from, count, unit = 1, write }: { table: string; from: number; count?: number; unit?: number; write?: string[] },
): Promise<{ code: number; output: string; values: string[] }> {
  const args = ['-m', 'tcp', '-p', String(port), '-a', String(unit), '-t', table, '-r', String(from), '-o', '3', '-1', '-q']
  const target = write ? [host, '--', ...write] : ['-c', String(count ?? 1), host]
  const { code, output } = await execute('mbpoll', [...args, ...target], { timeout: 20_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, output: stdout + stderr }),
  )
  return { code, output, values: [...output.matchAll(/^\[\d+\]:\s+(\S+)/gm)].map(([, value = '']) => value) }
}

/** Runs a script with Debian's Python and `client` connected by pymodbus, and gives what it printed as JSON. */
export async function pymodbus(host: string, port: number, script: string): Promise<unknown> {
  const program = `
import json
from pymodbus.client import ModbusTcpClient
from pymodbus.mei_message import ReadDeviceInformationRequest
client = ModbusTcpClient(${JSON.stringify(host)}, port=${port}, timeout=5)
assert client.connect()
out = {}
${script}
client.close()
print(json.dumps(out))
`
  const { stdout } = await execute('/usr/bin/python3', ['-c', program], { timeout: 30_000 })
  return JSON.parse(stdout)
}

interface Addresses {
  [name: string]: string
}

/** nodes7 connected to a controller; variables are named as `{ PV: 'DB10,REAL0' }`. */
export async function nodes7(
  host: string,
  port: number,
  slot: number,
  addresses: Addresses,
): Promise<{ read(): Promise<Record<string, unknown>>; write(name: string, value: unknown): Promise<void>; close(): Promise<void> }> {
  const client = new NodeS7({ silent: true })
  await new Promise<void>((resolve, reject) =>
    client.initiateConnection({ host, port, rack: 0, slot, timeout: 5000 }, (error: unknown) => (error ? reject(new Error(String(error))) : resolve())),
  )
  client.setTranslationCB((name: string) => addresses[name])
  client.addItems(Object.keys(addresses))
  return {
    read: () =>
      new Promise((resolve, reject) =>
        client.readAllItems((bad: boolean, values: Record<string, unknown>) => (bad ? reject(new Error(JSON.stringify(values))) : resolve(values))),
      ),
    write: (name, value) =>
      new Promise((resolve, reject) => {
        client.writeItems(name, value, (bad: boolean) => (bad ? reject(new Error(`${name} was refused`)) : resolve()))
      }),
    close: () => new Promise((resolve) => client.dropConnection(() => resolve())),
  }
}

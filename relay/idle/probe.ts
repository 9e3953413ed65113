/** ARP sent on purpose: questions whether an address is in use, and answers that mend neighbours' caches; both by arp-scan. */
import { spawn } from 'node:child_process'
import { addressNumber, addressText, macNumber, macText } from './addresses.ts'

export interface ProbeResult {
  answered: { address: number; mac: number }[]
  clean: number[]
  /** Why nothing can be said; then both lists are empty. */
  failed?: string
}
export interface ArpOptions {
  device: string
  /** The relay's own address in the segment; without one the question comes from 0.0.0.0, as a host asks before it takes an address (RFC 5227, section 2.1.1). */
  own?: string | undefined
  program?: string
  signal?: AbortSignal | undefined
}

/** Between two packets; the engine bounds how many there are. */
const apart = '2000u'

/**
 * Asks each address twice and waits 300 ms for each answer. From an own address the question cannot be taken for a claim by a host that is just probing the same
 * address itself, and is answered by stacks that know no sender but their neighbours.
 */
export async function probeAddresses(
  addresses: readonly number[],
  { device, own = '0.0.0.0', program = 'arp-scan', signal }: ArpOptions,
): Promise<ProbeResult> {
  const args = ['-I', device, '-q', '-x', '-N', '-g', '-r', '2', '-b', '1', '-t', '300', '-i', apart, `--arpspa=${own}`, '--file=-']
  const limitMs = 3000 + addresses.length * 10
  const { text, failed } = await run(program, args, `${addresses.map(addressText).join('\n')}\n`, limitMs, signal)
  if (failed !== undefined) return { answered: [], clean: [], failed }
  const asked = new Set(addresses)
  const answered = new Map<number, number>()
  for (const line of text.split('\n')) {
    const [ip = '', mac = ''] = line.split(/\s+/)
    const address = addressNumber(ip)
    if (address !== undefined && asked.has(address) && macNumber(mac) !== 0) answered.set(address, macNumber(mac))
  }
  return {
    answered: [...answered].map(([address, mac]) => ({ address, mac })),
    clean: addresses.filter((address) => !answered.has(address)),
  }
}

/**
 * Tells the neighbours who really has an address: a gratuitous request (RFC 5944, section 4.6) whose body names the owner, while the frame's own sender stays this
 * interface, so that no switch learns the owner's MAC on the relay's port. Answers why it could not.
 */
export async function healAddress(address: number, mac: number, { device, program = 'arp-scan', signal }: ArpOptions): Promise<string | undefined> {
  const ip = addressText(address)
  const args = ['-I', device, '-q', '-x', '-N', '-r', '1', '-t', '10', `--arpsha=${macText(mac)}`, `--arpspa=${ip}`, ip]
  return (await run(program, args, '', 3000, signal)).failed
}

interface Ran {
  text: string
  failed?: string
}

/** Output is bounded: a line an address of a /16 fits. */
function run(program: string, args: readonly string[], input: string, limitMs: number, signal?: AbortSignal): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: limitMs, killSignal: 'SIGKILL', ...(signal ? { signal } : {}) })
    let text = ''
    let errors = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      if (text.length < 4_000_000) text += part
    })
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      errors = (errors + part).slice(-300)
    })
    child.stdin.on('error', () => {})
    child.on('error', (error) => resolve({ text: '', failed: `${program} could not be run: ${error.message}` }))
    child.on('close', (code, killed) => {
      if (code === 0) resolve({ text })
      else resolve({ text: '', failed: `${program} ended with ${killed ?? code}: ${errors.trim().split('\n').at(-1) ?? ''}`.slice(0, 300) })
    })
    child.stdin.end(input)
  })
}

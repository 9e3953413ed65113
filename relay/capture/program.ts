/** Runs the system's own programs (ip, nft) as children of this process, bounded in time, and says what went wrong in a line. */
import { spawn } from 'node:child_process'

/** Debian packages that bring the programs of capture. */
export const packages: Record<string, string> = {
  nft: 'nftables',
  ip: 'iproute2',
  tcpdump: 'tcpdump',
  'arp-scan': 'arp-scan',
  unshare: 'util-linux',
  setpriv: 'util-linux',
}
/** Programs of administrators are not in everybody's PATH. */
export const programPath = '/usr/sbin:/usr/bin:/sbin:/bin'

/** Resolves to what it wrote. `inherited` becomes its descriptor 3. Rejects with one line: that it is missing and what brings it, or what it said first. */
export function runProgram(name: string, args: readonly string[], input?: string, inherited?: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, {
      stdio: ['pipe', 'pipe', 'pipe', ...(inherited === undefined ? [] : [inherited])],
      env: { PATH: programPath, LC_ALL: 'C' },
      timeout: 20_000,
      killSignal: 'SIGKILL',
    })
    const out: Buffer[] = []
    let said = ''
    child.stdout?.on('data', (bytes: Buffer) => out.push(bytes))
    child.stderr?.on('data', (bytes: Buffer) => {
      if (said.length < 4096) said += bytes
    })
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Error(`the program ${name} is missing; install the package ${packages[name] ?? name}`) : error),
    )
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(out).toString())
      const line = said.split('\n').find((text) => text.trim() !== '')
      reject(new Error(`${name} ${args.join(' ').slice(0, 80)}: ${line?.trim().slice(0, 200) ?? (signal ? `ended by ${signal}` : `ended with ${code}`)}`))
    })
    child.stdin?.on('error', () => {}) // it ended early; its exit says why
    child.stdin?.end(input)
  })
}

/** One transaction: all of it or nothing. */
export const nft = async (script: string): Promise<void> => {
  if (script !== '') await runProgram('nft', ['-f', '-'], script)
}

/** Elements of a set as nft's JSON has them: the value alone, without timeouts. */
export const listSet = async (family: 'netdev' | 'ip', table: string, set: string): Promise<unknown[]> => (await listed('set', family, table, set)).map(plain)
/** Keys of a map with their values. */
export const listMap = async (family: 'netdev' | 'ip', table: string, map: string): Promise<[unknown, unknown][]> =>
  ((await listed('map', family, table, map)) as [unknown, unknown][]).map(([key, value]) => [plain(key), plain(value)])

type Listed = { elem?: unknown[] }
async function listed(kind: 'set' | 'map', family: 'netdev' | 'ip', table: string, name: string): Promise<unknown[]> {
  const { nftables } = JSON.parse(await runProgram('nft', ['-j', 'list', kind, family, table, name])) as { nftables: { set?: Listed; map?: Listed }[] }
  return nftables.find((entry) => entry[kind])?.[kind]?.elem ?? []
}
const plain = (element: unknown): unknown =>
  typeof element === 'object' && element !== null && 'elem' in element ? (element.elem as { val: unknown }).val : element
/** The parts of a concatenated value. */
export const parts = (value: unknown): unknown[] => (typeof value === 'object' && value !== null && 'concat' in value ? (value.concat as unknown[]) : [value])

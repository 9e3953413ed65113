/**
 * Starts workers where they can reach nothing: an empty network, another user, no privileges to gain, and a file system that holds the code and nothing
 * else. Where the kernel refuses that, the next best is taken and said.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keepWorkerCode } from './worker-code.ts'

export interface Containment {
  /** Neither a network nor the host's files can be reached. */
  readonly contained: boolean
  /** One sentence for people: what holds, or what the kernel refused. */
  readonly how: string
  readonly way: Way
  readonly jail: string
}
type Way = 'jail-root' | 'jail-user' | 'namespace-root' | 'namespace-user' | 'user' | 'none'

export interface ContainedProgram {
  /** Module of this repository to run, as a file URL, and its arguments; those that are file URLs below the repository are translated. */
  module: string
  args?: string[]
  /** Tells the workers' users apart. */
  index?: number
  /** Leaves Node's own permission model off, so that a test sees what the kernel alone holds back. */
  kernelOnly?: boolean
}

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')
/** What a worker reads of the repository. */
const codeFolders = ['contract', 'link', 'decoys', 'node_modules']
/** No distribution gives these ids out; each worker has its own, so that none can signal or trace another. */
const firstUser = 64_200
const path = '/usr/sbin:/usr/bin:/sbin:/bin'

const isRoot = (): boolean => process.getuid?.() === 0

/** Makes the workers' code ready, and finds the strongest way that works here by trying each. `dataDir` gets an empty folder on which the workers' root is mounted, seen by them only. */
export async function findContainment(dataDir: string): Promise<Containment> {
  const jail = join(dataDir, 'jail')
  mkdirSync(jail, { recursive: true, mode: 0o700 })
  await keepWorkerCode()
  if (process.platform !== 'linux') return { contained: false, how: 'workers are contained on Linux only', way: 'none', jail }
  const ways: [Way, string][] = isRoot()
    ? [
        ['jail-root', 'own user, empty network, own process and file system namespaces, no new privileges'],
        ['namespace-root', 'own user, empty network, no new privileges; no file system of its own'],
        ['user', 'own user and no new privileges only: the kernel refused an empty network'],
      ]
    : [
        ['jail-user', 'empty network, own process and file system namespaces, no new privileges'],
        ['namespace-user', 'empty network and no new privileges only: the kernel refused a file system of its own'],
      ]
  for (const [way, how] of ways) {
    const containment: Containment = { contained: way.startsWith('jail') || way === 'namespace-root', how, way, jail }
    if (await works(containment)) return containment
  }
  return {
    contained: false,
    how: 'the kernel refused namespaces; workers run as the decoy host itself, held by the permission model of Node only',
    way: 'none',
    jail,
  }
}

/** Starts a program contained, with its ends of three pipes: 1 and 2 for text, 3 the socket to us. It gets no environment. */
export function spawnContained(containment: Containment, { module, args = [], index = 0, kernelOnly = false }: ContainedProgram): ChildProcess {
  const inside = containment.way.startsWith('jail') ? '/app' : root
  const translate = (text: string): string => (text.startsWith('file:') ? `file://${join(inside, relative(root, fileURLToPath(text)))}` : text)
  return start(containment, index, kernelOnly, [fileURLToPath(translate(module)), ...args.map(translate)])
}

function start({ way, jail }: Containment, index: number, kernelOnly: boolean, nodeArgs: string[]): ChildProcess {
  const user = String(firstUser + (index % 1000))
  const drop = ['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--pdeathsig=KILL']
  const change = [`--reuid=${user}`, `--regid=${user}`, '--clear-groups', ...drop]
  const inside = way.startsWith('jail') ? '/app' : root
  const flags = [
    ...(kernelOnly ? [] : ['--permission', ...codeFolders.map((folder) => `--allow-fs-read=${join(inside, folder)}/`)]),
    '--max-old-space-size=1024',
    '--max-semi-space-size=2',
    '--disable-proto=delete',
    `--import=${join(inside, 'decoys/worker-code-hook.js')}`,
  ]
  const node = [way.startsWith('jail') ? '/node' : process.execPath, ...flags, ...nodeArgs]
  const jailed = (setpriv: string[]): string[] => ['/bin/sh', '-c', jailScript, 'jail', jail, root, process.execPath, '/setpriv', ...setpriv, '--', ...node]
  const spaces = ['unshare', '--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child=KILL', '--']
  const die = ['setpriv', '--pdeathsig=KILL', '--']
  const command: Record<Way, string[]> = {
    'jail-root': [...die, ...spaces, ...jailed(change)],
    // The kernel forgets the death signal when a user namespace is entered, so it is asked for after.
    'jail-user': ['unshare', '--user', '--map-root-user', '--', ...die, ...spaces, ...jailed(drop)],
    'namespace-root': [...die, 'unshare', '--net', '--ipc', '--', 'setpriv', ...change, '--', ...node],
    'namespace-user': ['unshare', '--user', '--map-root-user', '--net', '--ipc', '--', 'setpriv', ...drop, '--', ...node],
    user: ['setpriv', ...change, '--', ...node],
    none: node,
  }
  const [program, ...rest] = command[way] as [string, ...string[]]
  // Its own session: a Ctrl-C at the terminal is ours to handle.
  return spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], env: { PATH: path }, cwd: '/', detached: true })
}

/**
 * Runs as root of the new namespaces: makes a root on an empty memory file system that has the libraries, node, and our code, all read-only, then leaves
 * for it. There is no /proc, no /etc and no home in it.
 */
const jailScript = `
set -e
jail=$1; root=$2; node=$3; shift 3
mount -t tmpfs -o mode=0755,size=256k,nr_inodes=128 none "$jail"
readonly_bind() {
  mount --rbind "$1" "$2"
  mount -o remount,bind,ro,nosuid,nodev "$2" 2>/dev/null || mount -o remount,bind,ro "$2" 2>/dev/null || :
}
mkdir -p "$jail/usr" "$jail/app" "$jail/dev"
for folder in usr/lib usr/lib64 lib lib64; do
  if [ -L "/$folder" ]; then ln -s "$(readlink "/$folder")" "$jail/$folder"
  elif [ -d "/$folder" ]; then mkdir "$jail/$folder"; readonly_bind "/$folder" "$jail/$folder"
  fi
done
for folder in ${codeFolders.join(' ')}; do mkdir "$jail/app/$folder"; readonly_bind "$root/$folder" "$jail/app/$folder"; done
: > "$jail/node"; readonly_bind "$node" "$jail/node"
: > "$jail/setpriv"; readonly_bind "$(command -v setpriv)" "$jail/setpriv"
for device in null urandom; do : > "$jail/dev/$device"; mount --bind "/dev/$device" "$jail/dev/$device"; done
mount -o remount,ro,mode=0755,size=256k "$jail" 2>/dev/null || :
exec env -i "$(command -v chroot)" "$jail" "$@"
`

const works = (containment: Containment): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = spawnContained(containment, { module: new URL('contain-probe.js', import.meta.url).href, index: 999 })
    const timer = setTimeout(() => probe.kill('SIGKILL'), 8000)
    for (const stream of probe.stdio) stream?.on('error', () => {})
    probe.stdout?.resume()
    probe.stderr?.resume()
    probe.on('error', () => resolve(false))
    probe.on('close', (code) => {
      clearTimeout(timer)
      resolve(code === 0)
    })
  })

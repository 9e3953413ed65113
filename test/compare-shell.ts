/**
 * Runs every case of decoys/shell/cases/bash-oneliners.txt in the system's bash, and those of ash-oneliners.txt in its BusyBox ash, and says which differ
 * from what is expected there without the case giving a reason (`!`). Not part of `npm test`: it depends on the system's versions. Each case runs in an
 * empty folder, as an unprivileged user where it can, for at most five seconds.
 *
 *     node test/compare-shell.ts [part of a title]
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCases, type ShellCase } from '../decoys/shell/cases.ts'

const nobody = 65_534
const part = process.argv[2] ?? ''

/**
 * What no case need say: bash 5.1 and later number the lines of -c from 1 and end at a syntax error with 2, where 4.2 says line 0 (of builtins and syntax
 * alone) and 1; Debian's ash is built to say lines, OpenWrt's is not; a line more or less there is the same fault.
 */
function plain({ output, code }: { output: string; code: number }): string {
  const syntax = /^bash: -c: line/.test(output)
  const text = output
    .replaceAll(/^bash: line \d+: /gm, 'bash: ')
    .replaceAll(/^bash: -c: line \d+: /gm, 'bash: -c: ')
    .replaceAll(/^(ash: (?:cd: )?)line \d+: /gm, '$1')
  return `${syntax ? 'syntax' : code} ${syntax && /looking for matching/.test(text) ? (text.split('\n')[0] ?? '') : text}`
}

/** A folder in which every applet of BusyBox is a program, as on a router. */
function applets(): string {
  const folder = mkdtempSync(join(tmpdir(), 'applets-'))
  chmodSync(folder, 0o755)
  execFileSync('busybox', ['--install', '-s', folder])
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}
const router = applets()

/** What the system's shell prints on both streams, and its exit code. */
function ask(shell: string[], { command }: ShellCase): { output: string; code: number } {
  const base = mkdtempSync(join(tmpdir(), 'shell-'))
  chmodSync(base, 0o755)
  const box = join(base, 'box')
  execFileSync('mkdir', ['-m', '777', box])
  const [program = 'bash', ...before] = shell
  const { stdout, status } = spawnSync(
    '/bin/sh',
    ['-c', 'exec 2>&1; exec "$@"', 'sh', program, ...before, '-c', command, program === 'bash' ? 'bash' : 'ash'],
    {
      cwd: box,
      encoding: 'latin1',
      timeout: 5000,
      killSignal: 'SIGKILL',
      maxBuffer: 1_000_000,
      env: { PATH: program === 'bash' ? '/usr/bin:/bin' : router, HOME: box, LC_ALL: 'C', TZ: 'Asia/Shanghai' },
      stdio: ['ignore', 'pipe', 'ignore'],
      ...(process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}),
    },
  )
  rmSync(base, { recursive: true, force: true })
  return { output: stdout.replaceAll(base, '/tmp'), code: status ?? -1 }
}

let wrong = 0
for (const [file, shell] of [
  ['bash-oneliners', ['bash']],
  ['ash-oneliners', ['/bin/busybox', 'ash']],
] as const) {
  const cases = readCases(readFileSync(new URL(`../decoys/shell/cases/${file}.txt`, import.meta.url), 'latin1'))
  let same = 0
  let explained = 0
  for (const one of cases) {
    if (!one.title.includes(part)) continue
    const real = ask([...shell], one)
    if (plain(real) === plain(one)) {
      same++
      if (one.differs !== undefined) console.log(`${file}: "${one.title}" gives a reason and does not differ`)
    } else if (one.differs !== undefined) explained++
    else {
      wrong++
      console.log(`${file}: ${one.command}\n  expected (${one.code}): ${JSON.stringify(one.output)}\n  system   (${real.code}): ${JSON.stringify(real.output)}`)
    }
  }
  const version = execFileSync('sh', ['-c', file.startsWith('bash') ? 'bash --version | head -1' : 'busybox | head -1'], { encoding: 'utf8' }).trim()
  console.log(`${file}: ${same} as ${version}, ${explained} differ for a reason given`)
}
console.log(`${wrong} differ without one`)
process.exitCode = wrong > 0 ? 1 : 0

/** What rpm and dpkg say of the packages that are installed. */
import { packagesOf } from '../../world/packages.ts'
import type { CommandTable, Run } from '../command.ts'

/** The true path that a question names, so that /bin/ls and /usr/bin/ls are one. */
const realOf = (run: Run, path: string): string => {
  try {
    return run.seat.world.files.real(run.shell.path(path), false)
  } catch {
    return path
  }
}

export const rpmQuery: CommandTable[string] = (run, args) => {
  const packages = packagesOf(run.seat.world.host)
  const machine = run.seat.world.persona.template.os.architecture
  const letters = args.filter((a) => /^-[a-z]+$/i.test(a)).join('')
  const names = args.filter((a) => !a.startsWith('-'))
  const plain = (version: string): string => version.replace(/^\d+:/, '')
  if (args.includes('--version')) {
    run.out('RPM version 4.11.3\n')
    return 0
  }
  if (!letters.includes('q')) {
    run.err(letters === '' ? 'RPM version 4.11.3\nrpm: no arguments given\n' : `error: open of ${names[0] ?? ''} failed: No such file or directory\n`)
    return 1
  }
  if (letters.includes('a')) {
    for (const one of packages) {
      const full = `${one.name}-${plain(one.version)}.${machine}`
      if (names.length === 0 || names.some((n) => one.name === n || (n.endsWith('*') && one.name.startsWith(n.slice(0, -1))))) run.out(`${full}\n`)
    }
    return 0
  }
  let status = 0
  for (const name of names) {
    const path = realOf(run, name)
    const one = letters.includes('f')
      ? packages.find((p) => p.files.includes(path))
      : packages.find((p) => p.name === name || `${p.name}-${plain(p.version)}` === name)
    if (!one) {
      const missing = letters.includes('f') && !run.seat.fs.stat(run.shell.path(name))
      run.out(
        missing
          ? `error: file ${name}: No such file or directory\n`
          : letters.includes('f')
            ? `file ${name} is not owned by any package\n`
            : `package ${name} is not installed\n`,
      )
      status++
    } else if (letters.includes('l')) run.out(one.files.map((f) => `${f}\n`).join('') || '(contains no files)\n')
    else if (letters.includes('i')) {
      const [version = '', release = ''] = plain(one.version).split(/-(?=[^-]*$)/)
      run.out(`Name        : ${one.name}\nVersion     : ${version}\nRelease     : ${release}\nArchitecture: ${machine}\nSummary     : ${one.text}\n`)
    } else run.out(`${one.name}-${plain(one.version)}.${machine}\n`)
  }
  return status
}

export const dpkgQuery: CommandTable[string] = (run, args) => {
  const packages = packagesOf(run.seat.world.host)
  const names = args.filter((a) => !a.startsWith('-'))
  const is = (...flags: string[]): boolean => args.some((a) => flags.includes(a))
  if (is('--print-architecture')) run.out('amd64\n')
  else if (is('-l', '--list')) {
    const list = packages.filter((p) => names.length === 0 || names.some((n) => p.name === n || (n.endsWith('*') && p.name.startsWith(n.slice(0, -1)))))
    if (list.length === 0) {
      run.err(`dpkg-query: no packages found matching ${names[0] ?? ''}\n`)
      return 1
    }
    const wide = (cells: string[], least: number): number => Math.max(least, ...cells.map((c) => c.length))
    const [n, v] = [
      wide(
        list.map((p) => p.name),
        14,
      ),
      wide(
        list.map((p) => p.version),
        12,
      ),
    ]
    run.out(
      `Desired=Unknown/Install/Remove/Purge/Hold\n| Status=Not/Inst/Conf-files/Unpacked/halF-conf/Half-inst/trig-aWait/Trig-pend\n|/ Err?=(none)/Reinst-required (Status,Err: uppercase=bad)\n||/ ${'Name'.padEnd(n)} ${'Version'.padEnd(v)} Architecture Description\n+++-${'='.repeat(n)}-${'='.repeat(v)}-============-=================================\n`,
    )
    for (const p of list) run.out(`ii  ${p.name.padEnd(n)} ${p.version.padEnd(v)} amd64        ${p.text}\n`)
  } else if (is('-S', '--search') || is('-L', '--listfiles') || is('-s', '--status')) {
    let status = 0
    for (const name of names) {
      const path = realOf(run, name)
      const one = is('-S', '--search') ? packages.find((p) => p.files.some((f) => f === path)) : packages.find((p) => p.name === name)
      if (!one) {
        run.err(is('-S', '--search') ? `dpkg-query: no path found matching pattern ${name}\n` : `dpkg-query: package '${name}' is not installed\n`)
        status = 1
      } else if (is('-S', '--search')) run.out(`${one.name}: ${path}\n`)
      else if (is('-L', '--listfiles')) run.out(`/.\n${one.files.map((f) => `${f}\n`).join('')}`)
      else run.out(`Package: ${one.name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: ${one.version}\nDescription: ${one.text}\n`)
    }
    return status
  } else if (is('-i', '--install')) {
    run.err(`dpkg: error: cannot access archive '${names[0] ?? ''}': No such file or directory\n`)
    return 2
  } else if (is('--version')) run.out(`Debian 'dpkg' package management program version ${packages.find((p) => p.name === 'dpkg')?.version} (amd64).\n`)
  else {
    run.err('dpkg: error: need an action option\n\nType dpkg --help for help about installing and deinstalling packages [*];\n')
    return 2
  }
  return 0
}

/** Interpreters, package managers, archivers, editors, and BusyBox itself. */
import { dialectOf } from '../call.ts'
import { complain } from '../command.ts'
import type { CommandTable, Run } from '../command.ts'
import { options } from '../command.ts'
import { readAll } from '../io.ts'
import { reasonOf, show } from '../seat.ts'
import { refused } from './network.ts'
import { dpkgQuery, rpmQuery } from './packages.ts'

const applets =
  '[, [[, ash, awk, basename, brctl, bunzip2, bzcat, cat, chgrp, chmod, chown, chroot, clear, cmp, cp, crond, crontab, cut, date, dd, df, dirname, dmesg, du, echo, egrep, env, expr, false, fgrep, find, flock, free, fsync, grep, gunzip, gzip, halt, head, hexdump, hostid, hwclock, id, ifconfig, ifdown, ifup, kill, killall, less, ln, lock, logger, login, ls, lsmod, md5sum, mkdir, mkfifo, mknod, mktemp, mount, mv, nc, netmsg, netstat, nice, nslookup, ntpd, passwd, pgrep, pidof, ping, ping6, pivot_root, pkill, poweroff, printf, ps, pwd, readlink, reboot, reset, rm, rmdir, route, sed, seq, sh, sha256sum, sleep, sort, start-stop-daemon, strings, switch_root, sync, sysctl, tail, tar, tee, test, time, top, touch, tr, traceroute, true, udhcpc, umount, uname, uniq, uptime, vi, wc, which, xargs, yes, zcat'

const versions: Record<string, Record<string, string>> = {
  centos: {
    python: 'Python 2.7.5',
    python2: 'Python 2.7.5',
    perl: '\nThis is perl 5, version 16, subversion 3 (v5.16.3) built for x86_64-linux-thread-multi\n(with 39 registered patches, see perl -V for more detail)\n\nCopyright 1987-2012, Larry Wall\n',
    openssl: 'OpenSSL 1.0.2k-fips  26 Jan 2017',
    bash: 'GNU bash, version 4.2.46(2)-release (x86_64-redhat-linux-gnu)\nCopyright (C) 2011 Free Software Foundation, Inc.',
  },
  ubuntu: {
    python3: 'Python 3.6.9',
    perl: '\nThis is perl 5, version 26, subversion 1 (v5.26.1) built for x86_64-linux-gnu-thread-multi\n(with 67 registered patches, see perl -V for more detail)\n\nCopyright 1987-2017, Larry Wall\n',
    openssl: 'OpenSSL 1.1.1  11 Sep 2018',
    bash: 'GNU bash, version 4.4.20(1)-release (x86_64-pc-linux-gnu)\nCopyright (C) 2016 Free Software Foundation, Inc.',
  },
  debian: {
    python3: 'Python 3.11.2',
    perl: '\nThis is perl 5, version 36, subversion 0 (v5.36.0) built for x86_64-linux-gnu-thread-multi\n(with 60 registered patches, see perl -V for more detail)\n\nCopyright 1987-2022, Larry Wall\n',
    openssl: 'OpenSSL 3.0.11 19 Sep 2023 (Library: OpenSSL 3.0.11 19 Sep 2023)',
    bash: 'GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)\nCopyright (C) 2022 Free Software Foundation, Inc.',
  },
  openwrt: {},
}

/** An interpreter: says its version, tries simple prints, and fails on anything else as on a missing module. */
const interpreter: CommandTable[string] = async (run, args) => {
  const version =
    versions[run.seat.world.host.flavour]?.[run.name.replace(/(python[23])\.\d$/, '$1')] ?? versions[run.seat.world.host.flavour]?.[run.name] ?? ''
  if (args[0] === '-V' || args[0] === '--version' || (args[0] === '-v' && run.name === 'perl')) {
    if (run.name === 'python' || run.name.startsWith('python2')) run.err(`${version}\n`)
    else run.out(`${version}\n`)
    return 0
  }
  const inline = args.findIndex((a) => a === '-c' || a === '-e')
  let code: string
  if (inline !== -1) code = args[inline + 1] ?? ''
  else {
    const file = args.filter((a) => !a.startsWith('-'))[0]
    if (file === undefined) {
      if (run.input.terminal) {
        run.out(`${version} (default, Apr  2 2020, 13:16:51) \n[GCC] on linux\nType "help", "copyright", "credits" or "license" for more information.\n>>> `)
        for (let line = await run.input.line(); line !== null && !/^(exit|quit)\b/.test(line); line = await run.input.line()) run.out(`${evaluate(line)}>>> `)
        return 0
      }
      code = await readAll(run.input)
    } else {
      try {
        code = run.seat.fs.read(run.shell.path(file)).toString('latin1')
        await run.seat.capture(run.shell.path(file), Buffer.from(code, 'latin1'), 'shell')
      } catch (error) {
        run.err(
          run.name === 'perl'
            ? `Can't open perl script "${file}": ${reasonOf(error)}\n`
            : `${run.name}: can't open file '${file}': [Errno 2] ${reasonOf(error)}\n`,
        )
        return 2
      }
    }
  }
  const url = /(?:https?|ftp):\/\/[^\s'"<>)\\]{1,2000}/.exec(code)?.[0]
  if (url) run.seat.emit('download.requested', { tool: show(run.name, 64), url: show(url, 8192) })
  const host = /\(\s*\(?\s*["'](\d{1,3}(?:\.\d{1,3}){3})["']\s*,\s*(\d{1,5})/.exec(code) ?? /inet_aton\(["']?(\d{1,3}(?:\.\d{1,3}){3})/.exec(code)
  if (host) refused(run, host[1] as string, host[2] ? Number(host[2]) : undefined)
  const printed = evaluate(code)
  if (printed !== '') {
    run.out(printed)
    return 0
  }
  if (url || host) {
    await run.shell.pause(8000)
    run.err(
      run.name === 'perl'
        ? 'connect: Connection timed out at -e line 1.\n'
        : `Traceback (most recent call last):\n  File "<string>", line 1, in <module>\n${run.name === 'python3' ? 'TimeoutError: [Errno 110] Connection timed out' : 'socket.error: [Errno 110] Connection timed out'}\n`,
    )
    return 1
  }
  const pty = /pty\.spawn\(\s*["']([^"']+)["']/.exec(code)
  const system = /(?:os\.system|subprocess\.\w+|exec|system)\(\s*["']([^"']{1,2000})["']/.exec(code)
  const command = pty?.[1] ?? system?.[1]
  if (command) return run.shell.execute(command, run)
  return 0
}

/** What `print` of plain text or small sums gives; empty for everything else. */
function evaluate(code: string): string {
  const text = /^\s*print\s*\(?\s*(["'])((?:(?!\1).){0,2000})\1\s*\)?;?\s*$/.exec(code.trim())
  if (text) return `${(text[2] as string).replace(/\\n/g, '\n')}\n`
  const sum = /^\s*(?:print\s*\(?)?\s*(\d{1,9})\s*([-+*])\s*(\d{1,9})\s*\)?;?\s*$/.exec(code.trim())
  if (sum) return `${sum[2] === '+' ? Number(sum[1]) + Number(sum[3]) : sum[2] === '-' ? Number(sum[1]) - Number(sum[3]) : Number(sum[1]) * Number(sum[3])}\n`
  return ''
}

const shell: CommandTable[string] = async (run, args) => {
  if (args[0] === '--version') {
    run.out(`${versions[run.seat.world.host.flavour]?.bash ?? ''}\n`)
    return 0
  }
  const at = args.indexOf('-c')
  if (at !== -1 || args.some((a) => /^-[a-z]*c$/.test(a))) {
    const i = at !== -1 ? at : args.findIndex((a) => /^-[a-z]*c$/.test(a))
    return run.shell.script(args[i + 2] ?? run.name, args[i + 1] ?? '', args.slice(i + 3), run, { dialect: dialectOf(run.shell, run.name), inline: true })
  }
  const rest = args.filter((a) => !a.startsWith('-'))
  const file = rest[0]
  if (file !== undefined) {
    let bytes: Buffer
    try {
      bytes = run.seat.fs.read(run.shell.path(file))
    } catch (error) {
      const reason = reasonOf(error)
      run.err(run.shell.ash ? `${run.name}: can't open '${file}'\n` : `${run.name}: ${file}: ${reason}\n`)
      return run.shell.ash ? 2 : 127
    }
    const real = run.seat.world.files.real(run.shell.path(file))
    if (!run.seat.world.files.pristine(real)) await run.seat.capture(real, bytes, 'shell')
    const text = bytes.toString('latin1', 0, 1_000_000)
    if (text.slice(0, 512).includes('\0')) {
      run.err(run.shell.ash ? `${file}: line 1: syntax error: unexpected word (expecting ")")\n` : `${file}: ${file}: cannot execute binary file\n`)
      return run.shell.ash ? 2 : 126
    }
    return run.shell.script(file, text, rest.slice(1), run, { dialect: dialectOf(run.shell, run.name) })
  }
  if (run.input.terminal) return 0 // another shell on the same terminal: the prompt goes on
  return run.shell.script(run.name, await readAll(run.input), rest, run, { dialect: dialectOf(run.shell, run.name) })
}

const editor: CommandTable[string] = async (run, args) => {
  const file = args.filter((a) => !/^[-+]/.test(a))[0]
  if (!run.toTerminal) {
    run.err(run.name === 'nano' ? 'Error opening terminal: unknown.\n' : 'Vim: Warning: Output is not to a terminal\n')
    return 1
  }
  let text = ''
  if (file !== undefined && run.seat.fs.stat(run.shell.path(file))) {
    try {
      text = run.seat.fs.read(run.shell.path(file)).toString('latin1')
    } catch (error) {
      reasonOf(error)
    }
  }
  const rows = Math.max(3, run.shell.rows - 1)
  const lines = text.split('\n').slice(0, rows)
  const bottom = file === undefined ? '' : `"${file}" ${text === '' ? '[New File]' : `${text.split('\n').length - 1}L, ${text.length}C`}`
  run.out(`\x1b[H\x1b[2J${Array.from({ length: rows }, (_, i) => lines[i] ?? '~').join('\n')}\n${bottom}`)
  // lines end with Enter here: `:q`, `:q!`, `:wq`, `ZZ` leave; after `i` what is typed up to Escape is kept
  let insert = false
  const typed: string[] = []
  for (let line = await run.input.line(); line !== null; line = await run.input.line()) {
    const escapeAt = line.lastIndexOf('\x1b')
    const command = escapeAt === -1 ? line : line.slice(escapeAt + 1)
    if (!insert && /^[iaoIAO]/.test(line)) {
      insert = true
      typed.push(escapeAt === -1 ? line.slice(1) : line.slice(1, escapeAt))
    } else if (insert && escapeAt === -1) typed.push(line)
    else if (insert) typed.push(line.slice(0, escapeAt))
    if (escapeAt !== -1) insert = false
    if (!insert && /^(?::?(?:wq|x)!?|ZZ|:w)/.test(command) && file !== undefined && typed.length > 0) {
      try {
        run.seat.fs.write(run.shell.path(file), Buffer.from(`${text}${typed.join('\n')}\n`, 'latin1'))
      } catch (error) {
        run.out(`"${file}" E212: Can't open file for writing: ${reasonOf(error)}\n`)
      }
    }
    if (!insert && (/^:(?:q|wq|x|qa)!?$/.test(command) || command === 'ZZ' || command === '\x18')) break
  }
  run.out('\x1b[H\x1b[2J')
  return 0
}

const tar: CommandTable[string] = (run, args) => {
  const letters = (args[0] ?? '').replace(/^-+/, '')
  const file = args.find((a, i) => i > 0 && !a.startsWith('-')) ?? ''
  if (letters === '') {
    run.err("tar: You must specify one of the `-Acdtrux' or `--test-label'  options\nTry `tar --help' or `tar --usage' for more information.\n")
    return 2
  }
  if (letters.includes('c')) {
    const from = args.slice(args.indexOf(file) + 1).filter((a) => !a.startsWith('-'))
    const bytes = from.map((path) => {
      try {
        return run.seat.fs.read(run.shell.path(path))
      } catch (error) {
        reasonOf(error)
        return Buffer.alloc(512)
      }
    })
    try {
      run.seat.fs.write(run.shell.path(file), Buffer.concat([Buffer.from(letters.includes('z') ? '\x1f\x8b\x08\0' : '', 'latin1'), ...bytes]))
    } catch (error) {
      run.err(`tar: ${file}: Cannot open: ${reasonOf(error)}\ntar: Error is not recoverable: exiting now\n`)
      return 2
    }
    if (letters.includes('v')) for (const path of from) run.out(`${path}\n`)
    return 0
  }
  if (!run.seat.fs.stat(run.shell.path(file))) {
    run.err(
      run.shell.ash
        ? `tar: can't open '${file}': No such file or directory\n`
        : `tar (child): ${file}: Cannot open: No such file or directory\ntar (child): Error is not recoverable: exiting now\ntar: Child returned status 2\ntar: Error is not recoverable: exiting now\n`,
    )
    return 2
  }
  run.err(
    run.shell.ash
      ? 'tar: invalid tar magic\n'
      : letters.includes('z')
        ? '\ngzip: stdin: unexpected end of file\ntar: Child returned status 1\ntar: Error is not recoverable: exiting now\n'
        : 'tar: This does not look like a tar archive\ntar: Exiting with failure status due to previous errors\n',
  )
  return 2
}

const packages: CommandTable[string] = async (run, args) => {
  const verb = args.filter((a) => !a.startsWith('-'))[0] ?? ''
  const names = args.filter((a) => !a.startsWith('-')).slice(1)
  const { host } = run.seat.world
  const deb = host.apt
  const version = host.flavour === 'debian' ? '2.6.1' : '1.6.12'
  const suite = host.flavour === 'debian' ? 'debian/dists/bookworm' : 'ubuntu/dists/bionic'
  if (args.includes('--version')) {
    run.out(deb ? `apt ${version} (amd64)\n` : '3.4.3\n')
    return 0
  }
  if (verb === 'list' || verb === 'search' || verb === 'repolist' || verb === 'show' || verb === 'info') {
    run.out(deb ? 'Listing... Done\n' : 'Loaded plugins: fastestmirror\nLoading mirror speeds from cached hostfile\n')
    return 0
  }
  if (verb === '') {
    run.err(
      deb
        ? `apt ${version} (amd64)\nUsage: apt [options] command\n`
        : 'Loaded plugins: fastestmirror\nYou need to give some command\nUsage: yum [options] COMMAND\n',
    )
    return 1
  }
  if (run.seat.user.uid !== 0) {
    run.err(
      deb
        ? 'E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?\n'
        : 'Loaded plugins: fastestmirror\nYou need to be root to perform this command.\n',
    )
    return deb ? 100 : 1
  }
  refused(run, 'mirrors.aliyun.com', 80)
  if (names.length > 0) run.seat.emit('download.requested', { tool: show(run.name, 64), url: show(`package:${names.join(',')}`, 8192) })
  if (deb) {
    run.out('Reading package lists... Done\nBuilding dependency tree       \nReading state information... Done\n')
    await run.shell.pause(2500)
    if (verb === 'update')
      run.err(
        `W: Failed to fetch http://mirrors.aliyun.com/${suite}/InRelease  Temporary failure resolving 'mirrors.aliyun.com'\nW: Some index files failed to download. They have been ignored, or old ones used instead.\n`,
      )
    else for (const name of names) run.err(`E: Unable to locate package ${name}\n`)
    return verb === 'update' ? 0 : 100
  }
  run.out('Loaded plugins: fastestmirror\nLoading mirror speeds from cached hostfile\n')
  await run.shell.pause(6000)
  run.err(
    `http://mirrors.aliyun.com/centos/7/os/x86_64/repodata/repomd.xml: [Errno 14] curl#6 - "Could not resolve host: mirrors.aliyun.com; Unknown error"\nTrying other mirror.\n\n\n One of the configured repositories failed (Unknown),\n and yum doesn't have enough cached data to continue.\n`,
  )
  return 1
}

export const programCommands: CommandTable = {
  sh: shell,
  bash: shell,
  dash: shell,
  ash: shell,
  python: interpreter,
  python2: interpreter,
  'python2.7': interpreter,
  python3: interpreter,
  'python3.6': interpreter,
  'python3.11': interpreter,
  perl: interpreter,
  vi: editor,
  vim: editor,
  nano: editor,
  tar,
  gzip: (run, args) => archive(run, args),
  gunzip: (run, args) => archive(run, args),
  unzip(run, args) {
    const file = args.filter((a) => !a.startsWith('-'))[0] ?? ''
    if (!run.seat.fs.stat(run.shell.path(file))) run.err(`unzip:  cannot find or open ${file}, ${file}.zip or ${file}.ZIP.\n`)
    else
      run.err(
        `Archive:  ${file}\n  End-of-central-directory signature not found.  Either this file is not\n  a zipfile, or it constitutes one disk of a multi-part archive.\n`,
      )
    return 9
  },
  yum: packages,
  apt: packages,
  'apt-get': packages,
  rpm: rpmQuery,
  dpkg: dpkgQuery,
  'dpkg-query': dpkgQuery,
  openssl(run, args) {
    if (args[0] === 'version') run.out(`${versions[run.seat.world.host.flavour]?.openssl}\n`)
    else if (args[0] === 'rand')
      run.out(
        `${run.seat.world.persona.draw(`rand ${run.seat.now()}`, Math.min(1024, Number(args.at(-1)) || 16)).toString(args.includes('-hex') ? 'hex' : 'base64')}\n`,
      )
    else if (args[0] === 's_client') run.err('connect: Connection timed out\nconnect:errno=110\n')
    else run.err(`openssl:Error: '${args[0] ?? ''}' is an invalid command.\n`)
    return args[0] === 'version' || args[0] === 'rand' ? 0 : 1
  },
  busybox(run, args) {
    const [name, ...rest] = args
    if (name === undefined || name === '--help') {
      run.out(
        `BusyBox ${run.shell.ash ? 'v1.30.1 ()' : 'v1.35.0 (Debian 1:1.35.0-4+b3)'} multi-call binary.\nBusyBox is copyrighted by many authors between 1998-2015.\nLicensed under GPLv2. See source distribution for detailed\ncopyright notices.\n\nUsage: busybox [function [arguments]...]\n   or: busybox --list\n   or: function [arguments]...\n\nCurrently defined functions:\n\t${applets}\n\n`,
      )
      return 0
    }
    if (name === '--list') {
      run.out(`${applets.split(', ').join('\n')}\n`)
      return 0
    }
    if (!applets.split(', ').includes(name)) {
      run.err(`${name}: applet not found\n`)
      return 127
    }
    return run.shell.call(name, rest, run)
  },
  watch: async (run) => (await run.shell.pause(3_600_000), 0),
  screen: (run) => run.fault('Must be connected to a terminal.'),
  tmux: (run) => run.fault('open terminal failed: not a terminal'),
  dmidecode(run) {
    if (run.seat.user.uid !== 0) return run.fault('/dev/mem: Permission denied')
    const { hardware } = run.seat.world.persona.template
    run.out(
      `# dmidecode 3.2\nGetting SMBIOS data from sysfs.\nSMBIOS 3.2 present.\n\nHandle 0x0001, DMI type 1, 27 bytes\nSystem Information\n\tManufacturer: ${hardware.vendor}\n\tProduct Name: ${hardware.model}\n\tSerial Number: ${run.seat.world.persona.serial}\n`,
    )
    return 0
  },
  fdisk(run, args) {
    if (run.seat.user.uid !== 0) return run.fault('cannot open /dev/sda: Permission denied')
    const gib = run.seat.world.persona.template.hardware.diskGiB
    if (args.includes('-l'))
      run.out(
        `\nDisk /dev/sda: ${gib.toFixed(1)} GB, ${Math.round(gib * 1073741824)} bytes, ${Math.round(gib * 2097152)} sectors\nUnits = sectors of 1 * 512 = 512 bytes\n`,
      )
    return 0
  },
  swapon: (run, args) => {
    if (args.includes('-s') || args.includes('--show')) run.out(run.seat.world.files.read('/proc/swaps', run.seat.now()).toString())
    return 0
  },
  nginx(run, args) {
    if (args[0] === '-v') run.err(`nginx version: nginx/${run.seat.world.persona.template.web?.version ?? '1.20.1'}\n`)
    else if (args[0] === '-t')
      run.err('nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\nnginx: configuration file /etc/nginx/nginx.conf test is successful\n')
    return 0
  },
  sshd: (run) => complain(run, `sshd: no hostkeys available -- exiting.\n`, 1),
}

function archive(run: Run, args: string[]): number {
  const { rest } = options(args, 'dkfcvnq123456789l')
  for (const operand of rest) {
    const path = run.shell.path(operand)
    try {
      const bytes = run.seat.fs.read(path)
      if (run.name === 'gunzip' || args.includes('-d')) return run.fault(`${operand}: not in gzip format`)
      run.seat.fs.write(`${path}.gz`, Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), bytes]))
      run.seat.fs.remove(path)
    } catch (error) {
      return run.fault(`${operand}: ${reasonOf(error)}`)
    }
  }
  return 0
}

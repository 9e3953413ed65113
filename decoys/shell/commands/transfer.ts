/** Programs that fetch from or connect to other hosts: the wish is said, the network refuses, nothing is fetched. */
import type { CommandTable, Run } from '../command.ts'
import { options } from '../command.ts'
import { show } from '../seat.ts'
import { addressOf, isSelf, refused } from './network.ts'
import { dateText } from './system.ts'

/** Scheme, host, port and path of what a command was given as an address. */
export function parseUrl(text: string, scheme = 'http'): { scheme: string; host: string; port: number; path: string } {
  const match = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:[^@/]*@)?(\[[0-9a-fA-F:]+\]|[^:/?#]*)(?::(\d{1,5}))?([/?#].*)?$/i.exec(text.slice(0, 4096))
  const kind = (match?.[1] ?? scheme).toLowerCase()
  const standard: Record<string, number> = { http: 80, https: 443, ftp: 21, tftp: 69, sftp: 22 }
  return { scheme: kind, host: match?.[2] ?? '', port: Number(match?.[3] ?? standard[kind] ?? 80), path: match?.[4] ?? '/' }
}

function asked(run: Run, url: string): void {
  run.seat.emit('download.requested', { tool: show(run.name, 64), url: show(url, 8192) })
}

/** How a connection to a host ends: unknown name, refused by itself, or no answer through the firewall. */
async function reach(run: Run, host: string, port: number, patience: number): Promise<'unknown' | 'refused' | 'timeout'> {
  const ip = addressOf(run, host)
  if (ip && isSelf(run, ip)) return 'refused'
  refused(run, host, port)
  if (!ip) {
    await run.shell.pause(1200)
    return 'unknown'
  }
  await run.shell.pause(patience)
  return 'timeout'
}

const fileOf = (path: string): string => path.replace(/[?#].*$/, '').replace(/^.*\//, '') || 'index.html'

const wget: CommandTable[string] = async (run, args) => {
  const { flags, rest } = options(args, 'qO:P:cNbdS46T:t:o:a:U:nve:rl:i:kpHI', {
    quiet: 'q',
    'output-document': 'O',
    timeout: 'T',
    tries: 't',
    'no-check-certificate': 'Z',
    'user-agent': 'U',
    version: 'V',
    help: '?',
  })
  if (flags.has('V')) {
    run.out(`GNU Wget ${run.seat.world.host.flavour === 'debian' ? '1.21.3' : run.seat.world.host.apt ? '1.19.4' : '1.14'} built on linux-gnu.\n`)
    return 0
  }
  const url = rest[0]
  if (url === undefined) {
    run.err(
      run.shell.ash
        ? 'BusyBox v1.30.1 () multi-call binary.\n\nUsage: wget [OPTIONS] URL...\n'
        : "wget: missing URL\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.\n",
    )
    return 1
  }
  let status = 0
  for (const one of rest) {
    const { host, port, path } = parseUrl(one)
    const whole = one.includes('://') ? one : `http://${one}${path === '/' && !one.endsWith('/') ? '/' : ''}`
    asked(run, whole)
    const patience = Math.min((Number(flags.get('T')) || 127) * 1000, 127_000)
    if (run.shell.ash) {
      run.err(flags.has('q') ? '' : `Downloading '${one}'\n`)
      const how = await reach(run, host, port, patience)
      run.err(
        how === 'unknown'
          ? `Failed to send request: Operation not permitted\n`
          : how === 'refused'
            ? 'Connection error: Connection failed\n'
            : 'Connection error: Connection failed\n',
      )
      status = 4
      continue
    }
    const quiet = flags.has('q')
    const say = (text: string): void => {
      if (!quiet) run.err(text)
    }

    say(`--${dateText(run, '%F %T', run.seat.now())}--  ${whole}\n`)
    const ip = addressOf(run, host)
    if (!ip) {
      say(`Resolving ${host} (${host})... `)
      await reach(run, host, port, patience)
      say(`failed: Name or service not known.\nwget: unable to resolve host address ${run.seat.world.host.apt ? `'${host}'` : `\`${host}'`}\n`)
      status = 4
      continue
    }
    if (ip !== host) say(`Resolving ${host} (${host})... ${ip}\n`)
    say(`Connecting to ${host}${ip !== host ? ` (${host})|${ip}|` : ''}:${port}... `)
    const how = await reach(run, host, port, patience)
    say(how === 'refused' ? 'failed: Connection refused.\n' : 'failed: Connection timed out.\n')
    if (how === 'timeout') {
      for (let tries = 2; tries <= Math.min(Number(flags.get('t')) || 20, 20); tries++) {
        say(`Retrying.\n\n--${dateText(run, '%F %T', run.seat.now())}--  (try:${String(tries).padStart(2)})  ${whole}\nConnecting to ${host}:${port}... `)
        await run.shell.pause(patience)
        say('failed: Connection timed out.\n')
      }
      say('Giving up.\n\n')
    }
    status = 4
  }
  return status
}

const curl: CommandTable[string] = async (run, args) => {
  const { flags, rest } = options(args, 'sSLkfOoJ:o:d:H:X:A:u:x:m:e:b:c:F:T:IivV#qNgG46r:C:w:Z', {
    silent: 's',
    output: 'o',
    insecure: 'k',
    location: 'L',
    'connect-timeout': 'm',
    'max-time': 'm',
    version: 'V',
    data: 'd',
    request: 'X',
    header: 'H',
    help: '?',
  })
  const value = args.findIndex((a) => /^--(?:output|connect-timeout|max-time|data|request|header|user-agent|proxy|retry|url)$/.test(a))
  if (flags.has('V')) {
    run.out(
      run.seat.world.host.flavour === 'debian'
        ? 'curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1 OpenSSL/3.0.11 zlib/1.2.13 brotli/1.0.9 zstd/1.5.4 libidn2/2.3.3 libpsl/0.21.2 libssh2/1.10.0 nghttp2/1.52.0\nRelease-Date: 2023-02-20, security patched: 7.88.1-10+deb12u5\n'
        : run.seat.world.host.flavour === 'ubuntu'
          ? 'curl 7.58.0 (x86_64-pc-linux-gnu) libcurl/7.58.0 OpenSSL/1.1.1 zlib/1.2.11\n'
          : 'curl 7.29.0 (x86_64-redhat-linux-gnu) libcurl/7.29.0 NSS/3.44 zlib/1.2.7\n',
    )
    return 0
  }
  const url = rest.filter((a) => a !== args[value + 1] || value === -1)[0] ?? rest[0]
  if (url === undefined) {
    run.err("curl: try 'curl --help' or 'curl --manual' for more information\n")
    return 2
  }
  const { host, port } = parseUrl(url)
  asked(run, url.includes('://') ? url : `http://${url}`)
  const limit = Number(flags.get('m')) || 127
  const how = await reach(run, host, port, Math.min(limit, 127) * 1000)
  const silent = flags.has('s') && !flags.has('S')
  if (!silent) {
    if (how === 'unknown') run.err(`curl: (6) Could not resolve host: ${host}${run.seat.world.host.flavour === 'centos' ? '; Unknown error' : ''}\n`)
    else if (how === 'refused')
      run.err(
        `curl: (7) Failed ${run.seat.world.host.flavour === 'centos' ? `connect to ${host}:${port}; Connection refused` : run.seat.world.host.flavour === 'debian' ? `to connect to ${host} port ${port} after ${1 + (run.seat.now() % 7)} ms: Couldn't connect to server` : `to connect to ${host} port ${port}: Connection refused`}\n`,
      )
    else
      run.err(
        flags.has('m')
          ? `curl: (28) Connection timed out after ${limit}00${run.seat.now() % 10} milliseconds\n`
          : `curl: (7) Failed ${run.seat.world.host.flavour === 'centos' ? `connect to ${host}:${port}; Connection timed out` : run.seat.world.host.flavour === 'debian' ? `to connect to ${host} port ${port} after ${130_000 + (run.seat.now() % 3000)} ms: Couldn't connect to server` : `to connect to ${host} port ${port}: Connection timed out`}\n`,
      )
  }
  return how === 'unknown' ? 6 : how === 'timeout' && flags.has('m') ? 28 : 7
}

/** `user@host:path` of ssh's relatives. */
const remote = (text: string): { host: string; path?: string } => {
  const match = /^(?:[^@]*@)?([^:/]+)(?::(.*))?$/.exec(text)
  return { host: match?.[1] ?? text, path: match?.[2] }
}

const ssh: CommandTable[string] = async (run, args) => {
  const { flags, rest } = options(args, 'p:P:l:i:o:vqtTNfCAxXnL:R:D:4r6V', {})
  if (flags.has('V')) {
    run.err(
      run.seat.world.host.flavour === 'debian'
        ? 'OpenSSH_9.2p1 Debian-2+deb12u2, OpenSSL 3.0.11 19 Sep 2023\n'
        : run.seat.world.host.flavour === 'ubuntu'
          ? `${run.seat.world.persona.template.ssh?.ident.replace('SSH-2.0-', '').replace(/ /, ' ')}, OpenSSL 1.0.2n  7 Dec 2017\n`
          : run.shell.ash
            ? 'Dropbear v2019.78\n'
            : 'OpenSSH_7.4p1, OpenSSL 1.0.2k-fips  26 Jan 2017\n',
    )
    return 0
  }
  const target = run.name === 'scp' || run.name === 'rsync' ? rest.find((a) => a.includes(':')) : rest[0]
  if (!target) {
    run.err(
      run.name === 'scp'
        ? 'usage: scp [-12346BCpqrv] [-c cipher] [-F ssh_config] [-i identity_file]\n           [-l limit] [-o ssh_option] [-P port] [-S program]\n           [[user@]host1:]file1 ... [[user@]host2:]file2\n'
        : 'usage: ssh [-1246AaCfGgKkMNnqsTtVvXxYy] [-b bind_address] [-c cipher_spec]\n           [-D [bind_address:]port] [-E log_file] [-e escape_char]\n           [user@]hostname [command]\n',
    )
    return run.name === 'scp' ? 1 : 255
  }
  const port = Number(flags.get('p') ?? flags.get('P') ?? 22)
  const { host, path } = remote(target)
  if (path !== undefined && rest.indexOf(target) === 0) asked(run, `scp://${target}`)
  const how = await reach(run, host, port, 127_000)
  const why = how === 'unknown' ? '' : how === 'refused' ? 'Connection refused' : 'Connection timed out'
  if (run.shell.ash)
    run.err(
      `\nssh: Exited: ${how === 'unknown' ? `Error resolving '${host}' port '${port}'. Name does not resolve` : `Connect failed: ${how === 'refused' ? 'Connection refused' : 'Operation timed out'}`}\n`,
    )
  else
    run.err(
      how === 'unknown'
        ? `ssh: Could not resolve hostname ${host}: Name or service not known\n${run.name === 'scp' ? '' : ''}`
        : `ssh: connect to host ${host} port ${port}: ${why}\n${run.name === 'scp' ? 'lost connection\n' : ''}`,
    )
  return run.name === 'scp' ? 1 : 255
}

export const transferCommands: CommandTable = {
  wget,
  'uclient-fetch': wget,
  curl,
  ssh,
  dbclient: ssh,
  slogin: ssh,
  scp: ssh,
  sftp: ssh,
  rsync: ssh,
  async tftp(run, args) {
    const { flags, rest } = options(args, 'gpr:l:b:c', {})
    const command = args.indexOf('-c')
    const host = rest[0] ?? ''
    if (host === '') {
      run.err(run.shell.ash ? 'BusyBox v1.30.1 () multi-call binary.\n\nUsage: tftp [OPTIONS] HOST [PORT]\n' : 'tftp> ')
      return 1
    }
    const file = flags.get('r') ?? flags.get('l') ?? (command === -1 ? undefined : args[command + 2])
    if (file) asked(run, `tftp://${host}/${file}`)
    await reach(run, host, Number(rest[1]) || 69, 25_000)
    run.err(run.shell.ash ? 'tftp: timeout\n' : 'Transfer timed out.\n\n')
    return 1
  },
  async ftpget(run, args) {
    const { flags, rest } = options(args, 'cvu:p:P:', {})
    const [host = '', local = '', path = local] = rest
    if (host === '') {
      run.err('BusyBox v1.30.1 () multi-call binary.\n\nUsage: ftpget [OPTIONS] HOST [LOCAL_FILE] REMOTE_FILE\n')
      return 1
    }
    asked(run, `ftp://${host}/${path}`)
    const how = await reach(run, host, Number(flags.get('P')) || 21, 127_000)
    run.err(
      how === 'unknown'
        ? `ftpget: bad address '${host}'\n`
        : `ftpget: can't connect to remote host (${host}): ${how === 'refused' ? 'Connection refused' : 'Operation timed out'}\n`,
    )
    return 1
  },
  async ftp(run, args) {
    const host = args.filter((a) => !a.startsWith('-'))[0] ?? ''
    const how = host ? await reach(run, host, 21, 127_000) : 'unknown'
    run.err(
      how === 'unknown' ? `ftp: ${host}: Name or service not known\n` : `ftp: connect: ${how === 'refused' ? 'Connection refused' : 'Connection timed out'}\n`,
    )
    return 1
  },
  async nc(run, args) {
    const { flags, rest } = options(args, 'lvnzup:w:e:c:k46s:q:i:', {})
    if (flags.has('l')) {
      const port = flags.get('p') ?? rest.at(-1)
      if (flags.has('v')) run.err(`Listening on [0.0.0.0] (family 0, port ${port})\n`)
      await run.shell.pause(3_600_000)
      return 0
    }
    const [host = '', port = '0'] = rest
    if (host === '') {
      run.err('usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-O length]\n\t  [destination] [port]\n')
      return 1
    }
    const first = Number.parseInt(port, 10) || 0
    const how = await reach(run, host, first, (Number(flags.get('w')) || 127) * 1000)
    if (how === 'unknown') run.err(run.shell.ash ? `nc: bad address '${host}'\n` : `nc: getaddrinfo: Name or service not known\n`)
    else if (flags.has('v') || run.shell.ash)
      run.err(
        run.shell.ash
          ? `nc: can't connect to remote host (${host}): ${how === 'refused' ? 'Connection refused' : 'Operation timed out'}\n`
          : `nc: connect to ${host} port ${first} (tcp) ${how === 'refused' ? 'failed: Connection refused' : 'timed out: Operation now in progress'}\n`,
      )
    return 1
  },
  async telnet(run, args) {
    const [host = '', port = '23'] = args.filter((a) => !a.startsWith('-'))
    if (host === '') return 1
    const how = await reach(run, host, Number.parseInt(port, 10) || 23, 127_000)
    if (how === 'unknown') run.err(`telnet: could not resolve ${host}/${port}: Name or service not known\n`)
    else
      run.err(
        `Trying ${addressOf(run, host)}...\ntelnet: Unable to connect to remote host: ${how === 'refused' ? 'Connection refused' : 'Connection timed out'}\n`,
      )
    return 1
  },
  async git(run, args) {
    if (args[0] === '--version') {
      run.out('git version 1.8.3.1\n')
      return 0
    }
    const url = args.find((a) => /:\/\/|@.*:/.test(a))
    if (args[0] === 'clone' && url) {
      const { host, port } = parseUrl(url, 'https')
      asked(run, url)
      run.err(`Cloning into '${fileOf(url).replace(/\.git$/, '')}'...\n`)
      await reach(run, host, port, 127_000)
      run.err(`fatal: unable to access '${url}/': Could not resolve host: ${host}; Unknown error\n`)
      return 128
    }
    run.err('usage: git [--version] [--help] [-c name=value]\n           <command> [<args>]\n')
    return 1
  },
  'ssh-keygen'(run, args) {
    const { flags } = options(args, 'lf:t:b:N:C:qyE:RF:', {})
    if (flags.has('l')) return run.fault(`${flags.get('f') ?? ''}: No such file or directory`) && 255
    run.out('Generating public/private rsa key pair.\n')
    const path = run.shell.path(flags.get('f') ?? `${run.seat.user.home}/.ssh/id_rsa`)
    const body = run.seat.world.persona.draw(`key ${run.seat.now()}`, 400).toString('base64')
    try {
      const directory = path.slice(0, path.lastIndexOf('/'))
      if (!run.seat.fs.stat(directory)) run.seat.fs.mkdir(directory, 0o700)
      run.seat.fs.write(path, Buffer.from(`-----BEGIN RSA PRIVATE KEY-----\n${body.replace(/.{1,64}/g, '$&\n')}-----END RSA PRIVATE KEY-----\n`), {
        mode: 0o600,
      })
      run.seat.fs.write(
        `${path}.pub`,
        Buffer.from(`ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ${body.slice(0, 338)} ${run.seat.user.name}@${run.seat.world.persona.hostname}\n`),
      )
      run.out(`Your identification has been saved in ${path}.\nYour public key has been saved in ${path}.pub.\n`)
      return 0
    } catch {
      return run.fault(`Saving key "${path}" failed: No such file or directory`)
    }
  },
  'ssh-keyscan': async (run, args) => (await reach(run, args.at(-1) ?? '', 22, 5000), 1),
  'ssh-copy-id': ssh,
}

/** What real servers send of themselves: nginx, OpenSSH, Dropbear, a certificate of OpenSSL's, and the programs of a Linux shell. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commands, exchange } from './capture.ts'
import { grams } from './common-bytes.ts'
import { freePorts, until } from './installation.ts'
import { findTool } from './tools.ts'

const probes = [
  'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /.git/config HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /page.css HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /page.js HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /page.png HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /page.ico HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /page.xml HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /page.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /page.pdf HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /page.svg HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /folder HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET /secret HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  'GET / HTTP/9.9\r\n\r\n',
  'BREW / HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET /\r\n',
  '\x16\x03\x01\x00\xa5\x01',
  'GET / HTTP/1.1\r\n\r\n',
  `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
]

async function nginxBytes(folder: string): Promise<Buffer> {
  const [port] = (await freePorts(1)) as [number]
  const web = join(folder, 'web')
  mkdirSync(join(web, 'folder'), { recursive: true })
  const page =
    '<!DOCTYPE html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="X-UA-Compatible" content="IE=edge">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>x</title>\n<link rel="stylesheet" href="/a.css">\n<link rel="icon" href="/favicon.ico">\n<script src="/a.js"></script>\n</head>\n<body>\n</body>\n</html>\n'
  for (const name of ['index.html', 'page.css', 'page.js', 'page.png', 'page.ico', 'page.xml', 'page.txt', 'page.pdf', 'page.svg'])
    writeFileSync(join(web, name), page)
  const config = join(folder, 'nginx.conf')
  writeFileSync(
    config,
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr crit;\nevents {}\nhttp { include /etc/nginx/mime.types; access_log off; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((part) => `${part}_temp_path ${folder}/${part};`).join(' ')}\nserver { listen 127.0.0.1:${port}; root ${web}; location ~ /\\. { deny all; } location /secret { auth_basic "x"; auth_basic_user_file /dev/null; } } }\n`,
  )
  const server = spawn(findTool('nginx') ?? 'nginx', ['-c', config, '-e', 'stderr'], { stdio: 'ignore' })
  try {
    await until('nginx', async () => (await exchange(port, 'GET / HTTP/1.0\r\n\r\n')).length > 0)
    const parts = []
    for (const probe of probes) parts.push(await exchange(port, probe))
    return Buffer.concat(parts)
  } finally {
    server.kill()
    await once(server, 'exit')
  }
}

async function sshdBytes(folder: string): Promise<Buffer> {
  const [port] = (await freePorts(1)) as [number]
  const key = join(folder, 'host-key')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  mkdirSync('/run/sshd', { recursive: true })
  // The lists of older servers, as configuration, so that their names on the wire count as real.
  const lists = [
    'KexAlgorithms=+diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1',
    'Ciphers=+3des-cbc,aes128-cbc,aes192-cbc,aes256-cbc',
    'MACs=+hmac-md5,hmac-sha1-96,hmac-md5-96',
    'HostKeyAlgorithms=+ssh-rsa',
  ]
  const server = spawn(
    findTool('sshd') ?? 'sshd',
    ['-D', '-e', '-f', '/dev/null', '-p', String(port), '-o', 'ListenAddress=127.0.0.1', '-h', key, ...lists.flatMap((list) => ['-o', list])],
    { stdio: 'ignore' },
  )
  try {
    await until('sshd', async () => (await exchange(port, 'SSH-2.0-probe\r\n')).length > 100)
    return Buffer.concat([await exchange(port, 'SSH-2.0-probe\r\n'), await exchange(port, 'GET / HTTP/1.0\r\n\r\n')])
  } finally {
    server.kill()
    await once(server, 'exit')
  }
}

async function dropbearBytes(folder: string): Promise<Buffer> {
  const dropbear = findTool('dropbear')
  if (!dropbear) return Buffer.alloc(0)
  const [port] = (await freePorts(1)) as [number]
  const key = join(folder, 'dropbear-key')
  execFileSync(findTool('dropbearkey') ?? 'dropbearkey', ['-t', 'rsa', '-s', '2048', '-f', key], { stdio: 'ignore' })
  const server = spawn(dropbear, ['-F', '-E', '-p', `127.0.0.1:${port}`, '-r', key, '-P', join(folder, 'dropbear-pid')], { stdio: 'ignore' })
  try {
    await until('dropbear', async () => (await exchange(port, 'SSH-2.0-probe\r\n')).length > 100)
    return Buffer.concat([await exchange(port, 'SSH-2.0-probe\r\n'), await exchange(port, 'GET / HTTP/1.0\r\n\r\n')])
  } finally {
    server.kill()
    await once(server, 'exit')
  }
}

/** A web server's certificate by an authority of its own company, as OpenSSL makes it. */
function certificateBytes(folder: string): Buffer {
  const at = (name: string): string => join(folder, name)
  const openssl = (...words: string[]): void => void execFileSync('openssl', words, { stdio: 'ignore' })
  const key = ['-newkey', 'rsa:2048', '-nodes', '-sha256']
  writeFileSync(
    at('extensions'),
    'basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nsubjectAltName=DNS:www.x.cn,DNS:x.cn\n',
  )
  openssl('req', '-x509', ...key, '-subj', '/C=CN/L=X/O=X/CN=X', '-days', '99', '-keyout', at('ca.key'), '-out', at('ca.crt'))
  openssl('req', ...key, '-subj', '/C=CN/L=X/O=X/OU=X/CN=www.x.cn', '-keyout', at('web.key'), '-out', at('web.csr'))
  const authority = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('extensions')]
  openssl('x509', '-req', '-in', at('web.csr'), ...authority, '-sha256', '-days', '99', '-out', at('web.crt'))
  return new X509Certificate(readFileSync(at('web.crt'))).raw
}

/** Programs of this machine asked as the capture asks the decoys': bash with GNU's programs, and BusyBox where there is one. */
function shellBytes(): Buffer {
  const env = { PATH: process.env.PATH, HOME: '/root', LANG: 'C' }
  const ask = (program: string, words: readonly string[]): Buffer => {
    const { stdout, stderr } = spawnSync(program, words, { env })
    return Buffer.concat([stdout, stderr])
  }
  const busybox = findTool('busybox')
  return Buffer.concat(
    commands.flatMap((command) => [
      ask('bash', ['-c', command]),
      ...(busybox ? [ask(busybox, ['ash', '-c', command]), ask(busybox, command.split(/ *[|]/)[0]?.split(' ') ?? [])] : []),
    ]),
  )
}

/** All eight-byte runs that the real servers sent. */
export async function realServers(): Promise<Set<string>> {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-real-'))
  try {
    const parts = [await nginxBytes(folder), await sshdBytes(folder), await dropbearBytes(folder), certificateBytes(folder), shellBytes()]
    return grams(Buffer.concat(parts))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

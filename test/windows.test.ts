/** Windows hosts as real clients meet them in an installation: Samba, nmap, FreeRDP and Impacket see Windows, and what they typed is captured and concluded on. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { type Capture, capture, shownFault } from './industrial/dissect.ts'
import { type Installation, install, until } from './installation.ts'

const execute = promisify(execFile)
/** Loopback addresses of this process alone: the scripts of nmap look for these services on no port but their own. */
const block = `127.${64 + (process.pid % 128)}.${1 + ((process.pid >> 7) % 250)}`
const server = `${block}.71`
const station = `${block}.72`
const password = 'Siemens#2021'
/** Where FreeRDP keeps the certificates that it has seen. */
const home = mkdtempSync(join(tmpdir(), 'shenlou-freerdp-'))
after(() => rmSync(home, { recursive: true, force: true }))

/** What a program printed, whatever it ended with. */
const run = async (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> => {
  const { stdout, stderr } = await execute(program, args, { timeout: 60_000, env: { ...process.env, ...env } }).catch(
    (error: { stdout: string; stderr: string }) => error,
  )
  return `${stdout}\n${stderr}`
}
const smbclient = (address: string, ...more: string[]): Promise<string> => run('smbclient', ['-L', address, '-s', '/dev/null', ...more])
const freeRdp = (address: string, security: string, user: string): Promise<string> =>
  run('xvfb-run', ['-a', 'xfreerdp', `/v:${address}`, `/u:${user}`, '/d:PLANT', `/p:${password}`, '/cert-ignore', `/sec:${security}`, '+auth-only'], {
    HOME: home,
  })
const nmap = (scripts: string, ports: string, ...more: string[]): Promise<string> =>
  run('nmap', ['-Pn', '-n', '-p', ports, '--script', scripts, ...more, server, station])

/** The proof of NetNTLMv2 as Impacket computes it from the password, for every line on its input. */
const proofs = `
import sys, hmac
from binascii import unhexlify, hexlify
from impacket import ntlm
for line in sys.stdin.read().split():
    user, _, domain, challenge, proof, blob = line.split(':')
    key = ntlm.NTOWFv2(user, sys.argv[1], domain)
    print(hexlify(hmac.new(key, unhexlify(challenge) + unhexlify(blob), 'md5').digest()).decode() == proof)
`

/** The part of nmap's report that is about one address. */
const about = (report: string, address: string): string => report.split('Nmap scan report for ').find((part) => part.startsWith(address)) ?? ''

describe('Windows hosts of an installation', { skip: mayListen() ? false : 'ports 445 and 3389 are for root on this machine: run the tests as root' }, () => {
  let site: Installation
  let frames: Capture
  before(async () => {
    frames = await capture(`net ${block}.64/27 and (port 445 or port 3389)`, {})
    site = await install({
      scenario: () => `kind: scenario
version: 1
name: windows
title: { zh: 视窗, en: Windows }
scopes: [{ path: group, name: { zh: 集团, en: Group } }]
decoys:
${[
  ['terminal', 'windows-server-2016'],
  ['engineering', 'windows-10-workstation'],
]
  .map(
    ([id, persona]) => `  - id: ${id}
    persona: ${persona}
    scope: group
    services:
      - { service: smb, port: 445, settings: { login: { accounts: [{ user: svc-backup, password: "Kx7#plant", origin: lure }] } } }
      - { service: rdp, port: 3389 }
`,
  )
  .join('')}placements:
  - { relay: relay, decoy: terminal, address: ${server} }
  - { relay: relay, decoy: engineering, address: ${station} }
`,
    })
    await site.signIn()
    for (const address of [server, station]) for (const port of [445, 3389]) await until(`${address}:${port} to answer`, () => connects(address, port), 30_000)
  })
  after(async () => {
    await frames?.stop()
    frames?.remove()
    await site?.remove()
  })

  const events = async (kind: string): Promise<{ decoy: string; service: string; body: Record<string, never> }[]> => {
    const { events: found } = await site.call('events', { query: { kind, limit: 500 } as never })
    return found as never
  }
  const logins = async (
    user: string,
  ): Promise<{ service: string; decoy: string; body: { outcome: string; password?: string; ntlm?: { hash?: string; domain: string } } }[]> =>
    (await events('login.attempted')).filter(({ body }) => body.user === user) as never

  test('smbclient is challenged, refused by both, and let into nothing without a user', async () => {
    for (const address of [server, station]) assert.match(await smbclient(address, '-U', `PLANT\\eng01%${password}`), /NT_STATUS_LOGON_FAILURE/)
    assert.match(await smbclient(server, '-N'), /Anonymous login successful[\s\S]*Sharename +Type +Comment\s+-+ +-+ +-+\s+SMB1 disabled/)
    assert.match(await smbclient(station, '-N'), /NT_STATUS_ACCESS_DENIED/)
    const old = ['--option=client min protocol=NT1', '--option=client max protocol=NT1']
    assert.match(await smbclient(server, '-U', `PLANT\\eng01%${password}`, ...old), /NT_STATUS_LOGON_FAILURE/)
    assert.match(await smbclient(station, '-U', `PLANT\\eng01%${password}`, ...old), /NT_STATUS_CONNECTION_RESET/)
    await until('the logons to be stored', async () => (await logins('eng01')).length >= 3)
  })

  test('a planted credential is recognised by its answer alone', async () => {
    assert.match(await smbclient(server, '-U', 'svc-backup%Kx7#plant'), /NT_STATUS_LOGON_TYPE_NOT_GRANTED/)
    const [attempt] = await until('the logon to be stored', async () => {
      const found = await logins('svc-backup')
      return found.length > 0 && found
    })
    assert.deepEqual([attempt?.body.outcome, attempt?.body.password], ['accepted', 'Kx7#plant'])
    await until('the finding', async () => (await site.call('findings', { query: { limit: 100 } })).items.some(({ rule }) => rule === 'login.lure'))
  })

  test('FreeRDP meets network level authentication, TLS alone where it is offered, and their refusals', async () => {
    for (const address of [server, station]) assert.match(await freeRdp(address, 'nla', 'eng02'), /ERRCONNECT_LOGON_FAILURE/)
    assert.match(await freeRdp(server, 'tls', 'eng03'), /ERRINFO_LOGOFF_BY_USER|exit status 1/)
    assert.match(await freeRdp(station, 'tls', 'eng04'), /SECURITY_NEGO_CONNECT_FAILED/)
    const [typed] = await until('the password to be stored', async () => {
      const found = await logins('eng03')
      return found.length > 0 && found
    })
    assert.deepEqual([typed?.service, typed?.body.password, typed?.body.ntlm?.domain], ['rdp', password, 'PLANT'])
    const said = (await events('protocol.negotiated')).find(({ body }) => (body as { client: { name?: string } } & typeof body).client.name)
    assert.match(JSON.stringify(said?.body), /"build":"\d+"/)
    assert.equal((await logins('eng04')).length, 0)
  })

  test('every captured line is what Impacket computes from the password', async () => {
    const lines = [...(await logins('eng01')), ...(await logins('eng02'))].flatMap(({ body }) => (body.ntlm?.hash ? [body.ntlm.hash] : []))
    assert.ok(lines.length >= 5, `${lines.length} lines`)
    assert.equal(new Set(lines.map((line) => line.split(':')[3])).size, lines.length, 'each has a challenge of its own')
    const child = execute('/usr/bin/python3', ['-c', proofs, password])
    child.child.stdin?.end(lines.join('\n'))
    assert.deepEqual(
      (await child).stdout.split('\n').filter(Boolean),
      lines.map(() => 'True'),
    )
  })

  test('the scripts of nmap see Windows: dialects, signing, names, build, clock and start', async () => {
    const report = await nmap('smb-protocols,smb2-security-mode,smb-os-discovery,smb2-time,rdp-ntlm-info', '445,3389')
    const [of2016, of10] = [about(report, server), about(report, station)]
    assert.match(of2016, /dialects: \n\| +NT LM 0\.12 \(SMBv1\)[^\n]*\n\| +202\n\| +210\n\| +300\n\| +302\n\|_? +311/)
    assert.match(of10, /dialects: \n\| +202\n\| +210\n\| +300\n\| +302\n\|_? +311/)
    for (const part of [of2016, of10]) assert.match(part, /Message signing enabled but not required/)
    assert.match(of2016, /OS: Windows Server 2016 Standard 14393 \(Windows Server 2016 Standard 6\.3\)/)
    const [, fqdn = '', computer = ''] = /FQDN: (([^.\s]+)\.\S+)/.exec(of2016) ?? []
    assert.ok(of2016.includes(`DNS_Computer_Name: ${fqdn}`) && of2016.includes(`NetBIOS_Computer_Name: ${computer}`), of2016)
    assert.match(of2016, /Product_Version: 10\.0\.14393/)
    assert.match(of10, /Product_Version: 10\.0\.19044/)
    assert.match(of2016, /start_date: 20\d\d-/)
    assert.match(of10, /start_date: N\/A/)
    const [, seen = ''] = /_ +System_Time: (\S+)/.exec(of10) ?? []
    assert.ok(Math.abs(Date.parse(seen) - Date.now()) < 60_000, seen)
  })

  test('the check for MS17-010 finds a patched host, and is an attempted exploit with its finding', async () => {
    const report = await nmap('smb-vuln-ms17-010', '445', '-d')
    assert.match(report, /STATUS_INVALID_HANDLE response received\. This system is likely patched/)
    assert.doesNotMatch(report, /State: VULNERABLE/)
    await until('the exploit to be stored', async () => (await events('exploit.attempted')).some(({ body }) => body.vulnerability === 'MS17-010'))
    const rules = await until('the findings', async () => {
      const { items } = await site.call('findings', { query: { limit: 100 } })
      const found = new Set<string>(items.map(({ rule }) => rule))
      return ['windows.ms17-010', 'windows.smb-logon', 'windows.rdp-logon', 'windows.smb-scan'].every((rule) => found.has(rule)) && found
    })
    assert.ok(rules.size >= 4)
  })

  test('a dissector finds nothing malformed in what was said both ways', async () => {
    await frames.stop()
    const protocols = await frames.protocols()
    for (const name of ['smb', 'smb2', 'ntlmssp', 'tpkt']) assert.ok((protocols.get(name) ?? 0) > 5, `${name}: ${protocols.get(name)} frames`)
    assert.deepEqual((await frames.faults()).map(shownFault), [])
  })

  test('nmap names the services by what they say', async () => {
    const report = await run('nmap', ['-Pn', '-n', '-p', '445,3389', '-sV', '--version-light', server, station])
    assert.match(about(report, server), /445\/tcp +open +microsoft-ds +Microsoft Windows Server 2008 R2 - 2012 microsoft-ds/)
    for (const address of [server, station]) assert.match(about(report, address), /3389\/tcp +open +ms-wbt-server +Microsoft Terminal Services/)
  })

  test('nothing that these clients said was taken for broken by a service', async () => {
    const broken = (await events('protocol.violated')).filter(({ service, body }) => service === 'smb' && /cut off|no dialect/.test(String(body.reason)))
    assert.deepEqual(broken, [])
    assert.doesNotMatch(site.output(), /TypeError|RangeError/)
  })
})

/** Whether this process may listen below 1024. */
function mayListen(): boolean {
  if (process.getuid?.() === 0) return true
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) <= 445
  } catch {
    return false
  }
}

const connects = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host, port })
    socket.setTimeout(2000, () => socket.destroy())
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
    socket.on('close', () => resolve(false))
  })

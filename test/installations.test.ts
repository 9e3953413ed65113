/** Never a default identity: two fresh installations share nothing that names a host, and a constant common to both is found. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { identityFields } from '@shenlou/contract/identity-fields'
import { type Capture, capture } from './capture.ts'
import { parseReviewed, reviewed, unexplained } from './common-bytes.ts'
import { type Installation, install } from './installation.ts'
import { realServers } from './real-servers.ts'

/** Constants as they slip in: what they are, the part they stand in, before which bytes, and the bytes. */
const plants: readonly { what: string; part: string; before: RegExp; bytes: string }[] = [
  { what: 'a sentence in a page', part: 'portal', before: /<\/body>/, bytes: '<p>Welcome to the staff entrance</p>' },
  { what: 'a Chinese sentence in a page', part: 'portal', before: /<\/body>/, bytes: `<p>${Buffer.from('欢迎访问本公司官方网站').toString('latin1')}</p>` },
  { what: 'a remark in a page', part: 'portal', before: /<\/body>/, bytes: '<!-- template 4f2c -->' },
  { what: 'a header of its own', part: 'portal', before: /\r\n\r\n/, bytes: '\r\nX-Frame: portald' },
  { what: 'a value of a header', part: 'portal', before: /\r\n\r\n/, bytes: '\r\nX-Powered-By: Express' },
  { what: 'a class of a style sheet', part: 'portal', before: /<\/head>/, bytes: '<style>.hero-wrap{margin:0}</style>' },
  { what: 'a class in a page', part: 'portal', before: /<\/body>/, bytes: '<div class="page-shell"></div>' },
  { what: 'a colour', part: 'portal', before: /<\/head>/, bytes: '<style>a{color:#3b82f6}</style>' },
  { what: 'a script of its own', part: 'portal', before: /<\/body>/, bytes: '<script>initPortal()</script>' },
  { what: 'the name of a script', part: 'portal', before: /<\/head>/, bytes: '<script src="/jquery-3.5.1.min.js"></script>' },
  { what: 'an ETag', part: 'portal', before: /\r\n\r\n/, bytes: '\r\nETag: "5f1e3b2a-264"' },
  { what: 'the name of a cookie', part: 'portal', before: /\r\n\r\n/, bytes: '\r\nSet-Cookie: SVRSESSID=1' },
  { what: 'a note in a picture', part: 'portal', before: /IDAT/, bytes: 'tEXtSoftware\0painter' },
  { what: 'an error page', part: 'portal malformed', before: /<\/html>/, bytes: '<hr>gateway-01' },
  { what: 'the name of an authority', part: 'certificate', before: /\x06\x03U\x04\x03/, bytes: '\x13\x0eShared Test CA' },
  { what: 'a version of a server', part: 'portal ssh greeting', before: /\r\n/, bytes: '-p1honey' },
  { what: 'a remark of a server', part: 'router ssh greeting', before: /\r\n/, bytes: ' quietly' },
  { what: 'a prompt', part: 'portal shell: terminal', before: /\[root@/, bytes: '[root@svr04 ~]# ' },
  { what: 'a prompt of a router', part: 'router shell: terminal', before: /root@/, bytes: 'root@gateway:~# ' },
  { what: 'a greeting', part: 'portal shell: terminal', before: /\[root@/, bytes: 'Authorised staff only\r\n' },
  { what: 'a file in /root', part: 'portal shell: ls -la /root', before: /-rw/, bytes: '-rw-------  1 root root  2048 Sep  7  2021 install.log\n' },
  { what: 'a folder of a router', part: 'router shell: ls -la /', before: /drwx/, bytes: 'drwxr-xr-x    2 root     root          4096 Sep  7  2020 backup\n' },
  { what: 'a file in /etc', part: 'portal shell: ls /etc', before: /hosts\n/, bytes: 'honeyd.conf\n' },
  { what: 'a person', part: 'portal shell: cat /etc/passwd', before: /sshd:/, bytes: 'svcadmin:x:1099:1099::/opt/svc:/bin/bash\n' },
  {
    what: 'a process',
    part: 'portal shell: ps aux || ps',
    before: /root /,
    bytes: 'root       812  0.0  0.0  90210  1200 ?  Ss  09:12 0:01 /usr/sbin/collectd\n',
  },
  { what: 'the time of a line of the kernel', part: 'portal shell: dmesg | head -n 40', before: /\[ /, bytes: '[    7.318245] NET\n' },
  { what: 'an address', part: 'portal shell: cat /etc/resolv.conf', before: /nameserver/, bytes: 'nameserver 172.28.99.53\n' },
  { what: 'a serial number', part: 'portal shell: cat /sys/class/dmi/id/product_serial', before: /^/, bytes: 'INVALID77' },
  {
    what: 'a login of the past',
    part: 'portal shell: last',
    before: /^/,
    bytes: 'operator2 pts/0        172.28.99.53     Tue Sep  7 10:12 - 10:40  (00:28)\n',
  },
  { what: 'a variable', part: 'portal shell: env', before: /PATH=/, bytes: 'SVR_STAGE=trial\n' },
]

describe('two fresh installations', () => {
  const sites: Installation[] = []
  const captures: Capture[] = []
  let real: Set<string>
  before(async () => {
    const servers = realServers()
    const taken: Promise<Capture>[] = []
    for (let i = 0; i < 2; i++) {
      const site = await install()
      sites.push(site)
      taken.push(capture(site))
    }
    captures.push(...(await Promise.all(taken)))
    real = await servers
  })
  after(async () => {
    await Promise.all(sites.map((site) => site.remove()))
  })

  test('share no value of an identity field of the contract, and every field is seen in both', () => {
    const [one, two] = captures as [Capture, Capture]
    for (const { name, seen } of identityFields) {
      const [left, right] = [one.identity.get(name), two.identity.get(name)]
      assert.ok(left && right && left.size > 0 && right.size > 0, `${name} was read from both captures (${seen})`)
      assert.deepEqual(
        [...left].filter((value) => right.has(value)),
        [],
        name,
      )
    }
    assert.deepEqual(
      one.passwords.filter((password) => two.passwords.includes(password)),
      [],
    )
  })

  test('share no run of eight bytes that neither real servers nor the reviewed list explain', async (t) => {
    const [one, two] = captures as [Capture, Capture]
    const found = unexplained(one.bytes, two.bytes, real)
    const bare = unexplained(one.bytes, two.bytes, real, [])
    const size = [...one.bytes.values()].reduce((sum, part) => sum + part.length, 0)
    t.diagnostic(`shown: ${size} bytes captured; of ${count(bare)} shared runs of eight that real servers did not send, ${count(found)} unexplained`)
    if (found.size === 0) return
    // Two names or numbers can fall alike; what is the same everywhere, a third installation has too.
    const third = await install()
    sites.push(third)
    const { bytes } = await capture(third)
    const everywhere = [...found]
      .map(([part, runs]) => [part, runs.filter((run) => bytes.get(part)?.includes(run, 0, 'latin1'))] as const)
      .filter(([, runs]) => runs.length > 0)
    t.diagnostic(`shown: of these, ${everywhere.reduce((sum, [, runs]) => sum + runs.length, 0)} are in a third installation too`)
    assert.deepEqual(new Map(everywhere), new Map())
  })

  test('would be found to share a constant, wherever it stands', () => {
    const [one, two] = captures as [Capture, Capture]
    const parts = new Set(plants.map(({ part }) => part))
    const planted = [one, two].map(({ bytes }) => new Map([...parts].map((part) => [part, plant(part, bytes.get(part))]))) as [Planted, Planted]
    const found = unexplained(...planted, real)
    const missed = plants.filter(({ part, bytes }) => !found.get(part)?.some((gram) => bytes.includes(gram)))
    assert.deepEqual(missed, [])
  })
})

test('the reviewed list has at most 60 lines, short enough to read, each with its reason', () => {
  assert.ok(reviewed.length <= 60, `${reviewed.length} lines`)
  for (const { line, reason } of reviewed) assert.ok(line.length <= 255 && reason.length >= 4, line)
  assert.throws(() => parseReviewed('portal*\twords\tnothing'), /where, kind, text and reason/)
})

const count = (found: ReadonlyMap<string, string[]>): number => [...found.values()].reduce((sum, runs) => sum + runs.length, 0)

type Planted = Map<string, Buffer>

/** A part with every constant meant for it, each before the first place that it names. */
function plant(part: string, captured: Buffer | undefined): Buffer {
  let text = captured?.toString('latin1') ?? ''
  for (const { what, before, bytes } of plants.filter((one) => one.part === part)) {
    const at = text.search(before)
    assert.ok(at >= 0, `there is a place for ${what}`)
    text = text.slice(0, at) + bytes + text.slice(at)
  }
  return Buffer.from(text, 'latin1')
}

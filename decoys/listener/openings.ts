/** What worms and mass exploitation open with, as a table: texts that ordinary clients do not send. Looked for in bounded text, never by patterns. */
import { type Found, mostLooked } from './found.ts'

export interface Opening {
  /** Said in events as a mark. */
  mark: string
  /** Protocols it is looked for in; anywhere when not given. */
  protocols?: readonly string[]
  /** Lower case. One group, all of whose texts occur in the request line or, of HTTP, in the first 16 KiB. */
  any: readonly (readonly string[])[]
}

export const openings: readonly Opening[] = [
  // The database writes its file where cron, SSH or a web server reads it.
  { mark: 'redis.config-set', protocols: ['redis'], any: [['config set dir'], ['config set dbfilename'], ['config set "dir"']] },
  { mark: 'redis.rogue-master', protocols: ['redis'], any: [['slaveof '], ['replicaof ']] },
  { mark: 'redis.module-load', protocols: ['redis'], any: [['module load']] },
  {
    mark: 'redis.lua-escape',
    protocols: ['redis'],
    any: [
      ['eval ', 'package.loadlib'],
      ['eval ', 'os.execute'],
      ['eval ', 'io.popen'],
    ],
  },
  {
    mark: 'docker.container-create',
    any: [
      ['post ', '/containers/create'],
      ['post ', '/images/create'],
      ['post ', '/exec/', '/start'],
      ['post ', '/build?'],
    ],
  },
  { mark: 'hadoop.yarn', any: [['/ws/v1/cluster/apps/new-application'], ['post ', '/ws/v1/cluster/apps']] },
  { mark: 'adb.shell', protocols: ['adb'], any: [['cnxn'], ['open ']] },
  {
    mark: 'elasticsearch.script',
    any: [
      ['_search', '"script'],
      ['script_fields', 'exec('],
    ],
  },
  { mark: 'struts.ognl', any: [['%{(#'], ['${(#'], ['(#_memberaccess'], ['%{#context'], ['%24%7b%28%23']] },
  { mark: 'thinkphp.invoke', any: [['invokefunction', 'call_user_func'], ['\\think\\'], ['s=captcha', '_method=__construct']] },
  { mark: 'spring4shell', any: [['class.module.classloader']] },
  { mark: 'phpunit.eval', any: [['/phpunit/', 'eval-stdin.php']] },
  { mark: 'shellshock', any: [['() {', ';']] },
  { mark: 'weblogic.console', any: [['/console/', '%252e%252e'], ['/wls-wsat/'], ['/_async/asyncresponseservice']] },
  { mark: 'confluence.ognl', any: [['/pages/createpage-entervariables.action'], ['/pages/doenterpagevariables.action']] },
  {
    mark: 'router.command',
    any: [
      ['/goform/', '`'],
      ['/gponform/'],
      ['/ctrlt/deviceupgrade_1'],
      ['/cgi-bin/', ';wget'],
      ['/cgi-bin/', ';+wget'],
      ['/cgi-bin/luci/;stok=', '$('],
      ['/shell?', 'wget'],
      ['/hnap1/', 'wget'],
      ['/tmunblock.cgi'],
    ],
  },
  { mark: 'java.deserialize', protocols: ['java-serialized', 'java-rmi', 't3'], any: [['\xac\xed\x00\x05']] },
  { mark: 'telnet.bot', protocols: ['telnet', 'unknown'], any: [['/bin/busybox '], ['linuxshell']] },
  { mark: 'socks.proxy', protocols: ['socks'], any: [['connect ']] },
]

/** The marks of one request; `bytes` are those that it was read from. */
export function marksOf({ protocol, request }: Found, bytes: Buffer): string[] {
  const raw = bytes.toString('latin1', 0, Math.min(bytes.length, protocol === 'http' ? 16_384 : 4096))
  const text = `${request}\n${protocol === 'redis' || protocol === 'socks' ? '' : raw}`.toLowerCase()
  const marks = openings
    .filter(({ protocols, any }) => (!protocols || protocols.includes(protocol)) && any.some((parts) => parts.every((part) => text.includes(part))))
    .map(({ mark }) => mark)
  if (namesJndi(bytes)) marks.push('log4shell')
  return marks
}

const longestLookup = 96

/**
 * Whether the bytes hold a JNDI lookup of Log4j (CVE-2021-44228), also where nested lookups spell its name (`${lower:j}`, `${::-j}`, `${env:x:-j}`) or
 * it is percent-encoded. Lookups are undone from the inside, at most four deep, over the first 64 KiB.
 */
export function namesJndi(bytes: Buffer): boolean {
  let text = bytes.toString('latin1', 0, Math.min(bytes.length, mostLooked)).toLowerCase()
  if (text.includes('%24%7b') || text.includes('$%7b')) text = text.replaceAll('%24', '$').replaceAll('%7b', '{').replaceAll('%7d', '}').replaceAll('%3a', ':')
  for (let depth = 0; depth < 5; depth++) {
    if (text.includes('${jndi:')) return true
    if (!text.includes('${')) return false
    const undone = undoInnermost(text)
    if (undone === text) return false
    text = undone
  }
  return false
}

/** Each lookup without another inside of it becomes what it stands for: its default, or what is behind its last colon. One pass. */
function undoInnermost(text: string): string {
  const parts: string[] = []
  let from = 0
  for (let at = text.indexOf('${'); at >= 0; at = text.indexOf('${', at + 2)) {
    const next = text.indexOf('${', at + 2)
    const end = text.slice(at + 2, at + 2 + longestLookup).indexOf('}')
    if (end < 0 || (next >= 0 && next < at + 2 + end)) continue
    const inner = text.slice(at + 2, at + 2 + end)
    if (inner.startsWith('jndi:')) continue
    const fallback = inner.lastIndexOf(':-')
    parts.push(text.slice(from, at), fallback >= 0 ? inner.slice(fallback + 2) : inner.slice(inner.lastIndexOf(':') + 1))
    from = at + 3 + end
  }
  return from === 0 ? text : parts.join('') + text.slice(from)
}

/** iptables: rules are kept, and listed as they were given. */
import type { CommandTable, Run } from '../command.ts'

interface Rule {
  protocol: string
  source: string
  destination: string
  input: string
  output: string
  matches: [flag: string, value: string][]
  target: string
  /** What a target takes, as it was given. */
  more: string
}

const address = (text: string): string => (text.includes('/') ? text : `${text}/32`)

/** A rule from its arguments; undefined when one is not known. */
function parseRule(args: string[]): Rule | undefined {
  const rule: Rule = { protocol: 'all', source: '0.0.0.0/0', destination: '0.0.0.0/0', input: '', output: '', matches: [], target: '', more: '' }
  for (let i = 0; i < args.length; i++) {
    const flag = args[i] as string
    const value = args[i + 1] ?? ''
    if (/^(-p|--protocol)$/.test(flag)) rule.protocol = value
    else if (/^(-s|--source|--src)$/.test(flag)) rule.source = address(value)
    else if (/^(-d|--destination|--dst)$/.test(flag)) rule.destination = address(value)
    else if (/^(-i|--in-interface)$/.test(flag)) rule.input = value
    else if (/^(-o|--out-interface)$/.test(flag)) rule.output = value
    else if (/^(-m|--match)$/.test(flag)) rule.matches.push(['-m', value])
    else if (/^(-j|--jump)$/.test(flag)) {
      rule.target = value
      rule.more = args.slice(i + 2).join(' ')
      break
    } else if (/^--(dport|destination-port|sport|source-port|dports|sports|state|ctstate|icmp-type|tcp-flags|limit|comment|string|algo|mac-source)$/.test(flag))
      rule.matches.push([flag.replace('destination-port', 'dport').replace('source-port', 'sport'), value])
    else return undefined
    i++
  }
  return rule
}

/** The rule as -S prints it, without `-A CHAIN`. */
function ruleText(rule: Rule): string {
  const parts: string[] = []
  if (rule.source !== '0.0.0.0/0') parts.push('-s', rule.source)
  if (rule.destination !== '0.0.0.0/0') parts.push('-d', rule.destination)
  if (rule.input) parts.push('-i', rule.input)
  if (rule.output) parts.push('-o', rule.output)
  if (rule.protocol !== 'all') parts.push('-p', rule.protocol)
  // a port names the match of its protocol, which is written out
  if (rule.matches.some(([flag]) => /^--[ds]port$/.test(flag)) && !rule.matches.some(([flag, value]) => flag === '-m' && value === rule.protocol))
    parts.push('-m', rule.protocol)
  for (const [flag, value] of rule.matches) parts.push(flag, value)
  if (rule.target) parts.push('-j', rule.target)
  if (rule.more) parts.push(rule.more)
  return parts.join(' ')
}

/** A row of -L. */
function row(text: string): string {
  const rule = parseRule(text.split(' '))
  if (!rule) return `${text}\n`
  const whole = (one: string): string => one.replace(/\/32$/, '')
  const port = rule.matches
    .flatMap(([flag, value]) =>
      flag === '--dport'
        ? [`${rule.protocol} dpt:${value}`]
        : flag === '--sport'
          ? [`${rule.protocol} spt:${value}`]
          : flag === '--state'
            ? [`state ${value}`]
            : flag === '--ctstate'
              ? [`ctstate ${value}`]
              : [],
    )
    .join(' ')
  return `${rule.target.padEnd(10)} ${rule.protocol.padEnd(4)} --  ${whole(rule.source).padEnd(20)} ${whole(rule.destination).padEnd(20)}${port ? ` ${port}` : ''}\n`
}

function dump(run: Run, chains: readonly string[]): string {
  const { firewall } = run.seat.world
  return (
    chains.map((chain) => `-P ${chain} ${firewall.policy(chain)}\n`).join('') +
    chains.flatMap((chain) => firewall.rules(chain).map((rule) => `-A ${chain} ${rule}\n`)).join('')
  )
}

const iptables: CommandTable[string] = (run, args) => {
  const { firewall, host } = run.seat.world
  const version = { centos: 'v1.4.21', ubuntu: 'v1.6.1', debian: 'v1.8.9 (nf_tables)', openwrt: 'v1.8.3 (legacy)' }[host.flavour]
  if (args.includes('--version') || args.includes('-V')) {
    run.out(`iptables ${version}\n`)
    return 0
  }
  if (run.seat.user.uid !== 0) {
    run.err(
      `iptables ${version}: can't initialize iptables table \`filter': Permission denied (you must be root)\nPerhaps iptables or your kernel needs to be upgraded.\n`,
    )
    return 3
  }
  const table = args.findIndex((a) => a === '-t' || a === '--table')
  const other = table !== -1 && args[table + 1] !== 'filter'
  const plain = args.filter(
    (a, i) => !(table !== -1 && (i === table || i === table + 1)) && !/^(-w|--wait|--line-numbers|-n|--numeric|-x|-v|--verbose)$/.test(a),
  )
  const at = plain.findIndex((a) => /^-[nvx]*[ADILSFPXZNRC][nvx]*$|^--(append|delete|insert|list|list-rules|flush|policy|delete-chain|zero|check)$/.test(a))
  if (at === -1) {
    run.err(`iptables ${version}: no command specified\nTry \`iptables -h' or 'iptables --help' for more information.\n`)
    return 2
  }
  const long: Record<string, string> = {
    '--append': 'A',
    '--delete': 'D',
    '--insert': 'I',
    '--list': 'L',
    '--list-rules': 'S',
    '--flush': 'F',
    '--policy': 'P',
    '--check': 'C',
  }
  const verb = long[plain[at] as string] ?? (/[ADILSFPXZNRC]/.exec(plain[at] as string)?.[0] as string)
  const chain = plain[at + 1]?.startsWith('-') ? undefined : plain[at + 1]
  const rest = [...plain.slice(0, at), ...plain.slice(at + (chain === undefined ? 1 : 2))]
  const known = chain === undefined || firewall.chains().includes(chain)
  // rules of other tables are taken, and nobody has reason to look whether they hold
  if (other) return 0
  if (!known && 'ADILSFPC'.includes(verb)) {
    run.err(`iptables: No chain/target/match by that name.\n`)
    return 1
  }
  const chains = chain === undefined ? firewall.chains() : [chain]
  if (verb === 'S') run.out(dump(run, chains))
  else if (verb === 'L')
    run.out(
      chains
        .map(
          (name) =>
            `Chain ${name} (policy ${firewall.policy(name)})\ntarget     prot opt source               destination         \n${firewall.rules(name).map(row).join('')}`,
        )
        .join('\n'),
    )
  else if (verb === 'F') firewall.flush(chain)
  else if (verb === 'P') firewall.setPolicy(chain ?? '', rest[0] ?? '')
  else if ('ADIC'.includes(verb)) {
    const place = /^\d+$/.test(rest[0] ?? '') ? Number(rest[0]) : undefined
    if (verb === 'D' && place !== undefined) {
      if (!firewall.remove(chain ?? '', place)) run.err('iptables: Index of deletion too big.\n')
      return 0
    }
    const rule = parseRule(place === undefined ? rest : rest.slice(1))
    if (!rule) {
      run.err(
        `iptables ${version}: unknown option "${rest.find((a) => a.startsWith('-')) ?? ''}"\nTry \`iptables -h' or 'iptables --help' for more information.\n`,
      )
      return 2
    }
    const text = ruleText(rule)
    if (verb === 'A') firewall.add(chain ?? '', text)
    else if (verb === 'I') firewall.add(chain ?? '', text, place ?? 1)
    else if (verb === 'C' ? !firewall.rules(chain ?? '').includes(text) : !firewall.remove(chain ?? '', text)) {
      run.err('iptables: Bad rule (does a matching rule exist in that chain?).\n')
      return 1
    }
  }
  return 0
}

export const firewallCommands: CommandTable = {
  iptables,
  ip6tables: () => 0,
  'iptables-save'(run) {
    const { firewall } = run.seat.world
    run.out(
      `*filter\n${firewall
        .chains()
        .map((chain) => `:${chain} ${firewall.policy(chain)} [0:0]\n`)
        .join('')}${firewall
        .chains()
        .flatMap((chain) => firewall.rules(chain).map((rule) => `-A ${chain} ${rule}\n`))
        .join('')}COMMIT\n`,
    )
    return 0
  },
}

/** The filter table that an adversary has written: rules by chain, as iptables prints them. */

export interface Firewall {
  readonly revision: number
  /** Rules of a chain in order, each without `-A CHAIN`. */
  rules(chain: string): readonly string[]
  chains(): readonly string[]
  policy(chain: string): string
  setPolicy(chain: string, policy: string): boolean
  /** Adds at a place counted from 1, or at the end; false when there is no such chain or it is full. */
  add(chain: string, rule: string, place?: number): boolean
  /** Takes a rule by text or place out; false when it is not there. */
  remove(chain: string, rule: string | number): boolean
  /** Empties one chain, or all. */
  flush(chain?: string): void
  saved(): SavedFirewall
}

export type SavedFirewall = [chain: string, policy: string, rules: string[]][]

const most = 200

/** A filter table, as it was saved or as a host without rules has it. */
export function openFirewall(saved?: SavedFirewall): Firewall {
  const table = new Map<string, { policy: string; rules: string[] }>(['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => [chain, { policy: 'ACCEPT', rules: [] }]))
  if (Array.isArray(saved)) {
    for (const [chain, policy, rules] of saved.slice(0, 20))
      if (table.has(chain) && Array.isArray(rules)) table.set(chain, { policy: policy === 'DROP' ? 'DROP' : 'ACCEPT', rules: rules.map(String).slice(0, most) })
  }
  let revision = 0
  return {
    get revision() {
      return revision
    },
    rules: (chain) => table.get(chain)?.rules ?? [],
    chains: () => [...table.keys()],
    policy: (chain) => table.get(chain)?.policy ?? '-',
    setPolicy(chain, policy) {
      const one = table.get(chain)
      if (!one || !/^(ACCEPT|DROP)$/.test(policy)) return false
      one.policy = policy
      revision++
      return true
    },
    add(chain, rule, place) {
      const one = table.get(chain)
      if (!one || one.rules.length >= most) return false
      one.rules.splice(place === undefined ? one.rules.length : Math.max(0, place - 1), 0, rule.slice(0, 500))
      revision++
      return true
    },
    remove(chain, rule) {
      const one = table.get(chain)
      const at = typeof rule === 'number' ? rule - 1 : (one?.rules.indexOf(rule) ?? -1)
      if (!one || at < 0 || at >= one.rules.length) return false
      one.rules.splice(at, 1)
      revision++
      return true
    },
    flush(chain) {
      for (const [name, one] of table) if (chain === undefined || chain === name) one.rules = []
      revision++
    },
    saved: () => [...table].map(([chain, { policy, rules }]) => [chain, policy, rules]),
  }
}

/** `shenlou segments`: how they stand, and letting go of one at once. */
import type { RouteAnswer } from '@shenlou/contract/api'
import { askCore } from '@shenlou/core/admin-socket'
import { coreDir, need } from './admin.ts'
import type { Invocation } from './commands.ts'
import { SettingsError } from './settings.ts'
import { line } from './terminal.ts'

export async function segments(given: Invocation): Promise<number> {
  const [verb, which] = given.positionals
  const { items } = await askCore<RouteAnswer<'coverage'>>(coreDir(given), 'coverage')
  if (verb === undefined) {
    if (given.rest.json) line(JSON.stringify(items, null, 2))
    else
      for (const { id, network, relay, state, released, cells, hosts, undrawn } of items)
        line(
          `${id.padEnd(20)} ${network.padEnd(18)} ${relay.padEnd(16)} ${released ? 'let go' : state}  ${cells.claimed} of ${hosts} claimed, ${cells.used} in use${undrawn > 0 ? `, keys of ${undrawn} being made` : ''}`,
        )
    return 0
  }
  if ((verb !== 'release' && verb !== 'resume') || !which)
    throw new SettingsError("'shenlou segments' is used as: shenlou segments [release|resume ID|all --reason TEXT]")
  const chosen = items.filter(({ id }) => which === 'all' || id === which)
  if (chosen.length === 0) throw new SettingsError(`there is no segment '${which}'; 'shenlou segments' lists them`)
  const body = { released: verb === 'release', reason: need(given, 'reason', 'why, for the audit log') }
  for (const { id } of chosen) {
    await askCore(coreDir(given), 'releaseSegment', { params: { id }, body })
    line(`${verb === 'release' ? 'let go of' : 'answering again in'} ${id}`)
  }
  return 0
}

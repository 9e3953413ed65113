/** The one table of programs: a file a group. */
import type { CommandMain, CommandTable } from './command.ts'
import { accountCommands } from './commands/accounts.ts'
import { argumentCommands } from './commands/arguments.ts'
import { becomeCommands } from './commands/become.ts'
import { diskCommands } from './commands/disks.ts'
import { dumpCommands } from './commands/dumps.ts'
import { fileCommands } from './commands/files.ts'
import { firewallCommands } from './commands/firewall.ts'
import { findCommands } from './commands/find.ts'
import { grepCommands } from './commands/grep.ts'
import { loginCommands } from './commands/logins.ts'
import { listCommands } from './commands/ls.ts'
import { modeCommands } from './commands/modes.ts'
import { networkCommands } from './commands/network.ts'
import { pathCommands } from './commands/paths.ts'
import { processCommands } from './commands/processes.ts'
import { programCommands } from './commands/programs.ts'
import { serviceCommands } from './commands/services.ts'
import { systemCommands } from './commands/system.ts'
import { textCommands } from './commands/text.ts'
import { transferCommands } from './commands/transfer.ts'
import { wrapperCommands } from './commands/wrappers.ts'

const groups: CommandTable[] = [
  fileCommands,
  modeCommands,
  listCommands,
  findCommands,
  pathCommands,
  diskCommands,
  textCommands,
  grepCommands,
  dumpCommands,
  argumentCommands,
  systemCommands,
  wrapperCommands,
  processCommands,
  networkCommands,
  firewallCommands,
  transferCommands,
  accountCommands,
  becomeCommands,
  loginCommands,
  serviceCommands,
  programCommands,
]
const table = new Map<string, CommandMain>(groups.flatMap((group) => Object.entries(group)))

/** The program of a name. */
export const commands = (name: string): CommandMain | undefined => table.get(name)
export const commandNames = (): string[] => [...table.keys()]

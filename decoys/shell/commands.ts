/** The one table of programs: a file a group. */
import type { CommandMain, CommandTable } from './command.ts'
import { accountCommands } from './commands/accounts.ts'
import { fileCommands } from './commands/files.ts'
import { listingCommands } from './commands/listing.ts'
import { networkCommands } from './commands/network.ts'
import { processCommands } from './commands/processes.ts'
import { programCommands } from './commands/programs.ts'
import { serviceCommands } from './commands/services.ts'
import { systemCommands } from './commands/system.ts'
import { textCommands } from './commands/text.ts'
import { transferCommands } from './commands/transfer.ts'

const groups: CommandTable[] = [
  fileCommands,
  listingCommands,
  textCommands,
  systemCommands,
  processCommands,
  networkCommands,
  transferCommands,
  accountCommands,
  serviceCommands,
  programCommands,
]
const table = new Map<string, CommandMain>(groups.flatMap((group) => Object.entries(group)))

/** The program of a name. */
export const commands = (name: string): CommandMain | undefined => table.get(name)
export const commandNames = (): string[] => [...table.keys()]

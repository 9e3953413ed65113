import type { CommandTable } from '../command.ts'

export const fileCommands: CommandTable = {}

import type { CommandTable } from '../command.ts'

export const transferCommands: CommandTable = {}

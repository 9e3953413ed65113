import type { CommandTable } from '../command.ts'

export const processCommands: CommandTable = {}

import type { CommandTable } from '../command.ts'

export const accountCommands: CommandTable = {}

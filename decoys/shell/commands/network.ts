import type { CommandTable } from '../command.ts'

export const networkCommands: CommandTable = {}

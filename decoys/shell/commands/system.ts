import type { CommandTable } from '../command.ts'

export const systemCommands: CommandTable = {}

import type { CommandTable } from '../command.ts'

export const serviceCommands: CommandTable = {}

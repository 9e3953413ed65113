import type { CommandTable } from '../command.ts'

export const programCommands: CommandTable = {}

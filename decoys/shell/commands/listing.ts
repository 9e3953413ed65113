import type { CommandTable } from '../command.ts'

export const listingCommands: CommandTable = {}

/** The command line of an installation: every role and every command. */
import { readFileSync } from 'node:fs'
import { runCommandLine } from './command-line.ts'
import { commands } from './commands.ts'

const version = (): string => JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version

export const main = (args: string[]): Promise<void> => runCommandLine({ name: 'shenlou', version, commands }, args)

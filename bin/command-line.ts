/** Reads a command line and runs one command; an error that a person can mend is one line. */
import type { Command } from './commands.ts'
import { readSettings, type Settings, SettingsError, settingHelp } from './settings.ts'

export interface Program {
  /** As a person calls it. */
  name: string
  version(): string
  commands: Record<string, Command>
  /** Settings that its help names; all when absent. */
  settings?: (keyof Settings)[]
  /** The command meant where the first word is none, such as a flag; without it help is shown. */
  usual?: string
}

/** Sets the exit code: 2 for a command line that is wrong, 1 for what failed. */
export async function runCommandLine(program: Program, args: string[]): Promise<void> {
  const bare = args[0] === undefined || (args[0].startsWith('-') && !['-h', '--help', '--version'].includes(args[0]))
  const [name = '--help', ...others] = bare && program.usual !== undefined ? [program.usual, ...args] : args
  if (name === '--help' || name === '-h' || name === 'help') {
    console.log(helpText(program))
    return
  }
  if (name === '--version') {
    console.log(program.version())
    return
  }
  const command = Object.hasOwn(program.commands, name) ? program.commands[name] : undefined
  if (!command) {
    console.error(`${program.name}: there is no command '${name}'; '${program.name} --help' lists them`)
    process.exitCode = 2
    return
  }
  if (others.includes('--help') || others.includes('-h')) {
    console.log(`${program.name} ${command.usage}\n\n${command.summary}\n\nBesides: the settings that '${program.name} --help' lists, such as --data DIR.`)
    return
  }
  try {
    const given = await readSettings(others)
    const unexpected = given.positionals[command.words ?? 0]
    if (unexpected !== undefined) throw new SettingsError(`'${unexpected}' is one word too many; it is used as: ${program.name} ${command.usage}`)
    process.exitCode = await command.run(given)
  } catch (error) {
    const known = error instanceof SettingsError || (error instanceof Error && ['StartError', 'ApiError'].includes(error.name))
    console.error(`${program.name}: ${known ? (error as Error).message : ((error as Error).stack ?? error)}`)
    process.exitCode = error instanceof SettingsError ? 2 : 1
  }
}

function helpText({ name, commands, settings = Object.keys(settingHelp) as (keyof Settings)[], usual }: Program): string {
  const width = Math.max(...Object.keys(commands).map((command) => command.length))
  const flagWidth = Math.max(...settings.map((setting) => setting.length)) + 2
  return [
    usual === undefined ? `${name} COMMAND [settings]` : `${name} [COMMAND] [settings]; without a command: ${usual}`,
    '',
    ...Object.entries(commands).map(([command, { summary }]) => `  ${command.padEnd(width)}  ${summary}`),
    '',
    'Settings (or SHENLOU_NAME in the environment, or lines of DATA/shenlou.yaml, or --config FILE):',
    ...settings.map((setting) => `  --${setting.padEnd(flagWidth)}${settingHelp[setting]}`),
    '',
    `${name} COMMAND --help shows how a command is used.`,
  ].join('\n')
}

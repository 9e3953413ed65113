/** Reads the command line and runs one command; an error that a person can mend is one line. */
import { commands, helpText } from './commands.ts'
import { readSettings, SettingsError } from './settings.ts'

export async function main(args: string[]): Promise<void> {
  const [name = '--help', ...others] = args
  if (name === '--help' || name === '-h' || name === 'help') {
    console.log(helpText())
    return
  }
  if (name === '--version') {
    const { readFileSync } = await import('node:fs')
    console.log(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version)
    return
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) {
    console.error(`shenlou: there is no command '${name}'; 'shenlou --help' lists them`)
    process.exitCode = 2
    return
  }
  if (others.includes('--help') || others.includes('-h')) {
    console.log(`shenlou ${command.usage}\n\n${command.summary}\n\nBesides: the settings that 'shenlou --help' lists, such as --data DIR.`)
    return
  }
  try {
    const given = await readSettings(others)
    const unexpected = given.positionals[command.words ?? 0]
    if (unexpected !== undefined) throw new SettingsError(`'${unexpected}' is one word too many; it is used as: shenlou ${command.usage}`)
    process.exitCode = await command.run(given)
  } catch (error) {
    const known = error instanceof SettingsError || (error instanceof Error && ['StartError', 'ApiError'].includes(error.name))
    console.error(`shenlou: ${known ? (error as Error).message : ((error as Error).stack ?? error)}`)
    process.exitCode = error instanceof SettingsError ? 2 : 1
  }
}

/** Entry of the single executable of a relay: the role and what serves it, nothing of the other roles. */
import { writeFileSync } from 'node:fs'
import { runCommandLine } from '../bin/command-line.ts'
import { relayCommands } from '../bin/relay-commands.ts'
import about from '../relay/package.json' with { type: 'json' }

try {
  writeFileSync('/proc/self/comm', 'shenlou-relay')
} catch {
  // A name for ps(1) only.
}
void runCommandLine(
  {
    name: 'shenlou-relay',
    version: () => about.version,
    commands: relayCommands,
    settings: ['data', 'token', 'capture', 'capture-shared'],
    usual: 'run',
  },
  process.argv.slice(2),
)

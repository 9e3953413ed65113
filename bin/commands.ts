/** The command line: every command with one line, loaded only when it runs. */
import type { Settings } from './settings.ts'

export interface Invocation {
  settings: Settings
  positionals: string[]
  rest: Record<string, string | boolean>
}

export interface Command {
  summary: string
  usage: string
  /** How many words it takes besides flags; none when absent. */
  words?: number
  /** Resolves to the exit code. */
  run(invocation: Invocation): Promise<number>
}

export const commands: Record<string, Command> = {
  start: {
    summary: 'one machine doing everything: core, console, database, decoy host, relay, starter scenario',
    usage: 'start',
    run: async (given) => (await import('./start.ts')).start(given),
  },
  core: {
    summary: 'the core alone: ingest, detection, tickets, API and console',
    usage: 'core',
    run: async (given) => (await import('./roles.ts')).core(given),
  },
  decoys: {
    summary: 'a decoy host: gate and workers (first start with --token)',
    usage: 'decoys --token TOKEN',
    run: async (given) => (await import('./roles.ts')).decoys(given),
  },
  relay: {
    summary: 'a park relay (first start with --token); as root with --capture it answers for idle addresses',
    usage: 'relay --token TOKEN [--capture INTERFACE[,INTERFACE]] | relay release | relay resume | relay survey --capture INTERFACE --network CIDR',
    words: 1,
    run: async (given) => (given.positionals[0] ? (await import('./relay-hand.ts')).relayByHand(given) : (await import('./relay.ts')).relay(given)),
  },
  capture: {
    summary: "the part of a relay that holds its capture interfaces; 'relay --capture' starts it",
    usage: 'capture',
    run: async () => (await import('@shenlou/relay/capture/main')).runCapture(),
  },
  plan: {
    summary: 'show what a template would change; changes nothing',
    usage: 'plan -f FILE [--full]',
    run: async (given) => (await import('./admin.ts')).plan(given),
  },
  apply: { summary: 'apply a template', usage: 'apply -f FILE', run: async (given) => (await import('./admin.ts')).apply(given) },
  segments: {
    summary: 'list segments of idle addresses; let go of one at once, or of all, or take that back',
    usage: 'segments [release|resume ID|all --reason TEXT]',
    words: 2,
    run: async (given) => (await import('./segments.ts')).segments(given),
  },
  sensors: { summary: 'list sensors with their health', usage: 'sensors', run: async (given) => (await import('./admin.ts')).sensors(given) },
  placements: {
    summary: 'list decoys and where they answer, with the credentials that are given away',
    usage: 'placements',
    run: async (given) => (await import('./admin.ts')).placements(given),
  },
  enrol: {
    summary: 'make an enrolment token, good once within the hour',
    usage: 'enrol --role relay|decoys --name NAME --scope PATH --network CIDR',
    run: async (given) => (await import('./admin.ts')).enrol(given),
  },
  confirm: {
    summary: 'confirm a new sensor by its fingerprint',
    usage: 'confirm NAME --fingerprint SHA256',
    words: 1,
    run: async (given) => (await import('./admin.ts')).confirm(given),
  },
  revoke: { summary: 'revoke a sensor', usage: 'revoke NAME', words: 1, run: async (given) => (await import('./admin.ts')).revoke(given) },
  release: {
    summary: 'signed updates of sensors: keys, signatures, what the core takes, how it is rolled out',
    usage:
      'release key -f FILE | sign --key FILE --sequence N [--min-version V] [--downgrade] PACKAGE | trust -f FILE --name NAME | import PACKAGE | roll-out VERSION [--canary CHANNEL|N%] [--wait MINUTES|hand] | status | continue ID | stop ID',
    words: 2,
    run: async (given) => (await import('./release.ts')).release(given),
  },
  token: {
    summary: 'create an API token',
    usage: 'token create --name NAME --permissions a,b --scope PATH [--days 90]',
    words: 1,
    run: async (given) => (await import('./admin.ts')).token(given),
  },
  persona: {
    summary: 'check a persona file for contradictions',
    usage: 'persona lint FILE',
    words: 2,
    run: async (given) => (await import('./persona.ts')).persona(given),
  },
  plant: {
    summary: 'run a plant template for a day and draw it',
    usage: 'plant run TEMPLATE [--hours 24] [--seed TEXT] [--tags A,B] [--picture FILE.svg]',
    words: 2,
    run: async (given) => (await import('./plant.ts')).plant(given),
  },
  audit: {
    summary: 'check that the audit log was not altered',
    usage: 'audit verify',
    words: 1,
    run: async (given) => (await import('./admin.ts')).audit(given),
  },
  backup: {
    summary: 'write everything into one encrypted file',
    usage: 'backup -f FILE --passphrase FILE',
    run: async (given) => (await import('./admin.ts')).backup(given),
  },
  restore: {
    summary: 'bring a backup back into an empty data folder',
    usage: 'restore -f FILE --passphrase FILE --data DIR',
    run: async (given) => (await import('./admin.ts')).restore(given),
  },
}

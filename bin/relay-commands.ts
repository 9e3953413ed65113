/** What the single executable of a relay can do; its code is all in it, so nothing of another role may be named here. */
import { runCapture } from '@shenlou/relay/capture/main'
import type { Command } from './commands.ts'
import { relay } from './relay.ts'
import { installFetched } from './relay-update.ts'
import { releaseOrResume, survey } from './relay-hand.ts'

export const relayCommands: Record<string, Command> = {
  run: {
    summary: 'a park relay (first start with --token); as root with --capture it answers for idle addresses',
    usage: 'run --token TOKEN [--capture INTERFACE[,INTERFACE]]',
    run: relay,
  },
  release: {
    summary: 'let go of every idle address at once, until resume; works without the core',
    usage: 'release [--segment ID]',
    run: (given) => releaseOrResume('release', given),
  },
  resume: {
    summary: 'take a release back, or end a halt of new claims',
    usage: 'resume [--segment ID]',
    run: (given) => releaseOrResume('resume', given),
  },
  survey: {
    summary: 'look at a network: what is used, what would be claimed, what not and why; answers nothing',
    usage: 'survey --capture INTERFACE --network CIDR [--seconds 60]',
    run: (given) => survey(given),
  },
  'install-update': {
    summary: "install a signed update that the relay fetched; the launcher's way",
    usage: 'install-update --inbox DIR --home DIR --trust FILE',
    run: (given) => installFetched(given),
  },
  capture: {
    summary: "the part of a relay that holds its capture interfaces; 'run --capture' starts it",
    usage: 'capture',
    run: () => runCapture(),
  },
}

/** Keyboard-interactive as sshd with PAM does it (measured on OpenSSH 9.2p1): a password is asked for, and what was right is followed by an empty request. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import ssh2 from 'ssh2'
import { serveDecoy, type TestDecoy, testPersona } from '../test-harness.ts'
import { client, common, given, run, settings } from './client-fixture.ts'
import { ssh } from './ssh.ts'

const persona = testPersona('ubuntu-18.04')
const section = persona.template.ssh as NonNullable<typeof persona.template.ssh>
const quick = { ...persona, template: { ...persona.template, ssh: { ...section, refusalMs: [1, 2] as [number, number] } } }
/** A client whose messages of authentication the test sends and sees itself; `end` is seen when the server hangs up. */
interface Hands {
  authKeyboard(user: string): void
  authInfoRes(answers: string[]): void
  authPassword(user: string, password: string): void
  _handlers: Record<string, (...given: unknown[]) => void>
}
async function byHand(port: number): Promise<{ hands: Hands; seen(): Promise<string>; end(): void }> {
  const queue: string[] = []
  let wake = (): void => {}
  const push = (what: string): void => {
    queue.push(what)
    wake()
  }
  const client = new ssh2.Client()
  client.on('error', () => {})
  client.on('close', () => push('end'))
  await new Promise<void>((resolve) => client.connect({ host: '127.0.0.1', port, username: 'root', authHandler: () => resolve() }))
  const hands = (client as unknown as { _protocol: Hands })._protocol
  hands._handlers.USERAUTH_INFO_REQUEST = (_, _name, _instructions, prompts) => push(`asks ${(prompts as unknown[]).length}`)
  hands._handlers.USERAUTH_FAILURE = () => push('refused')
  hands._handlers.USERAUTH_SUCCESS = () => push('in')
  return {
    hands,
    async seen() {
      while (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return queue.shift() as string
    },
    end: () => client.destroy(),
  }
}
const alone = ['-vvv', '-o', 'PreferredAuthentications=keyboard-interactive', '-o', 'NumberOfPasswordPrompts=1', '-o', 'LogLevel=DEBUG3']

describe('keyboard-interactive', () => {
  let decoy: TestDecoy
  before(async () => {
    decoy = await serveDecoy(ssh, quick, settings)
  })
  after(async () => {
    await decoy.close()
    assert.deepEqual(decoy.faults, [])
  })
  const steps = (text: string): string[] =>
    text
      .split('\n')
      .map((line) => /receive packet: type (5[12]|60)|send packet: type (61)|num_prompts (\d)/.exec(line))
      .flatMap((found) => (found ? [found[3] === undefined ? (found[1] ?? found[2] ?? '') : `${found[3]} prompts`] : []))

  test('a right password is followed by a request without prompts, then by the success', async () => {
    const { out, err } = await client(decoy, 'echo in', alone)
    assert.equal(out, 'in\n', err)
    assert.deepEqual(steps(err), ['51', '60', '1 prompts', '61', '60', '0 prompts', '61', '52'])
  })

  test('a wrong one is refused at once, without it', async () => {
    const { err } = await run('sshpass', ['-p', 'wrong', 'ssh', ...common, ...alone, '-p', String(decoy.port), 'root@127.0.0.1', 'true'])
    assert.deepEqual(steps(err), ['51', '60', '1 prompts', '61', '51'])
  })

  test('another number of answers than was asked for ends the connection without a word', async () => {
    for (const answers of [[], ['a', 'b']]) {
      const { hands, seen } = await byHand(decoy.port)
      hands.authKeyboard('root')
      assert.equal(await seen(), 'asks 1')
      hands.authInfoRes(answers)
      assert.equal(await seen(), 'end')
    }
    assert.ok(decoy.of('login.attempted').some((attempt) => attempt.password === 'a' && attempt.outcome === 'refused'))
  })

  test('who turns away from the request without prompts is not in, and cannot come back to it', async () => {
    const { hands, seen, end } = await byHand(decoy.port)
    hands.authKeyboard('root')
    assert.equal(await seen(), 'asks 1')
    hands.authInfoRes([given.password])
    assert.equal(await seen(), 'asks 0')
    hands.authPassword('root', 'wrong')
    assert.equal(await seen(), 'refused')
    hands.authInfoRes([])
    hands.authPassword('root', 'wrong again')
    assert.equal(await seen(), 'refused')
    end()
  })
})

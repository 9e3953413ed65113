/** Runs lists, pipelines and compound commands. Each loop and command counts a step. */
import { simple } from './call.ts'
import { holds } from './condition.ts'
import { Interrupted, Leave, type Streams } from './control.ts'
import { expandWord, expandWords } from './expand.ts'
import { LineReader, Pipe, PipeClosed, textInput } from './io.ts'
import { maxForks } from './jobs.ts'
import { Meter } from './pace.ts'
import { compile, matches } from './pattern.ts'
import { redirect } from './redirect.ts'
import type { Shell } from './shell.ts'
import type { Command, List, Pipeline, Word } from './syntax.ts'

const maxDepth = 60

export async function list(shell: Shell, list: List, streams: Streams): Promise<number> {
  for (const item of list.items) {
    if (item.background) await start(shell, item, shell.fixed ?? streams)
    else await andOr(shell, item.first, item.rest, shell.fixed ?? streams)
  }
  return shell.status
}

/** `fork` fails when too much runs at once: said as the shell says it. */
async function forks(shell: Shell, wanted: number, streams: Streams): Promise<boolean> {
  if (shell.family.live + wanted <= maxForks) return true
  streams.err(
    shell.dialect === 'bash'
      ? `${shell.label}: fork: retry: Resource temporarily unavailable\n`
      : `${shell.label}: can't fork: Resource temporarily unavailable\n`,
  )
  await shell.pause(1000)
  shell.status = shell.dialect === 'bash' ? 254 : 2
  return shell.family.live + wanted <= maxForks
}

/** Starts a background job. */
async function start(shell: Shell, { first, rest, text }: List['items'][number], streams: Streams): Promise<void> {
  const { family, seat } = shell
  if (!(await forks(shell, 1, streams))) return
  const child = shell.child()
  child.meter = new Meter()
  child.sink = undefined
  const pid = seat.world.logins.nextPid()
  shell.background = pid
  child.pid = shell.pid
  family.live++
  const meter = child.meter
  const job = family.add({ pid, text, meter, state: 'Running', status: 0, done: Promise.resolve() })
  if (shell.interactive) streams.err(`[${job.id}] ${pid}\n`)
  const leave = seat.login.run({ pid, ppid: shell.pid, command: text, startedAt: seat.now(), user: seat.user.name, stop: () => meter.interrupt() })
  const work = async (): Promise<void> => {
    try {
      await andOr(child, first, rest, { ...streams, input: new LineReader(textInput('')) })
      job.status = child.status
    } catch (error) {
      job.status = error instanceof Leave ? error.value : error instanceof PipeClosed ? 141 : 143
      if (error instanceof Interrupted && job.state === 'Running') job.state = 'Terminated'
    }
    if (job.state === 'Running') job.state = job.status === 0 ? 'Done' : `Exit ${job.status}`
    family.live--
    leave()
    if (!shell.interactive) family.forget((one) => one === job && family.jobs.length > 50)
  }
  job.done = work()
  shell.status = 0
}

export async function andOr(shell: Shell, first: Pipeline, rest: List['items'][number]['rest'], streams: Streams): Promise<void> {
  const last = rest.length === 0
  if (!last) shell.tested++
  try {
    await pipeline(shell, first, streams)
  } finally {
    if (!last) shell.tested--
  }
  for (const [i, next] of rest.entries()) {
    if ((next.operator === '&&') !== (shell.status === 0)) continue
    const inner = i < rest.length - 1
    if (inner) shell.tested++
    try {
      await pipeline(shell, next.pipeline, streams)
    } finally {
      if (inner) shell.tested--
    }
  }
  const failed = rest.length === 0 ? first : rest.at(-1)?.pipeline
  const ran = rest.length === 0 || (rest.at(-1)?.operator === '||' && shell.status !== 0)
  if (shell.status !== 0 && ran && !failed?.negated && shell.flags.has('e') && shell.tested === 0) throw new Leave('exit', shell.status)
}

export async function pipeline(shell: Shell, { negated, timed, commands: parts }: Pipeline, streams: Streams): Promise<void> {
  const began = shell.seat.now()
  if (negated) shell.tested++
  try {
    if (parts.length === 1) {
      await command(shell, parts[0] as Command, streams)
      if (shell.dialect === 'bash') shell.arrays.set('PIPESTATUS', new Map([['0', String(shell.status)]]))
    } else await joined(shell, parts, streams)
  } finally {
    if (negated) shell.tested--
  }
  if (negated) shell.status = shell.status === 0 ? 1 : 0
  if (!timed) return
  const ms = Math.max(0, shell.seat.now() - began)
  const text = (n: number): string => `${Math.floor(n / 60_000)}m${((n % 60_000) / 1000).toFixed(3)}s`
  streams.err(`\nreal\t${text(ms + 2)}\nuser\t${text(1)}\nsys\t${text(1)}\n`)
}

/** Runs several commands at once, each reading what the one before it writes. */
async function joined(shell: Shell, parts: Command[], streams: Streams): Promise<void> {
  if (!(await forks(shell, parts.length, streams))) return
  const { family } = shell
  const codes: number[] = []
  let input = streams.input
  const works = parts.map(async (part, i) => {
    const last = i === parts.length - 1
    const child = shell.child()
    const from = i === 0 ? undefined : input
    const mine = input
    const pipe = last ? undefined : new Pipe()
    if (pipe) {
      child.sink = pipe
      child.fixed = undefined
      input = new LineReader(pipe)
    }
    family.live++
    try {
      await Promise.resolve() // all pipes are laid before the first command runs
      await command(child, part, {
        input: mine,
        out: pipe ? (text) => pipe.write(text) : streams.out,
        err: streams.err,
        toTerminal: last && streams.toTerminal,
      })
      codes[i] = child.status
    } catch (error) {
      if (error instanceof Leave) codes[i] = error.kind === 'exit' || error.kind === 'abort' ? error.value : child.status
      else if (error instanceof PipeClosed && !last) codes[i] = 141
      else throw error
    } finally {
      family.live--
      pipe?.end()
      from?.close()
    }
  })
  const results = await Promise.allSettled(works)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
  shell.status = shell.flags.has('pipefail') ? (codes.findLast((code) => code !== 0) ?? 0) : (codes.at(-1) ?? 0)
  shell.arrays.set('PIPESTATUS', new Map(codes.map((code, i) => [String(i), String(code)])))
}

export async function command(shell: Shell, command: Command, streams: Streams): Promise<void> {
  await shell.step()
  if (++shell.depth > maxDepth) {
    shell.depth--
    streams.err(`${shell.label}: maximum function nesting level exceeded (${maxDepth})\n`)
    throw new Leave('abort', 1)
  }
  try {
    if (command.kind === 'function') {
      if (shell.functions.size < 200) shell.functions.set(command.name, command.body)
      shell.status = 0
      return
    }
    if (command.kind === 'simple') {
      await simple(shell, command, streams)
      return
    }
    const redirected = await redirect(shell, command.redirects, streams)
    if (!redirected) return
    try {
      await compound(shell, command, redirected.streams)
    } finally {
      redirected.finish()
    }
  } finally {
    shell.depth--
  }
}

async function tested(shell: Shell, test: List, streams: Streams): Promise<boolean> {
  shell.tested++
  try {
    return (await list(shell, test, streams)) === 0
  } finally {
    shell.tested--
  }
}

export async function compound(shell: Shell, command: Exclude<Command, { kind: 'simple' | 'function' }>, streams: Streams): Promise<void> {
  switch (command.kind) {
    case 'group':
      if (!command.subshell) {
        await list(shell, command.body, streams)
        return
      }
      await subshell(shell, command.body, streams)
      return
    case 'arithmetic':
      shell.status = (await sum(shell, command.text, streams)) === 0 ? 1 : 0
      return
    case 'test':
      shell.status = (await holds(shell, command.condition, streams)) ? 0 : 1
      return
    case 'if':
      for (const { test, body } of command.branches) {
        if (!(await tested(shell, test, streams))) continue
        await list(shell, body, streams)
        return
      }
      shell.status = 0
      if (command.otherwise) await list(shell, command.otherwise, streams)
      return
    case 'while': {
      let last = 0
      for (;;) {
        await shell.step()
        if ((await tested(shell, command.test, streams)) === command.until) break
        if (await turn(shell, command.body, streams)) break
        last = shell.status
      }
      shell.status = last
      return
    }
    case 'count': {
      await sum(shell, command.init, streams)
      shell.status = 0
      while (command.test.length === 0 || (await sum(shell, command.test, streams)) !== 0) {
        await shell.step()
        if (await turn(shell, command.body, streams)) break
        await sum(shell, command.step, streams)
      }
      return
    }
    case 'for': {
      const words = command.words ? await expandWords(shell, command.words, streams) : [...shell.arguments]
      shell.status = 0
      for (const word of words) {
        shell.set(command.name, word)
        await shell.step()
        if (await turn(shell, command.body, streams)) break
      }
      return
    }
    case 'case': {
      const subject = (await expandWord(shell, command.subject, streams, 'plain')).join(' ')
      shell.status = 0
      let falls = false
      for (const branch of command.branches) {
        let hit = falls
        for (const pattern of hit ? [] : branch.patterns) {
          const [text = ''] = await expandWord(shell, pattern, streams, 'pattern')
          hit ||= matches(compile(text), subject)
        }
        if (!hit) continue
        await list(shell, branch.body, streams)
        if (!branch.falls) return
        falls = branch.falls === ';&'
      }
    }
  }
}

async function sum(shell: Shell, word: Word, streams: Streams): Promise<number> {
  const [text = ''] = await expandWord(shell, word, streams, 'plain')
  return text.trim() === '' ? 0 : shell.evaluateOrFail(text, streams)
}

async function subshell(shell: Shell, body: List, streams: Streams): Promise<void> {
  const child = shell.child()
  try {
    await list(child, body, streams)
  } catch (error) {
    if (!(error instanceof Leave)) throw error
    if (error.kind === 'exit' || error.kind === 'abort') child.status = error.value
  }
  const trap = child.traps.get('EXIT')
  if (trap !== undefined) await child.execute(trap, streams)
  shell.status = child.status
}

/** One turn of a loop; true when the loop is left. */
export async function turn(shell: Shell, body: List, streams: Streams): Promise<boolean> {
  shell.loops++
  try {
    await list(shell, body, streams)
    return false
  } catch (error) {
    if (!(error instanceof Leave) || (error.kind !== 'break' && error.kind !== 'continue')) throw error
    if (error.value > 1) {
      error.value--
      throw error
    }
    return error.kind === 'break'
  } finally {
    shell.loops--
  }
}

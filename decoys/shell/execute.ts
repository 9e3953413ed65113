/** Runs lists, pipelines and compound commands. Each loop and command counts a step. */
import { simple } from './call.ts'
import { Leave, type Streams } from './control.ts'
import { expandWord, expandWords } from './expand.ts'
import { LineReader, PipeClosed, textInput } from './io.ts'
import { compile, matches } from './pattern.ts'
import { redirect } from './redirect.ts'
import type { Shell } from './shell.ts'
import type { Command, List, Pipeline } from './syntax.ts'

const maxPipe = 2 * 1024 * 1024

export async function list(shell: Shell, list: List, streams: Streams): Promise<number> {
  for (const { first, rest, background, text } of list.items) {
    if (background) {
      shell.background = shell.pid + 20 + (shell.meter.steps % 900)
      if (shell.interactive) streams.out(`[1] ${shell.background}\n`)
      const child = shell.child()
      try {
        await andOr(child, first, rest, { ...streams, input: new LineReader(textInput('')) })
      } catch (error) {
        if (!(error instanceof Leave)) throw error
      }
      if (shell.interactive && !shell.ash) streams.err(`[1]+  Done                    ${text}\n`)
      shell.status = 0
      continue
    }
    await andOr(shell, first, rest, streams)
  }
  return shell.status
}

export async function andOr(shell: Shell, first: Pipeline, rest: List['items'][number]['rest'], streams: Streams): Promise<void> {
  await pipeline(shell, first, streams)
  for (const next of rest) {
    if ((next.operator === '&&') === (shell.status === 0)) await pipeline(shell, next.pipeline, streams)
  }
}

export async function pipeline(shell: Shell, { negated, commands: parts }: Pipeline, streams: Streams): Promise<void> {
  if (parts.length === 1) await command(shell, parts[0] as Command, streams)
  else {
    let input = streams.input
    for (let i = 0; i < parts.length; i++) {
      const last = i === parts.length - 1
      let piped = ''
      const part = shell.child()
      const out = last
        ? streams.out
        : (text: string): void => {
            piped += text
            if (piped.length > maxPipe) throw new PipeClosed()
          }
      try {
        await command(part, parts[i] as Command, { input, out, err: streams.err, toTerminal: last && streams.toTerminal })
      } catch (error) {
        if (error instanceof PipeClosed) part.status = 141
        else if (error instanceof Leave) part.status = error.kind === 'exit' ? error.value : part.status
        else throw error
      }
      shell.status = part.status
      input = new LineReader(textInput(piped))
    }
  }
  if (negated) shell.status = shell.status === 0 ? 1 : 0
}

export async function command(shell: Shell, command: Command, streams: Streams): Promise<void> {
  await shell.step()
  if (++shell.meter.depth > 60) {
    shell.meter.depth--
    streams.err(`${shell.label}: maximum function nesting level exceeded\n`)
    shell.status = 1
    return
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
    await compound(shell, command, redirected.streams)
    redirected.finish()
  } finally {
    shell.meter.depth--
  }
}

export async function compound(shell: Shell, command: Exclude<Command, { kind: 'simple' | 'function' }>, streams: Streams): Promise<void> {
  switch (command.kind) {
    case 'group':
      if (command.subshell) {
        const child = shell.child()
        try {
          await list(child, command.body, streams)
        } catch (error) {
          if (!(error instanceof Leave)) throw error
          if (error.kind === 'exit') child.status = error.value
        }
        shell.status = child.status
      } else await list(shell, command.body, streams)
      return
    case 'if':
      for (const { test, body } of command.branches) {
        await list(shell, test, streams)
        if (shell.status === 0) {
          await list(shell, body, streams)
          return
        }
      }
      shell.status = 0
      if (command.otherwise) await list(shell, command.otherwise, streams)
      return
    case 'while': {
      let last = 0
      for (;;) {
        await shell.step()
        await list(shell, command.test, streams)
        if ((shell.status === 0) === command.until) break
        if (await turn(shell, command.body, streams)) break
        last = shell.status
      }
      shell.status = last
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
      for (const { patterns, body } of command.branches) {
        for (const pattern of patterns) {
          const [text = ''] = await expandWord(shell, pattern, streams, 'pattern')
          if (matches(compile(text), subject)) {
            shell.status = 0
            await list(shell, body, streams)
            return
          }
        }
      }
      shell.status = 0
    }
  }
}

/** One turn of a loop; true when the loop is left. */
export async function turn(shell: Shell, body: List, streams: Streams): Promise<boolean> {
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
  }
}

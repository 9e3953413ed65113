/** One segment's idle addresses: watches, decides, has the kernel answer, and tells of it. Runs in the process that holds the capture interface. */
import { spawnSync } from 'node:child_process'
import type { SegmentHealth } from '@shenlou/contract/segment'
import type { IdleEngine, IdleOptions, Probed } from '../capture/kernel.ts'
import { openActor } from './act.ts'
import { addressNumber, addressText, macNumber, overlap } from './addresses.ts'
import { synFacts } from './first-hop.ts'
import type { Frame } from './frames.ts'
import { lookAt, ownersFilter, synFilter } from './look.ts'
import { startPoliteness } from './politeness.ts'
import type { Politeness, Survey } from './politeness-types.ts'
import { surveyEvent } from './survey.ts'
import { startWatch } from './watch.ts'

export interface StartIdleOptions extends IdleOptions {
  /** What `onSave` was given last; kept by whoever has a folder, so that owners are remembered across restarts. */
  saved?: string | undefined
  onSave?(text: string): void
  /** Closed ports of claimed addresses that were asked for. */
  onProbed?(rows: Probed[]): void
}
export interface Idle extends IdleEngine {
  /** By hand, without the core: lets go of everything at once, and takes that back (which ends a halt too). */
  release(): Promise<void>
  resume(): void
  survey(): Survey
}

const notBegun = 'the watch has not begun'
const tickMs = 1000
const scanMs = 2000
const saveMs = 60_000
const saveBytesPerMs = 100
const surveyMs = 60_000

/** Never throws: what cannot be watched is a failed segment in its health, and answers nothing. */
export function startIdle(options: StartIdleOptions): Idle {
  const { device, kernel, say, onSyn, onSave, onProbed, log = () => {} } = options
  const wallClock = options.clock ?? Date.now
  // Quiet times must not be cut short by a clock that is set; so they are measured with one that cannot be.
  const [startWall, startSteady] = [wallClock(), performance.now()]
  const now = (): number => startWall + (performance.now() - startSteady)
  const { mac: deviceMac, own } = interfaceOf(device)
  let segment = options.segment
  let hosts = options.hosts
  let running = open()
  let closed = false

  function open(saved = options.saved): Running | { failed: string } {
    try {
      return begin(saved)
    } catch (error) {
      log(`segment ${segment.id}: ${(error as Error).message}`)
      return { failed: (error as Error).message }
    }
  }

  function begin(saved: string | undefined): Running {
    const engine = startPoliteness({
      segment,
      hosts,
      now: now(),
      deviceMac,
      own,
      saved: saved === undefined ? undefined : { text: saved, wallClock: wallClock() },
    })
    engine.blind(now())
    const actor = openActor({ engine, kernel, device, own: own.find((address) => overlap(address, segment.network)), now, say, log })
    const look = lookAt(segment, engine, deviceMac)
    let soon: NodeJS.Immediate | undefined
    const actSoon = (): void => {
      soon ??= setImmediate(() => {
        soon = undefined
        actor.act()
      })
    }
    let blind = notBegun
    const owners = startWatch({
      device,
      filter: ownersFilter(segment),
      onFrame(frame) {
        look(frame, now())
        actSoon()
      },
      onState(sees, reason) {
        blind = sees ? '' : reason
        if (sees) engine.sees(now())
        else engine.blind(now())
        log(sees ? `segment ${segment.id}: watching ${device}` : `segment ${segment.id} is blind: ${reason}`)
      },
    })
    const syns = startWatch({
      device,
      filter: synFilter(segment),
      onFrame(frame: Frame, time) {
        if (frame.kind !== 'syn') return
        look(frame, now())
        actSoon()
        if (!onSyn || engine.stateOf(frame.destination) !== 'claimed') return
        onSyn({
          source: { ip: addressText(frame.source), port: frame.sourcePort },
          destination: { ip: addressText(frame.destination), port: frame.destinationPort },
          observed: { ...synFacts(frame, time) },
        })
      },
      onState: (sees, reason) => sees || log(`segment ${segment.id}: first segments of connections are not seen: ${reason}`),
    })
    let polling = false
    /** What goes wrong every second is said once. */
    const troubles = new Set<string>()
    const trouble = (line: string): void => {
      if (troubles.has(line) || troubles.size >= 20) return
      troubles.add(line)
      log(`segment ${segment.id}: ${line}`)
    }
    let surveyed = ''
    let surveyedAt = now()
    const poll = async (): Promise<void> => {
      if (polling || segment.dryRun) return
      polling = true
      try {
        for (const { address, mac } of await kernel.yielded()) {
          const number = addressNumber(address) ?? 0
          if (engine.stateOf(number) === 'claimed') engine.seen(number, macNumber(mac ?? ''), 'kernel', now())
        }
        actor.act()
      } catch (error) {
        trouble(`the kernel does not say what it gave up: ${(error as Error).message}`)
      } finally {
        polling = false
      }
    }
    let savedAt = 0
    let told = engine.news
    let length = 0
    const save = (): void => {
      const text = engine.save(now(), wallClock())
      savedAt = now()
      told = engine.news
      length = text.length
      onSave?.(text)
    }
    const tick = (): void => {
      engine.tick(now())
      actor.act()
      void poll()
      // A kill must not make an owner forgotten: who is new is kept at once, a long list of them not too often.
      if (now() - savedAt >= (told === engine.news ? saveMs : length / saveBytesPerMs)) save()
      if (!segment.dryRun || now() - surveyedAt < surveyMs) return
      surveyedAt = now()
      const event = surveyEvent(segment.id, engine.survey(now()))
      if (JSON.stringify(event) !== surveyed) say(event)
      surveyed = JSON.stringify(event)
    }
    const ticking = setInterval(tick, tickMs)
    const scanning = setInterval(() => {
      if (!onProbed) return
      kernel.scanned().then(
        (rows) => rows.length > 0 && onProbed(rows),
        (error: Error) => trouble(`the kernel does not say what was asked for in vain: ${error.message}`),
      )
    }, scanMs)
    const stopWatching = (): void => {
      for (const timer of [ticking, scanning]) clearInterval(timer)
      for (const watch of [owners, syns]) watch.close()
      clearImmediate(soon)
    }
    return {
      engine,
      act: () => actor.act(),
      settled: () => actor.settled(),
      problem: () => (blind ? `blind: ${blind}` : actor.problem),
      save,
      stopWatching,
      closeActor: () => actor.close(),
    }
  }

  async function end(ending: Running): Promise<void> {
    ending.save()
    ending.stopWatching()
    ending.engine.stop(now())
    ending.act()
    ending.closeActor()
    await ending.settled()
  }

  return {
    update(next, nextHosts) {
      const network = next.network !== segment.network || next.vlan !== segment.vlan
      segment = next
      hosts = nextHosts
      if (closed) return
      if ('failed' in running || network) {
        if (!('failed' in running)) void end(running)
        running = open('failed' in running ? options.saved : undefined)
        return
      }
      running.engine.update(next, nextHosts, now())
      running.act()
    },
    health(): SegmentHealth {
      if ('failed' in running) {
        const wanted = hosts.filter((host) => host.segment === segment.id).length
        return { id: segment.id, state: 'failed', wanted, claimed: 0, used: 0, refused: {}, giveUps10m: 0, detail: running.failed.slice(0, 300) }
      }
      const health = running.engine.health(now())
      const problem = running.problem()
      const blind = problem.startsWith('blind: ') && health.state !== 'released'
      return {
        ...health,
        ...(blind ? { state: problem.endsWith(notBegun) ? ('starting' as const) : ('failed' as const) } : {}),
        detail: (problem || health.detail).slice(0, 300),
      }
    },
    async release() {
      if ('failed' in running) return
      running.engine.release(now())
      running.act()
      await running.settled()
      // Whatever the engine believed.
      await kernel.releaseAll()
      running.save()
    },
    resume() {
      if ('failed' in running) return
      running.engine.resume(now())
      running.act()
      running.save()
    },
    survey: () => ('failed' in running ? { used: [], would: { addresses: [], count: 0 }, not: [] } : running.engine.survey(now())),
    async close() {
      if (closed) return
      closed = true
      if (!('failed' in running)) await end(running)
      await kernel.releaseAll().catch((error: Error) => log(`segment ${segment.id}: its claims end with their lease: ${error.message}`))
    },
  }
}

interface Running {
  engine: Politeness
  act(): void
  settled(): Promise<void>
  problem(): string
  save(): void
  stopWatching(): void
  closeActor(): void
}

/** Ethernet and IPv4 addresses of an interface in this namespace; nothing where it is not there (the watch then says so). */
export function interfaceOf(device: string): { mac: string | undefined; own: string[] } {
  const { stdout, status } = spawnSync('ip', ['-j', 'address', 'show', 'dev', device], { encoding: 'utf8', timeout: 5000 })
  if (status !== 0) return { mac: undefined, own: [] }
  try {
    const [found] = JSON.parse(stdout) as { address?: string; addr_info?: { family: string; local: string }[] }[]
    return { mac: found?.address, own: (found?.addr_info ?? []).filter(({ family }) => family === 'inet').map(({ local }) => local) }
  } catch {
    return { mac: undefined, own: [] }
  }
}

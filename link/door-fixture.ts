/** For tests: a sensors' door with a core in memory behind it, and sensors that are enrolled. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { EventDraft } from '@shenlou/contract/event'
import type { RelayConfig } from '@shenlou/contract/sensor'
import { createAuthority } from './authority.ts'
import { openSensorDoor } from './door.ts'
import { DoorError, type DoorHandlers } from './door-types.ts'
import { issueIdentity, saveIdentity } from './identity.ts'
import type { Authority, CertificateRole, SensorIdentity } from './identity-types.ts'
import { startUplink } from './uplink.ts'
import type { Journal, Uplink, UplinkOptions, UplinkState } from './uplink-types.ts'
import { uuidv7 } from './uuid.ts'

export type Cleaner = { after(end: () => unknown): void }
/** What was opened last is closed first. */
export function lastFirst(test: Cleaner): Cleaner {
  const ends: Array<() => unknown> = []
  test.after(async () => {
    for (const end of ends.reverse()) await end()
  })
  return { after: (end) => void ends.push(end) }
}
export const until = async (what: string, done: () => boolean, ms = 10_000): Promise<void> => {
  for (const end = Date.now() + ms; !done(); await wait(5)) assert.ok(Date.now() < end, `${what} within ${ms} ms`)
}
export const draft = (text: string): EventDraft => ({ id: uuidv7(), time: Date.now(), kind: 'sensor.stopped', body: { reason: text } })

/** A core in memory: what it commits, with everything that it was told. */
export function fakeCore() {
  const committed = new Map<string, Map<number, { seq: number; body?: { reason?: string } }>>()
  const upTo = new Map<string, number>()
  const blobs = new Map<string, Buffer>()
  const core = {
    committed,
    blobs,
    batches: [] as number[],
    said: [] as string[],
    config: undefined as RelayConfig | undefined,
    failing: false,
    slowMs: 0,
    token: undefined as { id: string; secret: string; role: CertificateRole; sensor: string } | undefined,
    authority: undefined as Authority | undefined,
  }
  const handlers: DoorHandlers = {
    async enrol({ token, secret, csr, address }) {
      const expected = core.token
      core.said.push(`enrol from ${address}`)
      if (!expected || token !== expected.id || secret !== expected.secret) throw new DoorError(403, 'token-unknown', 'this token is not known')
      core.token = undefined
      const signed = await (core.authority as Authority).signCsr({ csr, sensor: expected.sensor, role: expected.role })
      return { sensor: expected.sensor, certificate: signed.certificate, ca: signed.ca, fingerprint: signed.fingerprint, confirmed: false }
    },
    async renew({ peer, csr }) {
      core.said.push('renew')
      return await (core.authority as Authority).signCsr({ csr, sensor: peer.sensor, role: peer.role })
    },
    async config(sensor) {
      return core.config ?? configOf(sensor, 1)
    },
    async blob({ sha256, from, total, bytes }) {
      const had = blobs.get(sha256) ?? Buffer.alloc(0)
      if (from !== had.length) return { received: had.length }
      blobs.set(sha256, Buffer.concat([had, bytes]))
      return { received: Math.min(total, had.length + bytes.length) }
    },
    blobOffered: async (_sensor, { sha256 }) => blobs.get(sha256)?.length ?? 0,
    async hello(_sensor, { epoch }) {
      return { confirmed: true, committed: upTo.get(epoch) ?? 0, configVersion: core.config?.version ?? 0 }
    },
    async batch({ epoch, first, last, events }) {
      if (core.slowMs > 0) await wait(core.slowMs)
      if (core.failing) throw new Error('the database is away')
      assert.ok(first <= (upTo.get(epoch) ?? 0) + 1, 'a hole')
      const rows = committed.get(epoch) ?? new Map()
      committed.set(epoch, rows)
      for (const event of events) rows.set(event.seq, event)
      core.batches.push(events.length)
      upTo.set(epoch, Math.max(upTo.get(epoch) ?? 0, last))
      return upTo.get(epoch) as number
    },
    health: (_sensor, health) => void core.said.push(`health ${health.queueEvents}`),
    gone: () => void core.said.push('gone'),
    cloned: (_sensor, { live, refused }) => void core.said.push(`cloned ${live} ${refused}`),
  }
  return { core, handlers }
}

export async function scene(t: Cleaner) {
  const dir = await mkdtemp(join(tmpdir(), 'door-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const authority = await createAuthority(join(dir, 'ca'), randomBytes(32))
  const { core, handlers } = fakeCore()
  core.authority = authority
  const logs: string[] = []
  const open = (port = 0, revoked: string[] = []) => openSensorDoor({ authority, host: '127.0.0.1', port, handlers, revoked, log: (line) => logs.push(line) })
  const door = await open()
  t.after(() => door.close())
  const identity = async (name: string, role: 'relay' | 'decoys' = 'relay') => {
    const { sensor, key, certificate, ca } = await issueIdentity(authority, role)
    return saveIdentity(join(dir, name), { sensor, role, name, door: `127.0.0.1:${door.port}`, key, certificate, ca })
  }
  return { dir, authority, core, handlers, door, open, logs, identity }
}

export async function uplink(
  t: Cleaner,
  identity: SensorIdentity,
  journal: Journal,
  more: Partial<UplinkOptions> = {},
): Promise<Uplink & { states: UplinkState[]; configs: number[]; revoked: string[] }> {
  const states: UplinkState[] = []
  const configs: number[] = []
  const revoked: string[] = []
  const link = startUplink({
    identity,
    journal,
    version: '0.1.0',
    onConfig: (config) => void configs.push(config.version),
    onRevoked: (serials) => void revoked.push(...serials),
    health: () => ({ sessions: 0, streams: 0, configVersion: 0, problems: [] }),
    onState: (state) => states.push(state),
    ...more,
  })
  t.after(() => link.close())
  return Object.assign(link, { states, configs, revoked })
}
export const configOf = (sensor: string, version: number): RelayConfig => ({
  version,
  role: 'relay',
  sensor,
  name: 'here',
  scope: 'group',
  gates: [],
  placements: [],
  revoked: [],
})

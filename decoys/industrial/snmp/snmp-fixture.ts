/** For tests: an agent on a device of the test plant, and what real clients say to it. */
import { execFile } from 'node:child_process'
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { SnmpSettings, SnmpTemplate } from '@shenlou/contract/snmp'
import { serveDatagramDecoy, type TestDecoy } from '../../test-harness.ts'
import { testDevice, testPlant } from '../plant-fixture.ts'
import { parseOid } from './ber.ts'
import { encodeCommunity, parseMessage, type Pdu } from './message.ts'
import { snmp } from './snmp.ts'

type Changes = Partial<Omit<SnmpTemplate, 'interfaces' | 'objects'>> & { interfaces?: object[]; objects?: object[] }

export const vendor = '1.3.6.1.4.1.4196.9'
export const settings: SnmpSettings = {
  communities: { read: ['public'], write: ['private'] },
  users: [
    { user: 'guest', access: 'read' },
    { user: 'desuser', auth: { protocol: 'MD5', password: 'password1' }, privacy: { protocol: 'DES', password: 'password2' }, access: 'write' },
    { user: 'aesuser', auth: { protocol: 'SHA', password: 'password1' }, privacy: { protocol: 'AES', password: 'password2' }, access: 'read' },
    { user: 'plain', auth: { protocol: 'SHA', password: 'password1' }, access: 'read' },
    ...(['SHA-224', 'SHA-256', 'SHA-384', 'SHA-512'] as const).map((protocol) => ({
      user: protocol,
      auth: { protocol, password: 'password1' },
      privacy: { protocol: 'AES' as const, password: 'password2' },
      access: 'read' as const,
    })),
  ],
}

/** An agent with two interfaces, texts that may be set and values of the oven. */
export async function serveAgent(changes: Changes = {}, { proven = true, keep = true } = {}): Promise<TestDecoy & { plant: ReturnType<typeof testPlant> }> {
  const plant = testPlant()
  const persona = testDevice({
    snmp: {
      versions: ['v1', 'v2c', 'v3'],
      description: 'Siemens, SIMATIC S7, CPU315-2 PN/DP, {orderNumber} , HW: {hardware}, FW: {firmware}',
      objectId: '1.3.6.1.4.1.4196.1.1.8',
      enterprise: 4196,
      interfaces: [
        { description: 'Port 1', traffic: [40_000, 20_000] },
        { description: 'Port 2', up: false },
      ],
      objects: [
        { oid: `${vendor}.1.0`, name: 'temperature', type: 'gauge', from: 'oven.Z1.PV', scale: 10 },
        { oid: `${vendor}.2.0`, name: 'setpoint', type: 'integer', from: 'oven.Z1.SP', scale: 10, write: 'operator' },
        { oid: `${vendor}.3.0`, name: 'trip', type: 'integer', from: 'oven.TripLim', write: 'operator' },
        { oid: `${vendor}.4.0`, name: 'serial', type: 'string', value: '{serial}' },
        { oid: `${vendor}.5.0`, name: 'energy', type: 'counter64', value: 12_345_678_901 },
        { oid: `${vendor}.6.0`, name: 'last', type: 'integer', value: 6 },
      ],
      ...changes,
    },
  })
  const ports = [
    { transport: 'tcp' as const, port: 502 },
    { transport: 'tcp' as const, port: 102 },
    { transport: 'udp' as const, port: 161 },
  ]
  return Object.assign(await serveDatagramDecoy(snmp, persona, settings, { plant, units: { oven: 'OV2' }, ports, proven, keep }), { plant })
}

/** Runs a program of Debian's `snmp`; its output, and what it says of errors. */
export function tool(name: string, ...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(name, ['-On', '-t', '2', '-r', '0', '-m', '', ...args], { timeout: 15_000, maxBuffer: 4 * 1024 * 1024 }, (_, stdout, stderr) =>
      resolve(`${stdout}${stderr}`.trim()),
    )
  })
}

/** The answer to one datagram from a socket of its own, sent up to `tries` times; undefined when none comes within `ms` each. */
export async function ask(port: number, bytes: Buffer, ms = 400, tries = 1): Promise<{ bytes: Buffer; asked: number } | undefined> {
  const socket = createSocket('udp4')
  const answer = once(socket, 'message').then(([message]) => message as Buffer)
  let found: Buffer | undefined
  let asked = 0
  for (let nth = 0; nth < tries && !found; nth++) {
    socket.send(bytes, port, '127.0.0.1')
    asked += bytes.length
    found = await Promise.race([answer, new Promise<undefined>((resolve) => setTimeout(resolve, ms, undefined))])
  }
  socket.close()
  return found && { bytes: found, asked }
}

/** Reproducible numbers below 2^32 (a linear congruential generator). */
export function numbers(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0)
}

/** A raw socket that counts what it sends and gets. */
export async function openPeer(port: number) {
  const socket = createSocket('udp4')
  let last = Date.now()
  const peer = {
    sent: 0,
    received: 0,
    send(bytes: Buffer) {
      peer.sent += bytes.length
      socket.send(bytes, port, '127.0.0.1')
    },
    /** Resolves when nothing has come for a while. */
    async quiet(ms = 150): Promise<void> {
      while (Date.now() - last < ms) await new Promise((resolve) => setTimeout(resolve, 20))
    },
    close: () => socket.close(),
  }
  socket.on('message', (bytes) => {
    last = Date.now()
    peer.received += bytes.length
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return peer
}

/** A request whose bindings have no values. */
export const request = (type: number, oids: string[], { version = 'v2c' as 'v1' | 'v2c', community = 'public', status = 0, index = 0 } = {}): Buffer => {
  const pdu: Pdu = { type, requestId: 4711, status, index, bindings: oids.map((oid) => ({ oid: parseOid(oid), value: { type: 'null' } })) }
  return encodeCommunity({ version, community: Buffer.from(community), pdu })
}
/** The PDU of an answer; throws when there is none. */
export const answered = (answer: { bytes: Buffer } | undefined): Pdu => {
  assert.ok(answer, 'no answer came')
  const message = parseMessage(answer.bytes)
  assert.ok(message.version !== 'v3')
  return message.pdu
}
/** What a walk printed, in its order. */
export const oidsOf = (output: string): string[] => output.split('\n').flatMap((line) => /^(\.[\d.]+) = (?!No more)/.exec(line)?.[1] ?? [])

/** For tests: real SSH clients and a raw one. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { type TestDecoy } from '../test-harness.ts'
import { Reader } from './wire.ts'

export const personas = ['centos-7', 'ubuntu-18.04', 'openwrt-19.07', 'debian-12-dropbear'] as const
export const given = { user: 'root', password: 'Yssc@2021', origin: 'given' as const }
export const settings = { login: { accounts: [given] } }

/** A folder of a test file, removed after its tests. */
export function testFolder(): () => string {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ssh-test-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))
  return () => folder
}

export interface Ran {
  code: number
  out: string
  err: string
}
export function run(program: string, args: string[], input = ''): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { encoding: 'latin1', timeout: 15_000, maxBuffer: 8_000_000 }, (error, out, err) =>
      resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, out, err }),
    )
    child.stdin?.end(input)
  })
}
export const common = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', '-F', '/dev/null']
export const old = ['-o', 'HostKeyAlgorithms=+ssh-rsa', '-o', 'PubkeyAcceptedAlgorithms=+ssh-rsa']
export const client = (decoy: TestDecoy, command: string, more: string[] = [], input = ''): Promise<Ran> =>
  run('sshpass', ['-p', given.password, 'ssh', ...common, ...old, ...more, '-p', String(decoy.port), 'root@127.0.0.1', command], input)

/** All that a server says to `send`, until it ends or `enough` holds. */
export function talk(port: number, send: Buffer | string, enough: (bytes: Buffer) => boolean = () => false): Promise<{ bytes: Buffer; ended: boolean }> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0)
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(send))
    const done = (ended: boolean): void => {
      socket.destroy()
      resolve({ bytes, ended })
    }
    socket.on('data', (data) => {
      bytes = Buffer.concat([bytes, data])
      if (enough(bytes)) done(false)
    })
    socket.on('end', () => done(true))
    socket.on('error', () => done(true))
  })
}

/** The lists of the KEXINIT that follows the version line. */
export function offered(bytes: Buffer): string[][] {
  const at = bytes.indexOf('\n') + 1
  const reader = new Reader(bytes.subarray(at + 5), 17)
  return Array.from({ length: 10 }, () => reader.list())
}
export const hasKexInit = (bytes: Buffer): boolean => {
  const at = bytes.indexOf('\n') + 1
  return at > 0 && bytes.length >= at + 4 && bytes.length >= at + 4 + bytes.readUInt32BE(at)
}

/** Commands that speak to the core of this machine over its own socket, and print what it answers. */
import { join, resolve } from 'node:path'
import { askCore } from '@shenlou/core/admin-socket'
import type { RouteAnswer } from '@shenlou/contract/api'
import type { Permission } from '@shenlou/contract/permissions'
import type { Invocation } from './commands.ts'
import { readGivenFile, SettingsError } from './settings.ts'
import { segmentLines } from './segment-lines.ts'
import { line } from './terminal.ts'

export const coreDir = ({ settings }: Invocation): string => join(settings.data, 'core')

export function need(given: Invocation, name: string, what: string): string {
  const value = given.rest[name]
  if (typeof value !== 'string' || value === '') throw new SettingsError(`--${name} is missing: ${what}`)
  return value
}

const templateText = (given: Invocation): string => readGivenFile(need(given, 'file', 'the template, as -f FILE'))

const marks = { create: '+', change: '~', remove: '-', keep: ' ' } as const

function printSteps(steps: RouteAnswer<'planTemplate'>['steps']): void {
  for (const { action, what, id, detail } of steps) line(`${marks[action]} ${what.padEnd(13)} ${id}  ${detail}`)
  const count = (action: string): number => steps.filter((step) => step.action === action).length
  line(`${count('create')} to create, ${count('change')} to change, ${count('remove')} to remove, ${count('keep')} as they are`)
}

/** Prints every fault of a template as FILE:LINE:COLUMN, and passes on what is not one. */
async function withFaults<T>(given: Invocation, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    const faults = (error as { extra?: { faults?: { line: number; column: number; path: string; message: string }[] } }).extra?.faults
    if (!faults) throw error
    for (const fault of faults)
      process.stderr.write(`${given.rest.file}:${fault.line}:${fault.column}: ${fault.path ? `${fault.path}: ` : ''}${fault.message}\n`)
    process.stderr.write('nothing was changed\n')
    return undefined
  }
}

export async function plan(given: Invocation): Promise<number> {
  const body = { text: templateText(given), full: given.rest.full === true }
  const answer = await withFaults(given, () => askCore<RouteAnswer<'planTemplate'>>(coreDir(given), 'planTemplate', { body }))
  if (!answer) return 1
  printSteps(answer.steps)
  for (const segment of answer.segments) for (const row of segmentLines(segment)) line(row)
  if (answer.draws.hosts > 0) line(`keys of ${answer.draws.hosts} hosts are made when this is applied, about ${answer.draws.seconds} s`)
  for (const warning of answer.warnings) line(`! ${warning}`)
  return 0
}

export async function apply(given: Invocation): Promise<number> {
  const answer = await withFaults(given, () => askCore<RouteAnswer<'applyTemplate'>>(coreDir(given), 'applyTemplate', { body: { text: templateText(given) } }))
  if (!answer) return 1
  printSteps(answer.steps)
  line(`applied ${answer.name}, version ${answer.version}`)
  if (answer.undrawn > 0) {
    line(`${answer.undrawn} hosts answer once their keys are made; the core goes on with that by itself, and 'shenlou segments' says how far it is`)
    await watchKeys(given)
  }
  return 0
}

/** Shows how many keys remain for as long as somebody watches. */
async function watchKeys(given: Invocation): Promise<void> {
  if (!process.stdout.isTTY) return
  for (let left = Number.POSITIVE_INFINITY; left > 0; ) {
    const { items } = await askCore<RouteAnswer<'coverage'>>(coreDir(given), 'coverage')
    left = items.reduce((sum, { undrawn }) => sum + undrawn, 0)
    process.stdout.write(`\r${left} remain `)
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, 2000))
  }
  process.stdout.write('\n')
}

export async function sensors(given: Invocation): Promise<number> {
  const { items } = await askCore<RouteAnswer<'sensors'>>(coreDir(given), 'sensors')
  if (given.rest.json) line(JSON.stringify(items, null, 2))
  else
    for (const sensor of items)
      line(
        `${sensor.name.padEnd(20)} ${sensor.role.padEnd(7)} ${sensor.status.padEnd(9)} ${sensor.connected ? 'connected' : 'away'}  ${sensor.scope}  ${sensor.fingerprint ?? ''}  ${sensor.problems.map(({ key, detail }) => `${key}${detail ? ` (${detail})` : ''}`).join(', ')}`,
      )
  return 0
}

/** Where decoys answer, and the credentials that their policies give away at once. */
export async function placements(given: Invocation): Promise<number> {
  const { items } = await askCore<RouteAnswer<'decoys'>>(coreDir(given), 'decoys')
  const accounts = await askCore<{ decoy: string; user: string; password: string; origin: string }[]>(coreDir(given), 'accounts')
  if (given.rest.json) {
    line(JSON.stringify({ items, accounts }))
    return 0
  }
  for (const decoy of items) {
    line(`${decoy.id.padEnd(16)} ${decoy.product}, ${decoy.hostname}, ${decoy.scope}`)
    for (const { relay, address, port, service, answering } of decoy.placements)
      line(`  ${relay} ${address}:${port} → ${service}${answering ? '' : answering === null ? '  (not known yet)' : '  (not answering)'}`)
    for (const { user, password, origin } of accounts.filter((account) => account.decoy === decoy.id)) line(`  lets in ${user} / ${password} (${origin})`)
  }
  return 0
}

async function sensorNamed(given: Invocation): Promise<RouteAnswer<'sensors'>['items'][number]> {
  const [name] = given.positionals
  if (!name) throw new SettingsError('the name of the sensor is missing')
  const { items } = await askCore<RouteAnswer<'sensors'>>(coreDir(given), 'sensors')
  const found = items.find((sensor) => sensor.name === name || sensor.id === name)
  if (!found) throw new SettingsError(`there is no sensor '${name}'; 'shenlou sensors' lists them`)
  return found
}

export async function enrol(given: Invocation): Promise<number> {
  const body = {
    role: need(given, 'role', 'relay or decoys'),
    name: need(given, 'name', 'what the sensor will be called'),
    scope: need(given, 'scope', 'its place, such as group/machinery/park-3'),
    network: need(given, 'network', 'the network it will come from, such as 10.3.0.0/16'),
    minutes: 60,
  }
  const { token, expires } = await askCore<RouteAnswer<'issueEnrolment'>>(coreDir(given), 'issueEnrolment', { body })
  line(token)
  process.stderr.write(`good once until ${new Date(expires).toISOString()}; on the sensor: SHENLOU_TOKEN=TOKEN shenlou ${body.role}\n`)
  return 0
}

export async function confirm(given: Invocation): Promise<number> {
  const sensor = await sensorNamed(given)
  await askCore(coreDir(given), 'confirmSensor', {
    params: { id: sensor.id },
    body: { fingerprint: need(given, 'fingerprint', "as the sensor's own log shows it") },
  })
  line(`confirmed ${sensor.name}`)
  return 0
}

export async function revoke(given: Invocation): Promise<number> {
  const sensor = await sensorNamed(given)
  await askCore(coreDir(given), 'revokeSensor', { params: { id: sensor.id }, body: { reason: 'revoked on the command line' } })
  line(`revoked ${sensor.name}`)
  return 0
}

export async function token(given: Invocation): Promise<number> {
  if (given.positionals[0] !== 'create') throw new SettingsError("'shenlou token' knows 'create'")
  const days = Number(given.rest.days ?? 90)
  if (!Number.isInteger(days) || days < 1) throw new SettingsError(`--days: must be a whole number of days, not '${String(given.rest.days)}'`)
  const body = {
    name: need(given, 'name', 'what the token is for'),
    permissions: need(given, 'permissions', 'a list such as event.read,incident.read').split(',') as Permission[],
    scopes: [need(given, 'scope', 'what it may see, such as group')],
    days,
  }
  const { secret, token: made } = await askCore<RouteAnswer<'createToken'>>(coreDir(given), 'createToken', { body })
  line(secret)
  process.stderr.write(`shown this once; good until ${new Date(made.expiresAt).toISOString()}\n`)
  return 0
}

export async function audit(given: Invocation): Promise<number> {
  if (given.positionals[0] !== 'verify') throw new SettingsError("'shenlou audit' knows 'verify'")
  const { entries, intact, firstBad, head } = await askCore<RouteAnswer<'verifyAudit'>>(coreDir(given), 'verifyAudit')
  line(intact ? `${entries} entries, not altered; head ${head}` : `altered: entry ${firstBad} is the first that does not fit`)
  return intact ? 0 : 1
}

function passphrase(given: Invocation): string {
  const file = need(given, 'passphrase', 'a file that holds the passphrase')
  const text = readGivenFile(file).trim()
  if (text.length < 12) throw new SettingsError(`${file}: a passphrase has at least 12 characters`)
  return text
}

export async function backup(given: Invocation): Promise<number> {
  const file = resolve(need(given, 'file', 'where to write, as -f FILE'))
  const answer = await askCore<{ bytes: number; events: number }>(coreDir(given), 'backup', { body: { file, passphrase: passphrase(given) } })
  line(`wrote ${file}: ${answer.bytes} bytes, ${answer.events} events`)
  return 0
}

export async function restore(given: Invocation): Promise<number> {
  const { restore: bringBack } = await import('@shenlou/core/backup-restore')
  const file = resolve(need(given, 'file', 'the backup, as -f FILE'))
  const answer = await bringBack({ file, passphrase: passphrase(given), dataDir: coreDir(given), url: given.settings['database-url'] })
  line(`restored ${answer.events} events and ${answer.files} files into ${given.settings.data}`)
  return 0
}

/** What a page's user does to the process: sets a value, starts or stops the controller, acknowledges an alarm. Said as what it means beside the request itself. */
import type { HttpRequest } from '../../http/wire.ts'
import { operationOfWrite, pointOf, sayRequest } from '../say.ts'
import type { Device } from '../device.ts'
import type { Item } from './items.ts'
import type { Role } from './frame.ts'
import type { Word } from './words.ts'

export interface Done {
  fine: boolean
  word: Word
}

/** Method, target and body as they came; bounded. */
const asked = ({ head, body }: HttpRequest): Buffer =>
  Buffer.concat([Buffer.from(`${head.method} ${head.target.slice(0, 1000)}\n`, 'latin1'), body.bytes.subarray(0, 4000)])

/** Sets an item to what was typed. `role` is undefined for somebody who never logged in. */
export function setItem(request: HttpRequest, device: Device, item: Item, typed: string, role: Role | undefined): Done {
  const before = device.read(item.from)
  const value = /^\s*[+-]?\d{1,12}(?:[.,]\d{1,6})?\s*$/.test(typed) ? Number(typed.trim().replace(',', '.')) : Number.NaN
  const point = pointOf(device, item.key, item.from, Number.isFinite(value) ? { before, value } : { before })
  const tell = (fine: boolean, word: Word, reason?: string, changed = false): Done => {
    const operation = item.write === 'no' ? 'write' : operationOfWrite([point])
    sayRequest(request.session, {
      protocol: 'hmi',
      operation,
      function: 'Set value',
      points: [point],
      outcome: fine ? 'done' : 'refused',
      ...(reason ? { reason } : {}),
      changed,
      request: asked(request),
    })
    return { fine, word }
  }
  if (!Number.isFinite(value)) return tell(false, 'malformed', 'no number')
  if (role === undefined) return tell(false, 'needed', 'not logged in')
  if (item.write === 'no') return tell(false, 'readonly', 'read-only')
  if (item.write === 'engineer' && role !== 'engineer') return tell(false, 'denied', 'user may not')
  const result = device.write({ from: item.from, write: item.write }, value)
  if (!result.accepted) {
    const words: Record<string, Word> = { range: 'range', interlocked: 'interlocked', stopped: 'stopped' }
    return tell(false, words[result.reason] ?? 'readonly', result.reason)
  }
  return tell(true, 'done', undefined, result.before !== result.after)
}

/** Starts or stops the controller. */
export function setMode(request: HttpRequest, device: Device, mode: 'run' | 'stop', role: Role | undefined): Done {
  const before = device.mode
  const allowed = role === 'engineer'
  sayRequest(request.session, {
    protocol: 'hmi',
    operation: mode === 'run' ? 'start' : 'stop',
    function: mode === 'run' ? 'CPU RUN' : 'CPU STOP',
    outcome: allowed ? 'done' : 'refused',
    ...(allowed ? {} : { reason: role ? 'user may not' : 'not logged in' }),
    changed: allowed && before !== mode,
    request: asked(request),
  })
  if (!allowed) return { fine: false, word: role ? 'denied' : 'needed' }
  device.setMode(mode)
  return { fine: true, word: 'done' }
}

/** Acknowledges an alarm of the device's own units. */
export function acknowledge(request: HttpRequest, device: Device, known: boolean, id: string, role: Role | undefined): Done {
  const fine = role !== undefined && known && device.plant.acknowledge(id)
  sayRequest(request.session, {
    protocol: 'hmi',
    operation: 'other',
    function: 'Acknowledge alarm',
    points: [{ address: known ? id : 'unknown alarm' }],
    outcome: fine ? 'done' : 'refused',
    ...(fine ? {} : { reason: role === undefined ? 'not logged in' : 'nothing to acknowledge' }),
    changed: false,
    request: asked(request),
  })
  return { fine, word: fine ? 'done' : role === undefined ? 'needed' : 'malformed' }
}

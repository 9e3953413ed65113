/** What an agent does with a PDU (RFC 3416 section 4.2; of version 1 RFC 1157 section 4.1 by way of RFC 3584 section 4.4). */
import { escapeText } from '@shenlou/contract/bytes'
import { type Asked, operationOfWrite, type Point, pointOf, type Wrote } from '../say.ts'
import { formatOid, isBelow, type Oid, type Value } from './ber.ts'
import { type Binding, type Pdu, pduTypes, status, statusName } from './message.ts'
import type { Node, Tree, View } from './tree.ts'

export interface Question {
  version: 'v1' | 'v2c' | 'v3'
  pdu: Pdu
  /** Who asks may set what can be set. */
  mayWrite: boolean
}
/** Bytes of the message that would carry a PDU. */
export type SizeOf = (pdu: Pdu) => number
export type Told = Pick<Asked, 'operation' | 'function' | 'points' | 'count' | 'changed' | 'outcome'> & { reason?: string }
export interface Answer extends Told {
  /** Undefined where nothing may be sent, because even the shortest answer is too long. */
  pdu: Pdu | undefined
}

const system: Oid = [1, 3, 6, 1, 2, 1, 1]
const maxRepetitions = 256

/** What the message of an answer may take: now, and if the same request came twice more. */
export interface Limits {
  now: number
  again: number
}

/**
 * Answers Get, GetNext, GetBulk and Set. An answer that would fit if the client asked again, as clients do that get none, is left out as if it were
 * lost: `tooBig` would end a walk that a source without proof can well finish.
 */
export function answerPdu(question: Question, tree: Tree, view: View, sizeOf: SizeOf, { now: limit, again }: Limits): Answer {
  const { version, pdu } = question
  const own = view.counts.own
  const sizeWith = (bindings: Binding[]): number => sizeOf({ ...response(pdu), bindings })
  const [wide, told] = ask(question, tree, view, (bindings) => sizeWith(bindings) <= limit)
  const found = version === 'v1' ? asVersion1(wide) : wide
  if (found.status === status.noSuchName) own.noSuchNames += 1
  if (found.status === status.badValue) own.badValues += 1
  if (found.status === status.genErr) own.genErrs += 1
  const outcome: Told = { ...told, ...(found.status === status.noError ? {} : { outcome: 'refused', reason: statusName(found.status) }) }
  if (sizeOf(found) <= limit) return { ...outcome, pdu: found }

  if (sizeOf(found) <= again) {
    own.silentDrops += 1
    return { ...told, outcome: 'ignored', reason: unproven, pdu: undefined }
  }

  // RFC 3416 section 4.2.1: without bindings. Version 1 sends them back as they came.
  own.tooBigs += 1
  const tooBig: Pdu = { ...response(pdu), status: status.tooBig, index: 0, bindings: version === 'v1' ? pdu.bindings : [] }
  if (sizeOf(tooBig) <= limit) return { ...told, outcome: 'refused', reason: 'tooBig', pdu: tooBig }
  own.silentDrops += 1
  return { ...told, outcome: 'ignored', reason: 'tooBig', pdu: undefined }
}

const unproven = 'more than three bytes for one to a source that has proven nothing'

const response = (pdu: Pdu): Pdu => ({ type: pduTypes.response, requestId: pdu.requestId, status: 0, index: 0, bindings: [] })
const refuse = (pdu: Pdu, error: number, at: number): Pdu => ({ ...response(pdu), status: error, index: at + 1, bindings: pdu.bindings })

function ask({ version, pdu, mayWrite }: Question, tree: Tree, view: View, fits: (bindings: Binding[]) => boolean): [Pdu, Told] {
  const { own } = view.counts
  switch (pdu.type) {
    case pduTypes.get: {
      own.gets += 1
      own.reqVars += pdu.bindings.length
      const nodes = pdu.bindings.map(({ oid }) => tree.get(oid))
      const bindings = pdu.bindings.map(({ oid }, at): Binding => ({ oid, value: nodes[at]?.read(view) ?? { type: tree.missing(oid) } }))
      return [version === 'v1' ? firstMissing(pdu, bindings) : { ...response(pdu), bindings }, read('Get', nodes, bindings, view)]
    }
    case pduTypes.next: {
      own.nexts += 1
      own.reqVars += pdu.bindings.length
      const nodes = pdu.bindings.map(({ oid }) => nextNode(tree, oid, view, version))
      const bindings = pdu.bindings.map(({ oid }, at) => bound(oid, nodes[at], view))
      return [version === 'v1' ? firstMissing(pdu, bindings) : { ...response(pdu), bindings }, read('GetNext', nodes, bindings, view)]
    }
    case pduTypes.bulk: {
      own.gets += 1
      const { nodes, bindings } = bulk(pdu, tree, view, version)
      own.reqVars += bindings.length
      // At least one: none would read as the end of a walk.
      const shown = Math.max(Math.min(1, bindings.length), mostThatFits(bindings, fits))
      const answer = { ...response(pdu), bindings: bindings.slice(0, shown) }
      return [answer, read('GetBulk', nodes.slice(0, shown), answer.bindings, view)]
    }
    default: {
      own.sets += 1
      return set(pdu, tree, view, mayWrite)
    }
  }
}

/** Version 1 has no counters of 64 bits; a walk goes past them (RFC 3584 section 4.2.2.1). */
function nextNode(tree: Tree, oid: Oid, view: View, version: Question['version']): Node | undefined {
  let node = tree.next(oid)
  while (node && version === 'v1' && node.read(view).type === 'counter64') node = tree.next(node.oid)
  return node
}

const bound = (oid: Oid, node: Node | undefined, view: View): Binding =>
  node ? { oid: node.oid, value: node.read(view) } : { oid, value: { type: 'endOfMibView' } }

const isMissing = ({ value }: Binding): boolean => value.type === 'noSuchObject' || value.type === 'noSuchInstance' || value.type === 'endOfMibView'

function firstMissing(pdu: Pdu, bindings: Binding[]): Pdu {
  const at = bindings.findIndex((binding) => isMissing(binding) || binding.value.type === 'counter64')
  return at < 0 ? { ...response(pdu), bindings } : refuse(pdu, status.noSuchName, at)
}

/** RFC 3416 section 4.2.3: the first N once, each of the rest up to M times in turn, until the end of all of them. */
function bulk(pdu: Pdu, tree: Tree, view: View, version: Question['version']): { nodes: (Node | undefined)[]; bindings: Binding[] } {
  const once = Math.min(Math.max(pdu.status, 0), pdu.bindings.length)
  const times = Math.min(Math.max(pdu.index, 0), maxRepetitions)
  const nodes: (Node | undefined)[] = []
  const bindings: Binding[] = []
  const add = (oid: Oid): Oid | undefined => {
    const node = nextNode(tree, oid, view, version)
    nodes.push(node)
    bindings.push(bound(oid, node, view))
    return node?.oid
  }
  for (const { oid } of pdu.bindings.slice(0, once)) add(oid)
  let row: Oid[] = pdu.bindings.slice(once).map(({ oid }) => oid)
  for (let time = 0; time < times && row.length > 0 && bindings.length < 2000; time++) {
    let ended = 0
    row = row.map((oid) => {
      const next = add(oid)
      if (!next) ended += 1
      return next ?? oid
    })
    if (ended === row.length) break
  }
  return { nodes, bindings }
}

function mostThatFits(bindings: Binding[], fits: (bindings: Binding[]) => boolean): number {
  if (fits(bindings)) return bindings.length
  let low = 0
  let high = bindings.length
  while (low + 1 < high) {
    const middle = (low + high) >> 1
    if (fits(bindings.slice(0, middle))) low = middle
    else high = middle
  }
  return low
}

/** RFC 3416 section 4.2.5: all is looked at before anything is set. */
function set(pdu: Pdu, tree: Tree, view: View, mayWrite: boolean): [Pdu, Told] {
  const asked = (at: number): Point => pointFor(view, tree.get((pdu.bindings[at] as Binding).oid), pdu.bindings[at] as Binding)
  const told = (points: Point[], changed = false): Told => ({
    operation: operationOfWrite(points),
    function: 'Set',
    points,
    count: pdu.bindings.length,
    changed,
    outcome: 'done',
  })
  const all = pdu.bindings.map((_, at) => asked(at))
  for (const [at, { oid, value }] of pdu.bindings.entries()) {
    const node = tree.get(oid)
    const error = !mayWrite
      ? status.noAccess
      : !node
        ? tree.missing(oid) === 'noSuchObject'
          ? status.notWritable
          : status.noCreation
        : node.write
          ? node.write.check(value)
          : status.notWritable
    if (error !== status.noError) return [refuse(pdu, error, at), told(all)]
  }
  const done: Wrote[] = []
  for (const [at, { oid, value }] of pdu.bindings.entries()) {
    const wrote = tree.get(oid)?.write?.apply(value, view)
    if (!wrote)
      return [
        refuse(pdu, status.wrongValue, at),
        told(
          all,
          done.some(({ changed }) => changed),
        ),
      ]
    done.push(wrote)
  }
  view.counts.own.setVars += done.length
  const points = done.flatMap((wrote, at) => (wrote.points.length > 0 ? wrote.points : [asked(at)]))
  return [
    { ...response(pdu), bindings: pdu.bindings },
    told(
      points,
      done.some(({ changed }) => changed),
    ),
  ]
}

/** RFC 3584 section 4.4: what version 1 has instead of the errors of version 2. */
function asVersion1(pdu: Pdu): Pdu {
  const { status: error } = pdu
  if (error <= status.genErr) return pdu
  const older = [status.wrongType, status.wrongLength, status.wrongEncoding, status.wrongValue].some((each) => each === error)
    ? status.badValue
    : status.noSuchName
  return { ...pdu, status: older }
}

function read(name: string, nodes: (Node | undefined)[], bindings: Binding[], view: View): Told {
  const named = bindings.filter((binding) => !isMissing(binding))
  const identifies = named.length > 0 && named.every(({ oid }) => isBelow(oid, system))
  const plant = nodes.some((node) => node?.from !== undefined && view.device.tagOf(node.from) !== undefined)
  return {
    operation: identifies ? 'identify' : name === 'Get' ? (plant ? 'read' : 'identify') : 'browse',
    function: name,
    points: bindings.slice(0, 64).map((binding, at) => pointFor(view, nodes[at], binding)),
    count: bindings.length,
    changed: false,
    outcome: 'done',
  }
}

/** An object as an operator would name it. */
export function pointFor(view: View, node: Node | undefined, { oid, value }: Binding, before?: number): Point {
  const number = numberOf(value)
  const point = pointOf(view.device, formatOid(oid).slice(0, 64), node?.from, {
    ...(before === undefined ? {} : { before }),
    ...(number === undefined ? {} : { value: number }),
  })
  if (point.name || !node?.name) return point
  const name = escapeText(node.name).slice(0, 64)
  return { ...point, name: { zh: name, en: name } }
}

const numberOf = (value: Value): number | undefined =>
  value.type === 'integer' || value.type === 'counter' || value.type === 'gauge' || value.type === 'ticks' ? value.value : undefined

/** The decoy service `snmp`: the agent of a device, of versions 1, 2c and 3, that never answers more than its flow may. */
import type { ServiceSettings } from '@shenlou/contract/services'
import type { SnmpSettings, SnmpTemplate } from '@shenlou/contract/snmp'
import { type Context, defineDatagramDecoy } from '../../decoy.ts'
import type { Persona } from '../../persona.ts'
import { type Device, openDevice } from '../device.ts'
import { sayRequest } from '../say.ts'
import { answerPdu, type Limits, type Told } from './agent.ts'
import { type Attempts, attemptsOf } from './attempts.ts'
import { BerError } from './ber.ts'
import { countsAt, noCounts, type Own } from './counts.ts'
import { type CommunityMessage, encodeCommunity, parseMessage, type Pdu, pduTypes, type SecureMessage, status } from './message.ts'
import { nodesOf, type Place } from './mib2.ts'
import { type Engine, pack, unpack } from './secure.ts'
import { openTexts } from './texts.ts'
import { openTree, type Tree, type View } from './tree.ts'
import { engineIdOf } from './usm.ts'

const trees = new WeakMap<Persona, Map<string, Tree>>()
const maxPlaces = 64
const counted = new Map<string, Own>()

/** Its objects differ between the places that it is seen at; everything else of them is read when it is asked for. */
function treeOf(persona: Persona, template: SnmpTemplate, place: Place): Tree {
  const known = trees.get(persona) ?? new Map<string, Tree>()
  trees.set(persona, known)
  const key = JSON.stringify(place)
  const tree = known.get(key) ?? openTree(nodesOf(persona, template, place))
  const [oldest] = known.keys()
  if (!known.has(key) && known.size >= maxPlaces && oldest !== undefined) known.delete(oldest)
  known.set(key, tree)
  return tree
}

function ownOf(decoy: string): Own {
  const own = counted.get(decoy) ?? noCounts()
  counted.set(decoy, own)
  return own
}

const confirmed: readonly number[] = [pduTypes.get, pduTypes.next, pduTypes.set, pduTypes.bulk]

export const snmp = defineDatagramDecoy<ServiceSettings<'snmp'>>({
  name: 'snmp',
  transport: 'udp',
  async serve(flow, context, settings) {
    const template = context.persona.template.snmp
    if (!template) throw new Error(`decoy ${context.decoy}: its persona ${context.persona.template.id} has no snmp section`)
    const session = context.session()
    const attempts = attemptsOf(session)
    const own = ownOf(context.decoy)
    const ports = context.ports.length > 0 ? context.ports : [{ transport: 'udp' as const, port: flow.destination.port }]
    const tree = treeOf(context.persona, template, { address: flow.destination.ip, ports })
    const device = openDevice(context, session)
    const reply = async (bytes: Buffer): Promise<void> => {
      await device.pace()
      if (!flow.reply(bytes)) return
      own.outPkts += 1
      own.outOctets += bytes.length
    }
    /** A client that gets no answer asks again, two times at the least. */
    const limits = (request: Buffer, most: number): Limits => ({
      now: Math.min(most, flow.allowance),
      again: Math.min(most, flow.allowance + 2 * 3 * request.length),
    })

    try {
      for await (const datagram of flow) {
        own.inPkts += 1
        own.inOctets += datagram.length
        try {
          const message = parseMessage(datagram)
          if (message.version === 'v3') await secure(message, datagram)
          else await community(message, datagram)
        } catch (error) {
          if (!(error instanceof BerError)) throw error
          own.asnParseErrs += 1
          attempts.violated(error.message, datagram)
        }
      }
    } finally {
      device.close()
    }

    async function community(message: CommunityMessage, datagram: Buffer): Promise<void> {
      const access = accessOf(message.community, settings)
      const spoken = template?.versions.includes(message.version) ?? false
      attempts.community(message.community, access !== undefined && spoken)
      if (!spoken) own.badVersions += 1
      else if (!access) own.badCommunityNames += 1
      // RFC 1157 section 4.1: a wrong community gets no answer, nor does another version.
      if (!access || !spoken) return
      if (!acceptable(message, datagram, attempts)) return
      if (message.pdu.type === pduTypes.set && access === 'read') own.badCommunityUses += 1
      const sizeOf = (pdu: Pdu): number => encodeCommunity({ ...message, pdu }).length
      const question = { version: message.version, pdu: message.pdu, mayWrite: access === 'write' }
      const { pdu, ...told } = answerPdu(
        question,
        tree,
        viewOf(context, template as SnmpTemplate, device, own),
        sizeOf,
        limits(datagram, template?.maxMessage ?? 0),
      )
      await answer(datagram, told, pdu && encodeCommunity({ ...message, pdu }))
    }

    async function secure(message: SecureMessage, datagram: Buffer): Promise<void> {
      if (!template?.versions.includes('v3')) {
        own.badVersions += 1
        if (message.security.user.length > 0) attempts.user(message.security.user, false)
        return
      }
      const engine = engineOf(context, template, device)
      const got = unpack(message, datagram, settings, engine, own)
      if (got.kind === 'report') {
        if (got.known !== undefined) attempts.user(message.security.user, got.known)
        const bytes = got.report && got.report.length <= Math.min(flow.allowance, template.maxMessage, message.maxSize) ? got.report : undefined
        await answer(datagram, { operation: 'identify', function: 'Get', outcome: bytes ? 'refused' : 'ignored', reason: got.reason }, bytes)
        return
      }
      const { user, level, scoped } = got
      attempts.user(message.security.user, true)
      if (!acceptable({ version: 'v3', pdu: scoped.pdu }, datagram, attempts)) return
      const packed = (pdu: Pdu): Buffer => pack(message, level, user, engine, { ...scoped, pdu })
      const most = limits(datagram, Math.min(template.maxMessage, message.maxSize))
      // A user who has a password must show it (RFC 3415): without, nothing may be seen.
      if ((user.auth && !level.auth) || (user.privacy && !level.privacy)) {
        const bytes = packed({ ...scoped.pdu, type: pduTypes.response, status: status.authorizationError, index: 0 })
        const fits = bytes.length <= most.now
        const told: Told = { operation: 'authenticate', function: 'Get', outcome: fits ? 'refused' : 'ignored', reason: 'authorizationError' }
        await answer(datagram, told, fits ? bytes : undefined)
        return
      }
      const question = { version: 'v3' as const, pdu: scoped.pdu, mayWrite: user.access === 'write' }
      const { pdu, ...told } = answerPdu(question, tree, viewOf(context, template, device, own), (each) => packed(each).length, most)
      await answer(datagram, told, pdu && packed(pdu))
    }

    /** Says it, and sends what there is to send. */
    async function answer(request: Buffer, told: Told, response: Buffer | undefined): Promise<void> {
      sayRequest(session, { protocol: 'snmp', request, ...(response ? { response } : {}), ...told })
      if (!response) return
      own.responses += 1
      await reply(response)
    }
  },
})

/** A community that may write may read; undefined for one that nobody has. */
function accessOf(community: Buffer, { communities }: SnmpSettings): 'read' | 'write' | undefined {
  const among = (known: readonly string[]): boolean => known.some((each) => community.equals(Buffer.from(each)))
  return among(communities.write) ? 'write' : among(communities.read) ? 'read' : undefined
}

/** Only what asks for an answer is a request; GetBulk is not of version 1. */
function acceptable({ version, pdu }: { version: string; pdu: Pdu }, datagram: Buffer, attempts: Attempts): boolean {
  if (confirmed.includes(pdu.type) && !(version === 'v1' && pdu.type === pduTypes.bulk)) return true
  attempts.violated(`a PDU with tag ${pdu.type} in ${version}`, datagram)
  return false
}

function viewOf(context: Context, template: SnmpTemplate, device: Device, own: Own): View {
  const uptime = device.uptimeMs() / 1000
  return { device, uptime, counts: countsAt(context.persona, template, own, uptime), texts: openTexts(() => context.world.registers) }
}

const engineOf = (context: Context, template: SnmpTemplate, device: Device): Engine => ({
  id: engineIdOf(context.persona, template.enterprise),
  boots: context.persona.boots,
  time: Math.floor(device.uptimeMs() / 1000),
  maxMessage: template.maxMessage,
})

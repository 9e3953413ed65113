/** The agents of the devices that ship, and one under changed messages. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { serveDatagramDecoy, testPersona } from '../../test-harness.ts'
import { testPlant } from '../plant-fixture.ts'
import { compareOid, parseOid } from './ber.ts'
import { pduTypes } from './message.ts'
import { answered, ask, numbers, oidsOf, openPeer, request, serveAgent, settings, tool } from './snmp-fixture.ts'
import { snmp } from './snmp.ts'

describe('devices that ship', { concurrency: true }, () => {
  for (const id of ['siemens-s7-1200', 'siemens-s7-300', 'siemens-s7-300-crane', 'schneider-m340', 'moxa-mgate', 'rtu-iec104']) {
    test(`${id} shows itself to a stranger who walks it, in the versions that it speaks`, async () => {
      const persona = testPersona(id)
      const template = persona.template.snmp
      assert.ok(template)
      const plant = testPlant()
      const agent = await serveDatagramDecoy(snmp, persona, settings, { plant, units: {}, proven: false })
      try {
        const bulk = template.versions.includes('v2c')
        const walker = bulk ? ['snmpbulkwalk', '-v2c'] : ['snmpwalk', '-v1']
        const walked = await tool(...(walker as [string, string]), '-r', '3', '-t', '0.5', '-c', 'public', `127.0.0.1:${agent.port}`, '.1')
        assert.match(walked, bulk ? /No more variables left/ : /End of MIB$/)
        const oids = oidsOf(walked)
        assert.ok(oids.length > 130, `${oids.length} objects`)
        assert.deepEqual(
          oids
            .map((oid) => parseOid(oid.slice(1)))
            .toSorted(compareOid)
            .map((oid) => `.${oid.join('.')}`),
          oids,
        )
        assert.match(walked, new RegExp(`\\.1\\.5\\.0 = STRING: "${persona.hostname}"`))
        assert.ok(oids.some((oid) => oid.startsWith('.1.3.6.1.4.1.') || oid.startsWith('.1.0.8802.') || oid.startsWith('.1.3.6.1.2.1.10.33.')))
        assert.doesNotMatch(walked, /\{[a-z]+\}/i)
        assert.deepEqual(agent.faults, [])
      } finally {
        await agent.close()
      }
    })
  }
})

test('an agent outlives 2,000 changed messages, never answers more than three bytes for one, and serves the next client', async () => {
  const agent = await serveAgent({}, { proven: false })
  try {
    const next = numbers(4711)
    const frames = [
      request(pduTypes.get, ['1.3.6.1.2.1.1.1.0', '1.3.6.1.2.1.1.3.0']),
      request(pduTypes.next, ['1.3.6.1.2.1.2'], { version: 'v1' }),
      request(pduTypes.bulk, ['1.3.6.1.2.1.1', '1.3.6.1.2.1.2'], { index: 40, status: 1 }),
      request(pduTypes.set, ['1.3.6.1.2.1.1.6.0'], { community: 'private' }),
    ]
    await tool(
      'snmpget',
      '-v3',
      '-l',
      'authPriv',
      '-u',
      'aesuser',
      '-a',
      'SHA',
      '-A',
      'password1',
      '-x',
      'AES',
      '-X',
      'password2',
      `127.0.0.1:${agent.port}`,
      '1.3.6.1.2.1.1.5.0',
    )
    frames.push(...agent.of('industrial.requested').map((said) => Buffer.from(said.request, 'base64')))
    const changed = (): Buffer => {
      const frame = Buffer.from(frames[next() % frames.length] as Buffer)
      for (let change = next() % 5; change > 0; change--) frame[next() % frame.length] = next() & 0xff
      return next() % 8 === 0 ? frame.subarray(0, next() % frame.length) : frame
    }
    const sockets = await Promise.all(Array.from({ length: 20 }, () => openPeer(agent.port)))
    for (let round = 0; round < 100; round++) {
      for (const socket of sockets) socket.send(changed())
      if (round % 5 === 4) await Promise.race([new Promise((resolve) => setTimeout(resolve, 60)), Promise.all(sockets.map((socket) => socket.quiet()))])
    }
    for (const socket of sockets) {
      await socket.quiet()
      assert.ok(socket.received <= 3 * socket.sent, `${socket.received} for ${socket.sent}`)
      socket.close()
    }
    assert.ok(sockets.some(({ received }) => received > 0))
    assert.ok(answered(await ask(agent.port, request(pduTypes.get, ['1.3.6.1.2.1.1.3.0']), 2000)))
    assert.deepEqual(agent.faults, [])
  } finally {
    await agent.close()
  }
})

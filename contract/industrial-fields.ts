/** Dissections of the industrial protocols, one to each; see industrial-frame.ts for what a field is. */
import { ascii, dissect, type FieldReader, type FrameField, type FrameProtocol, type FrameSide, hex, named } from './industrial-frame.ts'

const modbusFunctions: Readonly<Record<number, string>> = {
  1: 'Read Coils',
  2: 'Read Discrete Inputs',
  3: 'Read Holding Registers',
  4: 'Read Input Registers',
  5: 'Write Single Coil',
  6: 'Write Single Register',
  7: 'Read Exception Status',
  8: 'Diagnostics',
  15: 'Write Multiple Coils',
  16: 'Write Multiple Registers',
  17: 'Report Server ID',
  22: 'Mask Write Register',
  23: 'Read/Write Multiple Registers',
  43: 'Encapsulated Interface Transport',
  90: 'UMAS',
}
const modbusExceptions: Readonly<Record<number, string>> = {
  1: 'illegal function',
  2: 'illegal data address',
  3: 'illegal data value',
  4: 'server device failure',
  6: 'server device busy',
  10: 'gateway path unavailable',
  11: 'gateway target failed to respond',
}

const registers = (r: FieldReader): void => {
  const bytes = r.number('byte count', 1)
  const most = Math.min(bytes >> 1, 32)
  for (let i = 0; i < most; i++) r.number(`register ${i}`, 2)
}

/** MBAP header: transaction(2) protocol(2) length(2) unit(1), then the PDU. */
function modbus(r: FieldReader, side: FrameSide): void {
  r.number('transaction identifier', 2)
  r.number('protocol identifier', 2)
  r.number('length', 2)
  r.number('unit identifier', 1)
  const code = r.number('function code', 1, (value) =>
    value & 0x80 ? `${hex(2)(value)} ${modbusFunctions[value & 0x7f] ?? ''} error`.replace('  ', ' ') : named(modbusFunctions)(value),
  )
  if (code & 0x80) {
    r.number('exception code', 1, named(modbusExceptions))
    return
  }
  const asked = side === 'request'
  if (code >= 1 && code <= 4) {
    if (asked) {
      r.number('starting address', 2)
      r.number('quantity', 2)
    } else if (code <= 2) r.data('status', r.number('byte count', 1))
    else registers(r)
  } else if (code === 5 || code === 6) {
    r.number('address', 2)
    r.number('value', 2, code === 5 ? named({ 0xff00: 'on', 0: 'off' }, 4) : String)
  } else if (code === 15 || code === 16) {
    r.number('starting address', 2)
    r.number('quantity', 2)
    if (asked && code === 16) registers(r)
    else if (asked) r.data('values', r.number('byte count', 1))
  } else if (code === 22) {
    r.number('address', 2)
    r.number('and mask', 2, hex(4))
    r.number('or mask', 2, hex(4))
  } else if (code === 23) {
    if (!asked) {
      registers(r)
      return
    }
    r.number('read starting address', 2)
    r.number('read quantity', 2)
    r.number('starting address', 2)
    r.number('quantity', 2)
    registers(r)
  } else if (code === 43) {
    r.number('MEI type', 1, hex(2))
    r.number('read device id code', 1)
    if (asked) r.number('object id', 1)
    else {
      r.number('conformity level', 1, hex(2))
      r.number('more follows', 1)
      r.number('next object id', 1)
      const count = r.number('number of objects', 1)
      for (let i = 0; i < count && r.left > 0; i++) {
        const id = r.number('object id', 1)
        r.data(`object ${id}`, r.number('object length', 1), ascii)
      }
    }
  } else if (code === 17 && !asked) r.data('server id', r.number('byte count', 1), ascii)
  else if (code === 90) {
    r.number('session key', 1, hex(2))
    r.number('UMAS function', 1, hex(2))
  }
}

const cotpTypes: Readonly<Record<number, string>> = { 0xe0: 'connect request', 0xd0: 'connect confirm', 0x80: 'disconnect request', 0xf0: 'data' }
const rosctrs: Readonly<Record<number, string>> = { 1: 'job', 2: 'ack', 3: 'ack data', 7: 'user data' }
const s7Functions: Readonly<Record<number, string>> = {
  0x04: 'read variable',
  0x05: 'write variable',
  0x1a: 'request download',
  0x1b: 'download block',
  0x1c: 'download ended',
  0x1d: 'start upload',
  0x1e: 'upload',
  0x1f: 'end upload',
  0x28: 'PI service',
  0x29: 'PLC stop',
  0xf0: 'set up communication',
}
const areas: Readonly<Record<number, string>> = { 0x1c: 'counters', 0x1d: 'timers', 0x81: 'inputs', 0x82: 'outputs', 0x83: 'flags', 0x84: 'data block' }
const userGroups: Readonly<Record<number, string>> = { 3: 'block functions', 4: 'CPU functions', 5: 'security', 7: 'time' }

/** TPKT 03 00 length(2), COTP, S7: 32 rosctr(1) 0000 reference(2) parameters(2) data(2), error(2) in an answer. */
function s7comm(r: FieldReader): void {
  r.number('TPKT version', 1)
  r.number('TPKT reserved', 1)
  r.number('TPKT length', 2)
  const header = r.number('COTP length', 1)
  const kind = r.number('COTP type', 1, named(cotpTypes))
  if (kind !== 0xf0) {
    r.data('COTP parameters', Math.min(r.left, header - 1))
    return
  }
  r.number('TPDU number', 1, hex(2))
  r.number('S7 protocol', 1, hex(2))
  const rosctr = r.number('ROSCTR', 1, named(rosctrs))
  r.number('redundancy', 2)
  r.number('PDU reference', 2)
  const parameters = r.number('parameter length', 2)
  r.number('data length', 2)
  if (rosctr === 2 || rosctr === 3) r.number('error', 2, hex(4))
  const end = r.at + parameters
  if (rosctr === 7) {
    r.data('parameter head', Math.min(5, r.left))
    r.number('function group', 1, (value) => `${hex(2)(value)} ${userGroups[value & 15] ?? ''}`.trim())
    r.number('subfunction', 1)
    r.number('sequence', 1)
    r.data('parameters', Math.max(0, Math.min(end, r.end) - r.at))
    if (r.left >= 4) {
      r.number('return code', 1, hex(2))
      r.number('transport size', 1)
      r.number('length', 2)
      if ((userGroups[r.bytes[22] ? (r.bytes[22] as number) & 15 : 0] ?? '') === 'CPU functions' && r.left >= 4) {
        r.number('SZL id', 2, hex(4))
        r.number('SZL index', 2)
      }
    }
    return
  }
  if (parameters === 0) return
  const code = r.number('function', 1, named(s7Functions))
  if (code !== 4 && code !== 5) {
    r.data('parameters', Math.max(0, Math.min(end, r.end) - r.at), code === 0xf0 ? undefined : ascii)
    return
  }
  const items = r.number('item count', 1)
  for (let i = 0; i < items && r.at + 12 <= end; i++) {
    r.data(`item ${i} head`, 3)
    r.number('transport size', 1)
    r.number('count', 2)
    r.number('DB number', 2)
    r.number('area', 1, named(areas))
    r.number('address', 3, (value) => `${value >> 3}.${value & 7}`)
  }
}

const uFrames: Readonly<Record<number, string>> = {
  0x07: 'STARTDT act',
  0x0b: 'STARTDT con',
  0x13: 'STOPDT act',
  0x23: 'STOPDT con',
  0x43: 'TESTFR act',
  0x83: 'TESTFR con',
}
const causes: Readonly<Record<number, string>> = {
  3: 'spontaneous',
  5: 'requested',
  6: 'activation',
  7: 'activation confirmation',
  8: 'deactivation',
  9: 'deactivation confirmation',
  10: 'activation termination',
  20: 'interrogated by station',
  44: 'unknown type',
  45: 'unknown cause',
  46: 'unknown common address',
  47: 'unknown object address',
}
/** ASDU type: its name and the bytes of its element. */
const asduTypes: Readonly<Record<number, readonly [string, number]>> = {
  1: ['M_SP_NA_1', 1],
  3: ['M_DP_NA_1', 1],
  9: ['M_ME_NA_1', 3],
  11: ['M_ME_NB_1', 3],
  13: ['M_ME_NC_1', 5],
  15: ['M_IT_NA_1', 5],
  30: ['M_SP_TB_1', 8],
  31: ['M_DP_TB_1', 8],
  36: ['M_ME_TF_1', 12],
  45: ['C_SC_NA_1', 1],
  46: ['C_DC_NA_1', 1],
  48: ['C_SE_NA_1', 3],
  49: ['C_SE_NB_1', 3],
  50: ['C_SE_NC_1', 5],
  58: ['C_SC_TA_1', 8],
  59: ['C_DC_TA_1', 8],
  100: ['C_IC_NA_1', 1],
  101: ['C_CI_NA_1', 1],
  102: ['C_RD_NA_1', 0],
  103: ['C_CS_NA_1', 7],
  105: ['C_RP_NA_1', 1],
}

/** The element of an object: a short float as a number, a single byte as it is. */
function element(part: Uint8Array, type: string): string {
  if (type.includes('ME_NC') || type.includes('ME_TF') || type === 'C_SE_NC_1')
    return String(Number(new DataView(part.buffer, part.byteOffset, part.length).getFloat32(0, true).toPrecision(6)))
  if (type === 'C_SE_NB_1' || type === 'M_ME_NB_1') return String(new DataView(part.buffer, part.byteOffset, part.length).getInt16(0, true))
  return part.length === 1 ? hex(2)(part[0] as number) : ''
}

function asdu(r: FieldReader): void {
  const code = r.number('type', 1, (value) => `${value}${asduTypes[value] ? ` ${asduTypes[value][0]}` : ''}`)
  const many = r.number('variable structure', 1, (value) => `${value & 127}${value & 128 ? ' in sequence' : ''}`)
  r.number(
    'cause',
    1,
    (value) => `${value & 63}${causes[value & 63] ? ` ${causes[value & 63]}` : ''}${value & 64 ? ', negative' : ''}${value & 128 ? ', test' : ''}`,
  )
  r.number('originator', 1)
  r.number('common address', 2, String, true)
  const [name, size] = asduTypes[code] ?? ['', -1]
  if (size < 0) return
  for (let i = 0; i < (many & 127); i++) {
    if (i === 0 || (many & 128) === 0) r.number('object address', 3, String, true)
    if (size > 0) r.data('element', size, (part) => element(part, name))
  }
}

/** APCI 68 length(1) control(4), then an ASDU in an I frame; answers are kept as their ASDUs alone. */
function iec104(r: FieldReader): void {
  if (r.peek() === 0x68 && r.peek(1) === r.left - 2) {
    r.number('start', 1, hex(2))
    r.number('length', 1)
    if (r.peek() & 1) {
      if ((r.peek() & 3) === 3) r.number('control', 1, named(uFrames))
      else r.number('control', 1, () => 'S')
      r.data('control', 1)
      r.number('receive number', 2, (value) => String(value >> 1), true)
      return
    }
    r.number('send number', 2, (value) => String(value >> 1), true)
    r.number('receive number', 2, (value) => String(value >> 1), true)
  }
  while (r.left > 0) asdu(r)
}

const snmpPdus: Readonly<Record<number, string>> = {
  0xa0: 'get',
  0xa1: 'get next',
  0xa2: 'response',
  0xa3: 'set',
  0xa5: 'get bulk',
  0xa8: 'report',
}
/** The head of a BER value: its tag, and its length; both are one field. */
function head(r: FieldReader, name: string): { tag: number; length: number } {
  const tag = r.peek()
  const first = r.peek(1)
  const size = first > 0x80 && first <= 0x84 ? first - 0x80 : 0
  let length = first
  if (size > 0) {
    length = 0
    for (let i = 0; i < size; i++) length = length * 256 + Math.max(0, r.peek(2 + i))
  }
  r.data(name, 2 + size, () => (name === 'PDU' ? named(snmpPdus)(tag) : ''))
  return { tag, length: Math.min(length, r.left) }
}
const oid = (part: Uint8Array): string => {
  const numbers: number[] = []
  let value = 0
  for (const byte of part) {
    value = (value * 128 + (byte & 127)) % 2 ** 32
    if (byte & 128) continue
    numbers.push(...(numbers.length === 0 ? [Math.min(2, Math.floor(value / 40)), value - 40 * Math.min(2, Math.floor(value / 40))] : [value]))
    value = 0
  }
  return numbers.join('.')
}
const whole = (part: Uint8Array): string => String(part.reduce((sum, byte) => sum * 256 + byte, 0))
const value = (tag: number) => (part: Uint8Array) =>
  tag === 6 ? oid(part) : tag === 4 ? ascii(part) : tag === 5 ? 'null' : part.length <= 6 ? whole(part) : ''
const primitive = (r: FieldReader, name: string): void => {
  const { tag, length } = head(r, `${name} head`)
  r.data(name, length, value(tag))
}

/** SEQUENCE { version, community, PDU } of versions 1 and 2c; of version 3 only the outer fields. */
function snmp(r: FieldReader): void {
  head(r, 'message')
  head(r, 'version head')
  const version = r.number('version', 1, named({ 0: 'v1', 1: 'v2c', 3: 'v3' }))
  if (version > 1) return
  primitive(r, 'community')
  head(r, 'PDU')
  primitive(r, 'request id')
  primitive(r, 'error status')
  primitive(r, 'error index')
  head(r, 'variable bindings')
  while (r.left > 0) {
    head(r, 'binding')
    primitive(r, 'name')
    primitive(r, 'value')
  }
}

/** The fields of one frame as it was sent. */
export const fieldsOf = (protocol: FrameProtocol, bytes: Uint8Array, side: FrameSide): FrameField[] =>
  dissect(bytes, (reader) => {
    if (protocol === 'modbus' || protocol === 'umas') modbus(reader, side)
    else if (protocol === 's7comm') s7comm(reader)
    else if (protocol === 'iec104') iec104(reader)
    else if (protocol === 'snmp') snmp(reader)
  })

/** The first address that a request names, as its protocol counts; undefined where it names none. */
export const addressIn = (protocol: FrameProtocol, bytes: Uint8Array): string | undefined =>
  fieldsOf(protocol, bytes, 'request').find(({ name }) => name === 'starting address' || name === 'address' || name === 'object address')?.value

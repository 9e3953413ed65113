/** Rules over what else belongs to controllers: their logins, files and firmware, and attempts to drown them. */
import type { Condition } from '../rule.ts'
import { rulesOf } from './rules-of.ts'

/** Services that a controller, terminal unit, gateway or panel runs. */
export const deviceServices: readonly string[] = ['modbus', 's7comm', 'iec104', 'snmp', 'hmi', 'ftp']
const ofDevice: Condition = { field: 'service', in: deviceServices }
const by = (...names: string[]): Condition => ({ field: 'body.by', in: names })
const accepted: Condition = { field: 'body.outcome', is: 'accepted' }
const community: Condition = { field: 'body.method', in: ['snmp-community'] }
const device = ['source.ip', 'decoy'] as const
const tooMany: Condition = { field: 'body.reason', matches: '^more than [0-9]{1,5} connections' }

const firmwareName: Condition = { field: 'file.name', matches: '\\.(?:bin|fw|fwf|upd|img|rom|hex|ldx|pbf|firm)$|firmware|_fw_' }
const projectName: Condition = {
  field: 'file.name',
  matches: '\\.(?:cxob|exob|xob|emtp|mtp|stu|sta|stm|xef|zef|zap[0-9]{2}|ap[0-9]{2}|s7p|s7s|awl|scl|apx|prj|rcp)$',
}
const byFtp: Condition = { field: 'body.method', is: 'ftp' }

const logins = rulesOf({ kinds: ['login.attempted'], confidence: 'high', evidence: ['body.user', 'body.password', 'body.method'], opens: true }, [
  {
    id: 'device.default-credential',
    title: { zh: '用默认凭据登录工业设备', en: 'Default credential of a device used' },
    reason: { zh: '设备承认的默认或弱口令被用来登录。', en: 'Somebody logged in with a default or weak credential that the device accepts.' },
    severity: 'high',
    techniques: ['T0812'],
    when: { all: [accepted, ofDevice, { not: community }, { not: by('lure', 'tries') }, { not: { field: 'body.method', is: 'none' } }] },
    per: ['source.ip', 'decoy', 'service', 'body.user'],
  },
  {
    id: 'device.planted-credential',
    title: { zh: '在工业设备上使用了诱饵凭据', en: 'Planted credential used on a device' },
    reason: {
      zh: '登录所用的凭据只埋设在诱饵位置,使用它说明攻击者已读到该处。',
      en: 'The credential exists only where it was planted; its use proves that the attacker has read that place.',
    },
    severity: 'critical',
    techniques: ['T0859', 'T1552.001'],
    when: { all: [accepted, ofDevice, by('lure')] },
    per: ['source.ip', 'decoy', 'service', 'body.user'],
  },
])

const files = rulesOf({ confidence: 'high', per: device, evidence: ['body.path', 'body.file.sha256', 'body.file.size'], opens: true, severity: 'critical' }, [
  {
    id: 'device.firmware',
    title: { zh: '上传固件', en: 'Firmware uploaded' },
    reason: {
      zh: '设备收到了名为固件的文件:固件决定设备本身如何工作。',
      en: 'The device was given a file that is named as firmware, which decides how the device itself works.',
    },
    techniques: ['T0857', 'T0839'],
    kinds: ['file.uploaded'],
    when: { all: [byFtp, firmwareName] },
  },
  {
    id: 'device.program-file',
    title: { zh: '程序文件被装入设备', en: 'Program file left on a device' },
    reason: { zh: '客户端装入的程序已按哈希保存。', en: 'The program that the client loaded is kept by its hash.' },
    techniques: ['T0843'],
    kinds: ['file.uploaded'],
    when: { any: [{ field: 'body.method', in: ['umas', 's7comm'] }, { all: [byFtp, projectName, { not: firmwareName }] }] },
  },
  {
    id: 'device.file-left',
    title: { zh: '向工业设备传送文件', en: 'File left on a device' },
    reason: { zh: '客户端经 FTP 在设备上留下了文件。', en: 'The client left a file on the device by FTP.' },
    severity: 'high',
    techniques: ['T0867'],
    kinds: ['file.uploaded'],
    when: { all: [byFtp, { not: firmwareName }, { not: projectName }] },
  },
  {
    id: 'device.file-taken',
    title: { zh: '从工业设备取走文件', en: 'File taken from a device' },
    reason: { zh: '客户端经 FTP 取走了设备上的文件。', en: 'The client took a file of the device by FTP.' },
    severity: 'medium',
    techniques: ['T0893'],
    kinds: ['file.downloaded'],
    when: { all: [byFtp, { not: projectName }] },
    evidence: ['body.path', 'body.size'],
  },
  {
    id: 'device.project-taken',
    title: { zh: '取走工程文件', en: 'Project file taken' },
    reason: { zh: '客户端经 FTP 取走了含程序的工程文件。', en: 'The client took a project file, which holds the program, by FTP.' },
    severity: 'high',
    techniques: ['T0845', 'T0893'],
    kinds: ['file.downloaded'],
    when: { all: [byFtp, projectName] },
    evidence: ['body.path', 'body.size'],
  },
  {
    id: 'device.file-removed',
    title: { zh: '删除工业设备上的文件', en: 'File of a device removed' },
    reason: { zh: '客户端经 FTP 删除了设备上的文件。', en: 'The client removed a file of the device by FTP.' },
    severity: 'high',
    techniques: ['T0809'],
    kinds: ['file.changed'],
    when: { all: [byFtp, { field: 'body.change', is: 'removed' }] },
    evidence: ['body.path'],
  },
])

const drowning = rulesOf(
  { kinds: ['protocol.violated'], techniques: ['T0814'], per: device, evidence: ['body.reason', 'body.data'], severity: 'high', opens: true },
  [
    {
      id: 'device.connections-exhausted',
      title: { zh: '耗尽设备连接', en: 'Connections of a device exhausted' },
      reason: {
        zh: '同一来源一分钟内至少三次超出设备的连接数:其他主站连不上。',
        en: 'One source went beyond the number of connections at least three times within a minute: other masters are kept out.',
      },
      confidence: 'medium',
      when: { all: [ofDevice, tooMany] },
      threshold: { count: 3, withinMs: 60_000, by: device },
    },
    {
      id: 'device.malformed-flood',
      title: { zh: '大量畸形报文', en: 'Flood of malformed messages' },
      reason: {
        zh: '同一来源一分钟内至少二十次发送不合规约的内容。',
        en: 'One source sent what the protocol does not allow at least twenty times within a minute.',
      },
      confidence: 'high',
      when: { all: [ofDevice, { not: tooMany }] },
      threshold: { count: 20, withinMs: 60_000, by: device },
    },
  ],
)

const communities = rulesOf({ kinds: ['login.attempted'], confidence: 'medium', evidence: ['body.user', 'body.password'] }, [
  {
    id: 'device.default-community',
    title: { zh: '使用默认 SNMP 团体名', en: 'Default SNMP community used' },
    reason: { zh: '设备承认的团体名被用来读取。', en: 'The client read with a community that the device accepts.' },
    severity: 'low',
    techniques: ['T0812'],
    when: { all: [accepted, community, { not: by('lure') }] },
    per: ['source.ip', 'decoy'],
  },
])

export const deviceRules = [...logins, ...communities, ...files, ...drowning]

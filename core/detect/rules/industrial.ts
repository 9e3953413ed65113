/** Rules over what is asked of controllers. Impact techniques are in plant.ts: a packet alone has none, and neither has a tag that took another value. */
import type { Condition } from '../rule.ts'
import { screens } from '../operator.ts'
import { rulesOf } from './rules-of.ts'

const operation = (...names: string[]): Condition => ({ field: 'body.operation', in: names })
const named = (matches: string): Condition => ({ field: 'body.function', matches })
const done: Condition = { field: 'body.outcome', is: 'done' }
const refused: Condition = { field: 'body.outcome', in: ['refused', 'ignored'] }
/** IEC 104 selects before it executes: a select alone moves nothing. */
const select = named(' select$')
const image = named('process image|^Read Discrete Inputs$')
const state = named('^Read SZL 0x[0-9a-f]{0,2}24 |^READ_PLC_INFO$')
const acts = ['write', 'alarm', 'command', 'start', 'stop', 'restart', 'download', 'delete'] as const
const device = ['source.ip', 'decoy'] as const
const common = { kinds: ['industrial.requested'], confidence: 'high', per: device, evidence: ['industrial.said', 'body.function'], says: true } as const

const looking = rulesOf({ ...common, severity: 'low' }, [
  {
    id: 'industrial.identification',
    title: { zh: '识别工业设备', en: 'Industrial device identified' },
    reason: { zh: '客户端询问了型号、订货号、固件或序列号。', en: 'The client asked for model, order number, firmware or serial number.' },
    techniques: ['T0888'],
    when: { all: [operation('identify'), { not: state }] },
  },
  {
    id: 'industrial.operating-mode',
    title: { zh: '探测控制器运行方式', en: 'Operating mode of a controller read' },
    reason: {
      zh: '客户端查询控制器处于运行还是停止,这通常先于改变它。',
      en: 'The client asked whether the controller runs or is stopped, which mostly comes before changing it.',
    },
    techniques: ['T0868'],
    when: state,
  },
  {
    id: 'industrial.point-listing',
    title: { zh: '枚举点位与程序块', en: 'Points and blocks listed' },
    reason: { zh: '客户端要求列出设备的点位、变量或程序块。', en: 'The client asked the device to list its points, tags or program blocks.' },
    severity: 'medium',
    techniques: ['T0861'],
    when: operation('browse'),
  },
  {
    id: 'industrial.image-read',
    title: { zh: '读取输入输出映像', en: 'Process image read' },
    reason: { zh: '客户端直接读取了控制器的输入输出映像。', en: 'The client read the image of inputs and outputs straight from the controller.' },
    techniques: ['T0877'],
    when: { all: [operation('read'), done, image] },
  },
  {
    id: 'industrial.monitoring',
    title: { zh: '监视生产过程', en: 'Process watched' },
    reason: {
      zh: '同一来源两分钟内至少五次读取过程值,在了解设备如何运行。',
      en: 'One source read process values at least five times within two minutes: it learns how the machine runs.',
    },
    severity: 'medium',
    techniques: ['T0801'],
    when: { all: [operation('read'), done] },
    threshold: { count: 5, withinMs: 120_000, by: device },
    evidence: ['industrial.points', 'body.function'],
  },
])

const sweeping = rulesOf({ confidence: 'high', severity: 'medium', techniques: ['T0846'], per: ['source.ip'] }, [
  {
    id: 'industrial.scan',
    title: { zh: '扫描工业端口', en: 'Industrial ports scanned' },
    reason: {
      zh: '扫描涉及控制器使用的端口(Modbus、S7、IEC 104、EtherNet/IP、DNP3、BACnet、OPC UA 等)。',
      en: 'The scan looked at ports of controllers (Modbus, S7, IEC 104, EtherNet/IP, DNP3, BACnet, OPC UA and others).',
    },
    severity: 'low',
    kinds: ['scan.detected'],
    when: { field: 'body.ports', in: [102, 502, 789, 1911, 1962, 2222, 2404, 4840, 5006, 5007, 9600, 18_245, 20_000, 34_962, 34_964, 44_818, 47_808] },
    evidence: ['body.ports', 'body.addresses'],
  },
  {
    id: 'industrial.sweep',
    title: { zh: '逐台探测工业设备', en: 'Industrial devices swept' },
    reason: { zh: '同一来源十分钟内与至少三台工业诱饵通话。', en: 'One source spoke to at least three industrial decoys within ten minutes.' },
    kinds: ['industrial.requested'],
    threshold: { count: 3, withinMs: 600_000, by: ['source.ip'], distinct: ['decoy'] },
    evidence: ['decoy', 'body.function'],
  },
  {
    id: 'industrial.unit-sweep',
    title: { zh: '逐个探测站号', en: 'Unit identifiers swept' },
    reason: {
      zh: '同一来源两分钟内在一台设备上试了至少四个站号、公共地址或槽位,在寻找其后的设备。',
      en: 'One source tried at least four unit identifiers, common addresses or slots of one device within two minutes, to find what stands behind it.',
    },
    kinds: ['industrial.requested'],
    threshold: { count: 4, withinMs: 120_000, by: device, distinct: ['body.unit'] },
    per: device,
    evidence: ['body.unit', 'body.function'],
  },
  {
    id: 'industrial.collection',
    title: { zh: '自动采集多台控制器', en: 'Several controllers read by a script' },
    reason: { zh: '同一来源十分钟内读取了至少三台设备。', en: 'One source read values of at least three devices within ten minutes.' },
    techniques: ['T0802'],
    kinds: ['industrial.requested'],
    when: { all: [operation('read', 'browse'), done] },
    threshold: { count: 3, withinMs: 600_000, by: ['source.ip'], distinct: ['decoy'] },
    evidence: ['decoy', 'industrial.said'],
  },
])

const acting = rulesOf({ ...common, severity: 'high', opens: true }, [
  {
    id: 'industrial.command',
    title: { zh: '未授权的控制命令', en: 'Unauthorised command' },
    reason: { zh: '设备执行了这一命令;诱饵没有任何合法的操作者。', en: 'The device carried the command out; a decoy has no rightful operators.' },
    techniques: ['T0855'],
    when: { all: [operation('command'), done, { not: select }] },
  },
  {
    id: 'industrial.parameter',
    title: { zh: '修改工艺参数', en: 'Process parameter changed' },
    reason: { zh: '设定值或配方被改写,过程将随之改变。', en: 'A setpoint or recipe value was written; the process follows it.' },
    techniques: ['T0836', 'T0855'],
    when: { all: [operation('write'), done] },
  },
  {
    id: 'industrial.alarm-limit',
    title: { zh: '修改报警或联锁限值', en: 'Alarm or trip limit changed' },
    reason: {
      zh: '报警或联锁的限值被改写:此后越限可能不再报警,也不再停机。',
      en: 'The limit of an alarm or trip was written: what goes beyond it may no longer raise an alarm or stop the machine.',
    },
    severity: 'critical',
    techniques: ['T0838', 'T0836'],
    when: { all: [operation('alarm'), done] },
  },
  {
    id: 'industrial.image-write',
    title: { zh: '改写输入输出映像', en: 'Process image written' },
    reason: { zh: '客户端直接写入控制器的输入输出映像,绕过程序。', en: 'The client wrote the image of inputs and outputs, past the program.' },
    techniques: ['T0835'],
    when: { all: [operation('write', 'command', 'alarm'), done, named('process image')] },
  },
  {
    id: 'industrial.mode-change',
    title: { zh: '启停控制器', en: 'Controller stopped or started' },
    reason: {
      zh: '控制器的运行方式被改变:停止时程序不再执行,输出保持或复位。',
      en: 'The operating mode was changed: while a controller is stopped its program does not run.',
    },
    severity: 'critical',
    techniques: ['T0858'],
    when: { all: [operation('start', 'stop'), done] },
  },
  {
    id: 'industrial.restart',
    title: { zh: '重启设备', en: 'Device restarted' },
    reason: { zh: '设备接受了重启命令,其间不受监控。', en: 'The device took a restart, and nobody watches the process meanwhile.' },
    techniques: ['T0816'],
    when: { all: [operation('restart'), done] },
  },
  {
    id: 'industrial.program-upload',
    title: { zh: '读出控制器程序', en: 'Program read out of a controller' },
    reason: { zh: '程序块或内存被读走,可用于研究工艺和准备改动。', en: 'Blocks or memory were taken, to study the process and to prepare a change.' },
    techniques: ['T0845'],
    when: { all: [operation('upload'), done] },
  },
  {
    id: 'industrial.program-download',
    title: { zh: '向控制器装载程序', en: 'Program loaded into a controller' },
    reason: { zh: '控制器接受了新的程序块。', en: 'The controller took new program blocks.' },
    severity: 'critical',
    techniques: ['T0843'],
    when: { all: [operation('download'), done] },
  },
  {
    id: 'industrial.controller-tasking',
    title: { zh: '替换组织块', en: 'Organisation block replaced' },
    reason: {
      zh: '组织块决定程序何时执行;替换它即改变控制器的任务。',
      en: 'Organisation blocks say when the program runs: replacing one changes what the controller does and when.',
    },
    severity: 'critical',
    techniques: ['T0889', 'T0821'],
    when: { all: [operation('download'), done, named('^Request download _08')] },
  },
  {
    id: 'industrial.block-deletion',
    title: { zh: '删除控制器程序块', en: 'Program block deleted' },
    reason: { zh: '控制器中的程序块被删除。', en: 'A block of the controller was deleted.' },
    severity: 'critical',
    techniques: ['T0809'],
    when: { all: [operation('delete'), done] },
  },
  {
    id: 'industrial.clock',
    title: { zh: '改动设备时钟', en: 'Clock of a device set' },
    reason: { zh: '设备时间被改,记录与定时控制随之失真。', en: 'The time was set: records and timed control go wrong with it.' },
    severity: 'medium',
    techniques: ['T0855'],
    when: { all: [operation('clock'), done, { not: named('^Read clock$') }] },
  },
  {
    id: 'industrial.attempt',
    title: { zh: '企图操作控制器', en: 'Tried to operate a controller' },
    reason: { zh: '写入或命令未被执行,但意图明确。', en: 'The write or command was not carried out, but the intent is plain.' },
    severity: 'medium',
    techniques: ['T0855'],
    when: { any: [{ all: [operation(...acts), refused] }, { all: [operation(...acts), select] }] },
  },
  {
    id: 'industrial.toggling',
    title: { zh: '反复切换同一输出', en: 'Output toggled again and again' },
    reason: { zh: '同一来源一分钟内对同一开关量至少写了五次。', en: 'One source wrote the same switch at least five times within a minute.' },
    severity: 'critical',
    techniques: ['T0806'],
    when: { all: [operation('write', 'command'), { field: 'industrial.switch', is: true }, { not: select }] },
    threshold: { count: 5, withinMs: 60_000, by: [...device, 'industrial.target'] },
    evidence: ['industrial.points', 'body.function'],
  },
  {
    id: 'industrial.address-sweep',
    title: { zh: '逐地址写入', en: 'Writes swept over addresses' },
    reason: {
      zh: '同一来源一分钟内写了同一设备的至少八个不同地址。',
      en: 'One source wrote at least eight different addresses of one device within a minute.',
    },
    severity: 'critical',
    techniques: ['T0806'],
    when: operation('write', 'command', 'alarm'),
    threshold: { count: 8, withinMs: 60_000, by: device, distinct: ['industrial.target'] },
    evidence: ['industrial.target', 'body.function'],
  },
  {
    id: 'industrial.rogue-master',
    title: { zh: '非法主站', en: 'Rogue master' },
    version: 2,
    reason: {
      zh: '设备执行了不经其操作屏而来的命令。依据仅此一点:诱饵没有任何合法主站,所以凡自称主站者皆非法,不论其地址如何。',
      en: 'The device carried out an order that did not come by its own screen. It rests on this alone: no master of ours ever polls a decoy, so whoever acts as one is none, whatever its address.',
    },
    techniques: ['T0848'],
    when: { all: [operation(...acts), done, { not: select }, { not: { field: 'service', in: screens } }] },
  },
  {
    id: 'industrial.screen-used',
    title: { zh: '通过操作屏操作', en: 'Operated through the screen' },
    reason: { zh: '有人登录设备的操作屏并进行了操作。', en: 'Somebody used the screen of the device to operate it.' },
    techniques: ['T0823'],
    when: { all: [operation(...acts), { field: 'service', in: screens }] },
  },
  {
    id: 'industrial.stop-reporting',
    title: { zh: '停止数据上送', en: 'Reporting stopped' },
    reason: {
      zh: '客户端令远动终端停止数据传送(STOPDT):上报与命令都被阻断。',
      en: 'The client told the terminal unit to stop data transfer (STOPDT): reports and commands no longer pass.',
    },
    techniques: ['T0804', 'T0803'],
    when: named('^STOPDT act$'),
  },
])

export const industrialRules = [...looking, ...sweeping, ...acting]

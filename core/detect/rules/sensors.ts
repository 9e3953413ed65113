/** Rules over our own sensors: a stolen identity is an attack; silence, gaps and rejected events are what somebody must be told of. */
import { rulesOf } from './rules-of.ts'

export const sensorRules = rulesOf({ kinds: ['sensor.troubled'], per: ['sensor'], evidence: ['body.detail', 'body.count'], about: 'sensor' }, [
  {
    id: 'sensor.cloned',
    when: { field: 'body.problem', is: 'cloned' },
    title: { zh: '传感器身份被复制', en: 'Cloned identity of a sensor' },
    reason: {
      zh: '同一证书出现了第二个连接,已拒绝:密钥在别处也有,须吊销该传感器并查明来源。',
      en: 'A second connection with the same certificate was refused: its key is somewhere else too. Revoke the sensor and find out who has it.',
    },
    severity: 'high',
    confidence: 'high',
    techniques: ['T1649'],
    opens: true,
  },
  {
    id: 'sensor.token-reused',
    when: { field: 'body.problem', is: 'token-reused' },
    title: { zh: '注册令牌被再次使用', en: 'Enrolment token used a second time' },
    reason: {
      zh: '一次性令牌第二次出现,已拒绝:令牌外泄,已注册的那台也可能不是预期的机器。',
      en: 'A token that serves once came again and was refused: it leaked, and the machine that enrolled with it may not be the one it was meant for.',
    },
    severity: 'high',
    confidence: 'high',
    techniques: ['T1649'],
    opens: true,
  },
  {
    id: 'sensor.journal-returned',
    when: { field: 'body.problem', is: 'journal-returned' },
    title: { zh: '传感器日志倒退', en: 'Journal of a sensor went back' },
    reason: {
      zh: '传感器的事件序号倒退:其磁盘被恢复或复制,已拒绝连接,期间不再上报。',
      en: 'The numbers of its events went back: its disk was restored or copied. It is refused and reports nothing until somebody mends it.',
    },
    severity: 'medium',
    confidence: 'medium',
    techniques: [],
    opens: true,
  },
  {
    id: 'sensor.gap',
    when: { field: 'body.problem', is: 'gap' },
    title: { zh: '传感器事件缺失', en: 'Events of a sensor are missing' },
    reason: {
      zh: '事件序号不连续超过一分钟:有事件丢失或被删除。',
      en: 'Its numbered events have had a gap for over a minute: some were lost or removed.',
    },
    severity: 'medium',
    confidence: 'low',
    techniques: ['T1562.001'],
  },
  {
    id: 'sensor.silent',
    when: { field: 'body.problem', is: 'silent' },
    title: { zh: '传感器失联', en: 'A sensor is silent' },
    reason: {
      zh: '一分钟没有心跳:机器、网络或进程已停,那里发生的事暂时看不到。',
      en: 'No heartbeat for a minute: machine, network or process stopped, and what happens there is not seen.',
    },
    severity: 'medium',
    confidence: 'low',
    techniques: ['T1562.001'],
  },
  {
    id: 'sensor.blind',
    when: { field: 'body.problem', is: 'blind' },
    title: { zh: '中继有心跳但看不到触碰', en: 'A relay is blind' },
    reason: {
      zh: '心跳正常,但两次验证触碰都没有变成事件:监听、防火墙、网络或隧道拦住了攻击者会走的路,那里发生的事看不到。',
      en: 'Its heartbeat is well, and two proof touches did not become events: listener, firewall, network or tunnel shut the way that an attacker would take.',
    },
    severity: 'medium',
    confidence: 'high',
    techniques: ['T1562.001'],
  },
  {
    id: 'sensor.rejected',
    when: { field: 'body.problem', is: 'rejected' },
    title: { zh: '传感器事件被拒收', en: 'Events of a sensor are rejected' },
    reason: {
      zh: '事件不符合约定,原文已保存:版本不一致、程序出错,或有人冒充传感器说话。',
      en: 'Events break the contract and are kept raw: versions differ, a program is at fault, or somebody speaks in its name.',
    },
    severity: 'low',
    confidence: 'medium',
    techniques: [],
  },
])

/** What owners of addresses, or those who pretend to be, do to a relay that answers for idle ones. */
export const segmentRules = rulesOf({}, [
  {
    id: 'segment.halted',
    kinds: ['segment.halted'],
    per: ['sensor', 'body.segment'],
    evidence: ['body.segment', 'body.giveUps', 'body.addresses'],
    about: 'sensor',
    title: { zh: '网段内大量地址被收回,已停止占用新地址', en: 'Owners took many claimed addresses; new claims are stopped' },
    reason: {
      zh: '十分钟内有超过三个已占用的地址出现了主人:可能是停电后恢复供电,也可能有人伪造 ARP 驱赶诱饵。已占用的地址照常应答,不再占用新地址。',
      en: 'More than three claimed addresses had an owner within ten minutes: power that came back, or somebody who forges ARP to drive decoys away. Claims that stand go on; new ones wait.',
    },
    severity: 'medium',
    confidence: 'medium',
    techniques: ['T1562.001'],
    opens: true,
  },
  {
    id: 'segment.address-sweep',
    kinds: ['address.released'],
    when: { field: 'body.frame', in: ['arp', 'arp-probe', 'ip', 'probe', 'kernel'] },
    threshold: { count: 3, withinMs: 60_000, by: ['sensor', 'body.by'], distinct: ['body.addresses'] },
    per: ['sensor', 'body.by'],
    evidence: ['body.by', 'body.addresses', 'body.frame'],
    title: { zh: '同一网卡迅速占用多个诱饵地址', en: 'One network card took several decoy addresses at once' },
    reason: {
      zh: '同一 MAC 地址在一分钟内自称拥有三个以上已占用的地址;正常主机不会这样做,这是 ARP 欺骗的表现。',
      en: 'One MAC address said within a minute that it owns three or more of the claimed addresses. A host does not do that; it is how ARP spoofing looks.',
    },
    severity: 'high',
    confidence: 'medium',
    techniques: ['T1557.002'],
    opens: true,
  },
])

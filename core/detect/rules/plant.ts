/** Rules over what an adversary's writes led to in the plant: the only ones with impact techniques. */
import type { Condition } from '../rule.ts'
import { rulesOf } from './rules-of.ts'

const consequence = (name: string): Condition => ({ field: 'body.consequence', is: name })
/** What the plant's template says of the tag that was written, and of what else this adversary left defeated: no name is read. */
const defeated = (...roles: string[]): Condition => ({
  any: [
    { field: 'body.after.role', in: roles },
    { field: 'plant.defeated', in: roles },
  ],
})

export const plantRules = rulesOf(
  {
    kinds: ['plant.affected'],
    confidence: 'high',
    severity: 'high',
    per: ['source.ip', 'decoy'],
    evidence: ['industrial.said', 'body.tag'],
    says: true,
    opens: true,
  },
  [
    {
      id: 'plant.process',
      title: { zh: '写入改变了生产过程', en: 'A write changed the process' },
      reason: {
        zh: '测量值或设备运行状态已与无人干预时不同;其他访问者看到的仍是未受扰动的过程。',
        en: 'What is measured, or what runs, is no longer what it would have been; other visitors still see the process undisturbed.',
      },
      severity: 'critical',
      techniques: ['T0831'],
      when: consequence('process'),
    },
    {
      id: 'plant.alarm',
      title: { zh: '写入引发报警', en: 'A write raised an alarm' },
      reason: { zh: '过程值因攻击者的写入而越限。', en: "A process value went beyond its limit because of the attacker's write." },
      techniques: ['T0831'],
      when: consequence('alarm'),
    },
    {
      id: 'plant.interlock',
      title: { zh: '写入触发联锁', en: 'A write met an interlock' },
      reason: { zh: '过程进入了联锁所禁止的状态。', en: 'The process came to a state that an interlock forbids.' },
      techniques: ['T0831'],
      when: consequence('interlock'),
    },
    {
      id: 'plant.trip',
      title: { zh: '写入导致停机', en: 'A write tripped the machine' },
      reason: { zh: '保护动作,机器停下,须有人复位后才能生产。', en: 'A protection stopped the machine; it makes nothing until somebody resets it.' },
      severity: 'critical',
      techniques: ['T0831', 'T0826', 'T0828'],
      when: consequence('trip'),
    },
    {
      id: 'plant.quality',
      title: { zh: '写入造成废品', en: 'A write spoiled the product' },
      reason: { zh: '产品因攻击者的写入而不合格。', en: "The product is out of specification because of the attacker's write." },
      techniques: ['T0831', 'T0828'],
      when: consequence('quality'),
    },
    {
      id: 'plant.damage',
      title: { zh: '写入损坏设备', en: 'A write damaged equipment' },
      reason: { zh: '设备因攻击者的写入而损坏。', en: "Equipment was damaged because of the attacker's write." },
      severity: 'critical',
      techniques: ['T0831', 'T0879'],
      when: consequence('damage'),
    },
    {
      id: 'plant.protection-lost',
      title: { zh: '保护失效并造成损坏', en: 'Protection defeated, damage done' },
      reason: {
        zh: '先被旁路或改动的保护没有动作,设备因此损坏。',
        en: 'A protection that was bypassed or moved before did not act, and equipment was damaged.',
      },
      severity: 'critical',
      techniques: ['T0837'],
      when: { all: [consequence('damage'), defeated('protection', 'safety')] },
      version: 2,
    },
    {
      id: 'plant.safety-lost',
      title: { zh: '安全功能失效并造成损坏', en: 'Safety function defeated, damage done' },
      reason: {
        zh: '保护人员安全的功能先被旁路或改动,随后发生损坏:现场人员本会有危险。',
        en: 'A function that keeps people safe was bypassed or moved before, and then damage was done: people on site would have been in danger.',
      },
      severity: 'critical',
      techniques: ['T0880'],
      when: { all: [consequence('damage'), defeated('safety')] },
    },
  ],
)

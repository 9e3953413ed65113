/** Rules over logins. */
import { deviceServices } from './devices.ts'
import { rulesOf } from './rules-of.ts'

/** An answer to a challenge hides which password was tried, so only the number of attempts can be counted. */
const refusedAtAll = {
  all: [
    { field: 'body.outcome', is: 'refused' },
    {
      field: 'body.method',
      in: ['password', 'keyboard-interactive', 'form', 'basic', 'ftp', 's7-password', 'snmp-community', 'snmp-usm', 'ntlm'],
    },
  ],
} as const
const refused = {
  all: [
    { field: 'body.outcome', is: 'refused' },
    { field: 'body.method', in: ['password', 'keyboard-interactive', 'form', 'basic', 'ftp', 's7-password', 'snmp-community', 'snmp-usm'] },
  ],
} as const

export const accessRules = rulesOf({ kinds: ['login.attempted'] }, [
  {
    id: 'login.brute-force',
    version: 3,
    title: { zh: '口令暴力猜测', en: 'Password guessing' },
    reason: {
      zh: '同一来源十分钟内至少五次口令登录失败。',
      en: 'One source failed to log in with a password at least five times within ten minutes.',
    },
    severity: 'medium',
    confidence: 'high',
    techniques: ['T1110.001'],
    when: refusedAtAll,
    threshold: { count: 5, withinMs: 600_000, by: ['source.ip'] },
    per: ['source.ip'],
    evidence: ['body.user', 'body.password'],
  },
  {
    id: 'login.spraying',
    version: 2,
    title: { zh: '口令喷洒', en: 'Password spraying' },
    reason: {
      zh: '同一来源用同一个口令试了至少四个不同账号。',
      en: 'One source tried one password on at least four different accounts.',
    },
    severity: 'medium',
    confidence: 'medium',
    techniques: ['T1110.003'],
    when: refused,
    threshold: { count: 4, withinMs: 3_600_000, by: ['source.ip', 'body.password'], distinct: ['body.user'] },
    per: ['source.ip'],
    evidence: ['body.password', 'body.user'],
  },
  {
    id: 'login.stuffing',
    version: 2,
    title: { zh: '撞库', en: 'Credential stuffing' },
    reason: {
      zh: '同一来源连续尝试八组账号与口令,账号各不相同、口令也各不相同,如同使用泄露的名单。',
      en: 'One source tried eight pairs in a row of which no two share an account or a password, as from a leaked list.',
    },
    severity: 'medium',
    confidence: 'medium',
    techniques: ['T1110.004'],
    when: refused,
    threshold: { count: 8, withinMs: 3_600_000, by: ['source.ip'], distinct: ['body.user', 'body.password'] },
    per: ['source.ip'],
    evidence: ['body.user', 'body.password'],
  },
  {
    id: 'login.accepted',
    version: 2,
    title: { zh: '使用有效账号登录诱饵', en: 'Valid account used on a decoy' },
    reason: {
      zh: '有人用诱饵承认的账号登录;诱饵没有合法用户。',
      en: 'Somebody logged in with an account that the decoy accepts; a decoy has no rightful users.',
    },
    severity: 'high',
    confidence: 'high',
    techniques: ['T1078'],
    when: {
      all: [
        { field: 'body.outcome', is: 'accepted' },
        { not: { field: 'body.by', in: ['lure', 'tries'] } },
        { not: { field: 'body.method', is: 'none' } },
        // A controller's logins are those of devices.ts: other techniques, other weight.
        { not: { field: 'service', in: deviceServices } },
      ],
    },
    per: ['source.ip', 'decoy', 'service', 'body.user'],
    evidence: ['body.user', 'body.password', 'body.method'],
    opens: true,
  },
  {
    id: 'login.guessed',
    title: { zh: '猜中口令并登录诱饵', en: 'Guessed a password and logged in' },
    reason: {
      zh: '多次尝试之后口令被接受,攻击者已进入诱饵。',
      en: 'After several tries a password was accepted: the attacker is in.',
    },
    severity: 'high',
    confidence: 'high',
    techniques: ['T1110.001', 'T1078'],
    when: {
      all: [
        { field: 'body.outcome', is: 'accepted' },
        { field: 'body.by', is: 'tries' },
      ],
    },
    per: ['source.ip', 'decoy', 'service', 'body.user'],
    evidence: ['body.user', 'body.password'],
    opens: true,
  },
  {
    id: 'login.lure',
    version: 2,
    title: { zh: '使用了诱饵凭据', en: 'Planted credential used' },
    reason: {
      zh: '登录所用的凭据只埋设在诱饵位置,使用它说明攻击者已读到该处。',
      en: 'The credential exists only where it was planted; its use proves that the attacker has read that place.',
    },
    severity: 'critical',
    confidence: 'high',
    techniques: ['T1078', 'T1552.001'],
    when: {
      all: [{ field: 'body.outcome', is: 'accepted' }, { field: 'body.by', is: 'lure' }, { not: { field: 'service', in: deviceServices } }],
    },
    per: ['source.ip', 'decoy', 'service', 'body.user'],
    evidence: ['body.user', 'body.password'],
    opens: true,
  },
])

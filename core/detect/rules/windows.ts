/** Rules over what worms and lateral movement knock at: file sharing and remote desktop of Windows. */
import type { Condition } from '../rule.ts'
import { rulesOf } from './rules-of.ts'

const service = (name: 'smb' | 'rdp'): Condition => ({ field: 'service', is: name })
const tried: Condition = {
  all: [
    { field: 'body.method', in: ['ntlm', 'password'] },
    { field: 'body.outcome', in: ['refused', 'partial'] },
  ],
}
const protocol = (name: 'smb' | 'rdp'): Condition => ({ field: 'body.protocol', is: name })
const exploit = (...names: string[]): Condition => ({ field: 'body.vulnerability', in: names })

const logons = rulesOf(
  {
    kinds: ['login.attempted'],
    severity: 'medium',
    confidence: 'high',
    per: ['source.ip', 'decoy', 'body.ntlm.domain', 'body.user'],
    evidence: ['body.user', 'body.ntlm.domain', 'body.ntlm.workstation', 'body.ntlm.hash', 'body.password'],
    opens: true,
  },
  [
    {
      id: 'windows.smb-logon',
      title: { zh: '向诱饵的文件共享提交 Windows 凭据', en: 'Windows credentials given to file sharing of a decoy' },
      reason: {
        zh: '客户端以该账号登录诱饵的文件共享;应答已捕获。要么有人带着凭据横向移动,要么该主机被诱使向陌生主机认证。',
        en: 'The client logged on to file sharing of a decoy with this account, and its answer was captured: somebody moves sideways with credentials, or the host was made to authenticate to a stranger.',
      },
      techniques: ['T1021.002', 'T1187'],
      when: { all: [service('smb'), tried] },
    },
    {
      id: 'windows.rdp-logon',
      title: { zh: '向诱饵的远程桌面提交 Windows 凭据', en: 'Windows credentials given to remote desktop of a decoy' },
      reason: {
        zh: '客户端以该账号登录诱饵的远程桌面;诱饵没有合法用户。',
        en: 'The client logged on to remote desktop of a decoy with this account; a decoy has no rightful users.',
      },
      techniques: ['T1021.001'],
      when: { all: [service('rdp'), tried] },
    },
  ],
)

const scans = rulesOf(
  {
    kinds: ['protocol.negotiated'],
    severity: 'low',
    confidence: 'medium',
    techniques: ['T1046'],
    per: ['source.ip'],
    evidence: ['body.offered', 'body.selected'],
  },
  [
    {
      id: 'windows.smb-scan',
      title: { zh: '文件共享扫描', en: 'Scan of file sharing' },
      reason: {
        zh: '同一来源十分钟内至少三次与诱饵的文件共享协商协议,如同扫描或蠕虫。',
        en: 'One source negotiated with file sharing of decoys at least three times within ten minutes, as scanners and worms do.',
      },
      when: protocol('smb'),
      threshold: { count: 3, withinMs: 600_000, by: ['source.ip'] },
    },
    {
      id: 'windows.rdp-scan',
      title: { zh: '远程桌面扫描', en: 'Scan of remote desktop' },
      reason: {
        zh: '同一来源十分钟内至少三次与诱饵的远程桌面协商协议。',
        en: 'One source negotiated with remote desktop of decoys at least three times within ten minutes.',
      },
      when: protocol('rdp'),
      threshold: { count: 3, withinMs: 600_000, by: ['source.ip'] },
    },
  ],
)

const exploits = rulesOf(
  {
    kinds: ['exploit.attempted'],
    severity: 'critical',
    confidence: 'high',
    techniques: ['T1210'],
    per: ['source.ip', 'decoy', 'body.vulnerability'],
    evidence: ['body.vulnerability', 'body.step', 'body.data'],
    opens: true,
  },
  [
    {
      id: 'windows.ms17-010',
      title: { zh: '永恒之蓝(MS17-010)探测或利用', en: 'EternalBlue (MS17-010) probed or used' },
      reason: {
        zh: '客户端发送了只有 MS17-010 检查、利用或其后门才会发送的 SMB1 请求;WannaCry 一类蠕虫由此传播。',
        en: 'The client sent a request of SMB1 that only checks of MS17-010, its exploit or its back door send; worms such as WannaCry spread by it.',
      },
      when: exploit('MS17-010'),
    },
    {
      id: 'windows.bluekeep',
      title: { zh: 'BlueKeep(CVE-2019-0708)探测或利用', en: 'BlueKeep (CVE-2019-0708) probed or used' },
      reason: {
        zh: '客户端请求了服务器内部的通道 MS_T120,正常客户端从不请求它。',
        en: 'The client asked for the channel MS_T120, which is the own one of the server, and no client has business with.',
      },
      when: exploit('CVE-2019-0708'),
    },
    {
      id: 'windows.smbghost',
      title: { zh: 'SMBGhost(CVE-2020-0796)探测或利用', en: 'SMBGhost (CVE-2020-0796) probed or used' },
      reason: {
        zh: '客户端发送了长度溢出的压缩消息。',
        en: 'The client sent a compressed message whose lengths overflow.',
      },
      when: exploit('CVE-2020-0796'),
    },
  ],
)

export const windowsRules = [...logons, ...scans, ...exploits]

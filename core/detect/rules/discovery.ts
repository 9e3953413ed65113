/** Rules over looking around inside a decoy. */
import type { Rule } from '../rule.ts'
import { line, make, simple } from './command-rule.ts'

const looks = (zh: string, en: string): Rule['reason'] => ({ zh: `攻击者查看了${zh}。`, en: `The attacker looked at ${en}.` })

export const discoveryRules: readonly Rule[] = [
  make(
    'discovery.system',
    '查看系统信息',
    'System information discovery',
    looks('操作系统、硬件或运行时间', 'operating system, hardware or uptime'),
    'low',
    ['T1082'],
    simple(
      '^(?:uname|hostnamectl|lscpu|lsb_release|dmidecode|nproc|free|df|uptime|lsblk|dmesg|arch|hostname$|(?:cat|head|less|more|grep|egrep) .{0,200}(?:/proc/(?:cpuinfo|version|meminfo|uptime)|/etc/(?:issue|os-release|[a-z]{1,20}-release)))(?: |$)',
    ),
  ),
  make(
    'discovery.user',
    '查看当前用户',
    'User discovery',
    looks('自己的身份和在线用户', 'who it is and who else is there'),
    'low',
    ['T1033'],
    simple('^(?:whoami|id|w|who|last|lastlog|users|finger|logname)(?: |$)'),
  ),
  make('discovery.account', '枚举本地账号', 'Local account discovery', looks('本机账号列表', 'the list of local accounts'), 'low', ['T1087.001'], {
    any: [simple('/etc/(?:passwd|group|sudoers)(?: |$|:)'), simple('^(?:getent (?:passwd|group)|compgen -u|sudo -l|groups)')],
  }),
  make(
    'discovery.process',
    '查看进程',
    'Process discovery',
    looks('正在运行的进程', 'running processes'),
    'low',
    ['T1057'],
    simple('^(?:ps|top|htop|pstree|pgrep|pidof)(?: |$)'),
  ),
  make(
    'discovery.files',
    '浏览文件与目录',
    'File and directory discovery',
    looks('文件与目录', 'files and folders'),
    'low',
    ['T1083'],
    simple('^(?:ls|find|tree|locate|dir|du|stat)(?: |$)'),
    { confidence: 'medium' },
  ),
  make(
    'discovery.network',
    '查看网络配置',
    'Network configuration discovery',
    looks('网络接口、路由和名称解析', 'interfaces, routes and name resolution'),
    'low',
    ['T1016'],
    simple(
      '^(?:ifconfig|ip (?:-[46a-z]{1,6} ){0,1}(?:a|addr|address|r|route|l|link|n|neigh)|route|arp|iwconfig|nmcli|hostname -[Iif]|iptables (?:-L|-S)|.{0,100}/etc/(?:resolv\\.conf|hosts|network/interfaces|netplan))(?: |$|/)',
    ),
  ),
  make(
    'discovery.connections',
    '查看网络连接',
    'Network connection discovery',
    looks('已建立的连接和监听端口', 'connections and listening ports'),
    'low',
    ['T1049'],
    { any: [simple('^(?:netstat|ss|lsof -[a-z]{0,4}i)(?: |$)'), simple('/proc/net/(?:tcp|udp)')] },
  ),
  make(
    'discovery.services',
    '查看服务',
    'Service discovery',
    looks('已安装或运行的服务', 'services that are installed or run'),
    'low',
    ['T1007'],
    simple('^(?:systemctl (?:list-units|list-unit-files|status|list-timers)|service --status-all|chkconfig|rc-status|initctl list)'),
  ),
  make(
    'discovery.software',
    '查看已装软件',
    'Software discovery',
    looks('已安装的软件', 'software that is installed'),
    'low',
    ['T1518'],
    simple('^(?:dpkg (?:-l|--list)|rpm -qa|apt list|yum list|apk info|opkg list|which|whereis|pip list)(?: |$)'),
    { confidence: 'medium' },
  ),
  make(
    'discovery.sandbox',
    '检查是否为虚拟机或蜜罐',
    'Checked for a sandbox or honeypot',
    { zh: '攻击者检查自己是否身处虚拟机、容器或蜜罐。', en: 'The attacker checked whether it is in a virtual machine, a container or a honeypot.' },
    'medium',
    ['T1497.001'],
    {
      any: [
        simple('^(?:systemd-detect-virt|virt-what|facter virtual)'),
        simple('/proc/(?:1/cgroup|self/cgroup|scsi/scsi|1/environ)|/\\.dockerenv|/sys/class/dmi/'),
        line('cowrie|honeypot|kippo|honeyd'),
      ],
    },
  ),
]

/** Rules over what is done inside a decoy: taking, execution, persistence, hiding. */
import type { Rule } from '../rule.ts'
import { line, make, simple } from './command-rule.ts'

const takes: readonly Rule[] = [
  make(
    'credentials.shadow',
    '读取口令散列',
    'Password hashes read',
    { zh: '攻击者读取了系统的口令散列文件。', en: "The attacker read the file with the system's password hashes." },
    'medium',
    ['T1003.008'],
    simple('^(?:cat|head|tail|less|more|grep|awk|sed|cp|base64|xxd|strings|unshadow|vi|vim|nano|scp|tar) .{0,200}/etc/(?:g?shadow)'),
  ),
  make(
    'credentials.files',
    '搜寻凭据',
    'Searched for credentials',
    { zh: '攻击者读取或搜索私钥、历史记录、配置文件中的凭据。', en: 'The attacker read or searched private keys, histories and settings for credentials.' },
    'medium',
    ['T1552.001', 'T1552.003', 'T1552.004'],
    {
      any: [
        simple(
          '^(?:cat|head|tail|less|more|cp|base64|grep|strings|scp|tar) .{0,200}(?:\\.ssh/id_|\\.bash_history|\\.mysql_history|\\.aws/|\\.kube/|\\.docker/config|\\.git-credentials|\\.netrc|\\.my\\.cnf|\\.pgpass|\\.env(?: |$)|wp-config\\.php)',
        ),
        simple('^(?:grep|egrep|rg|find) .{0,200}(?:passw|secret|credential|api_?key|id_rsa|\\.pem|\\.kdbx)'),
        simple('^history(?: |$)(?!-c)'),
      ],
    },
  ),
  make(
    'collection.download',
    '取走文件',
    'File taken from a decoy',
    { zh: '攻击者从诱饵取走了文件。', en: 'The attacker took a file from the decoy.' },
    'medium',
    ['T1005'],
    { field: 'body.method', in: ['sftp', 'scp'] },
    { kinds: ['file.downloaded'], evidence: ['body.path', 'body.size'] },
  ),
]

const executes: readonly Rule[] = [
  make(
    'download.tool',
    '下载工具',
    'Fetched a tool',
    { zh: '诱饵上的命令要求从网络下载文件;平台未予下载。', en: 'A command on the decoy asked to fetch a file; nothing was fetched.' },
    'medium',
    ['T1105'],
    { field: 'body.url', matches: '.' },
    { kinds: ['download.requested'], evidence: ['body.tool', 'body.url'] },
  ),
  make(
    'upload.file',
    '上传文件',
    'File uploaded',
    { zh: '攻击者把文件放到了诱饵上。', en: 'The attacker left a file on the decoy.' },
    'medium',
    ['T1105'],
    { field: 'body.method', in: ['sftp', 'scp', 'shell'] },
    { kinds: ['file.uploaded'], evidence: ['body.path', 'body.file.sha256', 'body.file.size'] },
  ),
  make(
    'execute.download',
    '下载并执行',
    'Downloaded and executed',
    { zh: '同一命令行中下载文件并交给解释器执行。', en: 'One command line fetches a file and has it run.' },
    'high',
    ['T1105', 'T1059.004'],
    {
      any: [
        line('(?:wget|curl|fetch|lwp-download|tftp|ftpget)\\b[^\\n|]{0,600}\\|\\s{0,8}(?:sudo |nohup ){0,1}(?:/bin/|/usr/bin/){0,1}(?:ba|da|z|k|a){0,1}sh\\b'),
        line('(?:wget|curl|fetch|tftp|ftpget)\\b[\\s\\S]{0,1500}(?:chmod|(?:ba|da){0,1}sh |[;&|]\\s{0,8}(?:nohup ){0,1}\\./)'),
        line('(?:ba|da|z){0,1}sh (?:-c ){0,1}.{0,4}(?:\\$\\(|<\\(|`)\\s{0,4}(?:wget|curl)'),
        line('python[23]{0,1} -c .{0,300}(?:urlopen|urlretrieve|requests\\.get)'),
      ],
    },
  ),
  make(
    'execute.made-executable',
    '使文件可执行',
    'Made a file executable',
    {
      zh: '攻击者为文件加上执行权限或直接运行临时目录中的程序。',
      en: 'The attacker made a file executable, or ran a program from a folder for temporary files.',
    },
    'medium',
    ['T1222.002', 'T1059.004'],
    {
      any: [
        simple('^chmod (?:-[a-zA-Z]{1,4} ){0,1}(?:[0-7]{0,2}[1357][0-7]{0,2} |[ugoa]{0,4}\\+[rws]{0,3}x|777)'),
        simple('^(?:/tmp/|/var/tmp/|/dev/shm/)'),
        simple('^(?:ba|da){0,1}sh (?:/tmp/|/var/tmp/|/dev/shm/)'),
        simple('^\\./.'),
      ],
    },
  ),
  make(
    'execute.reverse-shell',
    '反弹 Shell',
    'Reverse shell',
    { zh: '命令把交互式解释器连接到外部主机。', en: 'The command connects an interactive shell to a host outside.' },
    'critical',
    ['T1059.004'],
    {
      any: [
        line('/dev/(?:tcp|udp)/'),
        simple('^(?:nc|ncat|netcat|nc\\.traditional) .{0,200}(?:-e|-c|--exec|--sh-exec) '),
        line('mkfifo .{0,200}(?:nc|ncat|netcat|telnet|openssl) '),
        line('socat .{0,200}exec:'),
        line('(?:python[23]{0,1}|perl|ruby|php) -[cer] .{0,400}socket'),
      ],
    },
  ),
  make(
    'execute.interpreter',
    '脚本解释器执行',
    'Ran code in an interpreter',
    { zh: '攻击者直接用解释器执行一段代码。', en: 'The attacker ran code directly in an interpreter.' },
    'medium',
    ['T1059.006'],
    simple('^python[23]{0,1}(?:\\.[0-9]{1,2}){0,1} (?:-c|-) '),
  ),
  make(
    'execute.decoded',
    '解码后执行',
    'Decoded and executed',
    { zh: '命令先解码隐藏的内容,再交给解释器执行。', en: 'The command decodes hidden content and has it run.' },
    'high',
    ['T1140', 'T1059.004'],
    {
      any: [
        line('base64 (?:-d|-D|--decode)[^\\n]{0,300}\\|\\s{0,8}(?:ba|da|z){0,1}sh\\b'),
        line('(?:xxd -r|openssl enc|gunzip|printf)[^\\n]{0,300}\\|\\s{0,8}(?:ba|da|z){0,1}sh\\b'),
        line('eval .{0,40}base64'),
      ],
    },
  ),
  make(
    'impact.miner',
    '挖矿程序',
    'Cryptocurrency miner',
    { zh: '命令涉及挖矿程序或矿池。', en: 'The command names a miner or a mining pool.' },
    'high',
    ['T1496.001'],
    { any: [line('stratum\\+(?:tcp|ssl)'), line('\\b(?:xmrig|minerd|cpuminer|kinsing|kdevtmpfsi|nicehash|minexmr|supportxmr)\\b')] },
  ),
  make(
    'impact.destroy',
    '破坏数据',
    'Data destruction',
    { zh: '命令会大范围删除或覆盖数据。', en: 'The command removes or overwrites data at large.' },
    'high',
    ['T1485'],
    {
      any: [
        simple('^rm (?:-[a-zA-Z-]{1,20} ){1}(?:/|/\\*|/(?:bin|boot|etc|home|lib|root|srv|usr|var)/{0,1}\\*{0,1})(?: |$)'),
        simple('^dd .{0,200}of=/dev/(?:sd|vd|nvme|mmc|hd)'),
        simple('^(?:mkfs|shred|wipefs)'),
      ],
    },
  ),
]

const stays: readonly Rule[] = [
  make(
    'persist.cron',
    '计划任务驻留',
    'Persistence by cron',
    { zh: '攻击者改动计划任务,使程序反复运行。', en: 'The attacker changed scheduled tasks so that a program keeps running.' },
    'high',
    ['T1053.003'],
    { any: [simple('^crontab (?!-l(?: |$)|-u [a-z0-9_-]{1,32} -l)'), line('(?:>|tee|cp|mv|echo)[^\\n]{0,300}(?:/etc/cron|/var/spool/cron|/etc/anacrontab)')] },
  ),
  make(
    'persist.cron-file',
    '写入计划任务文件',
    'Scheduled task file changed',
    { zh: '计划任务目录中的文件被改动。', en: 'A file among the scheduled tasks was changed.' },
    'high',
    ['T1053.003'],
    {
      all: [
        {
          any: [
            { field: 'body.path', matches: '^/(?:etc/cron|var/spool/cron|etc/anacrontab)' },
            { field: 'body.to', matches: '^/(?:etc/cron|var/spool/cron)' },
          ],
        },
        { not: { field: 'body.change', is: 'removed' } },
      ],
    },
    { kinds: ['file.changed', 'file.uploaded'], evidence: ['body.path', 'body.change', 'body.method'] },
  ),
  make(
    'persist.authorized-keys',
    '植入 SSH 公钥',
    'SSH key planted',
    { zh: '攻击者写入 authorized_keys,以便不用口令再次进入。', en: 'The attacker wrote to authorized_keys, to come back without a password.' },
    'high',
    ['T1098.004'],
    { any: [line('(?:>|tee|cp|mv|install|sed -i)[^\\n]{0,400}authorized_keys'), simple('^ssh-copy-id ')] },
  ),
  make(
    'persist.authorized-keys-file',
    '改动 authorized_keys',
    'File authorized_keys changed',
    { zh: 'SSH 授权公钥文件被改动。', en: 'The file of accepted SSH keys was changed.' },
    'high',
    ['T1098.004'],
    {
      all: [
        {
          any: [
            { field: 'body.path', matches: '/authorized_keys2{0,1}$' },
            { field: 'body.to', matches: '/authorized_keys2{0,1}$' },
          ],
        },
        { not: { field: 'body.change', is: 'removed' } },
      ],
    },
    { kinds: ['file.changed', 'file.uploaded'], evidence: ['body.path', 'body.change', 'body.method'] },
  ),
  make(
    'persist.account',
    '新建账号',
    'Account created',
    { zh: '攻击者创建本地账号以便再次进入。', en: 'The attacker created a local account to come back with.' },
    'high',
    ['T1136.001'],
    { any: [simple('^(?:useradd|adduser|newusers)(?: |$)'), line('(?:>>|tee -a)\\s{0,8}/etc/passwd')] },
  ),
  make(
    'persist.password',
    '修改口令',
    'Password changed',
    { zh: '攻击者修改账号口令或权限,常用于独占主机。', en: "The attacker changed an account's password or rights, often to keep others out." },
    'medium',
    ['T1098'],
    simple('^(?:passwd|chpasswd|usermod|gpasswd)(?: |$)'),
  ),
  make(
    'persist.systemd',
    '系统服务驻留',
    'Persistence by systemd',
    { zh: '攻击者建立或启用系统服务。', en: 'The attacker made or enabled a system service.' },
    'high',
    ['T1543.002'],
    { any: [simple('^systemctl (?:--[a-z-]{1,20} ){0,1}enable '), line('(?:>|tee|cp|mv)[^\\n]{0,300}(?:/etc|/lib|/usr/lib|\\.config)/systemd/')] },
  ),
  make(
    'persist.rc',
    '开机脚本驻留',
    'Persistence by boot scripts',
    { zh: '攻击者改动开机脚本。', en: 'The attacker changed scripts that run at boot.' },
    'high',
    ['T1037.004'],
    { any: [line('(?:>|tee|cp|mv|sed -i)[^\\n]{0,300}/etc/(?:rc\\.local|rc\\.d/|init\\.d/|inittab)'), simple('^(?:update-rc\\.d|chkconfig --add)')] },
  ),
  make(
    'persist.shell',
    '登录脚本驻留',
    'Persistence by shell profile',
    { zh: '攻击者改动登录时运行的脚本。', en: 'The attacker changed scripts that run at login.' },
    'high',
    ['T1546.004'],
    line('(?:>|tee -a|sed -i)[^\\n]{0,300}(?:\\.bashrc|\\.bash_profile|\\.profile|\\.zshrc|/etc/profile)'),
  ),
  make(
    'persist.preload',
    '动态链接劫持',
    'Dynamic linker hijacked',
    { zh: '攻击者改动 ld.so.preload,使每个程序载入其代码。', en: 'The attacker changed ld.so.preload so that every program loads its code.' },
    'high',
    ['T1574.006'],
    line('(?:>|tee|cp|mv|echo)[^\\n]{0,300}/etc/ld\\.so\\.preload'),
  ),
]

const hides: readonly Rule[] = [
  make(
    'hide.history',
    '清除命令历史',
    'Command history cleared',
    { zh: '攻击者停止或清除命令历史。', en: 'The attacker stopped or cleared the command history.' },
    'medium',
    ['T1070.003'],
    {
      any: [
        simple('^unset (?:-v ){0,1}HIST'),
        line('HIST(?:FILE|SIZE|FILESIZE)=(?:0|/dev/null|;|$|\\s)'),
        simple('^history -[a-z]{0,2}c'),
        simple('^(?:rm|ln|shred|truncate|cat /dev/null) .{0,200}\\.(?:bash|ash|zsh|sh|python|mysql)_history'),
        line('>\\s{0,8}(?:~|\\$HOME|/root|/home/[a-z0-9_-]{1,32})/\\.(?:bash|ash|zsh)_history'),
        simple('^set \\+o history'),
      ],
    },
  ),
  make(
    'hide.logs',
    '清除日志',
    'Logs cleared',
    { zh: '攻击者删除或清空系统日志。', en: 'The attacker removed or emptied system logs.' },
    'high',
    ['T1070.002'],
    {
      any: [
        simple('^(?:rm|shred|truncate) .{0,200}(?:/var/log|/var/adm|utmp|wtmp|lastlog)'),
        line('(?:^|[^>0-9])>\\s{0,8}/var/log/'),
        simple('^journalctl --(?:vacuum|rotate)'),
        simple('^(?:logrotate -f|dmesg -[cC])'),
      ],
    },
  ),
  make(
    'hide.defences',
    '关闭防护',
    'Defences turned off',
    { zh: '攻击者停用防火墙、强制访问控制或安全代理。', en: 'The attacker turned off the firewall, mandatory access control or a security agent.' },
    'high',
    ['T1562.001', 'T1562.004'],
    {
      any: [
        simple('^(?:iptables (?:-F|-X|--flush)|ufw disable|setenforce 0|nft flush|firewall-cmd .{0,60}--(?:panic-off|remove))'),
        simple('^(?:systemctl (?:stop|disable|mask)|service) .{0,60}(?:firewalld|ufw|iptables|apparmor|auditd|aliyun|aegis|cloudmonitor|rsyslog|fail2ban)'),
      ],
    },
  ),
]

export const commandRules: readonly Rule[] = [...takes, ...executes, ...stays, ...hides]

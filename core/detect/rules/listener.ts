/** Rules over what knocks at ports that only listen: openings of worms and mass exploitation, bots' passwords, and the same bytes at many decoys. */
import type { Condition } from '../rule.ts'
import { rulesOf } from './rules-of.ts'

const marked = (...names: string[]): Condition => ({ field: 'body.marks', in: names })

const openings = rulesOf(
  {
    kinds: ['payload.recognised'],
    severity: 'high',
    confidence: 'high',
    per: ['source.ip', 'decoy'],
    evidence: ['body.marks', 'body.request', 'body.data'],
    opens: true,
  },
  [
    {
      id: 'listener.redis',
      title: { zh: '利用 Redis 写入文件或加载模块', en: 'Redis used to write files or load code' },
      reason: {
        zh: '客户端要求 Redis 改写数据文件位置、成为他人的从库或加载模块;挖矿蠕虫由此在主机上写入计划任务、密钥或程序。',
        en: 'The client told Redis to move its data file, follow a foreign master or load a module; mining worms write cron jobs, keys and programs that way.',
      },
      techniques: ['T1210', 'T1053.003'],
      when: marked('redis.config-set', 'redis.rogue-master', 'redis.module-load', 'redis.lua-escape'),
    },
    {
      id: 'listener.docker',
      title: { zh: '利用 Docker 接口创建容器', en: 'Docker API used to make a container' },
      reason: {
        zh: '客户端在未授权的 Docker 接口上创建镜像、容器或执行命令;僵尸网络由此取得主机权限。',
        en: 'The client made an image, a container or an exec at an open Docker API; botnets take over the host that way.',
      },
      techniques: ['T1210', 'T1610'],
      when: marked('docker.container-create'),
    },
    {
      id: 'listener.service',
      title: { zh: '利用未授权服务执行命令', en: 'Open service used to run commands' },
      reason: {
        zh: '客户端以 Hadoop YARN、ADB、Elasticsearch 脚本、Java 反序列化等常见蠕虫入口尝试执行命令。',
        en: 'The client tried to run commands by a way that worms take: Hadoop YARN, ADB, scripts of Elasticsearch, serialized Java objects.',
      },
      techniques: ['T1210'],
      when: marked('hadoop.yarn', 'adb.shell', 'elasticsearch.script', 'java.deserialize'),
    },
    {
      id: 'listener.log4shell',
      title: { zh: 'Log4Shell(JNDI 注入)尝试', en: 'Log4Shell (JNDI injection) attempted' },
      reason: {
        zh: '数据中含有 JNDI 查找表达式,正常业务不会发送。',
        en: 'The bytes hold a JNDI lookup, which no ordinary client sends.',
      },
      techniques: ['T1190', 'T1210'],
      when: marked('log4shell'),
    },
    {
      id: 'listener.web-exploit',
      title: { zh: '网页框架或网关漏洞利用', en: 'Exploit of a web framework or gateway' },
      reason: {
        zh: '请求含有 Struts、ThinkPHP、Spring、WebLogic、路由器等已知漏洞的利用特征。',
        en: 'The request holds a known exploit of Struts, ThinkPHP, Spring, WebLogic, a router or the like.',
      },
      techniques: ['T1190'],
      when: marked('struts.ognl', 'thinkphp.invoke', 'spring4shell', 'phpunit.eval', 'shellshock', 'weblogic.console', 'confluence.ognl', 'router.command'),
    },
    {
      id: 'listener.bot-shell',
      title: { zh: '僵尸程序的 Telnet 命令', en: 'Shell lines of a telnet bot' },
      reason: {
        zh: '客户端不等提示就发送 busybox 等命令,这是 Mirai 一类僵尸程序的开场。',
        en: 'The client sent busybox lines without waiting for a prompt, as bots of the Mirai family do.',
      },
      techniques: ['T1059.004'],
      when: marked('telnet.bot'),
    },
    {
      id: 'listener.proxy',
      title: { zh: '企图把诱饵当作代理', en: 'Decoy tried as a proxy' },
      reason: { zh: '客户端要求经由 SOCKS 连接另一台主机。', en: 'The client asked for another host by SOCKS.' },
      severity: 'medium',
      techniques: ['T1090'],
      when: marked('socks.proxy'),
    },
  ],
)

/** Default accounts of cameras, recorders and routers that Mirai and its kin go through. */
const botAccounts: readonly (readonly [user: string, passwords: readonly string[]])[] = [
  [
    'root',
    [
      'xc3511',
      'vizxv',
      '888888',
      'xmhdipc',
      'juantech',
      '54321',
      'klv123',
      'klv1234',
      'Zte521',
      'hi3518',
      'jvbzd',
      'anko',
      'zlxx.',
      '7ujMko0vizxv',
      '7ujMko0admin',
      'ikwb',
      'dreambox',
      'realtek',
      'GM8182',
      'hunt5759',
      'cat1029',
      'tsgoingon',
      'antslq',
      'taZz@23495859',
    ],
  ],
  ['admin', ['smcadmin', '7ujMko0admin', 'meinsm', '4321', '1111111', 'jvc', 'QwestM0dem']],
  ['default', ['S2fGqNFs', 'OxhlwSG8', 'tluafed', 'lJwpbo6']],
  ['support', ['support']],
  ['guest', ['12345', 'xc3511']],
  ['telnetadmin', ['telnetadmin']],
  ['mother', ['fucker']],
]

const others = rulesOf({ confidence: 'high' }, [
  {
    id: 'listener.bot-password',
    title: { zh: '物联网僵尸程序的默认口令', en: 'Default password of an IoT bot' },
    reason: {
      zh: '使用了 Mirai 一类僵尸程序内置的摄像机、路由器默认账号。',
      en: 'An account was tried that bots of the Mirai family carry for cameras and routers.',
    },
    severity: 'medium',
    techniques: ['T1110.001'],
    kinds: ['login.attempted'],
    when: {
      all: [
        { field: 'service', is: 'listener' },
        {
          any: botAccounts.map(
            ([user, passwords]): Condition => ({
              all: [
                { field: 'body.user', is: user },
                { field: 'body.password', in: passwords },
              ],
            }),
          ),
        },
      ],
    },
    per: ['source.ip', 'decoy'],
    evidence: ['body.user', 'body.password'],
    opens: true,
  },
  {
    id: 'listener.spread',
    title: { zh: '同一载荷扩散到多个诱饵', en: 'The same bytes at many decoys' },
    reason: {
      zh: '十分钟内同一来源把含利用特征的同一载荷送到至少三个诱饵,如同蠕虫传播。',
      en: 'Within ten minutes one source sent the same bytes, with an exploit in them, to at least three decoys, as a worm that spreads.',
    },
    severity: 'critical',
    techniques: ['T1210'],
    kinds: ['payload.received'],
    // Every opening that is known; the bytes of a scanner's probe are the same everywhere and mean nothing.
    when: { field: 'body.marks', matches: '^[a-z]' },
    threshold: { count: 3, withinMs: 600_000, by: ['body.sha256'], distinct: ['decoy'] },
    per: ['body.sha256'],
    evidence: ['body.sha256', 'body.marks', 'body.protocol'],
    opens: true,
  },
  {
    id: 'listener.knock',
    title: { zh: '探测诱饵上的服务', en: 'Services of a decoy probed' },
    reason: {
      zh: '同一来源十分钟内至少三次向诱饵的监听端口发送数据;诱饵没有任何业务。',
      en: 'One source sent something to ports of decoys at least three times within ten minutes; nobody has business with them.',
    },
    severity: 'low',
    confidence: 'medium',
    techniques: ['T1046'],
    kinds: ['payload.received'],
    threshold: { count: 3, withinMs: 600_000, by: ['source.ip'] },
    per: ['source.ip'],
    evidence: ['body.protocol', 'body.port', 'body.data'],
  },
])

export const listenerRules = [...openings, ...others]

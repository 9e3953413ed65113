/** Rules over requests to web decoys. */
import type { Condition } from '../rule.ts'
import { rulesOf } from './rules-of.ts'

const evidence = ['body.method', 'body.target', 'body.status'] as const

/** Anywhere that a client can put text: the target and the body, decoded, and each header. */
const anywhere = (matches: string): Condition => ({
  any: [
    { field: 'http.target', matches },
    { field: 'http.query', matches },
    { field: 'http.body', matches },
    { field: 'http.headers', matches },
  ],
})
/** The target or the body, decoded. */
const input = (matches: string): Condition => ({
  any: [
    { field: 'http.target', matches },
    { field: 'http.query', matches },
    { field: 'http.body', matches },
  ],
})
const path = (matches: string): Condition => ({ field: 'http.path', matches })

const script = '\\.(?:php[3-8]{0,1}|phtml|phar|jsp|jspx|jspf|asp|aspx|ashx|asmx|cer|war|cgi)'

/** An uploaded file with the name of a script that a server runs. */
const scriptFile: Condition = { field: 'file.name', matches: `${script}(?:\\.{0,3}|;.{0,40})$` }

export const webRules = rulesOf({ kinds: ['http.exchanged'], confidence: 'high', per: ['source.ip', 'decoy'], evidence }, [
  {
    id: 'web.traversal',
    title: { zh: '路径穿越', en: 'Path traversal' },
    reason: {
      zh: '请求企图越出网站目录读取系统文件。',
      en: "The request tries to leave the site's folder and read files of the system.",
    },
    severity: 'high',
    techniques: ['T1190', 'T1083'],
    when: {
      any: [
        input('(?:^|[/\\\\=&?:])\\.\\.;{0,1}[/\\\\]{1,4}\\.\\.;{0,1}[/\\\\]'),
        input(
          '[=/\\\\](?:etc[/\\\\]{1,4}(?:passwd|shadow|hosts)|proc/self/(?:environ|cmdline|maps)|windows[/\\\\]{1,4}win\\.ini|boot\\.ini|WEB-INF/web\\.xml)',
        ),
        input('(?:file|php|expect|phar|zip)://'),
      ],
    },
    opens: true,
  },
  {
    id: 'web.sql-injection',
    title: { zh: 'SQL 注入', en: 'SQL injection' },
    reason: { zh: '参数中含有改变数据库语句的内容。', en: 'A parameter holds what would change a database statement.' },
    severity: 'high',
    techniques: ['T1190'],
    when: {
      any: [
        input('union(?:\\s|/\\*.{0,40}\\*/|\\(){1,8}(?:all|distinct){0,1}(?:\\s|/\\*.{0,40}\\*/|\\(){0,8}select'),
        input('[\'"`)]\\s{0,8}(?:or|and|\\|\\||&&)\\s{0,8}[\'"(]{0,3}[a-z0-9_]{1,32}[\'")]{0,3}\\s{0,8}(?:=|<|>|like)'),
        input('\\b(?:or|and)\\s{1,8}([0-9]{1,6})\\s{0,4}=\\s{0,4}\\1\\b'),
        input('[\'"`)]\\s{0,8};\\s{0,8}(?:select|insert|update|delete|drop|exec|declare|waitfor|shutdown)\\b'),
        input('\\b(?:sleep|benchmark|pg_sleep|extractvalue|updatexml|load_file|xp_cmdshell|utl_inaddr|dbms_pipe|randomblob)\\s{0,8}[(.]'),
        input('waitfor\\s{1,8}delay|information_schema\\.|into\\s{1,8}(?:outfile|dumpfile)|order\\s{1,8}by\\s{1,8}[0-9]{1,4}\\s{0,8}(?:--|#)'),
        input('[\'"]\\s{0,8}(?:--|#|/\\*)(?:\\s|-|$)'),
      ],
    },
    opens: true,
  },
  {
    id: 'web.log4shell',
    title: { zh: 'Log4j 远程执行(CVE-2021-44228)', en: 'Log4Shell (CVE-2021-44228)' },
    reason: {
      zh: '请求中含有 JNDI 查找表达式,包括用嵌套查找隐藏的写法。',
      en: 'The request holds a JNDI lookup, plain or hidden in nested lookups.',
    },
    severity: 'critical',
    techniques: ['T1190', 'T1059.004'],
    when: anywhere('\\$\\{jndi|\\$\\{[^}]{0,60}\\$\\{(?:lower|upper|env|sys|date|base64|::-)[^}]{0,80}\\}'),
    evidence: [...evidence, 'http.agent'],
    opens: true,
  },
  {
    id: 'web.command-injection',
    title: { zh: '命令注入', en: 'Command injection' },
    reason: { zh: '参数中含有系统命令,企图由服务器执行。', en: 'A parameter holds system commands that the server should run.' },
    severity: 'high',
    techniques: ['T1190', 'T1059.004'],
    when: {
      any: [
        input(
          '(?:[;|&`\\n]|\\$\\(|\\$\\{IFS\\})\\s{0,8}(?:/{0,1}(?:usr/){0,1}bin/){0,1}(?:cat|ls|id|whoami|uname|wget|curl|nc|bash|sh|ping|nslookup|powershell|certutil|echo|sleep|python[23]{0,1}|perl|chmod|busybox|ifconfig|netstat)(?:[\\s;|&`)+<>]|\\$\\{{0,1}IFS|$)',
        ),
        { field: 'http.headers', matches: '\\(\\)\\s{0,8}\\{\\s{0,8}[:_a-z]{0,8}\\s{0,8};\\s{0,8}\\}\\s{0,8};' },
        input('/cgi-bin/.{0,200}/bin/(?:ba|da|z){0,1}sh'),
      ],
    },
    opens: true,
  },
  {
    id: 'web.known-exploit',
    title: { zh: '已知漏洞利用', en: 'Exploit of a known flaw' },
    reason: {
      zh: '请求使用了某个产品已公开漏洞的路径或载荷。',
      en: 'The request has the path or the payload of a published flaw of some product.',
    },
    severity: 'high',
    techniques: ['T1190'],
    when: {
      any: [
        // OA and ERP products that groups in China run
        path('^/seeyon/(?:htmlofficeservlet|thirdpartyController\\.do|autoinstall\\.do|ajax\\.do|test123456)'),
        path('^/(?:weaver/(?:bsh|common\\.Ctrl|ln\\.)|mobile/(?:browser/WorkflowCenterTreeData|plugin/)|e-mobile/|services/ {0,2}WorkflowServiceXml)'),
        path('/(?:bsh\\.servlet\\.BshServlet|nc\\.|NCFindWeb|service/~(?:xbrl|ic|iufo))'),
        path('^/(?:ispirit/(?:interface/gateway|im/upload)\\.php|general/(?:index/UploadFile|data_center/utils/upload)\\.php)'),
        // Frameworks
        input('(?:invokefunction&{0,1}|\\\\think\\\\|think\\\\app/invoke|call_user_func_array)'),
        anywhere('(?:%|\\$)\\{\\s{0,8}\\(\\s{0,8}#|#_memberAccess|@ognl\\.|#context\\[|ognl\\.OgnlContext'),
        input('class\\.module\\.classLoader'),
        anywhere('\\bT\\s{0,4}\\(\\s{0,4}java\\.lang\\.|getRuntime\\s{0,4}\\(|java\\.lang\\.(?:Runtime|ProcessBuilder)'),
        { field: 'http.headers', matches: '^cookie: .{0,1000}rememberMe=[A-Za-z0-9+/]{200}' },
        anywhere('"@type"\\s{0,8}:\\s{0,8}"[a-z0-9.]{1,80}\\.(?:JdbcRowSetImpl|TemplatesImpl|AutoCloseable|Inet4Address|BasicDataSource)'),
        { field: 'http.body', matches: 'rO0AB[A-Za-z0-9+/]|\\u00ac\\u00ed\\u0000\\u0005' },
        // Appliances and servers
        path(
          '^/(?:vpns/|\\+CSCOE\\+/|dana-na/\\.\\./|remote/fgt_lang|tmui/login\\.jsp/\\.\\.;|mgmt/tm/util/bash|ui/vropspluginui/rest/services/uploadova|autodiscover/autodiscover\\.json\\?{0,1}@)',
        ),
        path(
          '^/(?:_ignition/execute-solution|vendor/phpunit/|solr/[a-z0-9_]{1,40}/(?:config|dataimport)|druid/indexer|nacos/v1/auth/users|actuator/gateway/routes|jenkins/script|script|hudson/script|manager/html|invoker/JMXInvokerServlet|wls-wsat/|_async/AsyncResponseService|console/css/)',
        ),
        path('^/(?:boaform|GponForm/diag_Form|HNAP1|setup\\.cgi|cgi-bin/(?:luci/;stok=|supervisor/CloudSetup|nas_sharing)|goform/)'),
      ],
    },
    opens: true,
  },
  {
    id: 'web.shell-upload',
    title: { zh: '上传 WebShell', en: 'Web shell uploaded' },
    reason: {
      zh: '请求把可在服务器上执行的脚本放到网站里。',
      en: 'The request puts a script that the server would run into the site.',
    },
    severity: 'critical',
    techniques: ['T1505.003'],
    when: {
      any: [
        {
          all: [
            { field: 'body.method', in: ['PUT', 'MOVE', 'COPY'] },
            { field: 'http.path', matches: `${script}(?:/|::\\$DATA|;.{0,40}|%00.{0,20}|\\.{1,3}){0,1}$` },
          ],
        },
        { field: 'http.body', matches: `filename="{0,1}[^"\\r\\n]{0,200}${script}(?:"|;|\\s|%00|\\.)` },
        { field: 'http.body', matches: '<\\?(?:php|=)[\\s\\S]{0,400}(?:eval|assert|system|shell_exec|passthru|exec|base64_decode)\\s{0,8}\\(' },
        { field: 'http.body', matches: '<%[\\s\\S]{0,600}(?:Runtime\\.getRuntime|ProcessBuilder|eval\\s{0,4}\\(|Request\\.Item|defineClass)' },
      ],
    },
    evidence: [...evidence, 'body.file.sha256'],
    opens: true,
  },
  {
    id: 'web.shell-file',
    title: { zh: '网站脚本文件被上传', en: 'Server-side script uploaded' },
    reason: { zh: '通过网站上传的文件带有可执行脚本的扩展名。', en: 'A file that came through the site has the name of a script that a server runs.' },
    severity: 'critical',
    techniques: ['T1505.003'],
    kinds: ['file.uploaded'],
    when: {
      all: [{ field: 'body.method', is: 'http' }, scriptFile],
    },
    evidence: ['body.path', 'body.file.sha256', 'body.file.size'],
    opens: true,
  },
  {
    id: 'web.upload',
    title: { zh: '向网站上传文件', en: 'File uploaded to a web decoy' },
    reason: { zh: '有人向诱饵网站上传了文件。', en: 'Somebody uploaded a file to a web decoy.' },
    severity: 'medium',
    confidence: 'medium',
    techniques: ['T1105'],
    kinds: ['file.uploaded'],
    when: { all: [{ field: 'body.method', is: 'http' }, { not: scriptFile }] },
    evidence: ['body.path', 'body.file.sha256', 'body.file.size'],
  },
  {
    id: 'web.script-injection',
    title: { zh: '跨站脚本与模板注入', en: 'Script or template injection' },
    reason: { zh: '参数中含有网页脚本或服务器模板表达式。', en: 'A parameter holds page script or a server-side template expression.' },
    severity: 'medium',
    confidence: 'medium',
    techniques: ['T1190'],
    when: {
      any: [
        input('<script[\\s>/]|<(?:img|svg|iframe|body)[^>]{0,200}\\son[a-z]{3,20}\\s{0,8}='),
        input('javascript:[a-z]{1,20}[(.]'),
        input('\\{\\{.{0,20}(?:[0-9]{1,8}\\s{0,4}\\*\\s{0,4}[0-9]|config|self|request|__class__).{0,60}\\}\\}'),
      ],
    },
    opens: true,
  },
  {
    id: 'web.scanner',
    title: { zh: '漏洞扫描器', en: 'Vulnerability scanner' },
    reason: { zh: '客户端自称是扫描或攻击工具。', en: 'The client names itself as a tool for scanning or attacking.' },
    severity: 'low',
    techniques: ['T1595.002'],
    when: {
      field: 'http.agent',
      matches:
        'nikto|sqlmap|nuclei|nmap|masscan|zgrab|gobuster|dirbuster|dirsearch|feroxbuster|wfuzz|ffuf|hydra|acunetix|nessus|openvas|wpscan|whatweb|arachni|w3af|havij|jaeles|xray|goby|awvs|appscan|netsparker|burp|zmeu|morfeus|l9explore|censysinspect|project discovery',
    },
    evidence: ['http.agent', ...evidence],
  },
  {
    id: 'web.sensitive-path',
    title: { zh: '探测敏感路径', en: 'Sensitive path asked for' },
    reason: { zh: '请求指向不应公开的文件或管理入口。', en: 'The request asks for files or entrances that should not be public.' },
    severity: 'low',
    confidence: 'medium',
    techniques: ['T1595.003'],
    when: path(
      '^/(?:.{0,100}/){0,1}(?:\\.env|\\.git/|\\.svn/|\\.hg/|\\.aws/|\\.ssh/|\\.DS_Store|\\.htpasswd|\\.htaccess|actuator(?:/|$)|phpinfo\\.php|phpmyadmin|pma/|wp-login\\.php|wp-admin|xmlrpc\\.php|server-status|web\\.config|backup\\.(?:zip|sql|tar)|[a-z0-9_-]{1,40}\\.(?:sql|bak|old|swp|tar\\.gz)(?:$|\\?)|swagger-ui|v2/api-docs|druid/index|console/login|adminer)',
    ),
  },
  {
    id: 'web.wordlist',
    title: { zh: '字典扫描目录', en: 'Wordlist scan' },
    reason: {
      zh: '同一来源一分钟内请求了至少二十个不存在的不同路径。',
      en: 'One source asked for at least twenty different paths that do not exist within a minute.',
    },
    severity: 'low',
    techniques: ['T1595.003'],
    when: { field: 'body.status', in: [400, 403, 404, 405, 410] },
    threshold: { count: 20, withinMs: 60_000, by: ['source.ip', 'decoy'], distinct: ['body.target'] },
    evidence: ['body.target', 'body.status'],
  },
])

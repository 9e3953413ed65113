/** Words that a site's texts are put together from. Each site speaks its own small part of them. */
import type { Random } from './random.ts'

const words = (text: string): string[] =>
  text
    .split(/[|\n]/)
    .map((word) => word.trim())
    .filter(Boolean)

/** Chinese: slots of a sentence. */
export const zh = {
  when: words(
    `近日|日前|本月初|上周|今年以来|季度末|年初|入夏以来|开工首日|清晨|周一上午|月底前|经过三个月筹备|历时半年|两天时间里|入冬前夕|节后|试运行期满后|投产一周年之际|昨天下午|连日来|本周三|深秋时节|雨季到来之前`,
  ),
  who: words(
    `技术中心|装配车间|质量部|营销公司|热处理班组|采购团队|设备科|青年突击队|安全环保部|外贸组|工艺研究所|售后工程师|铸造分厂|检测站|数字化小组|项目组|机加二车间|总装线|仓储班|培训学校|信息科|理化室|研发一部|涂装工段`,
  ),
  did: words(`完成了|启动了|通过了|交付了|改造了|验收了|引进了|调试好|升级了|组织了|试制出|签下了|牵头起草了|复盘了|扩建了|移交了|攻下了|更新了|点检了|投用了`),
  what: words(
    `首台样机|新一代减速机|五轴加工单元|热模锻线|海外订单|立体仓库|年度内审|焊接机器人工作站|能源看板|行业标准草案|精密轴承座|大型铸件|消防演练|技能比武|两化融合评估|供应商大会|冷却系统|液压站|齿轮磨床|备件中心|光伏屋顶|数控滚齿机|检测平台|喷漆房|余热回收装置|刀具库|涡轮壳体|无人叉车|三坐标室|老旧电机`,
  ),
  so: words(
    `节拍缩短一成|废品率再创新低|交期提前四天|客户当场追加订货|单耗明显回落|噪声降到七十分贝以下|换型只要九分钟|返修几乎归零|一次交验合格|夜班不再缺人|库存周转加快|产能翻番|精度稳定在五微米|电费省下近两成|现场井然有序|为旺季备足了料|得到监理方好评|老师傅们直呼过瘾`,
  ),
  next: words(
    `下一步将推广到其余产线|年底还有二期|后续数据会接入总控室|月内形成作业指导书|计划明年走向东南亚|试点经验正在整理|由工会继续跟踪|半年后复评|备件同步下单|随后开放参观|其余机台排期在十月|与高校的合作也在洽谈|剩余工位春节前改完|图纸已经归档`,
  ),
  we: words(`我们|本公司|集团|公司上下|全体员工|这支队伍|我司`),
  care: words(
    `重视工艺|敬畏质量|信守合同|尊重一线|舍得投入研发|坚持自己炼内功|把图纸吃透|对每个尺寸负责|愿意听客户抱怨|账算得细|不赶工不凑数|讲究手上功夫|算总账不算小账|先试后推`,
  ),
  make: words(
    `传动部件|工程机械结构件|泵阀|输送设备|专用机床|液压元件|风电铸件|矿山机械|起重装置|包装机械|冶金备件|船用配套|农机底盘|电控柜|压力容器|换热器|轨道配件|模具`,
  ),
  serve: words(`水泥|矿山|港口|造纸|化工|电力|轨道交通|风电|农机|船舶|环保|食品|冶金|石油|纺织|汽车|仓储物流|市政`),
  trait: words(
    `运转平稳|维护方便|承载能力强|低噪声|密封可靠|寿命长|响应快|占地小|互换性好|耐粉尘|抗冲击|能耗低|装拆简单|温升低|免调试|可远程诊断|双重保护|模块组合`,
  ),
  job: words(
    `数控操作工|机械设计工程师|电气调试员|质检员|外贸业务员|工艺员|焊工|仓库管理员|售后服务工程师|计划专员|安全员|会计|钳工|热处理工|采购专员|软件工程师|涂装工|行车工`,
  ),
  need: words(
    `能看懂装配图|吃苦耐劳|持证上岗|三年同岗经历优先|会用三维软件|能适应倒班|英语可作工作语言|熟悉西门子系统|能出差|为人踏实|本地户口不限|应届亦可|懂公差配合|善于沟通`,
  ),
  perk: words(`五险一金|包住宿|双休|免费班车|年底双薪|带薪培训|体检一年一次|餐补|高温津贴|子女入学协助|师带徒津贴|工龄奖`),
  value: words(`守正|笃行|精工|求真|共进|利他|担当|匠心|诚实|开放|节俭|敬业`),
}

/** English: the same slots, shorter. */
export const en = {
  when: words(
    `Last week|In early spring|Over the quarter|This month|After a short trial|Before the holiday|On Monday|Since January|Once commissioning ended|Late in the year|Ahead of schedule|By midsummer`,
  ),
  who: words(
    `our assembly hall|the foundry|a small task force|the test bay|field engineers|the tooling group|apprentices|the paint shop|our export desk|the metrology lab|maintenance crews|the design office`,
  ),
  did: words(`put into use|signed off|rebuilt|shipped|brought home|tuned|retired|handed over|qualified|opened|re-routed|doubled`),
  what: words(
    `a second gear grinder|twelve crusher drives|the heat recovery loop|a robot welding cell|an export order|the spares depot|rooftop solar panels|a five-axis cell|the noise enclosure|new hobbing heads|a pallet shuttle|a pump skid`,
  ),
  so: words(
    `scrap fell by a third|cycle time is down|the line sleeps quieter|lead time lost four days|night shifts run unmanned|energy use dipped|rework nearly vanished|audits went smoothly|customers came to look|stock turns rose|tolerances hold at 5 um|safety walks got shorter`,
  ),
  make: words(
    `drive units|valve bodies|conveyors|cast housings|presses|hydraulic blocks|crane trolleys|mill spares|winches|heat exchangers|switch cabinets|die sets`,
  ),
  serve: words(`mining|cement|ports|paper mills|wind power|rail|farming|shipyards|steelworks|food plants|waterworks|logistics`),
  trait: words(
    `runs cool|is easy to strip|shrugs off dust|keeps its seal|takes shock loads|needs little room|is quiet|swaps in an hour|reports its own wear|sips power|bolts onto old bases|stays aligned`,
  ),
  we: words(`We|Our people|The group|This team|Everyone here`),
  care: words(
    `measure twice|answer the phone|keep drawings honest|train our own|stand behind each weld|write things down|pay suppliers on time|start on the shop floor|prefer plain talk|test before we promise|fix causes|share savings`,
  ),
}

export type Tongue<T> = { readonly [K in keyof T]: readonly string[] }
export type Zh = Tongue<typeof zh>
export type En = Tongue<typeof en>

/** The part of a lexicon that one site speaks: about a third of each slot. */
export function dialectOf<T extends Record<string, readonly string[]>>(all: T, random: Random): Tongue<T> {
  return Object.fromEntries(
    Object.entries(all).map(([slot, entries]) => [slot, random.sample(entries, Math.max(4, Math.ceil(entries.length / 3)))]),
  ) as unknown as Tongue<T>
}

/** Words of the page itself; a site uses one of each. Order: Chinese choices, then English. */
export const labels = {
  home: ['首页|主页|网站首页|回到首页', 'Home|Start|Main|Front page'],
  about: ['关于我们|企业概况|走进我们|公司简介|集团介绍|认识我们', 'About|Company|Who we are|Our story|Profile'],
  products: ['产品中心|业务板块|产品与服务|产品系列|主营业务|我们的产品', 'Products|What we make|Range|Solutions|Catalogue'],
  news: ['新闻中心|最新动态|公司新闻|资讯|集团要闻|动态', 'News|Updates|Journal|Press'],
  contact: ['联系我们|联络方式|与我们联系|在线留言|联系', 'Contact|Get in touch|Write to us|Reach us'],
  careers: ['人才招聘|加入我们|招贤纳士|诚聘英才|工作机会', 'Careers|Jobs|Join us|Vacancies'],
  downloads: ['资料下载|下载中心|文档资料|样本下载|技术资料', 'Downloads|Documents|Files|Brochures'],
  search: ['搜索|站内检索|查找|检索|搜一搜', 'Search|Find|Look up'],
  login: ['员工登录|协同平台|内部系统|供应商入口|业务门户|登录', 'Sign in|Staff login|Supplier access|Intranet'],
  more: ['查看更多|更多|详情|阅读全文|了解更多|继续阅读', 'More|Read on|Details|See all|Continue'],
  user: ['用户名|工号|账号|登录名|帐号|员工编号', 'User name|Account|Staff number|Login ID'],
  password: ['密码|口令|登录密码|用户密码', 'Password|Passphrase|Pass code'],
  submit: ['提交|发送|确认提交|送出', 'Send|Submit|Post it'],
  enter: ['登录|进入系统|登 录|立即登录|确定', 'Sign in|Enter|Log on|Go'],
  name: ['姓名|称呼|联系人|您的姓名|您贵姓', 'Name|Your name|Contact person'],
  phone: ['电话|联系电话|手机|手机号码', 'Phone|Mobile|Telephone'],
  mail: ['邮箱|电子邮件|邮件地址|E-mail', 'Mail|E-mail|Mail address'],
  message: ['留言|内容|需求描述|咨询内容|您的需求', 'Message|Text|Your question'],
  attach: ['附件|上传图纸|相关文件|上传附件', 'Attachment|Drawing|Add a file'],
  address: ['地址|公司地址|通讯地址|厂址', 'Address|Visit|Where'],
  latest: ['新近发生|近期动态|最近的事|厂里的事|刚刚发生|车间来信', 'Lately|From the floor|What happened|Recently'],
  strengths: ['凭什么选我们|看家本领|几点坚持|底气所在|做法|立身之本', 'How we work|What holds|Our habits|Why it lasts'],
  related: ['相关阅读|其他新闻|再看几条|延伸阅读', 'Also|Nearby|Other notes'],
  none: ['没有找到与“%”有关的内容|“%”暂无匹配结果|很抱歉，没有查到“%”|未检索到“%”', 'Nothing found for "%"|No page mentions "%"|"%" gave no match'],
  found: ['共找到 # 条与“%”相关的结果|“%”：# 条|检索“%”，命中 # 篇', '# results for "%"|"%": # pages|# pages mention "%"'],
  missing: ['页面走丢了|您访问的页面不存在|找不到这个页面|页面已移走或删除|无此页面', 'This page is gone|No such page|Nothing lives here|Page not found'],
  wrong: ['用户名或密码错误|账号或口令不正确|登录失败，请核对后重试|身份验证未通过|帐号与密码不匹配', ''],
  locked: ['失败次数过多，请 # 分钟后再试|账号已锁定 # 分钟|为保护账号，# 分钟内不能登录|请等待 # 分钟或联系信息科解锁', ''],
  expired: ['页面已过期，请刷新后重试|表单已失效，请重新打开|会话超时，请再次提交|令牌无效，请返回重新登录', ''],
  thanks: [
    '留言已收到，我们会尽快回复|感谢来信，工作人员将与您联系|提交成功，请保持电话畅通|已登记，两个工作日内答复',
    'Thank you, we will write back|Received. Expect a call|Noted, someone will reply soon',
  ],
  incomplete: [
    '请把必填项填写完整|有内容未填写|信息不完整，请检查|请补充称呼与内容',
    'Something is missing|Please fill in every field|Name and text are needed',
  ],
  rights: ['版权所有|保留所有权利|未经许可不得转载|著作权归本站', 'All rights kept|Copyright notice applies|No reuse without consent'],
  previous: ['上一页|前页|往前', 'Newer|Back'],
  following: ['下一页|后页|往后', 'Older|Next'],
  model: ['型号|规格|系列|机型', 'Model|Type|Size'],
  date: ['日期|时间|发布', 'Date|When'],
  file: ['文件|名称|资料', 'File|Title|Item'],
  size: ['大小|容量|体积', 'Size|Bytes'],
} as const
export type Label = keyof typeof labels

/** One choice of each label: `[Chinese, English]`. */
export function chooseLabels(random: Random): Record<Label, readonly [string, string]> {
  const one = (text: string): string => random.pick(text.split('|'))
  return Object.fromEntries(Object.entries(labels).map(([key, [chinese, english]]) => [key, [one(chinese), one(english)]])) as unknown as Record<
    Label,
    readonly [string, string]
  >
}

/** Words that a site's texts are put together from. Each site speaks its own small part of them. */
import type { Random } from './random.ts'

const words = (text: string): string[] =>
  text
    .split(/[|\n]/)
    .map((word) => word.trim())
    .filter(Boolean)

/**
 * Parts of phrases, two characters or one short word each: a site joins them into its own phrases, so that two sites share hardly
 * more than single words.
 */
const zhParts = {
  who: [
    '装配|焊接|铸造|锻压|涂装|机加|电气|液压|检验|计量|工艺|总装|模具|仓储|物流|外贸|采购|设备|动力|安全|信息|研发|售后|试验|冷作|热工',
    '车间|班组|分厂|小组|团队|中心|科室|工段|专班|一部|二部|骨干|新人|师徒|三部|四组|一组|六班|先锋|大组|甲班|乙班|二队|三队',
  ],
  did: ['交付|验收|调试|改造|扩建|移交|启用|试制|复检|升级|拆解|搬迁|检修|点检|定型|封存|送检|打样|配齐|翻新', '了|完|好|毕'],
  what: [
    '新型|首批|重型|小型|双级|立式|卧式|高速|低温|耐磨|智能|老旧|进口|自研|大型|串联|紧凑|防爆|静音|双速|三号|五轴',
    '样机|产线|台架|机组|料库|炉体|主轴|壳体|齿箱|泵站|刀库|夹具|管网|电柜|吊具|看板|模型|转子|磨床|辊道|缸体|烘房|风道|水泵',
  ],
  so: [
    '节拍|良率|能耗|噪声|库存|交期|返修|温升|精度|产能|工时|油耗|废品|停机|振动|成本|投诉|漏点',
    '缩短|下降|趋稳|改善|减半|回落|达标|向好|归零|受控|合格|看好|过关|收窄',
  ],
  next: ['年底|来年|下月|随后|月内|明春|秋后|半年|此后|稍后|届时|接着', '推广|复评|扩产|归档|开放|验证|铺开|回访|出海|考核|定标|补缺'],
  care: [
    '看重|坚守|守住|舍得|讲究|吃透|敬重|珍惜|较真|盯紧|善待|磨练|不负|用心|深耕|笃信',
    '工艺|质量|合同|一线|研发|内功|图纸|尺寸|客户|手艺|现场|承诺|细节|口碑|匠心|本分',
  ],
  trait: [
    '运转|维护|承载|密封|响应|占地|互换|防尘|抗震|能耗|装拆|温升|选型|润滑|启停|散热|接线|备件',
    '平稳|方便|可靠|灵敏|紧凑|出色|省心|适中|从容|经济|耐久|简单|有余|周全',
  ],
  need: ['读图|出差|倒班|外语|编程|测绘|沟通|值守|持证|驾车|记账|写作|装机|打磨|排产', '熟练|无碍|优先|过硬|在行|良好|均可|扎实|尚可|必备|更佳'],
  job: ['数控|机械|电气|质检|外贸|工艺|焊接|仓管|售后|计划|安全|财务|钳工|采购|软件|涂装|行车|热工', '技师|专员|主管|学徒|组长|助理|干事|岗位|新手|熟手'],
} as const

/** Whole words: two characters where a sentence allows. */
const zhWords = {
  when: words(`周一|月初|上旬|中旬|下旬|季末|年初|入夏|开春|深秋|冬至|节前|节后|雨季|昨日|日前|近日|清晨|夜里|午后|周末|本周|上月|当天|霜降|谷雨`),
  we: words(`我们|本厂|集团|大家|全厂|我司|同事们|咱们`),
  make: words(`泵阀|缸套|模具|轴承|铸件|锻件|齿轮|链条|弹簧|法兰|吊钩|转轴|缸盖|铰链|油箱|车架|辊筒|叶轮|刀具|导轨|支座|管件|电柜|闸门`),
  serve: words(`水泥|矿山|港口|造纸|化工|电力|轨交|风电|农机|船舶|环保|食品|冶金|石油|纺织|汽车|物流|市政|陶瓷|制药|水利|玻璃`),
  perk: words(`五险|公积金|住宿|双休|班车|双薪|培训|体检|餐补|高温费|工龄奖|节礼|工装|探亲假|夜班费`),
  value: words(`守正|笃行|精工|求真|共进|利他|担当|匠心|诚实|开放|节俭|敬业|求实|务本|致远`),
}

const enParts = {
  who: [
    'the|our|one|a',
    'foundry|tool room|test bay|paint shop|night crew|lab|spares desk|weld team|design group|field crew|yard|gear hall|line two|cell nine|mill shop',
    '',
  ],
  did: ['put in|signed off|rebuilt|shipped|tuned|retired|opened|moved|doubled|rewired|cast|cut|sealed|re-laid|proved', ''],
  what: [
    'a|the|its first|one more|two',
    'gear mill|heat loop|weld cell|press bed|pump skid|hob head|shuttle|crane rail|dust hood|oil stand|chuck|rotor|cold saw|lathe bed|flow rig|kiln door',
  ],
  so: [
    'scrap|cycle time|noise|lead time|rework|power use|wear|stock|stops|heat|play|waste',
    'fell|is down|eased|dropped|halved|went away|is stable|shrank|came off',
  ],
  care: ['measure|check|keep|answer|share|test|log|hold|mend|plan', 'twice|early|every call|our word|each weld|by hand|the gains|on time|on site|the books'],
  trait: ['runs|sits|starts|seals|cools|turns|mounts|wears', 'cool|tight|low|quiet|slow|flat|true|clean|well|dry'],
} as const
const enWords = {
  when: words(
    `Last week|In April|By May|On Monday|At noon|In June|This fall|In July|By spring|Last month|In March|Before dawn|At year end|In winter|On Friday`,
  ),
  make: words(`valves|gears|pumps|presses|castings|winches|hoists|fans|brakes|rolls|dies|mills|tanks|drives|frames|screws|chains|axles`),
  serve: words(`mining|cement|ports|paper|wind|rail|farms|ships|steel|food|water|glass|oil|sugar|tiles|pulp`),
  we: words(`We|Our crew|The group|Here we|All of us|They`),
}

export type Zh = { readonly [K in keyof typeof zhParts | keyof typeof zhWords]: readonly string[] }
export type En = { readonly [K in keyof typeof enParts | keyof typeof enWords]: readonly string[] }

const joined = (
  parts: Readonly<Record<string, readonly string[]>>,
  whole: Readonly<Record<string, readonly string[]>>,
  glue: string,
  random: Random,
): Record<string, string[]> => {
  const out: Record<string, string[]> = {}
  for (const [slot, lists] of Object.entries(parts)) {
    const columns = lists.filter((list) => list !== '').map((list) => list.split('|'))
    const made = new Set<string>()
    for (let i = 0; i < 200 && made.size < 16; i++) made.add(columns.map((column) => random.pick(column)).join(glue))
    out[slot] = [...made]
  }
  for (const [slot, list] of Object.entries(whole)) out[slot] = random.sample(list, Math.max(5, Math.ceil(list.length * 0.45)))
  return out
}

/** A site's own Chinese phrases. */
export const ownChinese = (random: Random): Zh => joined(zhParts, zhWords, '', random) as unknown as Zh
/** A site's own English phrases. */
export const ownEnglish = (random: Random): En => joined(enParts, enWords, ' ', random) as unknown as En

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

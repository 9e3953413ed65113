/** Words that a site's texts are put together from. Each site speaks its own small part of them. */
import type { Random } from './random.ts'

const words = (text: string): string[] => text.split('|')

/**
 * Parts of Chinese phrases: an entry is joined of one word of each column, so that a site's own handful is one of thousands. `prose.ts` sets numbers
 * between them; what two sites then share is a word or two of the language, never a phrase.
 */
const zhParts = {
  trade: [
    '装配|焊接|铸造|锻压|涂装|机加|电气|液压|检验|计量|工艺|总装|模具|仓储|物流|外贸|采购|设备|动力|安全|信息|研发|售后|试验|冷作|热工|下料|钣金|包装|探伤',
  ],
  unit: ['班|组|线|区|科|室|段|队'],
  did: ['交付|验收|调试|改造|扩建|移交|启用|试制|复检|升级|拆解|搬迁|检修|点检|定型|封存|送检|打样|配齐|翻新|发运|返修|标定|涂覆|装车', '了|完|好|毕|过'],
  measure: ['台|套|件|批|组|付'],
  what: [
    '新|重|小|双|立|卧|快|低|耐|老|大|串|紧|静|粗|精|长|短|厚|薄',
    '样机|产线|台架|机组|料库|炉体|主轴|壳体|齿箱|泵站|刀库|夹具|管网|电柜|吊具|看板|模型|转子|磨床|辊道|缸体|烘房|风道|水泵|机架|料斗|滑台|地轨|风机|阀组',
  ],
  so: [
    '节拍|良率|能耗|噪声|库存|交期|返修|温升|精度|产能|工时|油耗|废品|停机|振动|成本|投诉|漏点|换型|备料',
    '缩短|下降|趋稳|改善|少了|回落|收窄|压缩|优化|降低|减去|省下',
  ],
  care: [
    '看重|坚守|守住|舍得|讲究|吃透|敬重|珍惜|较真|盯紧|善待|磨练|不负|用心|深耕|笃信|琢磨|爱惜',
    '工艺|质量|合同|一线|研发|内功|图纸|尺寸|客户|手艺|现场|承诺|细节|口碑|匠心|本分|工时|数据',
  ],
  begun: ['投产|试做|做出|外销|量产|自制|引进|定型|批产|改型|试产|扩产'],
  make: ['泵|阀|缸|轴|齿|链|轮|辊|簧|盘|壳|座|管|箱|架|杆|钩|斗|叶|刀|模|罐|炉|罩', '体|套|件|具|组|盖|芯|头|臂|板|环|筒|片|台|柄|口|身|圈'],
  serve: [
    '水泥|矿山|港口|造纸|化工|电力|轨交|风电|农机|船舶|环保|食品|冶金|石油|纺织|汽车|物流|市政|陶瓷|制药|水利|玻璃|钢铁|煤炭|建材|橡胶|印刷|家电|光伏|储能|粮油|铁路',
    '厂|业|线|站|场|局|户|圈',
  ],
  trait: [
    '运转|维护|承载|密封|响应|占地|互换|防尘|抗震|装拆|选型|润滑|启停|散热|接线|备件',
    '平稳|方便|可靠|灵敏|紧凑|出色|省心|适中|从容|经济|耐久|简单|有余|周全',
  ],
  need: ['读图|出差|倒班|外语|编程|测绘|沟通|值守|持证|驾车|记账|写作|装机|打磨|排产', '熟练|无碍|优先|过硬|在行|良好|均可|扎实|尚可|必备|更佳'],
  job: ['数控|机械|电气|质检|外贸|工艺|焊接|仓管|售后|计划|安全|财务|钳工|采购|软件|涂装|行车|热工', '技师|专员|主管|学徒|组长|助理|干事|岗位|新手|熟手'],
  perk: ['五险|公积金|住宿|双休|班车|双薪|培训|体检|餐补|高温费|工龄奖|节礼|工装|探亲假|夜班费'],
  value: ['守|笃|精|求|共|利|担|匠|诚|开|节|敬|务|致|厚|自', '正|行|工|真|进|他|当|心|实|放|俭|业|本|远|德|强'],
} as const

/** Parts of English phrases: few and plain, for the English pages of such sites are short. */
export const enParts = {
  who: ['Weld|Paint|Gear|Tool|Test|Press|Mill|Yard', 'cell|crew|line|bay|shop'],
  did: ['built|tuned|moved|cast|cut|met|ran'],
  what: ['pumps|gears|mills|cranes|hoists|valves|presses|fans'],
  so: ['scrap|noise|heat|wear|play|stops'],
  care: ['Keep|Plan|Log|Mend|Test|Ask', 'early|twice|by hand|on time|our word'],
  serve: ['rail|steel|ports|paper|wind|food|oil|sugar'],
} as const

export type Zh = { readonly [K in keyof typeof zhParts]: readonly string[] }
export type En = { readonly [K in keyof typeof enParts]: readonly string[] }

const own = (parts: Readonly<Record<string, readonly string[]>>, glue: string, random: Random): Record<string, string[]> => {
  const out: Record<string, string[]> = {}
  for (const [slot, lists] of Object.entries(parts)) {
    const columns = lists.map(words)
    const made = new Set<string>()
    for (let i = 0; i < 100 && made.size < 12; i++) made.add(columns.map((column) => random.pick(column)).join(glue))
    out[slot] = [...made]
  }
  return out
}

/** A site's own Chinese phrases. */
export const ownChinese = (random: Random): Zh => own(zhParts, '', random) as unknown as Zh
/** A site's own English phrases. */
export const ownEnglish = (random: Random): En => own(enParts, ' ', random) as unknown as En

/** Words of the page itself; a site uses one of each. Order: Chinese choices, then English where an English page says it. */
export const labels = {
  home: ['首页|主页|网站首页|回到首页', 'Home|Start|Main'],
  about: ['关于我们|企业概况|走进我们|公司简介|集团介绍|认识我们', 'About|Company|Profile'],
  products: ['产品中心|业务板块|产品与服务|产品系列|主营业务|我们的产品', 'Products|Range|Catalogue'],
  news: ['新闻中心|最新动态|公司新闻|资讯|集团要闻|动态', ''],
  contact: ['联系我们|联络方式|与我们联系|在线留言|联系', 'Contact|Write to us|Reach us'],
  careers: ['人才招聘|加入我们|招贤纳士|诚聘英才|工作机会', ''],
  downloads: ['资料下载|下载中心|文档资料|样本下载|技术资料', ''],
  search: ['搜索|站内检索|查找|检索|搜一搜', ''],
  login: ['员工登录|协同平台|内部系统|供应商入口|业务门户|登录', 'Sign in|Staff|Supplier access'],
  more: ['查看更多|更多|详情|阅读全文|了解更多|继续阅读', 'More|Details|See all'],
  user: ['用户名|工号|账号|登录名|帐号|员工编号', ''],
  password: ['密码|口令|登录密码|用户密码', ''],
  submit: ['提交|发送|确认提交|送出', 'Send|Submit'],
  enter: ['登录|进入系统|登 录|立即登录|确定', ''],
  name: ['姓名|称呼|联系人|您的姓名|您贵姓', 'Name|Your name'],
  phone: ['电话|联系电话|手机|手机号码', 'Phone|Mobile'],
  mail: ['邮箱|电子邮件|邮件地址|E-mail', 'Mail|Mailbox'],
  message: ['留言|内容|需求描述|咨询内容|您的需求', 'Message|Text'],
  attach: ['附件|上传图纸|相关文件|上传附件', 'Drawing|File'],
  address: ['地址|公司地址|通讯地址|厂址', 'Address|Visit|Where'],
  latest: ['新近发生|近期动态|最近的事|厂里的事|刚刚发生|车间来信', 'Lately|News|Notes'],
  strengths: ['凭什么选我们|看家本领|几点坚持|底气所在|做法|立身之本', 'Facts|Figures'],
  related: ['相关阅读|其他新闻|再看几条|延伸阅读', 'Also|Nearby|More'],
  none: ['没有找到“%”|“%”暂无结果|没有查到“%”|未检索到“%”', ''],
  found: ['“%”共 # 条|“%”：# 条|“%”命中 # 篇', ''],
  missing: ['页面走丢了|页面不存在|找不到页面|页面已移走|无此页面', ''],
  wrong: ['密码错误|登录失败|口令不正确|验证未通过|帐号密码不符', ''],
  locked: ['账号已锁定 # 分钟|# 分钟内不能登录|请等待 # 分钟再试|已锁定，请 # 分钟后再试', ''],
  expired: ['页面已过期|表单已失效|会话超时|令牌无效|请重新提交', ''],
  thanks: ['留言已收到|感谢来信|提交成功|已登记', 'Thank you, we will write back|Received. Expect a call|Noted, someone will reply soon'],
  incomplete: ['请填写完整|有内容未填|信息不完整|请补充内容', 'Something is missing|Please fill in every field|Name and text are needed'],
  rights: ['版权所有|保留所有权利|不得转载|著作权归本站', 'All rights kept|Copyright'],
  previous: ['上一页|前页|往前', ''],
  following: ['下一页|后页|往后', ''],
  model: ['型号|规格|系列|机型', 'Model|Type|Size'],
  date: ['日期|时间|发布', ''],
  file: ['文件|名称|资料', ''],
  size: ['大小|容量|体积', ''],
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

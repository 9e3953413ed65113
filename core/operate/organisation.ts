/** A fictional group of this installation's own, for scenarios that name none. */
import { hkdfSync } from 'node:crypto'
import type { Organisation } from '@shenlou/contract/template'

/** Syllables with a character each; a name takes two or three. */
const syllables =
  'an安 bei北 bo博 chang长 cheng成 chu楚 da达 dong东 fan帆 feng锋 fu福 guang光 hai海 hao浩 he和 heng恒 hong宏 hua华 hui汇 jia嘉 jian建 jin金 jing景 jun骏 kai凯 kang康 lan澜 li力 lian联 ling凌 long隆 lu陆 ming明 nan南 ning宁 peng鹏 ping平 qi启 qian乾 rong荣 rui瑞 run润 sen森 shan山 sheng盛 shi石 shun顺 tai泰 tao涛 tian天 tong通 wan万 wei威 xiang祥 xin鑫 xing兴 xu旭 yang阳 yi毅 yong永 yu宇 yuan远 yun云 ze泽 zhen振 zheng正 zhong中 zhou洲 zhuo卓'
    .split(' ')
    .map((pair) => ({ latin: pair.slice(0, -1), character: pair.slice(-1) }))
const industries = [
  ['重型装备', 'Heavy Equipment'],
  ['工程机械', 'Construction Machinery'],
  ['数控机床', 'Machine Tools'],
  ['轴承制造', 'Bearings'],
  ['液压传动', 'Hydraulics'],
  ['电气设备', 'Electric Equipment'],
  ['轨道交通', 'Rail Vehicles'],
  ['矿山机械', 'Mining Machines'],
  ['汽车零部件', 'Auto Parts'],
  ['船舶配套', 'Marine Systems'],
  ['新能源装备', 'Energy Equipment'],
  ['智能输送', 'Conveying Systems'],
] as const
const cities = [
  ['常州', 'Changzhou'],
  ['徐州', 'Xuzhou'],
  ['洛阳', 'Luoyang'],
  ['株洲', 'Zhuzhou'],
  ['芜湖', 'Wuhu'],
  ['烟台', 'Yantai'],
  ['绵阳', 'Mianyang'],
  ['襄阳', 'Xiangyang'],
  ['柳州', 'Liuzhou'],
  ['南通', 'Nantong'],
  ['保定', 'Baoding'],
  ['潍坊', 'Weifang'],
  ['宁波', 'Ningbo'],
  ['佛山', 'Foshan'],
  ['九江', 'Jiujiang'],
  ['宝鸡', 'Baoji'],
] as const
const endings = [
  ['集团', 'Group'],
  ['控股集团', 'Holding'],
  ['集团有限公司', 'Group Co Ltd'],
  ['股份', 'Corporation'],
] as const

/** The same secret gives the same group for ever. */
export function drawOrganisation(secret: Buffer): Organisation {
  const drawn = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), 'organisation', 32))
  let at = 0
  const pick = <T>(from: readonly T[]): T => from[((drawn[at++ % 32] as number) * 256 + (drawn[at++ % 32] as number)) % from.length] as T
  const name = Array.from({ length: 2 + ((drawn[31] as number) % 2) }, () => pick(syllables))
  const latin = name.map((part) => part.latin).join('')
  const industry = pick(industries)
  const city = pick(cities)
  const ending = pick(endings)
  const short = latin[0]?.toUpperCase() + latin.slice(1)
  return {
    name: { zh: `${name.map((part) => part.character).join('')}${industry[0]}${ending[0]}`, en: `${short} ${industry[1]} ${ending[1]}` },
    domain: `${latin}${pick(['', '-group', 'gf', 'jt', '-ind', 'hi'])}.${pick(['com.cn', 'cn', 'net.cn', 'com'])}`,
    city: { zh: city[0], en: city[1] },
    industry: { zh: industry[0], en: industry[1] },
    founded: 1952 + ((drawn[30] as number) % 50),
  }
}

/** A weak-looking password of this installation's own for one account, as `$drawn` in a scenario: a word, a mark, a year. */
export function drawPassword(secret: Buffer, decoy: string, user: string): string {
  const drawn = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `password ${decoy} ${user}`, 8))
  const byte = (at: number): number => drawn[at] as number
  const word = [byte(0), byte(1)].map((value) => syllables[value % syllables.length]?.latin ?? '').join('')
  return `${word[0]?.toUpperCase()}${word.slice(1)}${'@#!_'[byte(2) % 4]}${2008 + (byte(3) % 16)}${byte(4) % 10}`
}

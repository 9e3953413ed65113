/** Accounts of a host: those the template names, and the people that a Chinese company's administrators would have made. */
import type { PersonaTemplate } from '@shenlou/contract/persona'
import type { Account, Persona } from './persona.ts'

const surnames =
  'wang li zhang liu chen yang zhao huang zhou wu xu sun hu zhu gao lin he guo ma luo liang song zheng xie han tang feng yu dong xiao cheng cao yuan deng fu shen zeng peng lv su lu jiang cai jia ding wei xue ye yan pan du dai xia zhong tian ren fan fang shi yao tan liao zou xiong jin hao kong bai cui kang mao qiu qin gu hou shao meng long wan duan qian'.split(
    ' ',
  )
const givenNames =
  'wei fang na min jing lei qiang jun yang yong yan jie juan tao ming chao xia ping gang guiying jianhua jianguo zhiqiang haiyan xiaoming zhigang guoqing wenjun yufeng haitao dawei jianjun weidong xiaodong guohua jianping hongwei zhenhua shaohua yongjun liping xuemei chunhua zhiyong yuhua zhongming haibo zhihui wenbin jingjing xiaoli lihua xinyu zihan yichen haoran yuxuan mengyao siyuan tianyu pengfei ruixue jiahao'.split(
    ' ',
  )

/** Ids and places that distributions fix; every other name of a template is an ordinary account. */
const fixed: Record<string, Omit<Account, 'name'>> = {
  root: { uid: 0, gid: 0, fullName: 'root', home: '/root', shell: '' },
  mysql: { uid: 27, gid: 27, fullName: 'MySQL Server', home: '/var/lib/mysql', shell: '/sbin/nologin' },
  nginx: { uid: 998, gid: 996, fullName: 'Nginx web server', home: '/var/lib/nginx', shell: '/sbin/nologin' },
  apache: { uid: 48, gid: 48, fullName: 'Apache', home: '/usr/share/httpd', shell: '/sbin/nologin' },
  tomcat: { uid: 53, gid: 53, fullName: 'Apache Tomcat', home: '/usr/share/tomcat', shell: '/sbin/nologin' },
  redis: { uid: 997, gid: 995, fullName: 'Redis Database Server', home: '/var/lib/redis', shell: '/sbin/nologin' },
}

/**
 * Accounts in the order of their ids. A template names accounts as they are called, or `{person}` for one drawn person each; a server
 * (bash, glibc) whose template names no `{person}` has two to four people besides.
 */
export function drawAccounts(template: PersonaTemplate, { number, pick }: Pick<Persona, 'number' | 'pick'>): Account[] {
  const { os, host } = template
  const shell = os.shell === 'bash' ? '/bin/bash' : '/bin/ash'
  const names = [...host.accounts]
  if (os.family !== 'windows' && !names.includes('root')) names.unshift('root')
  const server = os.shell === 'bash' && os.libc === 'glibc'
  if (server && !names.includes('{person}')) for (let left = number('people', 2, 4); left > 0; left--) names.push('{person}')

  // One administrator chose how people are called on this host, so all of them follow it.
  const style = number('people style', 0, 3)
  const taken = new Set<string>()
  const accounts: Account[] = []
  let nextId = /^(centos|rhel|red hat)/i.test(os.distribution) && Number.parseFloat(os.release) < 7 ? 500 : 1000
  names.forEach((name, nth) => {
    const person = name === '{person}' ? drawPerson(nth, style, { number, pick }) : undefined
    let login = person?.login ?? name
    for (let again = 2; taken.has(login); again++) {
      if (!person) return
      login = `${person.login}${again}`
    }
    taken.add(login)
    const known = person ? undefined : fixed[name]
    if (known) accounts.push({ name, ...known, shell: known.shell || shell })
    else {
      accounts.push({ name: login, uid: nextId, gid: nextId, fullName: person?.fullName ?? '', home: `/home/${login}`, shell })
      nextId += 1
    }
  })
  return accounts.sort((a, b) => a.uid - b.uid)
}

function drawPerson(nth: number, style: number, { number, pick }: Pick<Persona, 'number' | 'pick'>): { login: string; fullName: string } {
  const surname = pick(`person ${nth} surname`, surnames)
  const first = pick(`person ${nth} given`, givenNames)
  const second = number(`person ${nth} two names`, 0, 2) > 0 && first.length < 5 ? pick(`person ${nth} second`, givenNames.slice(0, 19)) : ''
  const given = first + second
  const staff = String(number(`person ${nth} staff number`, 1001, 98_999))
  const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)
  const login = [`${surname}${given}`, `${surname}${given}${staff.slice(-2)}`, `${surname}.${given}`, `${surname.charAt(0)}${given.charAt(0)}${staff}`][style]
  return { login: login as string, fullName: `${capital(surname)} ${capital(given)}` }
}

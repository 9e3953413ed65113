/** Where things lie on one site: paths, folders, file names and the application behind it. */
import type { Random } from './random.ts'

export interface Layout {
  /** Path of a page by its role, such as `/about/` or `/gywm.html`. */
  page(role: 'home' | 'about' | 'products' | 'news' | 'contact' | 'careers' | 'downloads', english?: boolean): string
  /** Path of one entry below a page. */
  entry(role: 'products' | 'news', slug: string, english?: boolean): string
  /** Paths of the application; `/login`, `/search` and `/admin` work besides. */
  search: string
  login: string
  logout: string
  inside: string
  message: string
  admin: string
  adminBasic: boolean
  realm: string
  asset(kind: 'css' | 'js' | 'img' | 'file', name: string): string
  backend: Backend
}

/** The application server's habits behind the web server. */
export interface Backend {
  kind: 'php' | 'java' | 'plain'
  poweredBy: string | undefined
  cookie: string
  charset: string
}

const pages = {
  home: [''],
  about: ['about', 'about-us', 'gywm', 'company', 'intro', 'gsjj', 'profile', 'jtgk'],
  products: ['products', 'cpzx', 'product', 'business', 'chanpin', 'series', 'goods'],
  news: ['news', 'xwzx', 'xinwen', 'dongtai', 'article', 'info', 'zixun'],
  contact: ['contact', 'lxwm', 'lianxi', 'contact-us', 'reach'],
  careers: ['careers', 'zhaopin', 'jobs', 'rczp', 'join', 'hr'],
  downloads: ['downloads', 'xiazai', 'zlxz', 'docs', 'ziliao', 'files'],
}

/** Draws the layout. */
export function drawLayout(random: Random): Layout {
  const ending = random.pick(['/', '/', '.html', '.htm', '.shtml'])
  const names = Object.fromEntries(Object.entries(pages).map(([role, choices]) => [role, random.pick(choices)])) as Record<keyof typeof pages, string>
  const english = random.pick(['en', 'english', 'eng', 'en-us'])
  const root = random.pick(['static', 'assets', 'public', 'res', 'skin', 'theme', 'dist', 'style', 'upload'])
  const version = random.pick(['', '', `/${random.word(1)}${random.int(2, 30)}`, `/${random.int(2, 9)}.${random.int(0, 9)}`])
  const folders = {
    css: random.pick(['css', 'c', 'styles', '']),
    js: random.pick(['js', 'j', 'script', '']),
    img: random.pick(['img', 'images', 'pic', 'i']),
    file: random.pick(['file', 'doc', 'attach', 'd']),
  }
  const hash = { digits: random.int(7, 12), between: random.pick(['.', '-', '_']) }
  const below = random.pick(['', `${random.word(1)}/`])
  const kind = random.pick(['php', 'java', 'plain'] as const)
  const app = random.pick(['portal', 'oa', 'user', 'member', 'work', 'srm', 'ehr', 'uc'])
  const suffix = kind === 'php' ? random.pick(['', '.php']) : kind === 'java' ? random.pick(['', '.do', '.action', '.jsp']) : ''
  const path = (role: keyof typeof pages, inEnglish = false): string => {
    const base = inEnglish ? `/${english}` : ''
    if (role === 'home') return `${base}/`
    return `${base}/${names[role]}${ending}`
  }
  return {
    page: path,
    entry: (role, slug, inEnglish = false) =>
      `${inEnglish ? `/${english}` : ''}/${names[role]}/${role === 'news' ? below : ''}${slug}${ending === '/' ? '.html' : ending}`,
    search: `/${random.pick(['search', 'so', 'find', 'sousuo', 'query'])}${suffix}`,
    login: `/${app}/${random.pick(['login', 'signin', 'auth', 'index', 'entry'])}${suffix}`,
    logout: `/${app}/${random.pick(['logout', 'exit', 'quit', 'signout'])}${suffix}`,
    inside: `/${app}/${random.pick(['home', 'main', 'desk', 'todo', 'board'])}${suffix}`,
    message: `/${random.pick(['message', 'feedback', 'liuyan', 'inquiry', 'guestbook'])}${suffix}`,
    admin: `/${random.pick(['admin', 'manage', 'console', 'houtai', 'system'])}/${random.pick(['login', 'index', 'signin'])}${suffix}`,
    adminBasic: random.chance(0.35),
    realm: random.pick(['admin', 'Restricted', 'Manage', 'internal', 'auth', 'backend', 'ops']),
    asset: (which, name) => {
      const [stem, extension] = [name.slice(0, name.lastIndexOf('.')), name.slice(name.lastIndexOf('.'))]
      const folder = folders[which] === '' ? '' : `/${folders[which]}`
      return `/${root}${version}${folder}/${which === 'file' ? name : `${stem}${hash.between}${random.hex(hash.digits)}${extension}`}`
    },
    backend: {
      kind,
      poweredBy: kind === 'php' && random.chance(0.8) ? `PHP/${random.pick(['5.6.40', '7.2.34', '7.3.33', '7.4.33', '8.0.30'])}` : undefined,
      cookie: random.pick([
        () => `${random.word(2)}_sid`,
        () => `${random.word(1).toUpperCase()}${random.word(1).toUpperCase()}ID`,
        () => `${random.word(2)}.s`,
        () => `_${random.word(2)}`,
        () => random.word(3),
      ])(),
      charset: random.pick(['utf-8', 'UTF-8']),
    },
  }
}

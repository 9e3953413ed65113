/** For tests: what every web site of the world shares, taken out of captured bytes, so that what is left is a site's own. */

const html =
  'doctype html head meta title link script body main nav header footer section article aside div span ul ol li a p h1 h2 h3 b strong em small br img form label input textarea button table tr th td href src rel class id name value type alt width height loading lazy defer style content charset lang viewport description keywords stylesheet icon action method post get enctype multipart/form-data maxlength rows text password hidden file search submit tel email autocomplete username off width=device-width initial-scale nofollow noopener display:contents'
const css =
  'align-items aspect-ratio background border border-bottom border-left border-top border-collapse border-color border-radius box-shadow box-sizing color cursor display flex flex-direction flex-wrap font font-size font-variant-numeric font-weight filter gap grid grid-template-columns height inset justify-content justify-self left letter-spacing line-height list-style margin margin-left margin-top max-width media min-height min-width object-fit opacity order outline outline-offset overflow overflow-x padding padding-left padding-top padding-bottom position relative absolute row-gap sticky text-align text-decoration text-wrap top white-space width z-index -webkit-text-size-adjust important hover focus auto balance baseline block border-box bold brightness center clamp collapse column contents cover currentColor hidden inherit inline-block linear-gradient minmax none normal nowrap pointer repeat sans-serif solid space-between start tabular-nums transparent wrap and vw em px fr deg'
const fonts =
  'PingFang SC|Microsoft YaHei|Noto Sans SC|Source Han Sans SC|Hiragino Sans GB|WenQuanYi Micro Hei|Segoe UI|Roboto|Helvetica Neue|Arial|-apple-system|system-ui|Inter'
const js =
  'function querySelectorAll querySelector document addEventListener forEach setTimeout disabled scrollIntoView scrollY scroll inline nearest end return var let const if boxShadow'
const files =
  'IHDR IDAT IEND urlset xmlns http www sitemaps org schemas sitemap loc lastmod url xml version encoding UTF-8 User-agent Disallow Sitemap https endobj obj Type Catalog Pages Count Kids Font Subtype Type1 BaseFont Helvetica Encoding WinAnsiEncoding Title Producer CreationDate Page Parent MediaBox Resources Contents Length Filter FlateDecode stream endstream xref trailer Size Root Info startxref EOF PDF nginx Forbidden nbsp amp quot'
const http =
  'Server Date Content-Type Content-Length Last-Modified Connection ETag Accept-Ranges Set-Cookie Path HttpOnly SameSite Lax Transfer-Encoding chunked Location X-Powered-By PHP Expires Cache-Control Pragma no-store no-cache must-revalidate WWW-Authenticate Basic realm keep-alive close bytes text application image png x-icon javascript GMT HTTP Moved Temporarily Authorization Required Not Found Nov Oct Jan Feb Mar Apr May Jun Jul Aug Sep Dec Mon Tue Wed Thu Fri Sat Sun Permanently'

const literal = (word: string): string => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const standard = [...[html, css, js, files, http].flatMap((list) => list.split(' ')), ...fonts.split('|')].sort((a, b) => b.length - a.length)
const words = new RegExp(`(?<![A-Za-z])(?:${standard.map(literal).join('|')})(?![A-Za-z])`, 'gi')
// ，。、；：“”（）　 and © × – → of UTF-8 text, byte by byte.
const cjkSigns = /\xe3\x80[\x80-\x8f]|\xef\xbc[\x88\x89\x8b\x8c\x9a\x9b]|\xe2\x80[\x93\x94\x9c\x9d\xba]|\xe2\x86\x92|\xc2[\xa0-\xbf]|\xc3\x97/g
const signs = /[\0-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+/g

/** The text of captured bytes (Latin-1) with standard words, signs and numbers blanked: a run of them becomes one NUL. */
export function withoutStandardWords(bytes: Buffer): string {
  return bytes
    .toString('latin1')
    .replace(words, '\0')
    .replace(cjkSigns, '\0')
    .replace(/(?<![A-Za-z])\d+(?![A-Za-z])/g, '\0')
    .replace(signs, '\0')
}

/** Runs of at least `length` bytes that both texts hold, longest first, none within another of the same place. */
export function commonRuns(one: string, two: string, length = 8): string[] {
  const held = new Set<string>()
  for (let i = 0; i + length <= two.length; i++) held.add(two.slice(i, i + length))
  const runs = new Set<string>()
  let from = -1
  for (let i = 0; i <= one.length; i++) {
    const gram = one.slice(i, i + length)
    const hit = gram.length === length && !gram.includes('\0') && held.has(gram)
    if (hit && from < 0) from = i
    if (!hit && from >= 0) {
      runs.add(one.slice(from, i + length - 1))
      from = -1
    }
  }
  return [...runs].sort((a, b) => b.length - a.length)
}

/** The look of one site: palette, type, measures and layout variants, written as its own style sheet. */
import type { Markup } from './markup.ts'
import type { Random } from './random.ts'

export interface Palette {
  main: string
  deep: string
  accent: string
  tint: string
  ink: string
  soft: string
  line: string
  paper: string
}

export interface Design {
  palette: Palette
  css: string
  /** How the hero stands: art beside text on dark, beside text on light, or behind text. */
  hero: 'dark' | 'light' | 'behind'
  brand: 'mark' | 'block' | 'ring'
}

/** `#rrggbb` of hue (degrees), saturation and lightness (0 to 1). */
export function colour(hue: number, saturation: number, lightness: number): string {
  const a = saturation * Math.min(lightness, 1 - lightness)
  const part = (n: number): string => {
    const k = (n + hue / 30) % 12
    return Math.round(255 * (lightness - a * Math.max(-1, Math.min(k - 3, 9 - k, 1))))
      .toString(16)
      .padStart(2, '0')
  }
  return `#${part(0)}${part(8)}${part(4)}`
}

type Rules = Record<string, string>

/** Draws the look. */
export function drawDesign(markup: Markup, random: Random): Design {
  const hue = random.pick([
    random.int(195, 232),
    random.int(195, 232),
    random.int(345, 372) % 360,
    random.int(150, 185),
    random.int(18, 38),
    random.int(235, 265),
  ])
  const saturation = 0.45 + random.real() * 0.4
  const accentHue = (hue + random.pick([30, 150, 180, 200, 330]) + random.int(-10, 10) + 360) % 360
  const palette: Palette = {
    main: colour(hue, saturation, 0.36 + random.real() * 0.1),
    deep: colour(hue, saturation * 0.75, 0.13 + random.real() * 0.07),
    accent: colour(accentHue, 0.75, 0.5 + random.real() * 0.06),
    tint: colour(hue, 0.3 + random.real() * 0.4, 0.94 + random.real() * 0.03),
    ink: colour(hue, 0.1 + random.real() * 0.2, 0.11 + random.real() * 0.08),
    soft: colour(hue, 0.06 + random.real() * 0.12, 0.36 + random.real() * 0.08),
    line: colour(hue, 0.1 + random.real() * 0.25, 0.84 + random.real() * 0.07),
    paper: '#fff',
  }
  const hero = random.pick(['dark', 'light', 'behind'] as const)
  const wide = random.int(1100, 1260)
  const gap = random.int(20, 32)
  const radius = random.pick([0, 2, 4, 6, 10, 14])
  const pad = random.int(58, 84)
  const size = random.pick([15, 15.5, 16, 16.5])
  const columns = random.pick([3, 3, 4])
  const shadow = `0 ${random.int(2, 8)}px ${random.int(14, 34)}px ${palette.deep}${random.int(18, 36).toString(16)}`
  const card = random.pick(['line', 'shadow', 'bare'] as const)
  const sans = random
    .shuffle(['"PingFang SC"', '"Microsoft YaHei"', '"Noto Sans SC"', '"Source Han Sans SC"', '"Hiragino Sans GB"', '"WenQuanYi Micro Hei"'])
    .slice(0, random.int(2, 4))
  const latin = random.sample(['Inter', '"Segoe UI"', 'Roboto', '"Helvetica Neue"', 'Arial', '-apple-system', 'system-ui'], random.int(1, 3))
  const [redHue, redSaturation] = [random.int(0, 18), 0.4 + random.real() * 0.5]
  const [greenHue, greenSaturation] = [random.int(115, 170), 0.25 + random.real() * 0.5]
  const sheet = writer(markup, random)
  const c = (role: string): string => `.${markup.cls(role)}`
  const small = random.pick([720, 760, 768, 800, 820])

  sheet.rule('*', { 'box-sizing': 'border-box' })
  sheet.rule('html', { '-webkit-text-size-adjust': '100%' })
  sheet.rule('body', {
    margin: '0',
    font: `${size}px/${(1.6 + random.real() * 0.2).toFixed(2)} ${[...latin, ...sans].join(',')},sans-serif`,
    color: palette.ink,
    background: palette.paper,
  })
  sheet.rule('a', { color: palette.main, 'text-decoration': 'none' })
  sheet.rule('img', { 'max-width': '100%', display: 'block' })
  sheet.rule('h1,h2,h3', { 'text-wrap': 'balance', 'line-height': String(1.2 + random.int(0, 12) / 100), margin: '0' })
  sheet.rule(c('wrap'), { width: '100%', 'max-width': `${wide}px`, margin: '0 auto', padding: `0 ${gap}px` })
  sheet.rule(c('top'), {
    background: palette.paper,
    'border-bottom': `1px solid ${palette.line}`,
    ...(random.chance(0.5) ? { position: 'sticky', top: '0', 'z-index': String(random.int(5, 90)) } : {}),
  })
  sheet.rule(`${c('top')}>${c('wrap')}`, { display: 'flex', 'align-items': 'center', gap: `${gap}px`, 'min-height': `${random.int(66, 84)}px` })
  sheet.rule(c('brand'), {
    display: 'flex',
    'align-items': 'center',
    gap: `${random.int(9, 14)}px`,
    'font-weight': '700',
    'font-size': `${random.int(18, 22)}px`,
    color: palette.ink,
    'white-space': 'nowrap',
  })
  sheet.rule(`${c('brand')} img`, { width: `${random.int(34, 44)}px`, height: 'auto' })
  sheet.rule(c('menu'), { display: 'flex', 'list-style': 'none', gap: `${random.int(16, 26)}px`, margin: '0 0 0 auto', padding: '0', 'white-space': 'nowrap' })
  sheet.rule(`${c('menu')} a`, { color: palette.ink, padding: `${random.int(6, 10)}px 0`, display: 'inline-block', 'border-bottom': '2px solid transparent' })
  sheet.rule(`${c('menu')} a:hover,${c('here')}`, { color: `${palette.main}!important`, 'border-color': palette.main })
  sheet.rule(c('tongue'), {
    'font-size': '13px',
    border: `1px solid ${palette.line}`,
    'border-radius': `${radius + 2}px`,
    padding: `3px ${random.int(9, 12)}px`,
    color: palette.soft,
  })

  const onDark = hero !== 'light'
  sheet.rule(c('hero'), {
    position: 'relative',
    overflow: 'hidden',
    color: onDark ? '#fff' : palette.ink,
    background: onDark ? `linear-gradient(${random.int(95, 160)}deg,${palette.deep},${palette.main})` : palette.tint,
  })
  sheet.rule(`${c('hero')}>${c('wrap')}`, {
    position: 'relative',
    display: 'grid',
    'align-items': 'center',
    gap: `${gap * 2}px`,
    'grid-template-columns': hero === 'behind' ? `minmax(0,${random.int(600, 720)}px)` : `${random.pick(['1fr 1fr', '5fr 6fr', '6fr 5fr'])}`,
    'min-height': `${random.int(430, 540)}px`,
    'padding-top': `${random.int(48, 70)}px`,
    'padding-bottom': `${random.int(48, 70)}px`,
  })
  sheet.rule(`${c('hero')} h1`, {
    'font-size': `clamp(30px,4.2vw,${random.int(44, 56)}px)`,
    'letter-spacing': `${random.pick(['0', '.01em', '.02em', '-.01em'])}`,
  })
  sheet.rule(`${c('hero')} p`, {
    margin: `${random.int(16, 22)}px 0 ${random.int(24, 34)}px`,
    'font-size': `${random.int(16, 19)}px`,
    opacity: '.9',
    'max-width': '38em',
  })
  sheet.rule(c('behind'), { position: 'absolute', inset: '0', width: '100%', height: '100%', 'object-fit': 'cover', opacity: String(random.int(35, 60) / 100) })
  sheet.rule(c('button'), {
    display: 'inline-block',
    border: '0',
    cursor: 'pointer',
    font: 'inherit',
    'font-weight': '600',
    color: '#fff',
    background: onDark ? palette.accent : palette.main,
    padding: `${random.int(10, 13)}px ${random.int(22, 30)}px`,
    'border-radius': `${radius === 14 ? 99 : radius}px`,
  })
  sheet.rule(`${c('button')}:hover`, { filter: 'brightness(1.08)' })
  sheet.rule(c('ghost'), {
    display: 'inline-block',
    margin: `0 0 0 ${random.int(10, 16)}px`,
    padding: `${random.int(9, 12)}px ${random.int(20, 26)}px`,
    border: '1px solid currentColor',
    color: 'inherit',
    'border-radius': `${radius === 14 ? 99 : radius}px`,
  })

  sheet.rule(c('band'), { padding: `${pad}px 0` })
  sheet.rule(c('tinted'), { background: palette.tint })
  sheet.rule(c('heading'), {
    display: 'flex',
    'align-items': 'baseline',
    'justify-content': 'space-between',
    gap: `${gap}px`,
    margin: `0 0 ${random.int(26, 38)}px`,
  })
  sheet.rule(`${c('heading')} h2`, {
    'font-size': `${random.int(26, 32)}px`,
    ...(random.chance(0.5) ? { 'border-left': `${random.int(3, 6)}px solid ${palette.accent}`, 'padding-left': `${random.int(12, 18)}px` } : {}),
  })
  sheet.rule(c('grid'), { display: 'grid', gap: `${gap}px`, 'grid-template-columns': `repeat(${columns},minmax(0,1fr))` })
  sheet.rule(c('card'), {
    display: 'flex',
    'flex-direction': 'column',
    overflow: 'hidden',
    background: palette.paper,
    color: palette.ink,
    'border-radius': `${radius}px`,
    ...(card === 'line'
      ? { border: `1px solid ${palette.line}` }
      : card === 'shadow'
        ? { 'box-shadow': shadow }
        : { 'border-top': `3px solid ${palette.main}` }),
  })
  sheet.rule(`${c('card')} img`, { width: '100%', 'aspect-ratio': random.pick(['16/10', '4/3', '3/2']), 'object-fit': 'cover', background: palette.tint })
  sheet.rule(c('inside'), { padding: `${random.int(18, 26)}px` })
  sheet.rule(`${c('inside')} h3`, { 'font-size': `${random.int(17, 20)}px`, margin: '0 0 8px' })
  sheet.rule(`${c('inside')} p`, { margin: '0', color: palette.soft, 'font-size': `${size - 1}px` })
  sheet.rule(c('split'), {
    display: 'grid',
    'align-items': 'center',
    gap: `${gap * 2}px`,
    'grid-template-columns': random.pick(['1fr 1fr', '7fr 5fr', '5fr 7fr']),
  })
  sheet.rule(`${c('split')} img`, { 'border-radius': `${radius}px`, width: '100%' })
  sheet.rule(c('figures'), { display: 'flex', 'flex-wrap': 'wrap', gap: `${gap}px ${gap * 2}px`, margin: `${gap}px 0 0`, padding: '0' })
  sheet.rule(`${c('figures')} b`, {
    display: 'block',
    'font-size': `${random.int(30, 38)}px`,
    'line-height': '1.15',
    color: palette.main,
    'font-variant-numeric': 'tabular-nums',
  })
  sheet.rule(`${c('figures')} span`, { color: palette.soft, 'font-size': '14px' })
  sheet.rule(c('rows'), { 'list-style': 'none', margin: '0', padding: '0' })
  sheet.rule(c('row'), {
    display: 'flex',
    'align-items': 'baseline',
    gap: `${gap}px`,
    padding: `${random.int(13, 18)}px 0`,
    'border-bottom': `1px solid ${palette.line}`,
  })
  sheet.rule(`${c('row')} a`, { flex: '1', 'min-width': '0', color: palette.ink })
  sheet.rule(`${c('row')} a:hover`, { color: palette.main })
  sheet.rule(c('day'), { color: palette.soft, 'font-size': '14px', 'white-space': 'nowrap', 'font-variant-numeric': 'tabular-nums' })
  sheet.rule(c('strip'), { background: hero === 'light' ? palette.main : palette.deep, color: '#fff', padding: `${random.int(44, 58)}px 0` })
  sheet.rule(`${c('strip')} h1`, { 'font-size': `${random.int(30, 36)}px` })
  sheet.rule(c('crumb'), { opacity: '.75', 'font-size': '13px', margin: '0 0 8px' })
  sheet.rule(`${c('crumb')} a`, { color: 'inherit' })
  sheet.rule(c('prose'), { 'max-width': `${random.int(42, 48)}em` })
  sheet.rule(`${c('prose')} p`, { margin: '0 0 1.1em' })
  sheet.rule(`${c('prose')} img`, { 'border-radius': `${radius}px`, margin: '0 0 1.4em' })
  sheet.rule('table', { width: '100%', 'border-collapse': 'collapse', 'font-size': `${size - 1}px` })
  sheet.rule('th,td', { 'text-align': 'left', padding: `${random.int(9, 12)}px ${random.int(10, 14)}px`, 'border-bottom': `1px solid ${palette.line}` })
  sheet.rule('th', { background: palette.tint, 'white-space': 'nowrap' })
  sheet.rule(c('scroll'), { 'overflow-x': 'auto', margin: `${gap}px 0` })
  sheet.rule(c('form'), { display: 'grid', gap: `${random.int(14, 18)}px`, 'max-width': `${random.int(460, 560)}px` })
  sheet.rule(`${c('form')} label`, { display: 'grid', gap: '5px', 'font-size': '14px', color: palette.soft })
  sheet.rule('input,textarea', {
    font: 'inherit',
    color: palette.ink,
    width: '100%',
    padding: `${random.int(9, 12)}px ${random.int(11, 14)}px`,
    border: `1px solid ${palette.line}`,
    'border-radius': `${Math.min(radius, 8)}px`,
    background: '#fff',
  })
  sheet.rule('input:focus,textarea:focus', { outline: `2px solid ${palette.main}`, 'outline-offset': '-1px' })
  sheet.rule(`${c('form')} ${c('button')}`, { 'justify-self': 'start', background: palette.main })
  sheet.rule(c('panel'), {
    'max-width': `${random.int(390, 440)}px`,
    margin: `${pad}px auto`,
    padding: `${random.int(30, 40)}px`,
    background: '#fff',
    'border-radius': `${radius}px`,
    'box-shadow': shadow,
    border: `1px solid ${palette.line}`,
  })
  sheet.rule(`${c('panel')} h1`, { 'font-size': '22px', margin: '0 0 20px' })
  const warning = (lightness: number): string => colour(redHue, redSaturation, lightness + random.real() * 0.05)
  const fine = (lightness: number): string => colour(greenHue, greenSaturation, lightness + random.real() * 0.05)
  sheet.rule(c('notice'), {
    padding: `${random.int(8, 13)}px ${random.int(12, 18)}px`,
    margin: `0 0 ${random.int(12, 20)}px`,
    'font-size': '14px',
    color: warning(0.36),
    background: warning(0.91),
    'border-left': `3px solid ${warning(0.48)}`,
  })
  sheet.rule(c('fine'), { color: fine(0.25), background: fine(0.9), 'border-color': fine(0.38) })
  sheet.rule(c('pages'), { display: 'flex', gap: '16px', 'margin-top': '26px' })
  sheet.rule(c('foot'), {
    background: palette.deep,
    color: colour(hue, 0.2 + random.real() * 0.2, 0.74 + random.real() * 0.08),
    padding: `${random.int(44, 60)}px 0 ${random.int(20, 30)}px`,
    'font-size': '14px',
  })
  sheet.rule(`${c('foot')} a`, { color: 'inherit', display: 'block', padding: '3px 0' })
  sheet.rule(`${c('foot')} h3`, { color: '#fff', 'font-size': '15px', margin: '0 0 12px' })
  sheet.rule(c('columns'), { display: 'grid', gap: `${gap}px`, 'grid-template-columns': random.pick(['2fr 1fr 1fr', '3fr 2fr 2fr', '2fr 1fr 1.5fr']) })
  sheet.rule(c('legal'), {
    'border-top': `1px solid ${colour(hue, 0.2, 0.26 + random.real() * 0.08)}`,
    'margin-top': `${random.int(26, 36)}px`,
    'padding-top': '18px',
    display: 'flex',
    'flex-wrap': 'wrap',
    gap: '6px 22px',
    'font-size': '13px',
  })
  sheet.media(`(max-width:${small}px)`, () => {
    sheet.rule(`${c('top')}>${c('wrap')}`, { 'flex-wrap': 'wrap', 'row-gap': '0', 'padding-top': '12px' })
    sheet.rule(c('menu'), { order: '3', width: '100%', margin: '0', 'overflow-x': 'auto', gap: '18px' })
    sheet.rule(c('tongue'), { 'margin-left': 'auto' })
    sheet.rule(c('brand'), { 'white-space': 'normal', flex: '1 1 0', 'min-width': '0', 'line-height': '1.25' })
    sheet.rule(`${c('hero')}>${c('wrap')},${c('split')},${c('grid')},${c('columns')}`, { 'grid-template-columns': 'minmax(0,1fr)' })
    sheet.rule(`${c('hero')}>${c('wrap')}`, { 'min-height': '0', gap: '26px', 'padding-top': '44px', 'padding-bottom': '44px' })
    sheet.rule(c('band'), { padding: `${Math.round(pad * 0.66)}px 0` })
    sheet.rule(c('panel'), { margin: `${gap}px`, padding: '26px 22px' })
    sheet.rule(c('row'), { gap: '12px' })
  })
  if (columns === 4) sheet.media(`(min-width:${small + 1}px) and (max-width:1080px)`, () => sheet.rule(c('grid'), { 'grid-template-columns': '1fr 1fr' }))
  return { palette, css: sheet.text(), hero, brand: random.pick(['mark', 'block', 'ring'] as const) }
}

/** A style sheet in the site's handwriting. */
function writer(markup: Markup, random: Random) {
  const tight = random.chance(0.4)
  const indent = random.pick(['  ', '    ', '\t'])
  const newline = markup.newline === '' ? '\n' : markup.newline
  const lastSemicolon = random.chance(0.6)
  let depth = 0
  let out = ''
  const line = (text: string): void => {
    out += tight ? text : indent.repeat(depth) + text + newline
  }
  return {
    rule(selector: string, properties: Rules) {
      const pairs = random.shuffle(Object.entries(properties)).map(([name, value]) => (tight ? `${name}:${value}` : `${name}: ${value}`))
      if (tight) {
        out += `${selector}{${pairs.join(';')}${lastSemicolon ? ';' : ''}}`
        return
      }
      line(`${selector.split(',').join(`,${newline}${indent.repeat(depth)}`)} {`)
      depth++
      for (const pair of pairs) line(`${pair};`)
      depth--
      line('}')
    },
    media(query: string, inner: () => void) {
      line(`@media ${query}{`)
      depth++
      inner()
      depth--
      line('}')
    },
    text: () => out,
  }
}

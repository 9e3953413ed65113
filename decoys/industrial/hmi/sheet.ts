/** The style sheet of a page: plain, small, in the site's colours and class names, its rules in a drawn order. */
import type { Markup } from '../../portal/markup.ts'
import type { Random } from '../../portal/random.ts'
import type { Style } from './styles.ts'

/** Brightness of `#rrggbb`, 0 to 255. */
const brightness = (colour: string): number => {
  const value = Number.parseInt(colour.slice(1), 16)
  return 0.3 * (value >> 16) + 0.59 * ((value >> 8) & 255) + 0.11 * (value & 255)
}

export function styleSheet(markup: Markup, style: Style, random: Random): string {
  const [page, bar, accent] = random.pick(style.palettes)
  const dark = brightness(page) < 110
  const text = dark ? random.pick(['#e6edf3', '#dfe6e9', '#f1f1f1']) : random.pick(['#1b1f23', '#222', '#202428', '#111'])
  const card = dark ? random.pick(['#28333f', '#2b3440', '#263238']) : '#ffffff'
  const line = dark ? random.pick(['#3b4a58', '#43525f']) : random.pick(['#c3cbd3', '#b9c2ca', '#cfd6dc', '#bbb'])
  const onBar = brightness(bar) < 140 ? '#fff' : '#111'
  const font = random.pick([
    'Arial,Helvetica,sans-serif',
    'Verdana,Arial,sans-serif',
    'Tahoma,Arial,"Microsoft YaHei",sans-serif',
    '"Microsoft YaHei",Arial,sans-serif',
  ])
  const size = random.int(13, 14)
  const radius = style.look === 'screens' ? random.int(0, 6) : 0
  const c = (role: string): string => `.${markup.cls(role)}`
  const side = random.int(150, 180)
  const rules = random.shuffle([
    `*{box-sizing:border-box}`,
    `body{margin:0;background:${page};color:${text};font:${size}px/1.45 ${font}}`,
    `a{color:${dark ? accent : bar}}`,
    `${c('bar')}{background:${bar};color:${onBar};display:flex;flex-wrap:wrap;gap:4px 18px;align-items:center;padding:${random.int(7, 11)}px 14px}`,
    `${c('bar')} b{font-size:${size + random.int(2, 4)}px}`,
    `${c('bar')} a{color:${onBar}}`,
    `${c('gap')}{flex:1}`,
    `${c('led')}{display:inline-block;width:11px;height:11px;border-radius:${random.pick(['50%', '2px'])};background:#8a8f94;margin-right:5px;vertical-align:-1px;border:1px solid rgba(0,0,0,.35)}`,
    `${c('led')}[data-s="1"]{background:#2ecc40}`,
    `${c('led')}[data-s="2"]{background:#ffb400}`,
    `${c('led')}[data-s="3"]{background:#e5322d}`,
    style.look === 'side' ? `${c('frame')}{display:flex;align-items:stretch;min-height:80vh}` : `${c('frame')}{display:block}`,
    style.look === 'side'
      ? `${c('nav')}{width:${side}px;flex:none;background:${card};border-right:1px solid ${line};padding:6px 0}`
      : `${c('nav')}{display:flex;flex-wrap:wrap;background:${card};border-bottom:1px solid ${line};padding:0 8px}`,
    `${c('nav')} a{display:block;padding:${random.int(7, 9)}px 14px;text-decoration:none;color:${text}}`,
    `${c('nav')} a${c('here')}{background:${accent};color:${brightness(accent) < 150 ? '#fff' : '#000'}}`,
    `${c('body')}{flex:1;min-width:0;padding:14px${style.look === 'screens' ? '' : ';max-width:1180px'}}`,
    `h2{font-size:${size + 4}px;margin:2px 0 12px;font-weight:${random.pick(['normal', 'bold'])}}`,
    `h3{font-size:${size + 1}px;margin:16px 0 6px}`,
    `table{border-collapse:collapse;width:100%;background:${card};margin-bottom:14px}`,
    `td,th{border:1px solid ${line};padding:${random.int(4, 6)}px 8px;text-align:left}`,
    `th{background:${dark ? '#1a222b' : random.pick(['#e9edf0', '#eef1f4', '#e3e8ec'])};font-weight:normal}`,
    `${c('num')}{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}`,
    `${c('wide')}{overflow-x:auto}`,
    `${c('sets')}{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,${random.int(330, 420)}px),1fr));gap:0 ${random.int(14, 24)}px}`,
    `${c('tiles')}{display:grid;grid-template-columns:repeat(auto-fill,minmax(${random.int(230, 260)}px,1fr));gap:12px}`,
    `${c('tile')}{background:${card};border:1px solid ${line};border-radius:${radius}px;padding:10px 12px}`,
    `${c('tile')} h3{margin:0 0 8px;border-bottom:2px solid ${accent};padding-bottom:4px}`,
    `${c('row')}{display:flex;gap:8px;align-items:center;padding:2px 0}`,
    `${c('row')} ${c('label')}{flex:1;min-width:0}`,
    `${c('big')}{font-size:${size + random.int(9, 13)}px;font-variant-numeric:tabular-nums}`,
    `${c('gauge')}{width:${random.int(18, 26)}px;height:${random.int(74, 96)}px;border:1px solid ${line};position:relative;background:${dark ? '#141b22' : '#eef1f3'};flex:none}`,
    `${c('fill')}{position:absolute;left:0;right:0;bottom:0;height:0;background:${accent};transition:height .6s}`,
    `${c('head')}{display:flex;gap:12px;align-items:flex-end;margin-bottom:6px}`,
    `input,select,button{font:inherit;padding:${random.int(3, 5)}px 7px;border:1px solid ${line};border-radius:${Math.min(radius, 4)}px;background:${dark ? '#10171e' : '#fff'};color:${text};max-width:100%}`,
    // More particular than the rule of all fields, whichever comes first.
    `button[type]{background:${accent};color:${brightness(accent) < 150 ? '#fff' : '#000'};border-color:${accent};cursor:pointer}`,
    `${c('note')}{padding:7px 10px;border-left:4px solid #e5322d;background:${dark ? '#3a2525' : '#fdeceb'};margin-bottom:12px}`,
    `${c('note')}${c('fine')}{border-left-color:#2ecc40;background:${dark ? '#1f3526' : '#e9f8ec'}}`,
    `${c('panel')}{max-width:${random.int(320, 380)}px;background:${card};border:1px solid ${line};border-radius:${radius}px;padding:16px}`,
    `${c('panel')} label{display:block;margin-bottom:10px}`,
    `${c('panel')} input{width:100%}`,
    `${c('chart')}{width:100%;height:${random.int(200, 250)}px;background:${card};border:1px solid ${line};display:block;margin-bottom:12px}`,
    `${c('chart')} text{fill:${text};font-size:11px}`,
    `${c('chart')} polyline{fill:none;stroke:${accent};stroke-width:1.6}`,
    `${c('chart')} line{stroke:${line}}`,
    `${c('live')}{color:#e5322d}`,
    `form{margin:0}`,
    `@media(max-width:640px){${c('frame')}{display:block}${c('nav')}{width:auto;display:flex;flex-wrap:wrap;border-right:0;border-bottom:1px solid ${line}}${c('nav')} a{padding:7px 9px}${c('body')}{padding:9px}td,th{padding:4px 5px}}`,
  ])
  // The narrow screen's rules must come last to count.
  const late = rules.filter((rule) => rule.startsWith('@'))
  const joint = random.pick(['\n', '\n', '\r\n', ''])
  return [...rules.filter((rule) => !rule.startsWith('@')), ...late].join(joint) + joint
}

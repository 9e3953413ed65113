/** The site's own small script: harmless comfort, in its own names. It asks nothing of the browser that it would not ask of itself. */
import type { Markup } from './markup.ts'
import type { Random } from './random.ts'

/** Draws the script. */
export function script(markup: Markup, random: Random): Buffer {
  const names = new Set<string>()
  while (names.size < 4) names.add(random.pick([random.word(1), random.word(2), `_${random.word(1)}`]))
  const [a, b, c, d] = [...names].map((name) => (reserved.has(name) ? `${name}_` : name)) as [string, string, string, string]
  const quote = random.pick(["'", '"'])
  const word = random.pick(['var', 'let', 'const'])
  const pieces = [
    `${word} ${a}=document.querySelector(${quote}.${markup.cls('top')}${quote});if(${a})addEventListener(${quote}scroll${quote},function(){${a}.style.boxShadow=scrollY>${random.int(4, 40)}?${quote}0 ${random.int(1, 4)}px ${random.int(8, 18)}px #${random.int(0, 0x3f3f3f).toString(16).padStart(6, '0')}${random.int(16, 48).toString(16)}${quote}:${quote}${quote}})`,
    `document.querySelectorAll(${quote}.${markup.cls('form')}${quote}).forEach(function(${b}){${b}.addEventListener(${quote}submit${quote},function(){${word} ${c}=${b}.querySelector(${quote}button${quote});if(${c})setTimeout(function(){${c}.disabled=!0},${random.int(10, 60)})})})`,
    `${word} ${d}=document.querySelector(${quote}.${markup.cls('here')}${quote});if(${d}&&${d}.scrollIntoView)${d}.scrollIntoView({inline:${quote}${random.pick(['center', 'nearest', 'end'])}${quote},block:${quote}nearest${quote}})`,
  ]
  const wrapped = random.chance(0.5) ? `(function(){${random.shuffle(pieces).join(';')}})();` : `!function(){${random.shuffle(pieces).join(';')}}();`
  return Buffer.from(wrapped)
}

const reserved = new Set(['do', 'if', 'in', 'to', 'new', 'var', 'let', 'for'])

/** How each symbol of a picture is drawn: paths of few tones, from its rectangle and what is known of it. */
import type { SymbolName } from '@shenlou/contract/plant-symbols'
import type { Seen } from './mimic.ts'
import { hubOf, type Rect } from './mimic-geometry.ts'

/** body: the thing itself; live: it too, filled while it runs; fill: how full; track: the bar behind a value; tick: a setpoint; limit: an alarm limit; glyph: a mark on a body; line: a thin stroke. */
export type ShapeTone = 'body' | 'live' | 'fill' | 'track' | 'tick' | 'limit' | 'glyph' | 'line'
export type Shape = { d: string; tone: ShapeTone }
type Known = {
  /** Where a slot's value lies in its range, 0 to 1; undefined when it is not known or has no range. */
  share(slot: string): number | undefined
  value(slot: string): number | undefined
  /** Whether it shows a counter. */
  counter: boolean
}

const n = (value: number): string => String(Math.round(value * 10) / 10)
const rect = ({ x, y, w, h }: Rect): string => `M${n(x)} ${n(y)}h${n(w)}v${n(h)}h${n(-w)}z`
const line = (...points: readonly [number, number][]): string => `M${points.map(([x, y]) => `${n(x)} ${n(y)}`).join('L')}`
const circle = (x: number, y: number, radius: number): string => {
  // An arc of a radius that is rounded differently from its chord is no half circle.
  const r = Math.round(radius * 10) / 10
  return `M${n(x - r)} ${n(y)}a${r} ${r} 0 1 0 ${n(2 * r)} 0a${r} ${r} 0 1 0 ${n(-2 * r)} 0z`
}
const middle = ({ x, y, w, h }: Rect): [number, number] => [x + w / 2, y + h / 2]
const shapesIf = (share: number | undefined, draw: (share: number) => Shape[]): Shape[] => (share === undefined ? [] : draw(share))

/** A bar from left to right, with its setpoint and limits as ticks. */
function bar(r: Rect, known: Known, slot: string, marks: readonly string[]): Shape[] {
  return [
    { d: rect(r), tone: 'track' },
    ...shapesIf(known.share(slot), (share) => [{ d: rect({ ...r, w: r.w * share }), tone: 'fill' }]),
    ...marks.flatMap((mark) =>
      shapesIf(known.share(mark), (share) => [
        { d: line([r.x + r.w * share, r.y - 2], [r.x + r.w * share, r.y + r.h + 2]), tone: mark === 'setpoint' ? 'tick' : 'limit' },
      ]),
    ),
  ]
}
/** Ticks at the side of a vessel. */
const levels = (r: Rect, known: Known): Shape[] =>
  (['setpoint', 'high', 'low'] as const).flatMap((mark) =>
    shapesIf(known.share(mark), (share) => [
      { d: line([r.x - 2, r.y + r.h * (1 - share)], [r.x + 8, r.y + r.h * (1 - share)]), tone: mark === 'setpoint' ? 'tick' : 'limit' },
    ]),
  )
const disc = (r: Rect): { x: number; y: number; a: number; body: Shape } => {
  const [x, y] = middle(r)
  const a = Math.min(r.w, r.h) / 2
  return { x, y, a, body: { d: circle(x, y, a), tone: 'live' } }
}

const drawings: Record<SymbolName, (r: Rect, known: Known) => Shape[]> = {
  box: (r) => [{ d: rect(r), tone: 'line' }],
  // A counter has no scale that says anything.
  indicator: (r, known) => (known.counter ? [] : bar(r, known, 'value', ['setpoint', 'high', 'low'])),
  lamp(r) {
    const { x, y, a } = disc(r)
    return [{ d: circle(x, y, a * 0.75), tone: 'live' }]
  },
  tank(r, known) {
    return [
      { d: rect(r), tone: 'body' },
      ...shapesIf(known.share('value'), (share) => [{ d: rect({ ...r, y: r.y + r.h * (1 - share), h: r.h * share }), tone: 'fill' }]),
      ...levels(r, known),
    ]
  },
  silo(r, known) {
    const [funnel, mouth] = [r.h * 0.35, r.w * 0.14]
    const bottom = r.y + r.h
    /** Half its width at a height. */
    const half = (y: number): number => (y <= bottom - funnel ? r.w / 2 : mouth / 2 + ((r.w - mouth) / 2) * ((bottom - y) / funnel))
    const centre = r.x + r.w / 2
    const outline = (top: number): string =>
      `${line(
        [centre - half(top), top],
        ...(top < bottom - funnel ? ([[centre - r.w / 2, bottom - funnel]] as [number, number][]) : []),
        [centre - mouth / 2, bottom],
        [centre + mouth / 2, bottom],
        ...(top < bottom - funnel ? ([[centre + r.w / 2, bottom - funnel]] as [number, number][]) : []),
        [centre + half(top), top],
      )}z`
    return [
      { d: outline(r.y), tone: 'body' },
      ...shapesIf(known.share('value'), (share) => [{ d: outline(bottom - r.h * share), tone: 'fill' }]),
      ...levels(r, known),
    ]
  },
  zone(r, known) {
    const inner = { x: r.x + 8, w: r.w - 16 }
    return [
      { d: rect(r), tone: 'body' },
      ...bar({ ...inner, y: r.y + r.h * 0.3, h: r.h * 0.24 }, known, 'value', ['setpoint', 'high']),
      ...shapesIf(known.share('output'), (share) => [
        { d: rect({ ...inner, y: r.y + r.h * 0.74, h: r.h * 0.1 }), tone: 'track' },
        { d: rect({ ...inner, w: inner.w * share, y: r.y + r.h * 0.74, h: r.h * 0.1 }), tone: 'fill' },
      ]),
    ]
  },
  pump(r) {
    const { x, y, a, body } = disc(r)
    return [body, { d: `${line([x - a * 0.45, y - a * 0.75], [x + a * 0.9, y], [x - a * 0.45, y + a * 0.75])}z`, tone: 'glyph' }]
  },
  valve(r) {
    const { x, y, w, h } = r
    return [{ d: `${line([x, y], [x + w, y + h], [x + w, y], [x, y + h])}z`, tone: 'live' }]
  },
  fan(r) {
    const { x, y, a, body } = disc(r)
    const blades = [0, 120, 240].map((degrees) => {
      const at = (turn: number, far: number): [number, number] => [
        x + far * Math.sin(((degrees + turn) * Math.PI) / 180),
        y - far * Math.cos(((degrees + turn) * Math.PI) / 180),
      ]
      return `${line([x, y], at(-18, a * 0.85), at(28, a * 0.85))}z`
    })
    return [body, { d: blades.join(''), tone: 'glyph' }]
  },
  motor(r) {
    const { x, y, a, body } = disc(r)
    const s = a * 0.5
    return [body, { d: line([x - s, y + s], [x - s, y - s], [x, y + s * 0.3], [x + s, y - s], [x + s, y + s]), tone: 'glyph' }]
  },
  generator(r) {
    const { x, y, a, body } = disc(r)
    return [body, { d: `M${n(x - a * 0.6)} ${n(y)}q${n(a * 0.3)} ${n(-a)} ${n(a * 0.6)} 0t${n(a * 0.6)} 0`, tone: 'glyph' }]
  },
  heater(r) {
    const [x, y] = middle(r)
    const s = r.w * 0.32
    return [
      { d: rect(r), tone: 'live' },
      { d: line([x - s, y + s], [x - s * 0.5, y - s], [x, y + s], [x + s * 0.5, y - s], [x + s, y + s]), tone: 'glyph' },
    ]
  },
  conveyor(r) {
    const h = Math.min(r.h, 20)
    const y = r.y + (r.h - h) / 2
    const a = h / 2
    const rolls = Math.max(2, Math.floor(r.w / 60) + 1)
    const rollers = Array.from({ length: rolls }, (_, i) => circle(r.x + a + ((r.w - 2 * a) * i) / (rolls - 1), y + a, a * 0.55))
    return [
      { d: `M${n(r.x + a)} ${n(y)}h${n(r.w - 2 * a)}a${n(a)} ${n(a)} 0 0 1 0 ${n(h)}h${n(2 * a - r.w)}a${n(a)} ${n(a)} 0 0 1 0 ${n(-h)}z`, tone: 'body' },
      { d: rollers.join(''), tone: 'live' },
    ]
  },
  mixer(r, known) {
    const y = r.y + r.h / 2
    const paddles = [0.2, 0.4, 0.6, 0.8].map((at) => line([r.x + r.w * at - 5, y - r.h * 0.3], [r.x + r.w * at + 5, y + r.h * 0.3]))
    return [
      { d: rect(r), tone: 'body' },
      ...shapesIf(known.share('load'), (share): Shape[] => [{ d: rect({ ...r, y: r.y + r.h * (1 - share), h: r.h * share }), tone: 'fill' }]),
      { d: line([r.x - 6, y], [r.x + r.w + 6, y]) + paddles.join(''), tone: 'line' },
    ]
  },
  cylinder(r, known) {
    const barrel = { x: r.x, y: r.y + r.h * 0.1, w: r.w * 0.48, h: r.h * 0.8 }
    const y = r.y + r.h / 2
    return [
      { d: rect(barrel), tone: 'body' },
      ...shapesIf(known.share('position'), (share): Shape[] => {
        const piston = barrel.x + 6 + (barrel.w - 16) * share
        return [
          { d: rect({ ...barrel, w: piston - barrel.x }), tone: 'fill' },
          { d: line([piston, barrel.y], [piston, barrel.y + barrel.h]), tone: 'tick' },
          { d: line([piston, y], [piston + barrel.w + 8, y]), tone: 'tick' },
        ]
      }),
      { d: line([r.x + r.w, r.y], [r.x + r.w, r.y + r.h]), tone: 'line' },
    ]
  },
  crane(r, known) {
    const rail = r.y + 12
    const ground = r.y + r.h - 2
    const [left, wide] = [r.x + 24, r.w - 48]
    const frame: Shape[] = [
      { d: rect({ x: r.x + 6, y: rail, w: r.w - 12, h: 6 }), tone: 'body' },
      {
        d: rect({ x: r.x + 10, y: rail + 6, w: 6, h: ground - rail - 6 }) + rect({ x: r.x + r.w - 16, y: rail + 6, w: 6, h: ground - rail - 6 }),
        tone: 'body',
      },
      { d: line([r.x, ground], [r.x + r.w, ground]), tone: 'line' },
    ]
    const marks = (['from', 'to'] as const).flatMap((slot) =>
      shapesIf(known.share(slot), (share): Shape[] => [{ d: line([left + wide * share, ground - 8], [left + wide * share, ground]), tone: 'tick' }]),
    )
    const hung = shapesIf(known.share('position'), (share): Shape[] => {
      const x = left + wide * share
      const trolley: Shape = { d: rect({ x: x - 12, y: rail - 8, w: 24, h: 8 }), tone: 'live' }
      const lift = known.share('height')
      if (lift === undefined) return [trolley]
      const rope = (ground - rail - 22) * (1 - lift)
      const hook = rail + 6 + rope
      const swing = x + Math.max(-40, Math.min(40, Math.tan(((known.value('sway') ?? 0) * Math.PI) / 180) * rope))
      return [
        trolley,
        { d: line([x - 7, rail + 6], [swing - 7, hook]) + line([x + 7, rail + 6], [swing + 7, hook]), tone: 'line' },
        { d: rect({ x: swing - 16, y: hook, w: 32, h: 4 }), tone: 'live' },
        ...((known.value('load') ?? 0) > 0.5 ? [{ d: rect({ x: swing - 18, y: hook + 4, w: 36, h: 12 }), tone: 'fill' } as Shape] : []),
      ]
    })
    return [...frame, ...marks, ...hung]
  },
  rotor(r) {
    const { x, y, far } = hubOf(r)
    const blade = (degrees: number): string => {
      const turn = (degrees * Math.PI) / 180
      const at = (angle: number, length: number): [number, number] => [x + length * Math.sin(turn + angle), y - length * Math.cos(turn + angle)]
      return `${line([x, y], at(-0.12, far * 0.3), at(0, far), at(0.05, far * 0.3))}z`
    }
    return [
      { d: `${line([x - 3, y], [x - 6, r.y + r.h], [x + 6, r.y + r.h], [x + 3, y])}z`, tone: 'body' },
      { d: [0, 120, 240].map(blade).join(''), tone: 'live' },
      { d: circle(x, y, 5), tone: 'body' },
    ]
  },
  converter(r) {
    const { x, y, w, h } = r
    return [
      { d: rect(r), tone: 'live' },
      {
        d: `${line([x, y + h], [x + w, y])}M${n(x + w * 0.12)} ${n(y + h * 0.3)}q${n(w * 0.1)} ${n(-h * 0.24)} ${n(w * 0.2)} 0t${n(w * 0.2)} 0${line([x + w * 0.55, y + h * 0.7], [x + w * 0.88, y + h * 0.7])}${line([x + w * 0.55, y + h * 0.82], [x + w * 0.88, y + h * 0.82])}`,
        tone: 'glyph',
      },
    ]
  },
  breaker(r) {
    const [x, y] = middle(r)
    const s = r.w * 0.28
    return [
      { d: line([r.x, y], [x - s, y]) + line([x + s, y], [r.x + r.w, y]), tone: 'line' },
      { d: rect({ x: x - s, y: y - s, w: 2 * s, h: 2 * s }), tone: 'live' },
    ]
  },
}

const running = ['run', 'closed', 'open', 'on']
/** Whether what a symbol stands for runs, is closed, open or on; as commanded where nothing answers. Undefined when it is not known. */
export function isOn(seen: readonly Seen[]): boolean | undefined {
  const state = seen.find(({ slot }) => running.includes(slot)) ?? seen.find(({ slot }) => slot === 'command')
  return state?.value === undefined ? undefined : state.value > 0
}

/** The paths of a symbol, those behind first. A value that is not known draws nothing. */
export function shapesOf(kind: SymbolName, drawing: Rect, seen: readonly Seen[]): Shape[] {
  const of = (slot: string): Seen | undefined => seen.find((each) => each.slot === slot)
  /** Setpoints and limits stand on the scale of what is measured. */
  const scale = (slot: string): readonly [number, number] | undefined =>
    ['setpoint', 'high', 'low'].includes(slot) ? (of('value')?.tag?.range ?? of(slot)?.tag?.range) : of(slot)?.tag?.range
  return drawings[kind](drawing, {
    value: (slot) => of(slot)?.value,
    counter: of('value')?.tag?.class === 'CNT',
    share(slot) {
      const value = of(slot)?.value
      const range = ['from', 'to'].includes(slot) ? (of('position')?.tag?.range ?? scale(slot)) : scale(slot)
      return value === undefined || !range || !(range[1] > range[0]) ? undefined : Math.min(1, Math.max(0, (value - range[0]) / (range[1] - range[0])))
    },
  })
}

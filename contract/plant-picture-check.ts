/** What the shape of a picture cannot say: that its tags exist and fit their slots, that nothing lies outside of the canvas or over another. */
import type { Picture } from './plant-picture.ts'
import { leastHeight, leastWidth, type SlotKind, type SymbolKind, sizeOf, switchClasses, symbolKinds } from './plant-symbols.ts'

type Path = readonly (string | number)[]
type Add = (path: Path, message: string) => void
/** The tag of that name in this equipment; says so when there is none. */
type Find = (name: string, path: Path) => { id: string; class: string } | undefined

const withArticle = (kind: string): string => `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`

/** Says the faults of a picture, in the order of the file. */
export function checkPicture(picture: Picture, find: Find, add: Add): void {
  const [width, height] = picture.size
  const inside = (x: number, y: number): boolean => x >= 0 && y >= 0 && x <= width && y <= height
  const seen = new Map<string, Picture['symbols'][number]>()
  for (const [i, symbol] of picture.symbols.entries()) {
    const at = (key: Path, message: string): void => add(['symbols', i, ...key], message)
    const name = `'${symbol.id}'`
    const kind: SymbolKind = symbolKinds[symbol.kind]
    if (seen.has(symbol.id)) at(['id'], `${name} is there twice; give each symbol its own id`)
    const bound = Object.entries(symbol.tags)
    if (bound.length === 0 && symbol.kind !== 'box') at(['tags'], `${name} shows nothing; bind one of ${Object.keys(kind.slots).join(', ')}, or make it a box`)
    for (const [slot, tag] of bound) {
      const takes: SlotKind | undefined = Object.hasOwn(kind.slots, slot) ? kind.slots[slot] : undefined
      if (!takes) {
        const slots = Object.keys(kind.slots)
        at(['tags', slot], `${withArticle(symbol.kind)} has no '${slot}'; ${slots.length > 0 ? `it takes ${slots.join(', ')}` : 'it takes no tags'}`)
        continue
      }
      const found = find(tag, ['symbols', i, 'tags', slot])
      if (!found) continue
      const given: SlotKind = switchClasses.includes(found.class) ? 'switch' : 'number'
      if (given !== takes) at(['tags', slot], `'${tag}' is a ${given} (${found.class}); '${slot}' of ${withArticle(symbol.kind)} takes a ${takes}`)
    }
    const [x, y] = symbol.at
    const [wide, high] = sizeOf(symbol)
    const least = symbol.kind === 'box' ? 2 : leastHeight(symbol.kind, wide, bound.length)
    if (wide < leastWidth || high < least)
      at(['size'], `${name} is ${wide} by ${high}; with ${bound.length} readings it needs at least ${Math.max(wide, leastWidth)} by ${least}`)
    if (!inside(x + wide, y + high)) at(['at'], `${name} reaches to ${x + wide}, ${y + high}, outside of the picture, which is ${width} by ${height}`)
    for (const other of seen.values()) {
      if (symbol.kind === 'box' || other.kind === 'box') continue
      const [left, top] = other.at
      const [otherWide, otherHigh] = sizeOf(other)
      if (x < left + otherWide && left < x + wide && y < top + otherHigh && top < y + high) at(['at'], `${name} lies over '${other.id}'; move one of them`)
    }
    seen.set(symbol.id, symbol)
  }
  for (const [i, line] of picture.lines.entries()) {
    for (const key of ['from', 'to'] as const) {
      const name = line[key].slice(0, line[key].lastIndexOf('.'))
      if (!seen.has(name)) add(['lines', i, key], `there is no symbol '${name}' in this picture; known: ${[...seen.keys()].slice(0, 12).join(', ')}`)
    }
    if (line.from === line.to) add(['lines', i], `begins and ends at ${line.from}`)
    for (const [k, [x, y]] of line.via.entries())
      if (!inside(x, y)) add(['lines', i, 'via', k], `${x}, ${y} is outside of the picture, which is ${width} by ${height}`)
    if (line.flow !== undefined) find(line.flow, ['lines', i, 'flow'])
  }
}

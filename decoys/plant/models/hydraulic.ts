/** Hydraulic test bench: a stiff volume behind a pressure-compensated pump, a load valve that cycles, oil that warms, a specimen that can burst. */
import { clamp, countedSince, dt, type Model, type Parameters, pointIndex } from './model.ts'

const at = pointIndex('hydraulic')
const sp = at('sp')
const pumpCmd = at('pump.cmd')
const coolerCmd = at('cooler.cmd')
const bypass = at('relief.bypass')
const cycleCmd = at('cycle.cmd')
const stroke = at('cycle.stroke')
const period = at('cycle.period')
const mounted = at('specimen.mounted')
const specimenReset = at('specimen.reset')
const filterReplace = at('filter.replace')
const pumpOut = at('pump.out')
const coolerOut = at('cooler.out')
const valveOut = at('valve.out')
const pump = at('pump.speed')
const pumpRun = at('pump.run')
const pressure = at('pressure')
const flow = at('pump.flow')
const oil = at('oil.temperature')
const level = at('oil.level')
const valve = at('valve')
const phase = at('cycle.phase')
const cycles = at('cycles')
const load = at('load')
const strain = at('strain')
const damage = at('damage')
const burst = at('burst')
const leak = at('leak')
const relief = at('relief')
const filterPressure = at('filter.pressure')
const clog = at('filter.clog')
const current = at('motor.current')

/** Opening over one cycle: up, hold, down, rest. */
const shape = (x: number): number => (x < 0.1 ? x * 10 : x < 0.45 ? 1 : x < 0.55 ? (0.55 - x) * 10 : 0)

/** dp/dt = (beta/V)(q - leak p - k valve √p) with q = n clamp(.08 (SP - p), 0, 1) qmax in L/min; oil dT/dt = (q p/600 .15 - .12 (T - Ta))/60. */
export function makeHydraulic(p: Parameters<'hydraulic'>): Model {
  const stiffness = (p.bulk / p.volume / 60) * dt
  return {
    physics(f, o, around) {
      const ambient = p.ambient + p.ambientSwing * around.warmth
      f[o + pump]! += ((f[o + pumpOut]! - f[o + pump]!) * dt) / 0.8
      if (f[o + pump]! < 1e-3) f[o + pump] = 0
      f[o + pumpRun] = f[o + pump]! > 0.5 ? 1 : 0
      f[o + valve]! += ((f[o + valveOut]! - f[o + valve]!) * dt) / 0.15

      // The compensator makes the equation stiffer than the step: solved implicitly, first within its slope, else at a limit.
      const before = f[o + pressure]!
      const unload = f[o + pumpOut] === 0 ? 0.5 : 0
      const open = p.leakage + unload + (f[o + burst] === 1 ? 2 : 0)
      const root = Math.sqrt(Math.max(before, 1))
      // The orifice flow k valve √p as its chord, so that it vanishes with the pressure.
      const drain = stiffness * (open + (p.valveGain * f[o + valve]!) / root)
      const most = f[o + pump]! * p.pumpFlow
      const slope = most * p.compensator
      let now = (before + stiffness * slope * f[o + sp]!) / (1 + drain + stiffness * slope)
      const opening = p.compensator * (f[o + sp]! - now)
      if (opening > 1) now = (before + stiffness * most) / (1 + drain)
      else if (opening < 0) now = before / (1 + drain)
      const over = now > p.reliefPressure && f[o + bypass] === 0
      if (over) now = p.reliefPressure + (now - p.reliefPressure) / (1 + stiffness * 8)
      f[o + relief] = over ? 1 : 0
      f[o + pressure] = clamp(now, 0, 400)
      f[o + flow] = most * clamp(p.compensator * (f[o + sp]! - now), 0, 1)

      const q = f[o + flow]!
      const cooling = p.cooling * (f[o + coolerOut] === 1 ? 1 : 0.1)
      f[o + oil]! += (((q * now) / 600) * p.heating - cooling * (f[o + oil]! - ambient)) * (dt / 60)
      const shaped = f[o + valve]! / Math.max(0.05, f[o + stroke]!)
      const pushes = f[o + mounted] === 1 && f[o + burst] === 0 ? p.ramArea * now * clamp(0.12 + 0.88 * shaped, 0, 1) : 0
      f[o + load]! += ((pushes - f[o + load]!) * dt) / 0.25
      f[o + strain] = f[o + load]! * 0.9
      f[o + current] = f[o + pumpRun] === 1 ? 14 + (q * now * 1.79) / 600 : 0
      f[o + clog] = clamp(f[o + clog]! + q * dt * 3.5e-8, 0, 1)
      f[o + filterPressure] = f[o + pumpRun] === 1 ? 0.25 + 1.6 * f[o + clog]! + 0.028 * q * (0.4 + f[o + clog]!) : 0.02

      if (f[o + mounted] === 1) {
        f[o + damage] = clamp(f[o + damage]! + dt * (Math.max(0, (now - p.burstPressure) / 20) - 0.02), 0, 100)
        if (f[o + damage]! >= 2) f[o + burst] = f[o + leak] = 1
      }
      if (f[o + burst] === 1) f[o + level] = Math.max(35, f[o + level]! - (f[o + pumpRun] === 1 ? 0.6 : 0.08) * dt)
    },
    control(f, o, _around, seconds) {
      if (f[o + specimenReset] === 1) {
        f[o + specimenReset] = 0
        if (f[o + burst] === 1) f[o + level] = 82
        f[o + burst] = f[o + leak] = f[o + damage] = 0
      }
      if (f[o + filterReplace] === 1) {
        f[o + filterReplace] = 0
        f[o + clog] = 0.05
      }
      f[o + pumpOut] = f[o + pumpCmd]!
      f[o + coolerOut] = f[o + coolerCmd]!
      if (f[o + cycleCmd] === 1 && f[o + pumpRun] === 1 && f[o + pressure]! > 0.3 * f[o + sp]!) {
        f[o + phase]! += seconds / Math.max(2, f[o + period]!)
        if (f[o + phase]! >= 1) {
          f[o + phase]! -= 1
          f[o + cycles]! += 1
        }
        f[o + valveOut] = f[o + stroke]! * shape(f[o + phase]!)
      } else {
        f[o + phase] = 0
        f[o + valveOut] = 0
      }
    },
    safe(f, o) {
      f[o + pumpOut] = f[o + coolerOut] = f[o + valveOut] = f[o + phase] = 0
    },
    begin(f, o, around, draw) {
      f[o + oil] = p.ambient + p.ambientSwing * around.warmth
      f[o + level] = 76 + 12 * draw(0)
      f[o + clog] = 0.05 + 0.6 * draw(1)
      f[o + cycles] = countedSince(around.time, draw(2), 500 + 300 * draw(3))
    },
  }
}

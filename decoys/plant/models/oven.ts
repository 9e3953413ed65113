/** Curing oven: three zones that lose heat in proportion to (T - Ta) and exchange it with their neighbours; PI control; solvent vapour; cure. */
import { clamp, countedSince, dt, type Model, type Parameters, pointIndex } from './model.ts'

const at = pointIndex('oven')
const setpoints = at('z1.sp')
const temperatures = at('z1.temperature')
const measured = at('z1.measured')
const integrals = at('z1.integral')
const outputs = at('z1.output')
const burnerCmd = at('burner.cmd')
const fanCmd = at('fan.cmd')
const conveyorCmd = at('conveyor.cmd')
const conveyorSp = at('conveyor.sp')
const load = at('load')
const door = at('door')
const fireReset = at('fire.reset')
const burnerRun = at('burner.run')
const purge = at('burner.purge')
const wet = at('wet')
const fanOut = at('fan.out')
const conveyorOut = at('conveyor.out')
const fan = at('fan.speed')
const proof = at('fan.proof')
const fanCurrent = at('fan.current')
const speed = at('conveyor.speed')
const lel = at('lel')
const gas = at('gas')
const cure = at('cure')
const way = at('parts.way')
const parts = at('parts')
const scrap = at('scrap')
const scrapRecent = at('scrap.recent')
const fire = at('fire')
const fireHeat = at('fire.heat')

/** Seconds of purge and ignition before the flame. */
const ignition = 20
/** A part cured to less than this, in %, is scrap. */
const leastCure = 85

/** dT_k/dt = (K u_k - (T_k - Ta)(1 + .05 v))/tau + (T_k-1 + T_k+1 - 2 T_k)/coupling; sensor dTm/dt = (T - Tm)/lag. */
export function makeOven(p: Parameters<'oven'>): Model {
  return {
    physics(f, o, around) {
      const ambient = p.ambient + p.ambientSwing * around.warmth
      f[o + fan]! += ((f[o + fanOut]! - f[o + fan]!) * dt) / 4
      f[o + proof] = f[o + fan]! > (f[o + proof] === 1 ? 0.6 : 0.7) ? 1 : 0
      f[o + fanCurrent] = f[o + fan]! > 0.02 ? 4 + 14.5 * f[o + fan]! + 0.05 * around.noise(1) : 0
      f[o + speed]! += ((f[o + conveyorOut]! - f[o + speed]!) * dt) / 1.5
      if (f[o + speed]! < 1e-3) f[o + speed] = 0
      const v = f[o + speed]!
      const t1 = f[o + temperatures]!
      const t2 = f[o + temperatures + 1]!
      const t3 = f[o + temperatures + 2]!
      const loss = 1 + 0.05 * v + (v > 0.05 ? 0.04 * f[o + load]! : 0)
      const open = f[o + door] === 1 ? 0.7 : 0
      f[o + temperatures] = t1 + dt * ((p.gain * f[o + outputs]! - (t1 - ambient) * (loss + open)) / p.tau + (t2 - t1) / p.coupling)
      f[o + temperatures + 1] = t2 + dt * ((p.gain * f[o + outputs + 1]! - (t2 - ambient) * loss) / p.tau + (t1 + t3 - 2 * t2) / p.coupling)
      f[o + temperatures + 2] = t3 + dt * ((p.gain * f[o + outputs + 2]! - (t3 - ambient) * (loss + open * 0.6)) / p.tau + (t2 - t3) / p.coupling)
      let hottest = 0
      let minutes = 0
      for (let k = 0; k < 3; k++) {
        f[o + measured + k]! += ((f[o + temperatures + k]! - f[o + measured + k]!) * dt) / p.sensorLag
        if (f[o + temperatures + k]! > hottest) hottest = f[o + temperatures + k]!
        minutes += Math.exp((f[o + measured + k]! - 180) / 18)
      }
      // Solvent: brought by the parts that come in, dried within minutes, drawn off by the fan.
      f[o + wet]! += ((f[o + load]! * Math.min(1, v / 1.2) - f[o + wet]!) * dt) / 120
      f[o + lel] = clamp(f[o + lel]! + dt * (p.solvent * f[o + wet]! - (f[o + lel]! * f[o + fan]!) / 70), 0, 100)
      f[o + gas] = f[o + burnerRun] === 1 ? 6 + 24 * (f[o + outputs]! + f[o + outputs + 1]! + f[o + outputs + 2]!) : 0
      if (v > 0.05) {
        const reached = clamp((minutes * p.zoneLength * 100) / Math.max(v, 0.2) / p.cureTarget, 0, 400)
        f[o + cure]! += ((reached - f[o + cure]!) * dt) / 120
        f[o + way]! += (v * dt) / 60
        if (f[o + way]! >= p.partPitch) {
          f[o + way]! -= p.partPitch
          if (f[o + load]! > 0.05) {
            const bad = f[o + cure]! < leastCure ? 1 : 0
            f[o + parts]! += 1
            f[o + scrap]! += bad
            f[o + scrapRecent]! += (bad * 100 - f[o + scrapRecent]!) * 0.1
          }
        }
      }
      f[o + fireHeat] = hottest > p.fireTemperature ? Math.min(1000, f[o + fireHeat]! + dt) : Math.max(0, f[o + fireHeat]! - dt)
      if (f[o + fireHeat]! > 30) f[o + fire] = 1
    },
    control(f, o, _around, seconds) {
      if (f[o + fireReset] === 1) {
        f[o + fireReset] = 0
        if (f[o + fireHeat]! < 30) f[o + fire] = 0
      }
      f[o + fanOut] = f[o + fanCmd]!
      f[o + conveyorOut] = f[o + conveyorCmd] === 1 ? f[o + conveyorSp]! : 0
      if (f[o + burnerCmd] === 1) {
        if (f[o + purge]! < ignition) f[o + purge]! += seconds
        f[o + burnerRun] = f[o + purge]! >= ignition ? 1 : 0
      } else {
        f[o + purge] = 0
        f[o + burnerRun] = 0
      }
      for (let k = 0; k < 3; k++) {
        if (f[o + burnerRun] === 0) {
          f[o + outputs + k] = 0
          f[o + integrals + k] = 0
          continue
        }
        const error = f[o + setpoints + k]! - f[o + measured + k]!
        const u = clamp(p.kp * error + f[o + integrals + k]!, 0, 1)
        // Integrating at a limit would overshoot for minutes afterwards.
        if (u > 0 && u < 1) f[o + integrals + k] = clamp(f[o + integrals + k]! + ((p.kp * error) / p.ti) * seconds, -1, 1)
        f[o + outputs + k] = u
      }
    },
    safe(f, o) {
      for (let k = 0; k < 3; k++) f[o + outputs + k] = f[o + integrals + k] = 0
      f[o + purge] = f[o + burnerRun] = f[o + fanOut] = f[o + conveyorOut] = 0
    },
    begin(f, o, around, draw) {
      const ambient = p.ambient + p.ambientSwing * around.warmth
      for (let k = 0; k < 3; k++) f[o + temperatures + k] = f[o + measured + k] = ambient
      f[o + parts] = countedSince(around.time, draw(0), 480 + 120 * draw(1))
      f[o + scrap] = Math.floor(f[o + parts]! * (0.002 + 0.004 * draw(2)))
    },
  }
}

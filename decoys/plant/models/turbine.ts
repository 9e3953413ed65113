/** Wind turbine with converter: wind that wanders about its mean, rotor by the Heier power curve, pitch, power, cabinet, DC link, grid. */
import { clamp, countedSince, dt, type Model, type Parameters, pointIndex } from './model.ts'

const at = pointIndex('turbine')
const runCmd = at('run.cmd')
const powerSp = at('p.sp')
const manual = at('pitch.manual')
const pitchSp = at('pitch.sp')
const brakeRelease = at('brake.release')
const fanCmd = at('fan.cmd')
const gust = at('gust')
const pitchOut = at('pitch.out')
const powerOut = at('power.out')
const brakeOut = at('brake.out')
const fanOut = at('fan.out')
const wind = at('wind.v')
const rotor = at('rotor.w')
const rotorRpm = at('rotor.rpm')
const generatorRpm = at('generator.rpm')
const pitch = at('pitch')
const brake = at('brake')
const power = at('power')
const reactive = at('reactive')
const cabinet = at('cabinet.temperature')
const dc = at('dc.voltage')
const gridVoltage = at('grid.voltage')
const frequency = at('grid.frequency')
const gridCurrent = at('grid.current')
const nacelle = at('nacelle.direction')
const windFrom = at('wind.direction')
const torque = at('torque')
const energy = at('energy')
const run = at('run')
const curtailed = at('curtailed')

const airDensity = 1.225
/** Rotor speed in rad/s from which the pitch turns the blades out of the wind. */
const ratedSpeed = 1.8

/** Heier: cp = .5176 (116/li - .4 beta - 5) e^(-21/li) + .0068 lambda. */
function powerCoefficient(lambda: number, beta: number): number {
  const li = 1 / (1 / (lambda + 0.08 * beta) - 0.035 / (beta * beta * beta + 1))
  return Math.max(0, 0.5176 * (116 / li - 0.4 * beta - 5) * Math.exp(-21 / li) + 0.0068 * lambda)
}

/** J w' = (Pa - P)/w with Pa = rho/2 A cp v³ and P = min(rated, setpoint, k w³), k for the best tip speed ratio. */
export function makeTurbine(p: Parameters<'turbine'>): Model {
  const disc = 0.5 * airDensity * Math.PI * p.radius * p.radius
  const best = (disc * 0.48 * (p.radius / 8.1) ** 3) / 1000
  return {
    physics(f, o, around) {
      const mean = p.windMean * (1 + p.weather * around.weather) + f[o + gust]!
      const v = clamp(
        f[o + wind]! + ((mean - f[o + wind]!) / p.windTau) * dt + p.turbulence * mean * Math.sqrt((2 * dt) / p.windTau) * around.noise(1),
        0.3,
        42,
      )
      f[o + wind] = v
      f[o + pitch] = clamp(f[o + pitch]! + f[o + pitchOut]! * dt, 0, 90)
      f[o + brake]! += ((f[o + brakeOut]! - f[o + brake]!) * dt) / 0.5
      f[o + power]! += ((f[o + powerOut]! - f[o + power]!) * dt) / 0.2
      const w = f[o + rotor]!
      const lambda = (w * p.radius) / v
      const aerodynamic = disc * powerCoefficient(clamp(lambda, 0.2, 20), f[o + pitch]!) * v * v * v
      // What Heier's curve leaves out: the torque with which fine blades at rest come away by themselves.
      const starting = lambda < 4 ? 0.03 * (1 - lambda / 4) * Math.max(0, 1 - f[o + pitch]! / 60) * disc * p.radius * v * v : 0
      const friction = 0.004 + (0.02 * f[o + pitch]!) / 90 + 0.12 * f[o + brake]!
      const faster = w + ((aerodynamic - f[o + power]! * 1000) / (p.inertia * Math.max(w, 0.12)) + starting / p.inertia - friction * (w > 0.001 ? 1 : 0)) * dt
      f[o + rotor] = clamp(faster, 0, 4)
      f[o + rotorRpm] = f[o + rotor]! * 9.5493
      f[o + generatorRpm] = f[o + rotorRpm]! * p.gearRatio
      f[o + torque] = w > 0.1 ? f[o + power]! / w : 0
      f[o + energy]! += (Math.max(0, f[o + power]!) * dt) / 3600

      const ambient = p.ambient + p.ambientSwing * around.warmth
      const rise = p.cabinetRise * (f[o + fanOut] === 1 ? 1 : 2.4)
      f[o + cabinet]! += ((ambient + (rise * f[o + power]!) / p.rated - f[o + cabinet]!) / p.cabinetTau) * dt
      const busy = f[o + run] === 1
      const link = busy ? p.dcVoltage + (f[o + powerOut]! - f[o + power]!) * 0.15 : 0
      // Without the converter the link discharges over its resistors for minutes.
      f[o + dc]! += ((link - f[o + dc]!) * dt) / (busy ? 0.4 : 60)
      f[o + gridVoltage]! +=
        ((p.gridVoltage * (1 + 0.004 * around.weather + (0.004 * f[o + power]!) / p.rated) - f[o + gridVoltage]!) * dt) / 2 + 0.12 * around.noise(2)
      f[o + frequency]! += ((50 - f[o + frequency]!) * dt) / 40 + 0.0012 * around.noise(3)
      f[o + reactive]! += ((busy ? 0.06 * f[o + power]! + 12 * around.weather : 0) - f[o + reactive]!) * (dt / 3)
      f[o + gridCurrent] = (Math.hypot(f[o + power]!, f[o + reactive]!) * 1000) / (1.7321 * Math.max(300, f[o + gridVoltage]!))
      f[o + windFrom] = (((f[o + windFrom]! + 0.25 * around.noise(4) + (180 + 110 * around.weather - f[o + windFrom]!) * (dt / 3600)) % 360) + 360) % 360
      // The nacelle follows slowly and only beyond 8 degrees.
      const off = ((f[o + windFrom]! - f[o + nacelle]! + 540) % 360) - 180
      if (Math.abs(off) > 8) f[o + nacelle] = (f[o + nacelle]! + Math.sign(off) * 0.3 * dt + 360) % 360
    },
    control(f, o) {
      const w = f[o + rotor]!
      f[o + fanOut] = f[o + fanCmd]!
      const running = f[o + runCmd] === 1
      f[o + run] = running ? 1 : 0
      if (running) {
        const possible = w > 0.6 ? Math.min(p.rated, best * w * w * w) : 0
        f[o + powerOut] = Math.min(possible, f[o + powerSp]!)
        f[o + curtailed] = f[o + powerSp]! < possible * 0.97 ? 1 : 0
        f[o + pitchOut] =
          f[o + manual] === 1 ? clamp((f[o + pitchSp]! - f[o + pitch]!) * 2, -4, 4) : clamp(Math.max((w - ratedSpeed) * 80, f[o + pitch]! > 0 ? -4 : 0), -4, 4)
        f[o + brakeOut] = f[o + brakeRelease] === 1 ? 0 : 1
      } else {
        f[o + powerOut] = f[o + curtailed] = 0
        f[o + pitchOut] = 8
        f[o + brakeOut] = w < 0.4 || f[o + brakeRelease] === 0 ? 1 : 0
      }
    },
    safe(f, o) {
      f[o + powerOut] = f[o + run] = f[o + curtailed] = f[o + fanOut] = 0
      f[o + pitchOut] = 8
      f[o + brakeOut] = f[o + rotor]! < 0.4 ? 1 : 0
    },
    begin(f, o, around, draw) {
      f[o + wind] = p.windMean * (1 + p.weather * around.weather)
      f[o + windFrom] = f[o + nacelle] = 360 * draw(0)
      f[o + cabinet] = p.ambient + p.cabinetRise * 0.4
      f[o + energy] = countedSince(around.time, draw(1), 18_000 + 6000 * draw(2))
    },
  }
}

/** Port crane: a trolley that moves along a smooth profile, the load that swings below it, hoist, gantry, wind; one box after another. */
import { clamp, countedSince, dt, type Model, type Parameters, pointIndex, type Surroundings } from './model.ts'

const at = pointIndex('crane')
const autoCmd = at('auto.cmd')
const driveCmd = at('drive.cmd')
const lockCmd = at('lock.cmd')
const limitBypass = at('limit.bypass')
const estopReset = at('estop.reset')
const placeA = at('a.position')
const placeB = at('b.position')
const accelLimit = at('accel.limit')
const speedLimit = at('speed.limit')
const hoistLimit = at('hoist.speed.limit')
const gust = at('gust')
const driveOut = at('drive.out')
const hoistTo = at('hoist.to')
const phase = at('phase')
const phaseTime = at('phase.time')
const moveFrom = at('move.from')
const moveTo = at('move.to')
const moveTime = at('move.time')
const moveAccel = at('move.accel')
const moveSpeed = at('move.speed')
const x = at('trolley.x')
const v = at('trolley.v')
const a = at('trolley.a')
const swayRad = at('sway.rad')
const swayRate = at('sway.rate')
const sway = at('sway')
const height = at('hoist.h')
const hoistV = at('hoist.v')
const gantry = at('gantry.x')
const gantryTo = at('gantry.to')
const cargo = at('cargo')
const load = at('load')
const locked = at('locked')
const landed = at('landed')
const slack = at('slack')
const wind = at('wind')
const endstop = at('endstop')
const trolleyCurrent = at('trolley.current')
const hoistCurrent = at('hoist.current')
const moves = at('moves')

const g = 9.81
/** Metres before the rail's end at which the buffer stands. */
const buffer = 0.5
const idle = -1

/** Seconds of jerk: the acceleration rises and falls over this time, longer for a gentler drive. */
const jerkTime = (accel: number): number => 3 / accel

/** Distance after `t` s of a trapezoidal profile with that acceleration and speed. */
function ramped(t: number, distance: number, accel: number, speed: number): number {
  const up = speed / accel
  const cruise = distance / speed - up
  if (t <= 0) return 0
  if (t < up) return 0.5 * accel * t * t
  if (t < up + cruise) return 0.5 * speed * up + speed * (t - up)
  if (t < 2 * up + cruise) return distance - 0.5 * accel * (2 * up + cruise - t) ** 2
  return distance
}

/** x'' = a; th'' = -(g sin th + a cos th)/L - .12 th'. The profile is a trapezoid smoothed over the jerk time, which keeps the load from swinging. */
export function makeCrane(p: Parameters<'crane'>): Model {
  const planMove = (f: Float64Array, o: number, to: number): void => {
    const within = f[o + limitBypass] === 1 ? to : clamp(to, p.railMargin, p.railEnd - p.railMargin)
    f[o + moveFrom] = f[o + x]!
    f[o + moveTo] = within
    f[o + moveTime] = 0
    f[o + moveAccel] = Math.max(0.05, f[o + accelLimit]!)
    f[o + moveSpeed] = Math.max(0.05, Math.min(f[o + speedLimit]!, Math.sqrt(Math.abs(within - f[o + x]!) * f[o + moveAccel]!)))
  }
  const enter = (f: Float64Array, o: number, next: number): void => {
    f[o + phase] = next
    f[o + phaseTime] = 0
  }
  const trolley = (f: Float64Array, o: number): void => {
    const before = f[o + v]!
    let speed = 0
    if (f[o + driveOut] === 0 || f[o + endstop] === 1) {
      // Brakes; the move is planned again from wherever it stopped.
      speed = Math.sign(before) * Math.max(0, Math.abs(before) - 1.2 * dt)
      if (f[o + moveTime] !== idle) f[o + moveTime] = idle
    } else if (f[o + moveTime] !== idle) {
      const distance = Math.abs(f[o + moveTo]! - f[o + moveFrom]!)
      const direction = Math.sign(f[o + moveTo]! - f[o + moveFrom]!)
      const accel = f[o + moveAccel]!
      const fastest = f[o + moveSpeed]!
      const smooth = jerkTime(accel)
      f[o + moveTime]! += dt
      const t = f[o + moveTime]!
      speed = (direction * (ramped(t, distance, accel, fastest) - ramped(t - smooth, distance, accel, fastest))) / smooth
      if (t > distance / fastest + fastest / accel + smooth + 0.2) f[o + moveTime] = idle
    }
    f[o + x]! += speed * dt
    f[o + v] = speed
    f[o + a] = (speed - before) / dt
    const end = p.railEnd - buffer
    if (f[o + x]! > end || f[o + x]! < buffer) {
      if (Math.abs(speed) > 0.02) f[o + endstop] = 1
      f[o + x] = clamp(f[o + x]!, buffer, end)
      f[o + a] = clamp(-speed / dt, -6, 6)
      f[o + v] = 0
    }
  }
  const hoist = (f: Float64Array, o: number): void => {
    const limit = f[o + hoistLimit]!
    const wanted = f[o + driveOut] === 0 ? 0 : clamp((f[o + hoistTo]! - f[o + height]!) * 1.2, -limit, limit)
    const change = clamp(wanted - f[o + hoistV]!, -0.6 * dt, 0.6 * dt)
    f[o + hoistV]! += change
    f[o + height] = clamp(f[o + height]! + f[o + hoistV]! * dt, 0, 20)
    f[o + landed] = f[o + height]! < p.landHeight + 0.06 ? 1 : 0
    const mass = p.spreader + f[o + cargo]!
    const hangs = f[o + landed] === 1 ? 0.6 : mass * (1 + change / dt / g)
    f[o + load]! += ((hangs - f[o + load]!) * dt) / 0.3
    f[o + slack] = f[o + load]! < 2 ? 1 : 0
    f[o + hoistCurrent] = Math.abs(f[o + hoistV]!) > 0.01 ? 60 + 9 * mass * (f[o + hoistV]! > 0 ? 1 : 0.35) : 18
    f[o + trolleyCurrent] = Math.abs(f[o + v]!) > 0.01 ? clamp(22 + Math.abs(f[o + a]!) * mass * 2.4 + Math.abs(f[o + v]!) * 4, 0, 380) : 4
  }
  /** What the next box weighs, in t: mostly near the mean, some empty. */
  const box = (around: Surroundings): number => {
    const drawn = around.noise(5)
    return drawn < -1.1 ? 2.4 + 0.6 * Math.abs(around.noise(6)) : clamp(p.cargoMean + 6 * drawn, 4, 30.4)
  }
  return {
    physics(f, o, around) {
      trolley(f, o)
      hoist(f, o)
      const rope = Math.max(2, p.ropeTop - f[o + height]!)
      const theta = f[o + swayRad]!
      const pushed = 1.2e-4 * f[o + wind]! * f[o + wind]! * around.noise(1)
      f[o + swayRate]! += (-(g * Math.sin(theta) + f[o + a]! * Math.cos(theta)) / rope - p.damping * f[o + swayRate]! + pushed / rope) * dt
      f[o + swayRad] = clamp(theta + f[o + swayRate]! * dt, -1.4, 1.4)
      f[o + sway] = (f[o + swayRad]! * 180) / Math.PI
      const mean = Math.max(0.5, p.windMean * (1 + 0.55 * around.weather)) + f[o + gust]!
      f[o + wind] = clamp(f[o + wind]! + ((mean - f[o + wind]!) / p.windTau) * dt + 0.2 * mean * Math.sqrt((2 * dt) / p.windTau) * around.noise(2), 0, 60)
      if (f[o + driveOut] === 1) f[o + gantry]! += clamp(f[o + gantryTo]! - f[o + gantry]!, -0.6 * dt, 0.6 * dt)
    },
    control(f, o, around, seconds) {
      if (f[o + estopReset] === 1) {
        f[o + estopReset] = 0
        f[o + endstop] = 0
      }
      f[o + driveOut] = f[o + driveCmd] === 1 && f[o + endstop] === 0 ? 1 : 0
      f[o + phaseTime]! += f[o + driveOut] === 1 ? seconds : 0
      const t = f[o + phaseTime]!
      const at = f[o + phase]!
      const down = p.landHeight
      if (at === 0) {
        f[o + hoistTo] = p.travelHeight
        const wait = p.waitMean * (0.4 + 1.2 * Math.abs(around.noise(4)))
        if (f[o + autoCmd] === 1 && t > 2 && (t > p.waitMean * 4 || (Math.round(t * 10) % 20 === 0 && t > wait))) {
          if (Math.abs(f[o + x]! - f[o + placeA]!) > 0.3) {
            planMove(f, o, f[o + placeA]!)
            enter(f, o, 8)
          } else enter(f, o, 1)
        }
      } else if (at === 1 || at === 5) {
        f[o + hoistTo] = down
        if (f[o + landed] === 1 && Math.abs(f[o + hoistV]!) < 0.08 && t > 3) enter(f, o, at + 1)
      } else if (at === 2) {
        f[o + lockCmd] = 1
        if (t > 2.5) {
          f[o + cargo] = box(around)
          enter(f, o, 3)
        }
      } else if (at === 3 || at === 7) {
        f[o + hoistTo] = p.travelHeight
        if (f[o + height]! > p.travelHeight - 0.3) {
          planMove(f, o, f[o + (at === 3 ? placeB : placeA)]!)
          enter(f, o, at + 1)
        }
      } else if (at === 6) {
        f[o + lockCmd] = 0
        if (t > 2.5) {
          f[o + cargo] = 0
          f[o + moves]! += 1
          if (f[o + moves]! % 12 === 0) f[o + gantryTo] = clamp(120 + 6.5 * Math.round(9 * around.noise(7)), 0, 400)
          enter(f, o, 7)
        }
      } else if (at === 4 || at === 8) {
        if (f[o + moveTime] === idle) {
          const to = f[o + (at === 4 ? placeB : placeA)]!
          const within = f[o + limitBypass] === 1 ? to : clamp(to, p.railMargin, p.railEnd - p.railMargin)
          if (Math.abs(f[o + x]! - within) > 0.3 && f[o + endstop] === 0) planMove(f, o, to)
          else if (t > 2 && f[o + driveOut] === 1) enter(f, o, at === 4 ? 5 : 0)
        }
      }
      // Twist locks turn only without load.
      if (f[o + landed] === 1 || f[o + load]! < 2) f[o + locked] = f[o + lockCmd]!
    },
    safe(f, o) {
      f[o + driveOut] = 0
    },
    begin(f, o, around, draw) {
      f[o + moveTime] = idle
      f[o + x] = f[o + placeA]!
      f[o + gantry] = f[o + gantryTo] = 20 + 6.5 * Math.floor(40 * draw(0))
      f[o + moves] = countedSince(around.time, draw(1), 380 + 150 * draw(2))
    },
  }
}

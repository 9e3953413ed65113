/** Concrete batching: a state machine per batch (weigh four materials fast and in dribble, mix, discharge), bins that empty, a mixer that minds its load. */
import { clamp, countedSince, dt, type Model, type Parameters, pointIndex } from './model.ts'

const at = pointIndex('batching')
const runCmd = at('run.cmd')
const mixerCmd = at('mixer.cmd')
const holdReset = at('hold.reset')
const targets = at('t1.sp')
const orders = at('o1.kg')
const forced = at('gate1.force')
const viscosity = at('viscosity')
const filterFault = at('filter.fault')
const phase = at('phase')
const phaseTime = at('phase.time')
const batchTargets = at('batch.t1')
const batchOrders = at('batch.o1')
const weights = at('w1.kg')
const gateOut = at('gate1.out')
const gates = at('gate1.open')
const bins = at('bin1.kg')
const fills = at('bin1.fill')
const moisture = at('moisture')
const silo = at('silo.pressure')
const mixerLoad = at('mixer.load')
const mixerOut = at('mixer.out')
const mixerRun = at('mixer.run')
const mixerSpeed = at('mixer.speed')
const mixerCurrent = at('mixer.current')
const mixerHeat = at('mixer.heat')
const batches = at('batches')
const wrong = at('tickets.wrong')
const deviation = at('deviation')
const overweight = at('overweight')

const mixing = 5
const discharging = 6
const held = 7
const capacity = [60_000, 60_000, 60_000, 12_000] as const
/** Seconds until an idle mixer stops. */
const rest = 600
/** Deviation from the order, in %, beyond which a ticket is wrong. */
const tolerance = 3

export function makeBatching(p: Parameters<'batching'>): Model {
  const rates = [p.rate1, p.rate2, p.rate3, p.rate4] as const
  /** Water that the wet sand brings along, in kg. */
  const brought = (f: Float64Array, o: number): number => (f[o + weights + 1]! * 0.6 * Math.max(0, f[o + moisture]! - 3)) / 100
  const enter = (f: Float64Array, o: number, next: number): void => {
    f[o + phase] = next
    f[o + phaseTime] = 0
  }
  const ticket = (f: Float64Array, o: number): void => {
    let worst = 0
    for (let i = 0; i < 4; i++) {
      const got = f[o + weights + i]! + (i === 3 ? brought(f, o) : 0)
      worst = Math.max(worst, (Math.abs(got - f[o + batchOrders + i]!) * 100) / Math.max(20, f[o + batchOrders + i]!))
    }
    f[o + deviation] = Math.min(500, worst)
    if (worst > tolerance) f[o + wrong]! += 1
  }
  return {
    physics(f, o, around) {
      for (let i = 0; i < 4; i++) {
        f[o + gates + i]! += clamp(f[o + gateOut + i]! - f[o + gates + i]!, -2.5 * dt, 2.5 * dt)
        const left = f[o + bins + i]!
        const flow = rates[i]! * f[o + gates + i]! * (left > 200 ? 1 : left / 200) * (1 + 0.02 * around.noise(1 + i))
        const taken = Math.min(left, Math.max(0, flow * dt))
        f[o + bins + i] = left - taken
        f[o + weights + i]! += taken
        const full = capacity[i]!
        if (left < full * p.refillAt) f[o + fills + i] = 1
        else if (left > full * 0.92) f[o + fills + i] = 0
        if (f[o + fills + i] === 1) f[o + bins + i]! += p.refillRate * (i === 3 ? 0.4 : i === 2 ? 0.5 : 1) * dt
      }
      // The cement tanker blows its load in; a blocked filter holds the air back.
      const blown = f[o + fills + 2] === 1 ? (f[o + filterFault] === 1 ? 230 : 38) : 0
      f[o + silo]! += ((blown - f[o + silo]!) * dt) / 20
      f[o + moisture] = clamp(4 + 1.4 * around.weather, 0, 15)
      const loadKg = f[o + mixerLoad]!
      f[o + mixerSpeed]! += ((f[o + mixerOut]! - f[o + mixerSpeed]!) * dt) / (1.2 * (1 + (f[o + mixerOut]! > 0 ? loadKg / 900 : 0)))
      if (f[o + mixerSpeed]! < 0.01) f[o + mixerSpeed] = 0
      f[o + mixerRun] = f[o + mixerSpeed]! > 0.5 ? 1 : 0
      const slip = 1 - f[o + mixerSpeed]!
      f[o + mixerCurrent] =
        f[o + mixerOut]! > 0
          ? (p.idleCurrent + p.loadCurrent * loadKg * f[o + viscosity]!) * (0.3 + 0.7 * f[o + mixerSpeed]!) + 2.4 * p.idleCurrent * slip * (1 + loadKg / 700)
          : 0
      // Thermal relay of the starter: it cools within a minute or so.
      const hot = f[o + mixerCurrent]! > p.tripCurrent ? 40 : -0.8
      f[o + mixerHeat] = clamp(f[o + mixerHeat]! + hot * dt, 0, 100)
    },
    control(f, o, _around, seconds) {
      // With nothing to make the empty mixer stops by itself.
      const rests = f[o + phase] === 0 && f[o + runCmd] === 0 && f[o + phaseTime]! > rest
      f[o + mixerOut] = rests ? 0 : f[o + mixerCmd]!
      for (let i = 0; i < 4; i++) f[o + gateOut + i] = f[o + forced + i]!
      if (f[o + holdReset] === 1) {
        f[o + holdReset] = 0
        if (f[o + phase] === held) {
          // The batch is let out by hand.
          for (let i = 0; i < 4; i++) f[o + weights + i] = 0
          f[o + overweight] = 0
          enter(f, o, 0)
        }
      }
      const now = f[o + phase]!
      f[o + phaseTime]! += seconds
      if (now >= 1 && now <= 4) {
        const i = now - 1
        const target = Math.max(0, f[o + batchTargets + i]! - (i === 3 ? brought(f, o) : 0))
        const dribble = rates[i]! * p.dribble
        const weight = f[o + weights + i]!
        // What still falls while the gate closes is left out of the target.
        if (weight < target * p.dribbleFrom) f[o + gateOut + i] = 1
        else if (weight < target - dribble * 0.12) f[o + gateOut + i] = Math.max(p.dribble, f[o + gateOut + i]!)
        else if (f[o + gates + i]! < 0.02) enter(f, o, now + 1)
        if (f[o + phase] === mixing) ticket(f, o)
      } else if (now === 0) {
        if (f[o + runCmd] === 1 && f[o + mixerRun] === 1) {
          for (let i = 0; i < 4; i++) {
            f[o + weights + i] = 0
            f[o + batchTargets + i] = f[o + targets + i]!
            f[o + batchOrders + i] = f[o + orders + i]!
          }
          enter(f, o, 1)
        }
      } else if (now === mixing) {
        for (let i = 0; i < 4; i++) {
          const falls = Math.min(f[o + weights + i]!, 150 * seconds)
          f[o + weights + i]! -= falls
          f[o + mixerLoad]! += falls
        }
        if (f[o + mixerRun] === 0) f[o + phaseTime]! -= seconds
        if (f[o + phaseTime]! >= p.mixTime) enter(f, o, discharging)
      } else if (now === discharging) {
        if (f[o + mixerRun] === 0) f[o + phaseTime]! -= seconds
        else f[o + mixerLoad] = Math.max(0, f[o + mixerLoad]! * (1 - (3.2 * seconds) / p.dischargeTime))
        if (f[o + phaseTime]! >= p.dischargeTime) {
          f[o + mixerLoad] = 0
          f[o + batches]! += 1
          enter(f, o, 0)
        }
      }
      if (now >= 1 && now < mixing)
        for (let i = 0; i < 4; i++)
          if (f[o + weights + i]! > Math.max(f[o + batchTargets + i]!, f[o + batchOrders + i]!) * 1.08 + 15) {
            f[o + overweight] = 1
            enter(f, o, held)
          }
    },
    safe(f, o) {
      f[o + mixerOut] = 0
      for (let i = 0; i < 4; i++) f[o + gateOut + i] = 0
    },
    begin(f, o, around, draw) {
      for (let i = 0; i < 4; i++) f[o + bins + i] = capacity[i]! * (0.4 + 0.5 * draw(i))
      f[o + batches] = countedSince(around.time, draw(4), 90 + 40 * draw(5))
      f[o + wrong] = Math.floor(f[o + batches]! * 0.0006)
    },
  }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rig } from './model-rig.ts'

const near = (value: number, wanted: number, tolerance: number, what: string): void =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${what}: ${value}, wanted ${wanted} ± ${tolerance}`)

const hotOven = () => {
  const oven = rig('oven')
  for (const command of ['burner.cmd', 'fan.cmd', 'conveyor.cmd'] as const) oven.set(command, 1)
  oven.run(7200)
  return oven
}

test('an oven holds its setpoints at the measured outputs', () => {
  const oven = hotOven()
  for (const [zone, temperature, output] of [
    ['z1', 160, 0.4],
    ['z2', 180, 0.53],
    ['z3', 170, 0.45],
  ] as const) {
    near(oven.get(`${zone}.temperature`), temperature, 0.5, `${zone} temperature`)
    near(oven.get(`${zone}.output`), output, 0.01, `${zone} output`)
  }
})

test('a setpoint of 240 on zone 2 is at 205 after 85 s and at 230 after 218 s, and an oven shut off cools to 35 in about a quarter of an hour', () => {
  const oven = hotOven()
  const start = oven.seconds
  oven.set('z2.sp', 240)
  assert.ok(oven.run(600, () => oven.get('z2.measured') > 205))
  near(oven.seconds - start, 85, 2, 'seconds to 205')
  assert.ok(oven.run(600, () => oven.get('z2.measured') > 230))
  near(oven.seconds - start, 218, 3, 'seconds to 230')
  near(oven.get('z1.measured'), 160, 3, 'neighbour')
  const tripped = oven.seconds
  oven.set('burner.cmd', 0)
  oven.set('conveyor.cmd', 0)
  assert.ok(oven.run(3600, () => oven.get('z2.measured') < 35))
  near((oven.seconds - tripped) / 60, 17, 2, 'minutes to 35')
  oven.run(36_000)
  for (const zone of ['z1', 'z2', 'z3'] as const) near(oven.get(`${zone}.temperature`), 22, 0.1, `${zone} dead`)
})

test('without a trip the oven settles at 240, and at a setpoint of 300 it reaches 257 in ten minutes and burns', () => {
  const oven = hotOven()
  oven.set('z2.sp', 240)
  oven.run(3600)
  near(oven.get('z2.measured'), 240, 1, 'settled')
  assert.equal(oven.get('fire'), 0)
  const hot = hotOven()
  hot.set('z2.sp', 300)
  hot.run(600)
  near(hot.get('z2.measured'), 257, 1, 'after ten minutes')
  hot.run(7200)
  near(hot.get('z2.measured'), 261, 1, 'asymptote')
  assert.equal(hot.get('fire'), 1)
})

test('without its fan an oven at work gains about 1 % of solvent vapour each 10 s', () => {
  const oven = hotOven()
  oven.set('load', 1)
  oven.run(1800)
  const before = oven.get('lel')
  assert.ok(before > 4 && before < 12, `${before}`)
  oven.set('fan.cmd', 0)
  oven.run(100)
  near((oven.get('lel') - before) / 10, 1, 0.1, '% each 10 s')
})

test('a faster conveyor cures too little and makes scrap', () => {
  const oven = hotOven()
  oven.set('load', 1)
  oven.run(1800)
  assert.equal(oven.get('scrap'), 0)
  oven.set('conveyor.sp', 5)
  oven.run(1800)
  assert.ok(oven.get('scrap') > 20)
  assert.ok(oven.get('scrap.recent') > 80)
})

test('a stopped controller lets go of the burner and the oven cools by itself', () => {
  const oven = hotOven()
  oven.stop(true)
  oven.run(600)
  assert.ok(oven.get('z2.temperature') < 100)
  assert.equal(oven.get('burner.run'), 0)
})

test('a bench at 210 bar stands at 209.35 bar with oil at 23.4 °C', () => {
  const bench = rig('hydraulic')
  bench.set('pump.cmd', 1)
  bench.run(7200)
  near(bench.get('pressure'), 209.35, 0.05, 'pressure')
  near(bench.get('oil.temperature'), 23.4, 0.1, 'oil')
})

test('a bench asked for 330 bar passes 320 within a second, and its pressure is gone seconds after the pump stops', () => {
  const bench = rig('hydraulic')
  bench.set('pump.cmd', 1)
  bench.run(60)
  bench.set('sp', 330)
  assert.ok(bench.run(1, () => bench.get('pressure') > 320))
  bench.set('pump.cmd', 0)
  bench.run(5)
  assert.ok(bench.get('pressure') < 2)
})

test('a specimen above 280 bar bursts within seconds: pressure collapses, oil runs out', () => {
  const bench = rig('hydraulic')
  bench.set('pump.cmd', 1)
  bench.set('sp', 300)
  assert.ok(bench.run(30, () => bench.get('burst') === 1))
  bench.run(0.4)
  assert.ok(bench.get('pressure') < 60, `${bench.get('pressure')}`)
  bench.run(60)
  assert.ok(bench.get('oil.level') < 60)
  assert.equal(bench.get('leak'), 1)
})

test('the relief valve holds 320 bar until it is bypassed, then 350 are reached', () => {
  const bench = rig('hydraulic')
  bench.set('specimen.mounted', 0)
  bench.set('pump.cmd', 1)
  bench.set('sp', 350)
  bench.run(20)
  near(bench.get('pressure'), 322, 3, 'relieved')
  bench.set('relief.bypass', 1)
  bench.run(20)
  near(bench.get('pressure'), 350, 2, 'bypassed')
})

test('without its cooler a cycling bench is at 70 °C within an hour or so', () => {
  const bench = rig('hydraulic')
  bench.set('pump.cmd', 1)
  bench.set('cycle.cmd', 1)
  bench.run(3600)
  assert.ok(bench.get('oil.temperature') < 45)
  assert.equal(Math.round(bench.get('cycles') / 150), 1)
  bench.set('cooler.cmd', 0)
  assert.ok(bench.run(5400, () => bench.get('oil.temperature') > 70))
})

test('a batching plant makes 4.9 batches in a quarter of an hour, each within tolerance', () => {
  const plant = rig('batching')
  plant.set('mixer.cmd', 1)
  plant.set('run.cmd', 1)
  let worst = 0
  plant.run(4 * 3600, () => {
    worst = Math.max(worst, plant.get('deviation'))
    return false
  })
  near(plant.get('batches') / 16, 4.9, 0.1, 'batches')
  assert.ok(worst < 1, `${worst} %`)
  for (let i = 1; i <= 4; i++) assert.ok(plant.get(`bin${i as 1}.kg`) > 0)
})

test('a changed target makes a wrong ticket, a gate held open an overweight hold, a mixer restarted under load its overcurrent', () => {
  const plant = rig('batching')
  plant.set('mixer.cmd', 1)
  plant.set('run.cmd', 1)
  plant.run(400)
  plant.set('t3.sp', 200)
  plant.run(500)
  near(plant.get('deviation'), 20, 1, 'deviation')
  assert.ok(plant.get('tickets.wrong') >= 1)
  plant.set('t3.sp', 250)
  plant.run(600, () => plant.get('phase') === 5 && plant.get('phase.time') > 15)
  plant.set('mixer.cmd', 0)
  plant.run(10)
  plant.set('mixer.cmd', 1)
  let most = 0
  plant.run(5, () => {
    most = Math.max(most, plant.get('mixer.current'))
    return false
  })
  assert.ok(most > 300, `${most} A`)
  plant.run(900, () => plant.get('phase') === 2)
  plant.set('gate1.force', 1)
  assert.ok(plant.run(60, () => plant.get('phase') === 7))
  assert.equal(plant.get('overweight'), 1)
})

test('a crane makes a move about every minute with sway under 6°, and is calm again when it next lowers', () => {
  const crane = rig('crane')
  crane.set('auto.cmd', 1)
  let sway = 0
  let fastest = 0
  let hardest = 0
  let late = 0
  crane.run(3600, () => {
    sway = Math.max(sway, Math.abs(crane.get('sway')))
    fastest = Math.max(fastest, Math.abs(crane.get('trolley.v')))
    hardest = Math.max(hardest, Math.abs(crane.get('trolley.a')))
    if (crane.get('phase') === 1 && crane.get('phase.time') > 8) late = Math.max(late, Math.abs(crane.get('sway')))
    return false
  })
  near(crane.get('moves') * 2, 60, 15, 'moves an hour, there and back')
  assert.ok(sway > 3 && sway < 6, `${sway}°`)
  assert.ok(fastest <= 3.01 && hardest <= 0.61, `${fastest} m/s, ${hardest} m/s²`)
  assert.ok(late < 0.9, `${late}°`)
})

test('three times the acceleration swings the load beyond 6°; beyond the limit switches waits the end stop', () => {
  const crane = rig('crane')
  crane.set('auto.cmd', 1)
  crane.run(120)
  crane.set('accel.limit', 1.8)
  assert.ok(crane.run(300, () => Math.abs(crane.get('sway')) > 6))
  const other = rig('crane')
  other.set('auto.cmd', 1)
  other.set('b.position', 45)
  other.run(300)
  assert.equal(other.get('endstop'), 0)
  other.set('limit.bypass', 1)
  assert.ok(other.run(300, () => other.get('endstop') === 1))
})

test('a turbine in a mean wind of 9 m/s makes 0.6 to 2 MW between 1.1 and 1.9 rad/s, its cabinet at 45 to 53 °C', () => {
  const turbine = rig('turbine', { weather: 0 })
  turbine.set('run.cmd', 1)
  turbine.run(1800)
  const seen = { power: [] as number[], rotor: [] as number[], cabinet: [] as number[] }
  for (let i = 0; i < 3600; i++) {
    turbine.run(1)
    seen.power.push(turbine.get('power'))
    seen.rotor.push(turbine.get('rotor.w'))
    seen.cabinet.push(turbine.get('cabinet.temperature'))
  }
  for (const values of Object.values(seen)) values.sort((a, b) => a - b)
  const part = (values: number[], at: number): number => values[Math.floor(at * (values.length - 1))]!
  assert.ok(part(seen.power, 0.05) > 600 && part(seen.power, 1) <= 2000)
  assert.ok(part(seen.rotor, 0.05) > 1.1 && part(seen.rotor, 1) < 1.95)
  assert.ok(part(seen.cabinet, 0) > 42 && part(seen.cabinet, 1) < 54)
  near(turbine.get('dc.voltage'), 1070, 8, 'DC link')
})

test('a turbine that stood starts by itself in 4 m/s and stays down in a calm and with its blades feathered', () => {
  const started = (windMean: number, feathered = false): number => {
    const turbine = rig('turbine', { weather: 0, windMean, turbulence: 0.02 })
    turbine.set('run.cmd', 1)
    if (feathered) {
      turbine.set('pitch.manual', 1)
      turbine.set('pitch.sp', 90)
    }
    turbine.run(900)
    turbine.set('run.cmd', 0)
    turbine.run(900)
    assert.ok(turbine.get('rotor.w') < 0.01)
    turbine.set('run.cmd', 1)
    turbine.run(900)
    return turbine.get('rotor.w')
  }
  assert.ok(started(5) > 0.7 && started(4) > 0.5)
  assert.ok(started(2) < 0.05)
  assert.ok(started(9, true) < 0.05)
})

test('blades held fine without load overspeed; stopped, the rotor comes to rest; without its fan the cabinet passes 75 °C', () => {
  const turbine = rig('turbine', { weather: 0 })
  turbine.set('run.cmd', 1)
  turbine.run(600)
  turbine.set('pitch.manual', 1)
  turbine.set('pitch.sp', 0)
  turbine.set('p.sp', 0)
  assert.ok(turbine.run(180, () => turbine.get('rotor.w') > 2.2))
  turbine.set('run.cmd', 0)
  turbine.run(600)
  assert.ok(turbine.get('rotor.w') < 0.1)
  const hot = rig('turbine', { weather: 0 })
  hot.set('run.cmd', 1)
  hot.set('gust', 3)
  hot.run(1800)
  hot.set('fan.cmd', 0)
  assert.ok(hot.run(3600, () => hot.get('cabinet.temperature') > 75))
})

/** What each process model of the plant engine can be asked: its points and its parameters. The equations are in decoys/plant/models. */

/** A point of a model. `input`: a command, setpoint or disturbance that may be set; `output`: made by the model. */
export interface ModelPoint {
  kind: 'input' | 'output'
  /** What the point can be in nature; a tag's range says what its sensor can show. */
  range: readonly [number, number]
  initial: number
}

/** A parameter: its value when a template says none, what may be said, and how far sites differ (standard deviation as a part of the value). */
export interface ModelParameter {
  value: number
  range: readonly [number, number]
  spread: number
  unit: string
}

export interface ModelDescription {
  title: { zh: string; en: string }
  points: Readonly<Record<string, ModelPoint>>
  parameters: Readonly<Record<string, ModelParameter>>
}

const input = (min: number, max: number, initial = Math.max(0, min)): ModelPoint => ({ kind: 'input', range: [min, max], initial })
const output = (min: number, max: number, initial = Math.max(0, min)): ModelPoint => ({ kind: 'output', range: [min, max], initial })
const command = (initial = 0): ModelPoint => input(0, 1, initial)
const status = (initial = 0): ModelPoint => output(0, 1, initial)
const parameter = (value: number, min: number, max: number, spread: number, unit: string): ModelParameter => ({ value, range: [min, max], spread, unit })

const temperature = (): ModelPoint => output(-40, 600, 22)

/** Three coupled zones with PI control, burner, exhaust fan, conveyor; solvent vapour, cure and scrap. */
const oven = {
  title: { zh: '烘干固化炉', en: 'Curing oven' },
  points: {
    'z1.sp': input(0, 400, 160),
    'z2.sp': input(0, 400, 180),
    'z3.sp': input(0, 400, 170),
    'burner.cmd': command(),
    'fan.cmd': command(),
    'conveyor.cmd': command(),
    'conveyor.sp': input(0, 6, 1.8),
    /** Solvent and parts on the line, 0 empty to 1.5 full. */
    load: input(0, 1.5, 0),
    door: command(),
    'fire.reset': command(),
    'z1.temperature': temperature(),
    'z2.temperature': temperature(),
    'z3.temperature': temperature(),
    'z1.measured': temperature(),
    'z2.measured': temperature(),
    'z3.measured': temperature(),
    'z1.integral': output(-1, 1),
    'z2.integral': output(-1, 1),
    'z3.integral': output(-1, 1),
    'z1.output': output(0, 1),
    'z2.output': output(0, 1),
    'z3.output': output(0, 1),
    'burner.run': status(),
    'burner.purge': output(0, 120),
    /** Solvent still on the parts inside, as a part of a full line. */
    wet: output(0, 2),
    'fan.out': output(0, 1),
    'conveyor.out': output(0, 6),
    'fan.speed': output(0, 1),
    'fan.proof': status(),
    'fan.current': output(0, 60),
    'conveyor.speed': output(0, 6),
    lel: output(0, 100),
    gas: output(0, 120),
    /** Cure of the part at the exit, % of what the paint needs. */
    cure: output(0, 400, 100),
    'parts.way': output(0, 10),
    parts: output(0, 1e9),
    scrap: output(0, 1e9),
    'scrap.recent': output(0, 100),
    fire: status(),
    'fire.heat': output(0, 1000),
  },
  parameters: {
    gain: parameter(350, 100, 600, 0.03, 'K'),
    ambient: parameter(22, -20, 45, 0.04, '°C'),
    ambientSwing: parameter(4, 0, 20, 0.2, 'K'),
    tau: parameter(420, 60, 3600, 0.06, 's'),
    coupling: parameter(900, 200, 5000, 0.1, 's'),
    sensorLag: parameter(8, 0.5, 60, 0.1, 's'),
    kp: parameter(0.03, 0.001, 1, 0.1, '1/K'),
    ti: parameter(300, 10, 5000, 0.1, 's'),
    zoneLength: parameter(12, 1, 60, 0.02, 'm'),
    partPitch: parameter(1.2, 0.1, 20, 0.05, 'm'),
    solvent: parameter(0.1, 0.01, 0.5, 0.12, '%/s'),
    cureTarget: parameter(10, 1, 60, 0.05, 'min'),
    fireTemperature: parameter(250, 150, 400, 0, '°C'),
  },
} satisfies ModelDescription

/** Pump with pressure compensator, volume with leak and valve, oil with cooler and filter, a specimen that can burst. */
const hydraulic = {
  title: { zh: '液压试验台', en: 'Hydraulic test bench' },
  points: {
    sp: input(0, 350, 210),
    'pump.cmd': command(),
    'cooler.cmd': command(1),
    'relief.bypass': command(),
    'cycle.cmd': command(),
    /** Opening of the load valve at the height of a cycle, 0 to 1. */
    'cycle.stroke': input(0, 1, 0.6),
    'cycle.period': input(2, 600, 24),
    'specimen.mounted': command(1),
    'specimen.reset': command(),
    'filter.replace': command(),
    'pump.out': output(0, 1),
    'cooler.out': output(0, 1),
    'valve.out': output(0, 1),
    'pump.speed': output(0, 1),
    'pump.run': status(),
    pressure: output(0, 400),
    'pump.flow': output(0, 120),
    'oil.temperature': output(-20, 120, 22),
    'oil.level': output(0, 100, 82),
    valve: output(0, 1),
    'cycle.phase': output(0, 1),
    cycles: output(0, 1e9),
    load: output(0, 1000),
    strain: output(0, 1000),
    damage: output(0, 100),
    burst: status(),
    leak: status(),
    relief: status(),
    'filter.pressure': output(0, 12, 0.6),
    'filter.clog': output(0, 1, 0.1),
    'motor.current': output(0, 200),
  },
  parameters: {
    bulk: parameter(14000, 2000, 25000, 0.04, 'bar'),
    volume: parameter(25, 1, 500, 0.03, 'L'),
    leakage: parameter(0.015, 0.001, 0.2, 0.08, 'L/min/bar'),
    valveGain: parameter(6, 0.1, 20, 0.05, 'L/min/√bar'),
    pumpFlow: parameter(60, 5, 300, 0.02, 'L/min'),
    compensator: parameter(0.08, 0.005, 1, 0.05, '1/bar'),
    ambient: parameter(22, -20, 45, 0.06, '°C'),
    ambientSwing: parameter(3, 0, 20, 0.2, 'K'),
    cooling: parameter(0.12, 0.01, 1, 0.06, '1/min'),
    heating: parameter(0.15, 0.01, 1, 0.05, 'K/kJ'),
    reliefPressure: parameter(320, 50, 400, 0, 'bar'),
    burstPressure: parameter(280, 50, 400, 0, 'bar'),
    ramArea: parameter(1.25, 0.05, 20, 0.02, 'kN/bar'),
  },
} satisfies ModelDescription

/** One batch after another: four materials weighed fast and in dribble, mixed, discharged; bins that empty and are refilled. */
const batching = {
  title: { zh: '混凝土搅拌站', en: 'Concrete batching plant' },
  points: {
    'run.cmd': command(),
    'mixer.cmd': command(),
    'hold.reset': command(),
    't1.sp': input(0, 4000, 880),
    't2.sp': input(0, 4000, 590),
    't3.sp': input(0, 2000, 250),
    't4.sp': input(0, 1000, 140),
    /** What the order asks for; the ticket is checked against it. */
    'o1.kg': input(0, 4000, 880),
    'o2.kg': input(0, 4000, 590),
    'o3.kg': input(0, 2000, 250),
    'o4.kg': input(0, 1000, 140),
    'gate1.force': command(),
    'gate2.force': command(),
    'gate3.force': command(),
    'gate4.force': command(),
    /** How stiff the mix is, 1 for a usual one. */
    viscosity: input(0.5, 3, 1),
    'filter.fault': command(),
    /** 0 idle, 1–4 weighing, 5 mixing, 6 discharging, 7 held overweight. */
    phase: output(0, 7),
    'phase.time': output(0, 1e6),
    /** Targets and order of the batch that is being made. */
    'batch.t1': output(0, 4000),
    'batch.t2': output(0, 4000),
    'batch.t3': output(0, 2000),
    'batch.t4': output(0, 1000),
    'batch.o1': output(0, 4000),
    'batch.o2': output(0, 4000),
    'batch.o3': output(0, 2000),
    'batch.o4': output(0, 1000),
    'w1.kg': output(0, 6000),
    'w2.kg': output(0, 6000),
    'w3.kg': output(0, 3000),
    'w4.kg': output(0, 1500),
    'gate1.out': output(0, 1),
    'gate2.out': output(0, 1),
    'gate3.out': output(0, 1),
    'gate4.out': output(0, 1),
    'mixer.out': output(0, 1),
    'gate1.open': output(0, 1),
    'gate2.open': output(0, 1),
    'gate3.open': output(0, 1),
    'gate4.open': output(0, 1),
    'bin1.kg': output(0, 60000, 42000),
    'bin2.kg': output(0, 60000, 38000),
    'bin3.kg': output(0, 60000, 31000),
    'bin4.kg': output(0, 12000, 9000),
    'bin1.fill': status(),
    'bin2.fill': status(),
    'bin3.fill': status(),
    'bin4.fill': status(),
    moisture: output(0, 15, 4),
    'silo.pressure': output(-20, 400),
    'mixer.load': output(0, 10000),
    'mixer.run': status(),
    'mixer.speed': output(0, 1),
    'mixer.current': output(0, 800),
    'mixer.heat': output(0, 100),
    batches: output(0, 1e9),
    'tickets.wrong': output(0, 1e9),
    /** Largest deviation of the last ticket from its order, %. */
    deviation: output(0, 500),
    overweight: status(),
  },
  parameters: {
    rate1: parameter(32, 1, 200, 0.05, 'kg/s'),
    rate2: parameter(28, 1, 200, 0.05, 'kg/s'),
    rate3: parameter(18, 1, 200, 0.05, 'kg/s'),
    rate4: parameter(12, 1, 200, 0.05, 'kg/s'),
    dribble: parameter(0.15, 0.02, 1, 0.08, 'of rate'),
    dribbleFrom: parameter(0.94, 0.5, 0.99, 0, 'of target'),
    mixTime: parameter(60, 5, 600, 0, 's'),
    dischargeTime: parameter(25, 3, 300, 0.04, 's'),
    idleCurrent: parameter(42, 5, 300, 0.05, 'A'),
    loadCurrent: parameter(0.034, 0.001, 0.5, 0.05, 'A/kg'),
    tripCurrent: parameter(240, 20, 700, 0.02, 'A'),
    refillAt: parameter(0.35, 0.05, 0.9, 0.15, 'of bin'),
    refillRate: parameter(60, 1, 500, 0.1, 'kg/s'),
  },
} satisfies ModelDescription

/** Trolley, rope and load, hoist, gantry; a cycle of moves between two places. */
const crane = {
  title: { zh: '港口起重机', en: 'Port crane' },
  points: {
    'auto.cmd': command(),
    'drive.cmd': command(1),
    'lock.cmd': command(),
    'limit.bypass': command(),
    'estop.reset': command(),
    'a.position': input(0, 45, 10),
    'b.position': input(0, 45, 38),
    'accel.limit': input(0.05, 3, 0.6),
    'speed.limit': input(0.1, 6, 3),
    'hoist.speed.limit': input(0.05, 3, 0.9),
    gust: input(0, 40, 0),
    'drive.out': output(0, 1),
    'hoist.to': output(0, 20, 14),
    /** 0 wait, 1 lower at A, 2 lock, 3 hoist, 4 to B, 5 lower at B, 6 unlock, 7 hoist, 8 to A. */
    phase: output(0, 8),
    'phase.time': output(0, 1e6),
    'move.from': output(0, 45, 10),
    'move.to': output(0, 45, 10),
    'move.time': output(-1, 1e6, -1),
    'move.accel': output(0, 3, 0.6),
    'move.speed': output(0, 6, 3),
    'trolley.x': output(0, 45, 10),
    'trolley.v': output(-8, 8),
    'trolley.a': output(-10, 10),
    'sway.rad': output(-1.5, 1.5),
    'sway.rate': output(-5, 5),
    sway: output(-90, 90),
    'hoist.h': output(0, 20, 14),
    'hoist.v': output(-3, 3),
    'gantry.x': output(0, 400, 120),
    'gantry.to': output(0, 400, 120),
    cargo: output(0, 60),
    load: output(0, 100, 8.5),
    locked: status(),
    landed: status(),
    slack: status(),
    wind: output(0, 60, 4),
    endstop: status(),
    'trolley.current': output(0, 400),
    'hoist.current': output(0, 800),
    moves: output(0, 1e9),
  },
  parameters: {
    spreader: parameter(8.5, 1, 30, 0.03, 't'),
    cargoMean: parameter(17, 1, 40, 0.08, 't'),
    ropeTop: parameter(24, 5, 60, 0.03, 'm'),
    damping: parameter(0.12, 0.005, 1, 0.08, '1/s'),
    waitMean: parameter(9, 0, 600, 0.25, 's'),
    railEnd: parameter(45, 5, 45, 0, 'm'),
    railMargin: parameter(2, 0.2, 10, 0.05, 'm'),
    windMean: parameter(5, 0, 20, 0.15, 'm/s'),
    windTau: parameter(25, 2, 600, 0.1, 's'),
    landHeight: parameter(2.6, 0, 12, 0.05, 'm'),
    travelHeight: parameter(14, 3, 20, 0.03, 'm'),
  },
} satisfies ModelDescription

/** Rotor on a wandering wind, pitch, converter with cabinet and DC link, grid. */
const turbine = {
  title: { zh: '风电变流器', en: 'Wind turbine converter' },
  points: {
    'run.cmd': command(),
    'p.sp': input(0, 2500, 2000),
    'pitch.manual': command(),
    'pitch.sp': input(0, 90, 90),
    'brake.release': command(1),
    'fan.cmd': command(1),
    gust: input(0, 30, 0),
    'pitch.out': output(-10, 10),
    'power.out': output(0, 3000),
    'brake.out': output(0, 1),
    'fan.out': output(0, 1, 1),
    'wind.v': output(0, 45, 9),
    'rotor.w': output(0, 4, 1.2),
    'rotor.rpm': output(0, 40),
    'generator.rpm': output(0, 4000),
    pitch: output(0, 90),
    brake: output(0, 1),
    power: output(-50, 3000),
    reactive: output(-1500, 1500),
    'cabinet.temperature': output(-40, 150, 30),
    'dc.voltage': output(0, 1600, 1070),
    'grid.voltage': output(0, 1000, 690),
    'grid.frequency': output(45, 55, 50),
    'grid.current': output(0, 4000),
    'nacelle.direction': output(0, 360, 180),
    'wind.direction': output(0, 360, 180),
    torque: output(0, 2000),
    energy: output(0, 1e12),
    run: status(),
    curtailed: status(),
  },
  parameters: {
    windMean: parameter(9, 2, 20, 0.06, 'm/s'),
    windTau: parameter(30, 5, 600, 0.08, 's'),
    turbulence: parameter(0.13, 0.02, 0.4, 0.12, 'of wind'),
    /** How far the mean wind wanders with the weather, as a part of itself. */
    weather: parameter(0.3, 0, 0.8, 0.2, 'of wind'),
    radius: parameter(46, 5, 90, 0.005, 'm'),
    inertia: parameter(6.5e6, 1e5, 1e8, 0.02, 'kg m²'),
    rated: parameter(2000, 50, 3000, 0, 'kW'),
    gearRatio: parameter(97, 1, 200, 0, ''),
    ambient: parameter(22, -20, 45, 0.04, '°C'),
    ambientSwing: parameter(6, 0, 20, 0.2, 'K'),
    cabinetRise: parameter(38, 5, 80, 0.05, 'K'),
    cabinetTau: parameter(600, 30, 6000, 0.08, 's'),
    dcVoltage: parameter(1070, 100, 1500, 0.004, 'V'),
    gridVoltage: parameter(690, 100, 1000, 0.006, 'V'),
  },
} satisfies ModelDescription

/** Every model by name: one line adds the next. */
export const plantModels = { oven, hydraulic, batching, crane, turbine }
export type ModelName = keyof typeof plantModels
export type PointOf<M extends ModelName> = keyof (typeof plantModels)[M]['points'] & string
export type ParameterOf<M extends ModelName> = keyof (typeof plantModels)[M]['parameters'] & string

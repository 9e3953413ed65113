import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'shenlou-plant-'))
after(() => rmSync(folder, { recursive: true }))
const template = join(root, 'templates/plants/test-field.yaml')
const plant = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'bin/shenlou.js'), 'plant', ...args], { cwd: folder, encoding: 'utf8', timeout: 60_000 })

test('a day of a plant is drawn within the terminal and as a picture', () => {
  const picture = join(folder, 'day.svg')
  const { status, stdout, stderr } = plant('run', template, '--hours', '12', '--tags', 'HB1.P.PV,HB1.Oil.T', '--picture', picture)
  assert.equal(status, 0, stderr)
  assert.match(stdout, /HB1\.P\.PV {2}System pressure 系统压力 {2}0\.00 … \d+\.\d+ bar/)
  assert.match(stdout, /█/)
  assert.equal((readFileSync(picture, 'utf8').match(/<polyline/g) ?? []).length, 2)
})

test('a template with faults is told line by line; wrong use is one sentence', () => {
  const broken = join(folder, 'broken.yaml')
  writeFileSync(broken, readFileSync(template, 'utf8').replace('point: oil.temperature', 'point: oil.temprature'))
  const faulty = plant('run', broken)
  assert.equal(faulty.status, 1)
  assert.match(
    faulty.stdout,
    /broken\.yaml:\d+:\d+: equipment\.bench\.tags\.2\.point: the model has no point 'oil\.temprature'; did you mean 'oil\.temperature'\?/,
  )
  for (const [args, message] of [
    [['run'], /is used as|usage|run TEMPLATE/],
    [['run', join(folder, 'none.yaml')], /there is no such file/],
    [['run', template, '--hours', 'x'], /--hours: must be a number/],
    [['run', template, '--tags', 'HB9.X'], /--tags: the plant has no tag 'HB9\.X'/],
    [['run', template, '--picture', 'x.bmp'], /must end in \.svg/],
  ] as const) {
    const { status, stderr } = plant(...args)
    assert.equal(status, 2, stderr)
    assert.match(stderr, message)
    assert.equal(stderr.trim().split('\n').length, 1, stderr)
  }
})

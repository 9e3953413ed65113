/** The shell by text fixtures: `$` a command line, `>` its further lines, then what it prints; `=` an exit code that is not 0. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { readCases } from './cases.ts'
import { LineEditor } from './editor.ts'
import { LineReader, textInput } from './io.ts'
import { Leave } from './control.ts'
import { Shell } from './shell.ts'
import { testSeat } from './test-seat.ts'

function openShell(persona: string): { run(text: string, directory?: string): Promise<{ out: string; code: number }> } {
  const { seat } = testSeat(persona)
  return {
    async run(text, directory) {
      const shell = new Shell(seat, { login: false })
      if (directory !== undefined) shell.directory = directory
      let out = ''
      const write = (piece: string): void => {
        out += piece
      }
      let code: number
      try {
        code = await shell.execute(text, { input: new LineReader(textInput('')), out: write, err: write, toTerminal: false })
      } catch (error) {
        if (!(error instanceof Leave)) throw error
        code = error.value
      }
      return { out, code }
    },
  }
}

// Each case of `bash-oneliners` and `ash-oneliners` prints here what it prints in Debian 12's bash 5.2 with GNU tools, or in its BusyBox 1.35 ash, but for
// those that give a reason (`!`) and for the line numbers of -c, which bash 4.2 writes otherwise. Nothing here asks those shells: `node
// test/compare-shell.ts` does, case by case. The other files hold what needs this host's own files and processes.
for (const [name, persona] of [
  ['bash', 'centos-7'],
  ['bash-oneliners', 'centos-7'],
  ['ash', 'openwrt-19.07'],
  ['ash-oneliners', 'openwrt-19.07'],
  ['intrusion', 'centos-7'],
  ['intrusion-ash', 'openwrt-19.07'],
  ['intrusion-debian', 'debian-12-dropbear'],
] as const) {
  describe(`${name} runs its fixtures`, () => {
    const afresh = name.endsWith('oneliners')
    const together = openShell(persona)
    const text = readFileSync(new URL(`./cases/${name}.txt`, import.meta.url), 'latin1')
    for (const { title, command, output, code } of readCases(text))
      test(title, async () => {
        const shell = afresh ? openShell(persona) : together
        if (afresh) await shell.run('mkdir /tmp/box')
        const result = await shell.run(command, afresh ? '/tmp/box' : undefined)
        assert.equal(result.out, output)
        assert.equal(result.code, code)
      })
  })
}

describe('endless work', () => {
  test('a pipe that is read by head ends its writer', async () => {
    const { out } = await openShell('centos-7').run('yes | head -2; echo after')
    assert.equal(out, 'y\ny\nafter\n')
  })
  test('recursion without end is refused, and memory stays bounded', async () => {
    const { out } = await openShell('centos-7').run('f() { f; f; }; (f; echo not); echo after')
    assert.match(out, /maximum function nesting level exceeded \(60\)\nafter\n$/)
  })
  test('a variable does not grow without bound', async () => {
    const { out } = await openShell('centos-7').run('x=0123456789; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do x=$x$x; done; echo ${#x}')
    assert.ok(Number(out) <= 65_536)
  })
})

describe('the line editor', () => {
  function edit(keys: string, columns = 80): { shown: string; lines: string[] } {
    let shown = ''
    const lines: string[] = []
    const editor = new LineEditor({
      write: (text) => {
        shown += text
      },
      columns: () => columns,
      history: () => ['first', 'second'],
      complete: (line) => ({
        from: line.lastIndexOf(' ') + 1,
        names: ['passwd', 'passwd-'].filter((name) => name.startsWith(line.slice(line.lastIndexOf(' ') + 1))),
      }),
      line: (text) => lines.push(text),
      interrupt() {},
      end: () => lines.push('<end>'),
    })
    editor.begin('# ')
    for (const key of keys) editor.key(key)
    return { shown, lines }
  }
  test('echoes a key as one byte', () => assert.equal(edit('a').shown, '# a'))
  test('erases, kills, yanks and moves', () => {
    assert.deepEqual(edit('abc\x7fd\r').lines, ['abd'])
    assert.deepEqual(edit('one two\x17three\r').lines, ['one three'])
    assert.deepEqual(edit('tail\x01head \r').lines, ['head tail'])
    assert.deepEqual(edit('cut me\x15\x19\x19\r').lines, ['cut mecut me'])
    assert.deepEqual(edit('ac\x1b[Db\r').lines, ['abc'])
    assert.deepEqual(edit('abc\x1b[H\x1b[3~\r').lines, ['bc'])
  })
  test('recalls history both ways and keeps the draft', () => {
    assert.deepEqual(edit('\x1b[A\r').lines, ['second'])
    assert.deepEqual(edit('draft\x1b[A\x1b[A\x1b[B\x1b[B\r').lines, ['draft'])
  })
  test('completes what is common', () => assert.deepEqual(edit('cat pas\t\r').lines, ['cat passwd']))
  test('ends at Ctrl-D on an empty line only', () => {
    assert.deepEqual(edit('\x04').lines, ['<end>'])
    assert.deepEqual(edit('ab\x01\x04\r').lines, ['b'])
  })
  test('takes characters of several bytes whole', () => assert.deepEqual(edit('\xe6\x97\xa5\xe6\x9c\xac\x7f\r').lines, ['\xe6\x97\xa5']))
  test('takes CR LF for one Enter', () => assert.deepEqual(edit('a\r\nb\r\n').lines, ['a', 'b']))
})

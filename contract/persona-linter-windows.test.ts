import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { type PersonaTemplate, personaTemplate } from './persona.ts'
import { lintPersona } from './persona-linter.ts'

type Windows = PersonaTemplate & Required<Pick<PersonaTemplate, 'windows' | 'smb' | 'rdp'>>
const shipped = (id: string): Windows =>
  personaTemplate.parse(parse(readFileSync(join(import.meta.dirname, '..', 'templates', 'personas', `${id}.yaml`), 'utf8'))) as Windows
const changed = (id: string, change: (template: Windows) => void): string => {
  const template = shipped(id)
  change(template)
  return lintPersona(template, '2026-11-23').join('\n')
}
const server = 'windows-server-2016'
const station = 'windows-10-workstation'

const contradictions: [string, string, (template: Windows) => void, RegExp][] = [
  ['a build of another release', server, ({ os }) => (os.kernel = '10.0.19044'), /os\.kernel: build 19044 is not of Windows Server 2016/],
  ['no version of Windows', server, ({ os }) => (os.kernel = '4.15.0'), /is no version of Windows/],
  ['a release from before its build', station, ({ os }) => (os.released = '2021-01-01'), /build 19044 came out on 2021-11-16/],
  ['SMB1 on a build without it', station, ({ smb }) => smb.dialects.unshift('NT LM 0.12'), /build 19044 comes without SMB1/],
  ['a dialect that the build has left out', server, ({ smb }) => smb.dialects.pop(), /build 14393 speaks 3\.1\.1/],
  [
    'a dialect from after the build',
    server,
    ({ os, windows }) => {
      os.distribution = 'Windows Server 2012 R2'
      os.kernel = '6.3.9600'
      windows.edition = 'Windows Server 2012 R2 Standard'
    },
    /build 9600 does not speak 3\.1\.1/,
  ],
  ['an anonymous session on a client', station, ({ smb }) => (smb.anonymous = 'session'), /smb\.anonymous/],
  ['TLS 1.3 from before Schannel had it', server, ({ rdp }) => (rdp.tls.max = 'TLSv1.3'), /has no TLS 1\.3/],
  ['a name that NetBIOS cuts off', server, ({ host }) => host.hostname.push('{site}-terminal##'), /NetBIOS cuts a name off/],
  ['a domain without a dot', server, ({ windows }) => (windows.names = ['{site}']), /is not the name of a domain/],
  ['a workgroup with one', station, ({ windows }) => (windows.names = ['plant.local']), /is not the name of a workgroup/],
  ['root', station, ({ host }) => host.accounts.push('root'), /Windows has no root/],
  ['a card of another maker', server, ({ hardware }) => (hardware.macPrefixes = ['00:90:e8']), /hardware\.macPrefixes: 00:90:e8 is Moxa's/],
  ['another edition', server, ({ windows }) => (windows.edition = 'Windows 10 Pro'), /windows\.edition/],
  ['a constant delay', station, ({ smb }) => (smb.refusalMs = [5, 5]), /smb\.refusalMs: no host takes that constant a time/],
  ['no word on where it belongs', station, (template) => Object.assign(template, { windows: undefined }), /windows: a Windows host belongs/],
  ['Linux that answers as Windows', station, ({ os }) => (os.family = 'linux'), /smb: Windows 10 is not Windows/],
]

for (const [what, id, change, expected] of contradictions)
  test(`a Windows persona with ${what} is refused`, () => {
    assert.match(changed(id, change), expected)
  })

test('the shipped Windows personas hold together', () => {
  for (const id of [server, station])
    assert.equal(
      changed(id, () => undefined),
      '',
    )
})

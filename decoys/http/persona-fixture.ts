/** Web personas for tests: a fresh certificate, a seed, an organisation. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { personaTemplate, type PersonaTemplate } from '@shenlou/contract/persona'
import { serverTemplate } from '../persona-fixture.ts'
import { drawPersona, type Persona } from '../persona.ts'

export const web: NonNullable<PersonaTemplate['web']> = {
  server: 'nginx',
  version: '1.20.1',
  header: 'nginx/1.20.1',
  released: '2021-05-25',
  module: '',
  tls: {
    min: 'TLSv1',
    max: 'TLSv1.2',
    ciphers:
      'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES256-SHA256:AES128-SHA:AES256-SHA',
    curves: 'X25519:P-256:P-384:P-521',
    serverOrder: true,
    issuer: 'self',
    rsaBits: 2048,
  },
}

const organisations = [
  { name: { zh: '海川重工集团有限公司', en: 'Haichuan Heavy Industry Group Co., Ltd.' }, domain: 'haichuan-heavy.cn', city: { zh: '襄阳', en: 'Xiangyang' } },
  { name: { zh: '玉岭精密机械股份有限公司', en: 'Yuling Precision Machinery Co., Ltd.' }, domain: 'ylpm.com', city: { zh: '宁波', en: 'Ningbo' } },
  { name: { zh: '北辰泵业有限公司', en: 'Beichen Pumps Limited' }, domain: 'beichenpump.com.cn', city: { zh: '淄博', en: 'Zibo' } },
]

/** A drawn host with a web server; different `number`s are different sites. */
export function webPersona(number: number, change: Partial<NonNullable<PersonaTemplate['web']>> = {}): Persona {
  const organisation = organisations[number % organisations.length] as (typeof organisations)[number]
  const { key, certificate } = certify(`www.${organisation.domain}`)
  const template = personaTemplate.parse({ ...serverTemplate, web: { ...web, ...change } })
  const seed = Buffer.alloc(32)
  seed.writeUInt32BE(number + 1, 0)
  return drawPersona({
    template,
    organisation,
    seed: seed.toString('hex'),
    decoy: 'portal',
    secrets: { rsa: key, tlsKey: key, tlsCertificate: certificate },
    now: Date.parse('2026-10-01'),
  })
}

const made = new Map<string, { key: string; certificate: string }>()
function certify(name: string): { key: string; certificate: string } {
  const held = made.get(name)
  if (held) return held
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-tls-'))
  try {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '700', '-subj', `/CN=${name}`], {
      stdio: 'ignore',
    })
    const pair = { key: readFileSync(key, 'latin1'), certificate: readFileSync(certificate, 'latin1') }
    made.set(name, pair)
    return pair
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What an SSH banner promises: when each algorithm came to OpenSSH and Dropbear and when it went, so that a list can be held against its banner. */
import type { PersonaTemplate } from './persona.ts'

type Ssh = NonNullable<PersonaTemplate['ssh']>
/** First version that knows it, and the first whose server does not offer it by default any more. */
type Life = readonly [from: number, until?: number]

const openssh: Record<'kex' | 'hostKey' | 'cipher' | 'mac' | 'compression', Record<string, Life>> = {
  kex: {
    'mlkem768x25519-sha256': [9.9],
    'sntrup761x25519-sha512': [9.9],
    'sntrup761x25519-sha512@openssh.com': [8.5],
    'sntrup4591761x25519-sha512@tinyssh.org': [8, 8.5],
    'curve25519-sha256': [7.4],
    'curve25519-sha256@libssh.org': [6.5],
    'ecdh-sha2-nistp256': [5.7],
    'ecdh-sha2-nistp384': [5.7],
    'ecdh-sha2-nistp521': [5.7],
    'diffie-hellman-group-exchange-sha256': [4.4],
    'diffie-hellman-group16-sha512': [7.3],
    'diffie-hellman-group18-sha512': [7.3],
    'diffie-hellman-group14-sha256': [7.3],
    'diffie-hellman-group-exchange-sha1': [2.3, 6.7],
    'diffie-hellman-group14-sha1': [3.9, 8.2],
    'diffie-hellman-group1-sha1': [2.1, 6.7],
    'kex-strict-s-v00@openssh.com': [9.6],
    'ext-info-s': [9.6],
  },
  hostKey: {
    'ssh-ed25519': [6.5],
    'ecdsa-sha2-nistp256': [5.7],
    'ecdsa-sha2-nistp384': [5.7],
    'ecdsa-sha2-nistp521': [5.7],
    'rsa-sha2-512': [7.2],
    'rsa-sha2-256': [7.2],
    'ssh-rsa': [2.1, 8.8],
    'ssh-dss': [2.1, 7],
  },
  cipher: {
    'chacha20-poly1305@openssh.com': [6.5],
    'aes128-gcm@openssh.com': [6.2],
    'aes256-gcm@openssh.com': [6.2],
    'aes128-ctr': [3.7],
    'aes192-ctr': [3.7],
    'aes256-ctr': [3.7],
    'aes128-cbc': [2.3, 6.7],
    'aes192-cbc': [2.3, 6.7],
    'aes256-cbc': [2.3, 6.7],
    'rijndael-cbc@lysator.liu.se': [3, 6.7],
    '3des-cbc': [2.1, 6.7],
    'blowfish-cbc': [2.1, 6.7],
    'cast128-cbc': [2.1, 6.7],
    arcfour: [2.1, 6.7],
    arcfour128: [4.2, 6.7],
    arcfour256: [4.2, 6.7],
  },
  mac: {
    'umac-64-etm@openssh.com': [6.2],
    'umac-128-etm@openssh.com': [6.2],
    'hmac-sha2-256-etm@openssh.com': [6.2],
    'hmac-sha2-512-etm@openssh.com': [6.2],
    'hmac-sha1-etm@openssh.com': [6.2],
    'hmac-md5-etm@openssh.com': [6.2, 6.7],
    'hmac-md5-96-etm@openssh.com': [6.2, 6.7],
    'hmac-sha1-96-etm@openssh.com': [6.2, 6.7],
    'hmac-ripemd160-etm@openssh.com': [6.2, 6.7],
    'umac-64@openssh.com': [4.7],
    'umac-128@openssh.com': [6.2],
    'hmac-sha2-256': [5.9],
    'hmac-sha2-512': [5.9],
    'hmac-sha2-256-96': [5.9, 6.1],
    'hmac-sha2-512-96': [5.9, 6.1],
    'hmac-sha1': [2.1],
    'hmac-md5': [2.1, 6.7],
    'hmac-sha1-96': [2.1, 6.7],
    'hmac-md5-96': [2.1, 6.7],
    'hmac-ripemd160': [2.3, 6.7],
    'hmac-ripemd160@openssh.com': [2.3, 6.7],
  },
  compression: { none: [2.1], zlib: [2.1, 4.2], 'zlib@openssh.com': [4.2] },
}
/** What red-hat-like distributions keep in their servers longer than upstream, to the version that they dropped it in. */
const redHatKeeps: Record<string, number> = {
  'diffie-hellman-group1-sha1': 8,
  'diffie-hellman-group-exchange-sha1': 8.7,
  'diffie-hellman-group14-sha1': 8.7,
  'aes128-cbc': 8.7,
  'aes192-cbc': 8,
  'aes256-cbc': 8.7,
  'blowfish-cbc': 8,
  'cast128-cbc': 8,
  '3des-cbc': 8,
}
/** What a server of that version offers by default, so that its absence shows that another program answers. */
const opensshOffers: [from: number, list: 'kex' | 'hostKey' | 'cipher' | 'mac', name: string, until?: number][] = [
  [5.9, 'mac', 'hmac-sha2-256'],
  [6.2, 'cipher', 'aes128-gcm@openssh.com'],
  [6.2, 'mac', 'hmac-sha2-256-etm@openssh.com'],
  [6.5, 'cipher', 'chacha20-poly1305@openssh.com'],
  [6.5, 'kex', 'curve25519-sha256@libssh.org'],
  [7.4, 'kex', 'curve25519-sha256'],
  [7.4, 'kex', 'diffie-hellman-group16-sha512'],
  [9, 'kex', 'sntrup761x25519-sha512@openssh.com'],
  [9.6, 'kex', 'kex-strict-s-v00@openssh.com'],
  [9.9, 'kex', 'mlkem768x25519-sha256'],
]

const dropbear: typeof openssh = {
  kex: {
    'mlkem768x25519-sha256': [2025.88],
    'sntrup761x25519-sha512': [2025.87],
    'sntrup761x25519-sha512@openssh.com': [2025.87],
    'curve25519-sha256': [2018.76],
    'curve25519-sha256@libssh.org': [2013.61],
    'ecdh-sha2-nistp256': [2013.61],
    'ecdh-sha2-nistp384': [2013.61],
    'ecdh-sha2-nistp521': [2013.61],
    'diffie-hellman-group16-sha512': [2016.73],
    'diffie-hellman-group14-sha256': [2016.73],
    'diffie-hellman-group14-sha1': [2011],
    'diffie-hellman-group1-sha1': [0.28, 2020.79],
    'kexguess2@matt.ucc.asn.au': [2013.57],
    'kex-strict-s-v00@openssh.com': [2024.84],
  },
  hostKey: {
    'ssh-ed25519': [2020.79],
    'ecdsa-sha2-nistp256': [2013.61],
    'ecdsa-sha2-nistp384': [2013.61],
    'ecdsa-sha2-nistp521': [2013.61],
    'rsa-sha2-256': [2020.79],
    'ssh-rsa': [0.28],
    'ssh-dss': [0.28, 2022.83],
  },
  cipher: {
    'chacha20-poly1305@openssh.com': [2020.79],
    'aes128-gcm@openssh.com': [2020.79],
    'aes256-gcm@openssh.com': [2020.79],
    'aes128-ctr': [0.52],
    'aes256-ctr': [0.52],
    '3des-ctr': [0.52, 2020.79],
    'aes128-cbc': [0.44, 2020.79],
    'aes256-cbc': [0.44, 2020.79],
    'twofish256-cbc': [0.44, 2020.79],
    'twofish-cbc': [0.44, 2020.79],
    'twofish128-cbc': [0.44, 2020.79],
    'twofish128-ctr': [0.52, 2020.79],
    'twofish256-ctr': [0.52, 2020.79],
    '3des-cbc': [0.28, 2020.79],
    'blowfish-cbc': [0.28, 2018.76],
  },
  mac: { 'hmac-sha2-256': [2013.57], 'hmac-sha2-512': [2013.57], 'hmac-sha1': [0.28], 'hmac-sha1-96': [0.45, 2020.79], 'hmac-md5': [0.28, 2020.79] },
  compression: { none: [0.28], zlib: [0.28], 'zlib@openssh.com': [0.47] },
}

const releases: [number, string][] = [
  [5.3, '2009-10-01'],
  [5.9, '2011-09-06'],
  [6, '2012-04-22'],
  [6.2, '2013-03-22'],
  [6.6, '2014-03-15'],
  [6.7, '2014-10-06'],
  [7, '2015-08-11'],
  [7.2, '2016-02-29'],
  [7.4, '2016-12-19'],
  [7.6, '2017-10-03'],
  [7.9, '2018-10-19'],
  [8, '2019-04-17'],
  [8.2, '2020-02-14'],
  [8.4, '2020-09-27'],
  [8.7, '2021-08-20'],
  [8.9, '2022-02-23'],
  [9.2, '2023-02-02'],
  [9.6, '2023-12-18'],
  [9.9, '2024-09-19'],
  [10, '2025-04-09'],
]

/** Contradictions between the banner and everything else that an SSH server says. */
export function lintSsh({ os, ssh }: { os: PersonaTemplate['os']; ssh: Ssh }): string[] {
  const wrong: string[] = []
  const claimed = /^SSH-2\.0-(OpenSSH_(\d+)\.(\d+)(?:p\d+)?|dropbear(?:_(\d+\.\d+)(?:\.\d+)?)?)(?: (.*))?$/.exec(ssh.ident)
  if (!claimed) return [`ssh.ident: ${ssh.ident} is the banner of neither OpenSSH nor Dropbear`]
  const isOpenssh = claimed[2] !== undefined
  if (isOpenssh !== (ssh.server === 'openssh')) wrong.push(`ssh.ident: ${ssh.ident} is not a banner of ${ssh.server}`)
  const version = isOpenssh ? Number(claimed[2]) + Number(claimed[3]) / (Number(claimed[3]) > 9 ? 100 : 10) : Number(claimed[4] ?? Number.NaN)
  const comment = claimed[5] ?? ''
  const name = isOpenssh ? `OpenSSH ${version}` : `Dropbear ${claimed[4] ?? ''}`.trim()
  const redHat = /centos|red hat|rhel|rocky|alma|openeuler|kylin|anolis/i.test(os.distribution)

  // A distribution that mends its server says so in the comment (Debian, Ubuntu), or does so silently (Red Hat from 8 on).
  // Debian's Dropbear has no comment and is mended all the same.
  const mended = /deb\d+u|ubuntu|Debian-\d/i.test(comment) || (redHat && version >= 8) || (!isOpenssh && /debian/i.test(os.distribution))
  const lives = isOpenssh ? openssh : dropbear
  if (!Number.isNaN(version)) {
    for (const list of ['kex', 'hostKey', 'cipher', 'mac', 'compression'] as const) {
      for (const algorithm of ssh[list]) {
        const life = Object.hasOwn(lives[list], algorithm) ? lives[list][algorithm] : undefined
        if (!life) {
          wrong.push(`ssh.${list}: no ${isOpenssh ? 'OpenSSH' : 'Dropbear'} server ever offered ${algorithm}`)
          continue
        }
        const [from, until = Number.POSITIVE_INFINITY] = life
        const strict = algorithm.startsWith('kex-strict') || algorithm === 'ext-info-s'
        if (version < from && !(strict && mended)) wrong.push(`ssh.${list}: ${algorithm} came with ${from}, and the banner says ${name}`)
        const kept = isOpenssh && redHat ? Math.max(until, redHatKeeps[algorithm] ?? 0) : until
        if (version >= kept) wrong.push(`ssh.${list}: ${algorithm} is not offered since ${kept}, and the banner says ${name}`)
      }
    }
    if (isOpenssh) {
      for (const [from, list, algorithm] of opensshOffers) {
        // Red Hat's policy of 9 and later leaves the post-quantum exchange out.
        if (redHat && algorithm.startsWith('sntrup')) continue
        if (version >= from && !ssh[list].includes(algorithm)) wrong.push(`ssh.${list}: ${name} offers ${algorithm}, and this list does not`)
      }
      if (version >= 7.2 && ssh.hostKeys.includes('rsa') && !ssh.hostKey.includes('rsa-sha2-512'))
        wrong.push(`ssh.hostKey: ${name} with an RSA key offers rsa-sha2-512`)
    }
  }

  const owner: Record<string, (typeof ssh.hostKeys)[number]> = {
    'ssh-rsa': 'rsa',
    'rsa-sha2-256': 'rsa',
    'rsa-sha2-512': 'rsa',
    'ecdsa-sha2-nistp256': 'ecdsa',
    'ssh-ed25519': 'ed25519',
  }
  for (const algorithm of ssh.hostKey) {
    const needed = owner[algorithm]
    if (!needed) wrong.push(`ssh.hostKey: ${algorithm} is offered, and no key of the host is of that type`)
    else if (!ssh.hostKeys.includes(needed)) wrong.push(`ssh.hostKey: ${algorithm} is offered, and the host has no ${needed} key`)
  }
  for (const key of ssh.hostKeys) {
    if (!ssh.hostKey.some((algorithm) => owner[algorithm] === key)) wrong.push(`ssh.hostKeys: the host has an ${key} key that it never offers`)
  }
  if (ssh.rsaBits < 1024 || ssh.rsaBits % 8 !== 0) wrong.push(`ssh.rsaBits: no server makes an RSA key of ${ssh.rsaBits} bits`)
  for (const list of ['kex', 'hostKey', 'cipher', 'mac', 'compression'] as const) {
    if (new Set(ssh[list]).size < ssh[list].length) wrong.push(`ssh.${list}: names an algorithm twice`)
    if (ssh[list].length === 0) wrong.push(`ssh.${list}: is empty, and no key exchange could succeed`)
  }

  const [, saidDebian] = /\b(Debian|Ubuntu|Raspbian|FreeBSD)\b/i.exec(comment) ?? []
  if (saidDebian && !os.distribution.toLowerCase().includes(saidDebian.toLowerCase()))
    wrong.push(`ssh.ident: says ${saidDebian}, and the host is ${os.distribution}`)
  if (isOpenssh && !comment && /debian|ubuntu|raspbian/i.test(os.distribution))
    wrong.push(`ssh.ident: ${os.distribution} puts its package's version behind ${name}`)
  if (isOpenssh) {
    const [known, day] = releases.findLast(([number]) => number <= version) ?? []
    if (known === version && day !== ssh.released) wrong.push(`ssh.released: ${name} came out on ${day}, not ${ssh.released}`)
    else if (day && ssh.released < day) wrong.push(`ssh.released: ${name} came out after ${day}, and ${ssh.released} is said`)
  } else if (claimed[4] && Math.abs(Number(claimed[4].slice(0, 4)) - Number(ssh.released.slice(0, 4))) > 1 && version > 2000) {
    wrong.push(`ssh.released: ${name} is of ${claimed[4].slice(0, 4)}, not ${ssh.released}`)
  }
  if (ssh.released > os.retired)
    wrong.push(`ssh.released: ${name} of ${ssh.released} is younger than the end of ${os.distribution} ${os.release} (${os.retired})`)
  const years = (Date.parse(os.released) - Date.parse(ssh.released)) / 31_556_952_000
  if (years > 3)
    wrong.push(`ssh.released: ${name} of ${ssh.released} is ${Math.floor(years)} years older than ${os.distribution} ${os.release} (${os.released})`)
  if (ssh.refusalMs[0] > ssh.refusalMs[1]) wrong.push('ssh.refusalMs: the range is upside down')
  return wrong
}

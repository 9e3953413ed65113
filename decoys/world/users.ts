/** The accounts of a host, read from its own `/etc/passwd` and `/etc/group`, so that what is changed there holds. */
import type { Files } from './files.ts'

export interface User {
  name: string
  uid: number
  gid: number
  fullName: string
  home: string
  shell: string
}

export interface Group {
  name: string
  gid: number
  members: string[]
}

export interface Users {
  all(): readonly User[]
  groups(): readonly Group[]
  byName(name: string): User | undefined
  byId(uid: number): User | undefined
  groupName(gid: number): string
  /** All groups a user is in, the primary one first. */
  groupsOf(user: User): Group[]
  /** The account to log in as; one that the login policy names but the persona has not is added to the host. */
  ensure(name: string, at: number): User
}

/** Users over a world's files. */
export function openUsers(files: Files): Users {
  let users: { revision: number; list: User[] } | undefined
  let groups: { revision: number; list: Group[] } | undefined
  const lines = (path: string): string[][] => {
    try {
      return files
        .read(path)
        .toString('latin1')
        .split('\n')
        .filter((line) => line.includes(':'))
        .slice(0, 500)
        .map((line) => line.split(':'))
    } catch {
      return []
    }
  }
  const all = (): User[] => {
    if (users?.revision !== files.revision) {
      const list = lines('/etc/passwd').map(([name = '', , uid = '', gid = '', fullName = '', home = '/', shell = '/bin/sh']) => ({
        name,
        uid: Number(uid) || 0,
        gid: Number(gid) || 0,
        fullName,
        home: home || '/',
        shell: shell || '/bin/sh',
      }))
      users = { revision: files.revision, list }
    }
    return users.list
  }
  const allGroups = (): Group[] => {
    if (groups?.revision !== files.revision) {
      const list = lines('/etc/group').map(([name = '', , gid = '', members = '']) => ({
        name,
        gid: Number(gid) || 0,
        members: members.split(',').filter(Boolean),
      }))
      groups = { revision: files.revision, list }
    }
    return groups.list
  }
  const byName = (name: string): User | undefined => all().find((u) => u.name === name)
  return {
    all,
    groups: allGroups,
    byName,
    byId: (uid) => all().find((u) => u.uid === uid),
    groupName: (gid) => allGroups().find((g) => g.gid === gid)?.name ?? String(gid),
    groupsOf(user) {
      const primary = allGroups().find((g) => g.gid === user.gid) ?? { name: user.name, gid: user.gid, members: [] }
      return [primary, ...allGroups().filter((g) => g.gid !== user.gid && g.members.includes(user.name))]
    },
    ensure(name, at) {
      const known = byName(name)
      if (known) return known
      const clean = name.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 32) || 'user'
      const again = byName(clean)
      if (again) return again
      const uid = Math.max(999, ...all().map((u) => (u.uid < 60000 ? u.uid : 0))) + 1
      const shell = files.stat('/bin/bash') ? '/bin/bash' : '/bin/ash'
      const home = `/home/${clean}`
      const append = (path: string, line: string): void => files.write(path, Buffer.from(line, 'latin1'), { append: true, at })
      append('/etc/passwd', `${clean}:x:${uid}:${uid}::${home}:${shell}\n`)
      append('/etc/group', `${clean}:x:${uid}:\n`)
      append('/etc/shadow', `${clean}:!!:${Math.floor(at / 86_400_000)}:0:99999:7:::\n`)
      if (!files.stat('/home')) files.mkdir('/home', { mode: 0o755, uid: 0, gid: 0, at })
      files.mkdir(home, { mode: 0o700, uid, gid: uid, at })
      return byName(clean) ?? { name: clean, uid, gid: uid, fullName: '', home, shell }
    },
  }
}

/** Programs that look at disks and mounts. */
import { mounts, uuidOf } from '../../world/proc.ts'
import { efiUuid } from '../../world/tree-debian.ts'
import type { CommandTable } from '../command.ts'
import { options } from '../command.ts'
import { reasonOf } from '../seat.ts'
import { humanSize } from './ls.ts'

export const diskCommands: CommandTable = {
  du(run, args) {
    const { flags, rest } = options(args, 'shakmcxd:', { 'max-depth': 'd', summarize: 's', 'human-readable': 'h' })
    const say = (kib: number, path: string): void => run.out(`${flags.has('h') ? humanSize(kib * 1024) : kib}\t${path}\n`)
    let budget = 20_000
    const size = (path: string, depth: number): number => {
      const stat = run.seat.world.files.stat(run.shell.path(path), false)
      if (!stat || budget-- < 0) return 0
      if (stat.kind !== 'directory') return stat.kind === 'link' ? 0 : Math.ceil(stat.size / 4096) * 4
      let sum = 4
      try {
        for (const name of run.seat.fs.list(run.shell.path(path)))
          if (!/^\/(proc|sys)$/.test(`${path}${name}`)) sum += size(path.endsWith('/') ? path + name : `${path}/${name}`, depth + 1)
      } catch (error) {
        run.err(`du: cannot read directory '${path}': ${reasonOf(error)}\n`)
      }
      if (depth === 0 || (!flags.has('s') && depth <= Number(flags.get('d') ?? 99))) say(sum, path)
      return sum
    }
    let status = 0
    for (const operand of rest.length > 0 ? rest : ['.']) {
      const stat = run.seat.world.files.stat(run.shell.path(operand), false)
      if (!stat) {
        run.err(`du: cannot access '${operand}': No such file or directory\n`)
        status = 1
      } else if (stat.kind === 'directory') size(operand, 0)
      else say(Math.ceil(stat.size / 4096) * 4, operand)
    }
    return status
  },
  df(run, args) {
    const { flags, rest } = options(args, 'hTimkPal', { 'human-readable': 'h', 'print-type': 'T', inodes: 'i' })
    const { host } = run.seat.world
    const inodes = flags.has('i')
    let list = [...host.mounts]
    if (rest.length > 0) {
      const path = run.seat.world.files.real(run.shell.path(rest[0] as string))
      list = [
        list.filter((m) => path === m.path || path.startsWith(m.path === '/' ? '/' : `${m.path}/`)).sort((a, b) => b.path.length - a.path.length)[0] ??
          (list[0] as (typeof list)[number]),
      ]
    }
    const cell = (kib: number): string => (flags.has('h') ? (kib === 0 ? '0' : humanSize(kib * 1024)) : String(kib))
    const rows = list.map((m) => {
      const [size, used] = inodes ? [m.inodes, Math.min(m.inodes, Math.round(m.usedKiB / 40) + 1)] : [m.sizeKiB, m.usedKiB]
      const free = size - used - (m.type === 'ext4' && !inodes ? Math.round(size * 0.05) : 0)
      const show = inodes ? String : cell
      return [
        m.device,
        ...(flags.has('T') ? [m.type] : []),
        show(size),
        show(used),
        show(Math.max(0, free)),
        `${size === 0 ? 0 : Math.ceil((used * 100) / Math.max(1, used + Math.max(0, free)))}%`,
        m.path,
      ]
    })
    const head = [
      'Filesystem',
      ...(flags.has('T') ? ['Type'] : []),
      inodes ? 'Inodes' : flags.has('h') ? 'Size' : '1K-blocks',
      inodes ? 'IUsed' : 'Used',
      inodes ? 'IFree' : flags.has('h') ? 'Avail' : 'Available',
      inodes ? 'IUse%' : 'Use%',
      'Mounted on',
    ]
    const table = [head, ...rows]
    const wide = head.map((_, i) => Math.max(...table.map((row) => (row[i] as string).length)))
    for (const row of table)
      run.out(
        `${row.map((text, i) => (i === 0 ? text.padEnd(Math.max(run.shell.ash ? 20 : 14, wide[0] as number)) : i === row.length - 1 ? text : i === 1 && flags.has('T') ? text.padEnd(wide[i] as number) : text.padStart(Math.max(run.shell.ash ? 9 : 4, wide[i] as number)))).join(' ')}\n`,
      )
    return 0
  },
  mount(run, args) {
    if (args.length === 0 || args[0] === '-l') {
      for (const line of mounts(run.seat.world.host).trim().split('\n')) {
        const [device, path, type, flags] = line.split(' ')
        run.out(`${device} on ${path} type ${type} (${flags})\n`)
      }
      return 0
    }
    if (run.seat.user.uid !== 0) return run.fault('only root can do that')
    run.err(
      run.shell.ash
        ? `mount: mounting ${args.at(-2)} on ${args.at(-1)} failed: Invalid argument\n`
        : `mount: ${args.at(-1)}: wrong fs type, bad option, bad superblock on ${args.at(-2) ?? args[0]}, missing codepage or helper program, or other error.\n`,
    )
    return 32
  },
  umount: (run, args) =>
    run.fault(`${args.at(-1) ?? ''}: ${run.seat.world.host.mounts.some((m) => m.path === args.at(-1)) ? 'target is busy.' : 'not mounted'}`) && 32,
  lsblk(run) {
    const { host } = run.seat.world
    const disk = host.persona.template.hardware.diskGiB
    const size = (gib: number): string =>
      (gib >= 1000 ? `${(gib / 1024).toFixed(1)}T` : gib >= 1 ? `${gib.toFixed(1).replace('.0', '')}G` : `${Math.round(gib * 1024)}M`).padStart(6)
    run.out(`NAME            MAJ:MIN RM   SIZE RO TYPE MOUNTPOINT${host.flavour === 'debian' ? 'S' : ''}\n`)
    run.out(`sda               8:0    0 ${size(disk)}  0 disk \n`)
    if (host.flavour === 'debian')
      run.out(
        `|-sda1            8:1    0   512M  0 part /boot/efi\n|-sda2            8:2    0 ${size(disk - 1.45)}  0 part /\n\`-sda3            8:3    0   976M  0 part [SWAP]\n`,
      )
    else if (host.flavour === 'ubuntu')
      run.out(
        `├─sda1            8:1    0     1M  0 part \n└─sda2            8:2    0 ${size(disk - 0.01)}  0 part /\n`.replaceAll('├─', '|-').replaceAll('└─', '`-'),
      )
    else {
      const kib = (path: string): number => (host.mounts.find((m) => m.path === path)?.sizeKiB ?? 0) / 1048576
      run.out(
        `|-sda1            8:1    0     1G  0 part /boot\n\`-sda2            8:2    0 ${size(disk - 1)}  0 part \n  |-centos-root 253:0    0 ${size(kib('/'))}  0 lvm  /\n  |-centos-swap 253:1    0 ${size(host.swapKiB / 1048576)}  0 lvm  [SWAP]\n  \`-centos-home 253:2    0 ${size(kib('/home'))}  0 lvm  /home\n`,
      )
    }
    return 0
  },
  blkid(run) {
    const { host } = run.seat.world
    run.out(
      host.flavour === 'debian'
        ? `/dev/sda2: UUID="${uuidOf(host, 'root-uuid')}" BLOCK_SIZE="4096" TYPE="ext4"\n/dev/sda3: UUID="${uuidOf(host, 'swap-uuid')}" TYPE="swap"\n/dev/sda1: UUID="${efiUuid(host)}" BLOCK_SIZE="512" TYPE="vfat"\n`
        : host.flavour === 'ubuntu'
          ? `/dev/sda2: UUID="${uuidOf(host, 'root-uuid')}" TYPE="ext4"\n`
          : `/dev/sda1: UUID="${uuidOf(host, 'boot-uuid')}" TYPE="xfs" \n/dev/mapper/centos-root: UUID="${uuidOf(host, 'root-uuid')}" TYPE="xfs" \n`,
    )
    return 0
  },
}

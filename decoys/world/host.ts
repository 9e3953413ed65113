/** What a persona comes to when it is a running host: sizes, names and figures that every view of it derives from. */
import type { Persona } from '../persona.ts'

export type Flavour = 'centos' | 'ubuntu' | 'debian' | 'openwrt'

/** One mounted file system; sizes in KiB. */
export interface Mount {
  device: string
  path: string
  type: string
  sizeKiB: number
  usedKiB: number
  inodes: number
  options: string
}

export interface Host {
  readonly persona: Persona
  readonly flavour: Flavour
  /** Whether it is of Debian's family: apt, dash as sh, its names of units and logs. */
  readonly apt: boolean
  /** What `MemTotal` says: the installed memory less what kernel and firmware keep. */
  readonly memoryKiB: number
  readonly swapKiB: number
  /** Name of the interface that leads outside. */
  readonly interfaceName: string
  readonly mounts: readonly Mount[]
  /** Core clock in MHz with three decimals, and the bogomips that follow from it. */
  readonly mhz: number
  /** Load averages of 1, 5 and 15 minutes at a time (milliseconds since 1970 UTC). */
  load(now: number): [number, number, number]
  /** Minutes east of UTC of the persona's time zone. */
  readonly offsetMinutes: number
  readonly zone: string
}

const made = new WeakMap<Persona, Host>()
const zones: Record<string, [number, string]> = { 'Asia/Shanghai': [480, 'CST'], 'Asia/Urumqi': [360, '+06'], UTC: [0, 'UTC'] }

/** The host of a persona; made once a persona. */
export function makeHost(persona: Persona): Host {
  const known = made.get(persona)
  if (known) return known
  const { os, hardware, host } = persona.template
  const flavour: Flavour = /openwrt/i.test(os.distribution)
    ? 'openwrt'
    : /debian/i.test(os.distribution)
      ? 'debian'
      : /ubuntu/i.test(os.distribution)
        ? 'ubuntu'
        : 'centos'
  const memoryKiB =
    Math.round(hardware.memoryMiB * 1024 * (flavour === 'openwrt' ? 0.948 : 0.9712)) -
    persona.number('memory-reserved', 0, flavour === 'openwrt' ? 900 : 20_000) * 4
  const [offsetMinutes, zone] = zones[host.timezone] ?? [480, 'CST']
  const clock = /@ ([\d.]+)GHz/.exec(hardware.cpu)?.[1]
  const mhz = clock ? Number(clock) * 1000 + persona.number('mhz', -6000, 6000) / 1000 : 580
  const seed = persona.number('load', 0, 9999)
  const wave = (now: number, minutes: number): number => {
    const t = now / 60_000 / minutes + seed
    const base = flavour === 'openwrt' ? 0.06 : 0.12 * Math.sqrt(hardware.cores)
    return Math.max(0, base * (1 + 0.7 * Math.sin(t / 3) + 0.5 * Math.sin(t * 1.7)))
  }
  const made_: Host = {
    persona,
    flavour,
    apt: flavour === 'ubuntu' || flavour === 'debian',
    memoryKiB,
    swapKiB:
      flavour === 'openwrt'
        ? 0
        : flavour === 'ubuntu'
          ? 2097148
          : flavour === 'debian'
            ? 999420
            : Math.min(8, Math.max(2, Math.round(hardware.memoryMiB / 2048))) * 1048576 - 4,
    interfaceName:
      flavour === 'openwrt'
        ? 'br-lan'
        : flavour === 'ubuntu'
          ? 'eno1'
          : flavour === 'debian'
            ? 'enp1s0'
            : persona.pick('interface', ['eth0', 'em1', 'ens192', 'enp4s0f0']),
    mounts: mountsOf(persona, flavour, memoryKiB),
    mhz,
    load: (now) => [wave(now, 1), wave(now, 5), wave(now, 15)].map((n) => Math.round(n * 100) / 100) as [number, number, number],
    offsetMinutes,
    zone,
  }
  made.set(persona, made_)
  return made_
}

function mountsOf(persona: Persona, flavour: Flavour, memoryKiB: number): Mount[] {
  const disk = Math.round(persona.template.hardware.diskGiB * 1048576)
  const half = Math.floor(memoryKiB / 2)
  const used = (name: string, size: number, from: number, to: number): number => Math.round((size * persona.number(`disk-${name}`, from * 10, to * 10)) / 1000)
  const mount = (device: string, path: string, type: string, sizeKiB: number, usedKiB: number, options: string): Mount => ({
    device,
    path,
    type,
    sizeKiB,
    usedKiB,
    inodes: Math.round(sizeKiB / 16),
    options,
  })
  if (flavour === 'openwrt') {
    const overlay = Math.round(disk * 0.62)
    return [
      mount('/dev/root', '/rom', 'squashfs', 2560, 2560, 'ro,relatime'),
      mount('tmpfs', '/tmp', 'tmpfs', half, persona.number('tmp-used', 60, 900), 'rw,nosuid,nodev,noatime'),
      mount('/dev/mtdblock6', '/overlay', 'jffs2', overlay, used('overlay', overlay, 6, 21), 'rw,noatime'),
      mount(
        'overlayfs:/overlay',
        '/',
        'overlay',
        overlay,
        used('overlay', overlay, 6, 21),
        'rw,noatime,lowerdir=/,upperdir=/overlay/upper,workdir=/overlay/work',
      ),
      mount('tmpfs', '/dev', 'tmpfs', 512, 0, 'rw,nosuid,relatime,size=512k,mode=755'),
    ]
  }
  if (flavour === 'debian') {
    const root = Math.round((disk - 524_288 - 999_424 - 2048) * 0.9826)
    return [
      mount('udev', '/dev', 'devtmpfs', half - 38_000, 0, `rw,nosuid,relatime,size=${half - 38_000}k,nr_inodes=${Math.round(half / 4)},mode=755,inode64`),
      mount('tmpfs', '/run', 'tmpfs', Math.floor(memoryKiB / 10), persona.number('run-used', 620, 1400), 'rw,nosuid,nodev,noexec,relatime,mode=755,inode64'),
      mount('/dev/sda2', '/', 'ext4', root, used('root', root, 9, 31), 'rw,relatime,errors=remount-ro'),
      mount('tmpfs', '/dev/shm', 'tmpfs', half, 0, 'rw,nosuid,nodev,inode64'),
      mount('tmpfs', '/run/lock', 'tmpfs', 5120, 0, 'rw,nosuid,nodev,noexec,relatime,size=5120k,inode64'),
      mount(
        '/dev/sda1',
        '/boot/efi',
        'vfat',
        523_244,
        5972,
        'rw,relatime,fmask=0077,dmask=0077,codepage=437,iocharset=ascii,shortname=mixed,utf8,errors=remount-ro',
      ),
    ]
  }
  if (flavour === 'ubuntu') {
    const root = Math.round(disk * 0.9823)
    return [
      mount('udev', '/dev', 'devtmpfs', half - 38000, 0, 'rw,nosuid,relatime,mode=755'),
      mount('tmpfs', '/run', 'tmpfs', Math.floor(memoryKiB / 10), persona.number('run-used', 900, 3900), 'rw,nosuid,noexec,relatime,mode=755'),
      mount('/dev/sda2', '/', 'ext4', root, used('root', root, 12, 44), 'rw,relatime,data=ordered'),
      mount('tmpfs', '/dev/shm', 'tmpfs', half, 0, 'rw,nosuid,nodev'),
      mount('tmpfs', '/run/lock', 'tmpfs', 5120, 0, 'rw,nosuid,nodev,noexec,relatime,size=5120k'),
      mount('tmpfs', '/sys/fs/cgroup', 'tmpfs', half, 0, 'ro,nosuid,nodev,noexec,mode=755'),
      mount('tmpfs', '/run/user/0', 'tmpfs', Math.floor(memoryKiB / 10), 0, 'rw,nosuid,nodev,relatime,mode=700'),
    ]
  }
  const root = Math.min(52403200, Math.round(disk * 0.6))
  const home = Math.max(1048576, disk - root - 9437184)
  return [
    mount('devtmpfs', '/dev', 'devtmpfs', half - 12240, 0, 'rw,nosuid,mode=755'),
    mount('tmpfs', '/dev/shm', 'tmpfs', half, 0, 'rw,nosuid,nodev'),
    mount('tmpfs', '/run', 'tmpfs', half, persona.number('run-used', 9000, 99000), 'rw,nosuid,nodev,mode=755'),
    mount('tmpfs', '/sys/fs/cgroup', 'tmpfs', half, 0, 'ro,nosuid,nodev,noexec,mode=755'),
    mount('/dev/mapper/centos-root', '/', 'xfs', root, used('root', root, 9, 38), 'rw,relatime,attr2,inode64,noquota'),
    mount('/dev/sda1', '/boot', 'xfs', 1038336, persona.number('boot-used', 142000, 246000), 'rw,relatime,attr2,inode64,noquota'),
    mount('/dev/mapper/centos-home', '/home', 'xfs', home, used('home', home, 1, 19), 'rw,relatime,attr2,inode64,noquota'),
    mount('tmpfs', '/run/user/0', 'tmpfs', Math.floor(memoryKiB / 10), 0, 'rw,nosuid,nodev,relatime,mode=700'),
  ]
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The parts of a time in the host's own zone. `ms` is milliseconds since 1970 UTC. */
export function localTime(host: Host, ms: number) {
  const d = new Date(ms + host.offsetMinutes * 60_000)
  const two = (n: number): string => String(n).padStart(2, '0')
  return {
    year: d.getUTCFullYear(),
    month: d.getUTCMonth() + 1,
    date: d.getUTCDate(),
    weekday: days[d.getUTCDay()] as string,
    monthName: months[d.getUTCMonth()] as string,
    day: String(d.getUTCDate()).padStart(2, ' '),
    hh: two(d.getUTCHours()),
    mm: two(d.getUTCMinutes()),
    ss: two(d.getUTCSeconds()),
    iso: `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())}`,
  }
}

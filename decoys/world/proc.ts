/** `/proc` and `/sys`: every file is made from the same facts that the commands print. */
import type { TreeBuilder, View } from './base.ts'
import type { Host } from './host.ts'
import { memoryAt } from './memory.ts'

/** `Linux version …` as /proc/version and the first line of the kernel log say it. */
export function kernelVersion(host: Host): string {
  const { os } = host.persona.template
  const by = {
    centos: '(mockbuild@kbuilder.bsys.centos.org) (gcc version 4.8.5 20150623 (Red Hat 4.8.5-44) (GCC) )',
    ubuntu: '(buildd@lcy01-amd64-021) (gcc version 7.5.0 (Ubuntu 7.5.0-3ubuntu1~18.04))',
    debian: '(debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40)',
    openwrt: '(builder@buildhost) (gcc version 7.5.0 (OpenWrt GCC 7.5.0 r11208-ce6496d796))',
  }[host.flavour]
  return `Linux version ${os.kernel} ${by} ${os.kernelBuild}`
}

/** Adds `/proc` and what is read of `/sys`. */
export function addProc(build: TreeBuilder, host: Host): void {
  const file = (path: string, content: (view: View) => string, mode = 0o444): void => build.file(path, content, mode, { time: 'now' })
  build.dir('/proc', 0o555, { time: 'boot' })
  file('/proc/version', () => `${kernelVersion(host)}\n`)
  file('/proc/cpuinfo', cpuinfo)
  file('/proc/meminfo', meminfo)
  file('/proc/uptime', ({ host: { persona }, now }) => {
    const up = (now - persona.bootedAt) / 1000
    return `${up.toFixed(2)} ${(up * persona.template.hardware.cores * 0.982).toFixed(2)}\n`
  })
  file('/proc/loadavg', ({ host: h, now, processes, self }) => {
    const [one, five, fifteen] = h.load(now)
    return `${one.toFixed(2)} ${five.toFixed(2)} ${fifteen.toFixed(2)} 1/${processes.all(now).length + 61} ${self || 2311}\n`
  })
  file('/proc/mounts', ({ host: h }) => mounts(h))
  build.link('/proc/self/mounts', '/proc/mounts', { time: 'now' })
  file('/proc/filesystems', () =>
    host.flavour === 'openwrt'
      ? 'nodev\tsysfs\nnodev\tproc\nnodev\ttmpfs\nnodev\toverlay\n\tsquashfs\n\tjffs2\n'
      : `nodev\tsysfs\nnodev\tproc\nnodev\tcgroup\nnodev\ttmpfs\nnodev\tdevpts\n\t${host.flavour === 'centos' ? 'xfs' : 'ext4'}\n`,
  )
  file('/proc/cmdline', ({ host: h }) => `${commandLine(h)}\n`)
  file('/proc/partitions', ({ host: h }) => partitions(h))
  file('/proc/net/dev', netDevices)
  file(
    '/proc/net/arp',
    ({ host: h, network }) =>
      `IP address       HW type     Flags       HW address            Mask     Device\n${network.gateway.padEnd(16)} 0x1         0x2         ${network.gatewayMac}     *        ${h.interfaceName}\n`,
  )
  file('/proc/net/route', ({ host: h, network }) => {
    const hex = (ip: string): string =>
      ip
        .split('.')
        .reverse()
        .map((n) => Number(n).toString(16).padStart(2, '0').toUpperCase())
        .join('')
    const row = (...cells: string[]): string => `${cells.join('\t')}\n`
    return (
      row('Iface', 'Destination', 'Gateway ', 'Flags', 'RefCnt', 'Use', 'Metric', 'Mask', 'MTU', 'Window', 'IRTT') +
      row(h.interfaceName, '00000000', hex(network.gateway), '0003', '0', '0', '0', '00000000', '0', '0', '0') +
      row(h.interfaceName, hex(network.base), '00000000', '0001', '0', '0', '0', '00FFFFFF', '0', '0', '0')
    )
  })
  file('/proc/net/tcp', tcp)
  file('/proc/modules', () =>
    host.flavour === 'openwrt'
      ? 'nf_conntrack 86112 9 - Live 0x00000000\nath9k 124912 0 - Live 0x00000000\n'
      : 'xfs 997127 3 - Live 0x0000000000000000\nip_tables 27126 1 - Live 0x0000000000000000\n',
  )
  file('/proc/stat', stat)
  file(
    '/proc/swaps',
    ({ host: h, now }) =>
      `Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n${h.swapKiB ? `${h.flavour === 'centos' ? '/dev/dm-1                               partition' : h.flavour === 'debian' ? '/dev/sda3                               partition' : '/swap.img                               file     '}\t${h.swapKiB}\t${h.swapKiB - memoryAt(h, now).swapFree}\t-2\n` : ''}`,
  )
  file('/proc/sys/kernel/hostname', ({ host: h }) => `${h.persona.hostname}\n`, 0o644)
  file('/proc/sys/kernel/osrelease', ({ host: h }) => `${h.persona.template.os.kernel}\n`)
  file('/proc/sys/kernel/ostype', () => 'Linux\n')
  file('/proc/sys/kernel/random/boot_id', ({ host: h }) => `${uuidOf(h, 'boot-id')}\n`)
  file('/proc/sys/net/ipv4/ip_forward', () => (host.flavour === 'openwrt' ? '1\n' : '0\n'), 0o644)
  file('/proc/sys/kernel/randomize_va_space', () => '2\n', 0o644)
  file('/proc/sys/vm/swappiness', () => '60\n', 0o644)
  build.link('/proc/self/exe', host.flavour === 'openwrt' ? '/bin/busybox' : '/usr/bin/bash', { time: 'now' })
  file(
    '/proc/self/status',
    () => `Name:\t${host.flavour === 'openwrt' ? 'busybox' : 'cat'}\nState:\tR (running)\nTracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nThreads:\t1\n`,
  )
  file(
    '/proc/self/cgroup',
    () => '11:devices:/user.slice\n10:memory:/user.slice\n9:pids:/user.slice\n1:name=systemd:/user.slice/user-0.slice/session-1.scope\n',
  )
  build.dir('/proc/self/fd', 0o500, { time: 'now' })
  for (const n of [0, 1, 2]) build.link(`/proc/self/fd/${n}`, '/dev/null', { time: 'now' })
  if (host.flavour === 'openwrt')
    file(
      '/proc/mtd',
      () =>
        'dev:    size   erasesize  name\nmtd0: 00030000 00010000 "u-boot"\nmtd1: 00010000 00010000 "u-boot-env"\nmtd2: 00010000 00010000 "factory"\nmtd3: 00fb0000 00010000 "firmware"\nmtd4: 001a4d6d 00010000 "kernel"\nmtd5: 00e0b293 00010000 "rootfs"\nmtd6: 00b80000 00010000 "rootfs_data"\n',
    )
  build.dir('/sys', 0o555, { time: 'boot' })
  file(`/sys/class/net/${host.interfaceName}/address`, ({ host: h }) => `${h.persona.mac}\n`)
  file('/sys/class/net/lo/address', () => '00:00:00:00:00:00\n')
  if (host.flavour !== 'openwrt') {
    file('/sys/class/dmi/id/sys_vendor', ({ host: h }) => `${h.persona.template.hardware.vendor}\n`)
    file('/sys/class/dmi/id/product_name', ({ host: h }) => `${h.persona.template.hardware.model}\n`)
    file('/sys/class/dmi/id/product_serial', ({ host: h }) => `${h.persona.serial}\n`, 0o400)
    file('/sys/class/dmi/id/product_uuid', ({ host: h }) => `${uuidOf(h, 'product-uuid').toUpperCase()}\n`, 0o400)
  }
  file('/sys/devices/system/cpu/online', ({ host: h }) => `0-${h.persona.template.hardware.cores - 1}\n`)
}

/** A random-looking UUID of version 4 (RFC 9562), the same for the same host and purpose. */
export function uuidOf(host: Host, purpose: string): string {
  const bytes = host.persona.draw(purpose, 16)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The kernel's command line. */
export function commandLine(host: Host): string {
  const { kernel } = host.persona.template.os
  if (host.flavour === 'openwrt') return 'console=ttyS0,115200 rootfstype=squashfs,jffs2'
  if (host.apt) return `BOOT_IMAGE=/boot/vmlinuz-${kernel} root=UUID=${uuidOf(host, 'root-uuid')} ro${host.flavour === 'debian' ? ' quiet' : ''}`
  return `BOOT_IMAGE=/vmlinuz-${kernel} root=/dev/mapper/centos-root ro crashkernel=auto rd.lvm.lv=centos/root rd.lvm.lv=centos/swap rhgb quiet LANG=en_US.UTF-8`
}

const serverFlags =
  'fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush dts acpi mmx fxsr sse sse2 ss ht tm pbe syscall nx pdpe1gb rdtscp lm constant_tsc art arch_perfmon pebs bts rep_good nopl xtopology nonstop_tsc aperfmperf eagerfpu pni pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 sdbg fma cx16 xtpr pdcm pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave avx f16c rdrand lahf_lm abm 3dnowprefetch epb cat_l3 ssbd ibrs ibpb stibp tpr_shadow vnmi flexpriority ept vpid fsgsbase tsc_adjust bmi1 hle avx2 smep bmi2 erms invpcid rtm rdseed adx smap clflushopt xsaveopt'

const atomFlags =
  'fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush dts acpi mmx fxsr sse sse2 ss ht tm pbe syscall nx rdtscp lm constant_tsc arch_perfmon pebs bts rep_good nopl xtopology nonstop_tsc cpuid aperfmperf tsc_known_freq pni pclmulqdq dtes64 monitor ds_cpl vmx est tm2 ssse3 cx16 xtpr pdcm sse4_1 sse4_2 movbe popcnt tsc_deadline_timer rdrand lahf_lm 3dnowprefetch epb pti ibrs ibpb stibp tpr_shadow vnmi flexpriority ept vpid tsc_adjust smep erms dtherm ida arat md_clear'

/** What /proc/cpuinfo and lscpu say of an x86 processor besides its name: Intel's numbers of the family that the name belongs to. */
export function processorOf(host: Host) {
  return /atom/i.test(host.persona.template.hardware.cpu)
    ? {
        model: 55,
        stepping: 9,
        microcode: '0x90d',
        cacheKiB: 1024,
        level: 11,
        bits: 36,
        flags: atomFlags,
        caches: ['48 KiB (2 instances)', '64 KiB (2 instances)', '1 MiB (1 instance)'],
      }
    : { model: 85, stepping: 7, microcode: '0x5003003', cacheKiB: 14_080, level: 22, bits: 46, flags: serverFlags, caches: [] }
}

function cpuinfo({ host }: View): string {
  const { hardware, os } = host.persona.template
  if (os.architecture === 'mips') {
    return `system type\t\t: MediaTek MT7620A ver:2 eco:6\nmachine\t\t\t: ${hardware.model}\nprocessor\t\t: 0\ncpu model\t\t: ${hardware.cpu}\nBogoMIPS\t\t: 385.84\nwait instruction\t: yes\nmicrosecond timers\t: yes\ntlb_entries\t\t: 32\nextra interrupt vector\t: yes\nhardware watchpoint\t: yes, count: 4, address/irw mask: [0x0ffc, 0x0ffc, 0x0ffb, 0x0ffb]\nisa\t\t\t: mips1 mips2 mips32r1 mips32r2\nASEs implemented\t: mips16 dsp\nshadow register sets\t: 1\nkscratch registers\t: 0\npackage\t\t\t: 0\ncore\t\t\t: 0\nVCED exceptions\t\t: not available\nVCEI exceptions\t\t: not available\n\n`
  }
  if (os.architecture === 'armv7l') {
    let text = ''
    for (let i = 0; i < hardware.cores; i++)
      text += `processor\t: ${i}\nmodel name\t: ARMv7 Processor rev 5 (v7l)\nBogoMIPS\t: 48.00\nFeatures\t: half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae\nCPU implementer\t: 0x41\nCPU architecture: 7\nCPU variant\t: 0x0\nCPU part\t: 0xc07\nCPU revision\t: 5\n\n`
    return `${text}Hardware\t: ${hardware.model}\nRevision\t: 0000\nSerial\t\t: 0000000000000000\n`
  }
  const perSocket = hardware.cores > 8 ? hardware.cores / 2 : hardware.cores
  const kind = processorOf(host)
  let text = ''
  for (let i = 0; i < hardware.cores; i++) {
    const socket = Math.floor(i / perSocket)
    const core = i % perSocket
    text += `processor\t: ${i}\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: ${kind.model}\nmodel name\t: ${hardware.cpu}\nstepping\t: ${kind.stepping}\nmicrocode\t: ${kind.microcode}\ncpu MHz\t\t: ${host.mhz.toFixed(3)}\ncache size\t: ${kind.cacheKiB} KB\nphysical id\t: ${socket}\nsiblings\t: ${perSocket}\ncore id\t\t: ${core}\ncpu cores\t: ${perSocket}\napicid\t\t: ${i * 2}\ninitial apicid\t: ${i * 2}\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: ${kind.level}\nwp\t\t: yes\nflags\t\t: ${kind.flags}\nbogomips\t: ${(host.mhz * 2).toFixed(2)}\nclflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: ${kind.bits} bits physical, 48 bits virtual\npower management:\n\n`
  }
  return text
}

function meminfo({ host, now }: View): string {
  const m = memoryAt(host, now)
  const active = Math.round(m.cached * 0.55 + m.used * 0.6)
  const rows: [string, number][] = [
    ['MemTotal', m.total],
    ['MemFree', m.free],
    ['MemAvailable', m.available],
    ['Buffers', m.buffers],
    ['Cached', m.cached],
    ['SwapCached', 0],
    ['Active', active],
    ['Inactive', Math.round(m.cached * 0.42)],
    ['Unevictable', 0],
    ['Mlocked', 0],
    ['SwapTotal', m.swapTotal],
    ['SwapFree', m.swapFree],
    ['Dirty', 8 + (Math.floor(now / 1000) % 30) * 4],
    ['Writeback', 0],
    ['AnonPages', Math.round(m.used * 0.7)],
    ['Mapped', Math.round(m.used * 0.16)],
    ['Shmem', m.shared],
    ['Slab', m.slab],
    ['SReclaimable', Math.round(m.slab * 0.6)],
    ['SUnreclaim', m.slab - Math.round(m.slab * 0.6)],
    ['KernelStack', 3000 + host.persona.template.hardware.cores * 96],
    ['PageTables', Math.round(m.used * 0.012)],
    ['CommitLimit', m.swapTotal + Math.round(m.total / 2)],
    ['Committed_AS', Math.round(m.used * 1.9)],
  ]
  return rows.map(([name, value]) => `${`${name}:`.padEnd(16)}${String(value).padStart(8)} kB\n`).join('')
}

export function mounts(host: Host): string {
  const fixed =
    host.flavour === 'openwrt'
      ? ['proc /proc proc rw,nosuid,nodev,noexec,noatime 0 0', 'sysfs /sys sysfs rw,nosuid,nodev,noexec,noatime 0 0']
      : ['sysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0', 'proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0']
  const rows = host.mounts.map((m) => `${m.device} ${m.path} ${m.type} ${m.options} 0 0`)
  return `${[...fixed, ...rows, 'devpts /dev/pts devpts rw,nosuid,noexec,relatime,gid=5,mode=620,ptmxmode=000 0 0'].join('\n')}\n`
}

function partitions(host: Host): string {
  const total = Math.round(host.persona.template.hardware.diskGiB * 1048576)
  const row = (major: number, minor: number, blocks: number, name: string): string =>
    `${String(major).padStart(4)} ${String(minor).padStart(8)} ${String(blocks).padStart(10)} ${name}\n`
  let text = 'major minor  #blocks  name\n\n'
  if (host.flavour === 'openwrt') return text + [192, 64, 64, 16064, 1683, 14380, 11776].map((blocks, i) => row(31, i, blocks, `mtdblock${i}`)).join('')
  if (host.flavour === 'debian')
    return (
      text + row(8, 0, total, 'sda') + row(8, 1, 524_288, 'sda1') + row(8, 2, total - 524_288 - 999_424 - 2048, 'sda2') + row(8, 3, host.swapKiB + 4, 'sda3')
    )
  text += row(8, 0, total, 'sda') + row(8, 1, host.flavour === 'centos' ? 1048576 : 1024, 'sda1') + row(8, 2, total - 1049600, 'sda2')
  if (host.flavour === 'centos') {
    const size = (path: string): number => (host.mounts.find((m) => m.path === path)?.sizeKiB ?? 0) + 25600
    text += row(253, 0, size('/'), 'dm-0') + row(253, 1, host.swapKiB + 4, 'dm-1') + row(253, 2, size('/home'), 'dm-2')
  }
  return text
}

function netDevices({ host, network, now }: View): string {
  const t = network.traffic(now)
  const row = (name: string, rx: number, rxp: number, tx: number, txp: number): string =>
    `${name.padStart(6)}: ${String(rx).padStart(7)} ${String(rxp).padStart(7)}    0    0    0     0          0         0 ${String(tx).padStart(8)} ${String(txp).padStart(7)}    0    0    0     0       0          0\n`
  return `Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n${row(host.interfaceName, t.rxBytes, t.rxPackets, t.txBytes, t.txPackets)}${row('lo', t.txPackets * 3, Math.floor(t.txPackets / 40), t.txPackets * 3, Math.floor(t.txPackets / 40))}`
}

function tcp({ network, logins }: View): string {
  const hex = (ip: string, port: number): string =>
    `${(/^\d+\.\d+\.\d+\.\d+$/.test(ip) ? ip : '0.0.0.0')
      .split('.')
      .reverse()
      .map((n) => Number(n).toString(16).padStart(2, '0').toUpperCase())
      .join('')}:${port.toString(16).padStart(4, '0').toUpperCase()}`
  let text = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
  let line = 0
  const row = (local: string, remote: string, state: string): void => {
    text += `${String(line++).padStart(4)}: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000     0        0 ${17000 + line * 311} 1 0000000000000000 100 0 0 10 0\n`
  }
  for (const l of network.listening()) row(hex(l.local ?? '0.0.0.0', l.port), '00000000:0000', '0A')
  for (const login of logins.live) row(hex(network.address, network.port('ssh')), hex(login.from, login.port), '01')
  return text
}

function stat({ host, now }: View): string {
  const up = (now - host.persona.bootedAt) / 10
  const cores = host.persona.template.hardware.cores
  const row = (name: string, n: number): string =>
    `${name} ${Math.floor(up * n * 0.009)} ${Math.floor(up * n * 0.0004)} ${Math.floor(up * n * 0.006)} ${Math.floor(up * n * 0.982)} ${Math.floor(up * n * 0.001)} 0 ${Math.floor(up * n * 0.0006)} 0 0 0\n`
  let text = row('cpu ', cores)
  for (let i = 0; i < cores; i++) text += row(`cpu${i}`, 1)
  return `${text}ctxt ${Math.floor(up * 31)}\nbtime ${Math.floor(host.persona.bootedAt / 1000)}\nprocesses ${Math.floor(up / 190)}\nprocs_running 1\nprocs_blocked 0\n`
}

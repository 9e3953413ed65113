/** The kernel's log since boot, as dmesg and /var/log/dmesg print it. */
import type { Host } from './host.ts'
import { commandLine, kernelVersion, processorOf } from './proc.ts'

/** The log as dmesg prints it. */
export const kernelLog = (host: Host): string =>
  kernelLines(host)
    .map(({ seconds, text }) => `[${seconds.toFixed(6).padStart(12)}] ${text}\n`)
    .join('')

/** Lines with the seconds since boot; agrees with version, command line, processors, memory, disk and interface. */
export function kernelLines(host: Host): { seconds: number; text: string }[] {
  const { hardware } = host.persona.template
  const lines: [number, string][] =
    host.flavour === 'openwrt'
      ? [
          [0, kernelVersion(host)],
          [0, 'SoC Type: MediaTek MT7620A ver:2 eco:6'],
          [0, 'bootconsole [early0] enabled'],
          [0, `CPU0 revision is: 00019650 (MIPS 24KEc)`],
          [0, `MIPS: machine is ${hardware.model}`],
          [0, 'Determined physical RAM map:'],
          [0, ` memory: ${(hardware.memoryMiB * 1048576).toString(16).padStart(8, '0')} @ 00000000 (usable)`],
          [0, `Kernel command line: ${commandLine(host)}`],
          [
            0,
            `Memory: ${host.memoryKiB}K/${hardware.memoryMiB * 1024}K available (4271K kernel code, 213K rwdata, 936K rodata, 200K init, 203K bss, ${hardware.memoryMiB * 1024 - host.memoryKiB}K reserved, 0K cma-reserved)`,
          ],
          [0.000007, 'sched_clock: 32 bits at 290MHz, resolution 3ns, wraps every 7403510781ns'],
          [0.0078, 'Calibrating delay loop... 385.84 BogoMIPS (lpj=1929216)'],
          [0.213, 'NET: Registered protocol family 16'],
          [0.871, 'spi-nor spi0.0: w25q128 (16384 Kbytes)'],
          [0.883, '4 fixed-partitions partitions found on MTD device spi0.0'],
          [1.092, 'VFS: Mounted root (squashfs filesystem) readonly on device 31:5.'],
          [1.931, 'init: Console is alive'],
          [4.402, 'procd: - early -'],
          [5.113, 'procd: - ubus -'],
          [14.21, 'jffs2: notice: (341) jffs2_build_xattr_subsystem: complete building xattr subsystem'],
          [19.77, 'procd: - init -'],
          [26.31, `br-lan: port 1(eth0.1) entered forwarding state`],
        ]
      : [
          ...(host.flavour === 'centos' ? ([[0, 'Initializing cgroup subsys cpuset']] as [number, string][]) : []),
          [0, kernelVersion(host)],
          [0, `Command line: ${commandLine(host)}`],
          [0, 'e820: BIOS-provided physical RAM map:'],
          [0, 'BIOS-e820: [mem 0x0000000000000000-0x000000000009ffff] usable'],
          [0, `BIOS-e820: [mem 0x0000000100000000-0x${(hardware.memoryMiB * 1048576 + 0x7fffffff).toString(16).padStart(16, '0')}] usable`],
          [0, 'NX (Execute Disable) protection: active'],
          [
            0,
            `DMI: ${hardware.vendor} ${hardware.model}/${hardware.model}, BIOS ${host.flavour === 'debian' ? '5.6.5' : '4.1.13'} ${host.persona.pick('bios', ['03/12/2019', '08/27/2019', '05/21/2020'])}`,
          ],
          [0, `Memory: ${host.memoryKiB}k/${hardware.memoryMiB * 1024}k available`],
          [0, `tsc: Detected ${host.mhz.toFixed(3)} MHz processor`],
          [
            0.000053,
            `Calibrating delay loop (skipped), value calculated using timer frequency.. ${(host.mhz * 2).toFixed(2)} BogoMIPS (lpj=${Math.round(host.mhz * 1000)})`,
          ],
          [
            0.061,
            `smpboot: CPU0: ${hardware.cpu} (${host.flavour === 'centos' ? `fam: 06, model: ${processorOf(host).model.toString(16)}, stepping: 0${processorOf(host).stepping}` : `family: 0x6, model: 0x${processorOf(host).model.toString(16)}, stepping: 0x${processorOf(host).stepping}`})`,
          ],
          [0.412, `smpboot: Total of ${hardware.cores} processors activated (${(host.mhz * 2 * hardware.cores).toFixed(2)} BogoMIPS)`],
          [0.93, 'NetLabel: Initializing'],
          [1.31, 'pci 0000:00:1f.2: reg 0x20: [io  0x3020-0x303f]'],
          [2.118, `sd 0:0:0:0: [sda] ${Math.round(hardware.diskGiB * 2097152)} 512-byte logical blocks`],
          [2.131, 'sd 0:0:0:0: [sda] Write Protect is off'],
          [2.164, host.flavour === 'debian' ? ' sda: sda1 sda2 sda3' : ' sda: sda1 sda2'],
          [2.377, 'sd 0:0:0:0: [sda] Attached SCSI disk'],
          [
            3.902,
            host.flavour === 'centos'
              ? 'XFS (dm-0): Mounting V5 Filesystem'
              : `EXT4-fs (sda2): mounted filesystem with ordered data mode. ${host.flavour === 'debian' ? 'Quota mode: none.' : 'Opts: (null)'}`,
          ],
          [5.218, 'systemd[1]: Detected architecture x86-64.'],
          [5.227, `systemd[1]: Set hostname to <${host.persona.hostname}>.`],
          [9.604, `IPv6: ADDRCONF(NETDEV_UP): ${host.interfaceName}: link is not ready`],
          [12.771, `${host.interfaceName}: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: None`],
          [12.773, `IPv6: ADDRCONF(NETDEV_CHANGE): ${host.interfaceName}: link becomes ready`],
        ]
  const seconds = bootSeconds(
    host,
    lines.map(([at]) => at),
  )
  return lines.map(([, text], nth) => ({ seconds: seconds[nth] ?? 0, text }))
}

/** When this host came to the lines that hosts of its kind reach at these times: no two boots are alike, and none goes back. */
function bootSeconds({ persona }: Host, times: readonly number[]): number[] {
  const pace = persona.number('kernel pace', 880_000, 1_160_000) / 1e6
  let last = 0
  return times.map((at, nth) => {
    last = Math.max(last, at * (pace + persona.number(`kernel line ${nth}`, 0, 999) / 1e6))
    return last
  })
}

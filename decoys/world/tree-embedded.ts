/** The files of a device without an operating system that anybody meets: firmware, projects, logs and records, as its FTP shows them. */
import { createCipheriv } from 'node:crypto'
import type { DeviceFile } from '@shenlou/contract/ftp'
import type { Persona } from '../persona.ts'
import { type BaseTree, TreeBuilder, type View } from './base.ts'

const day = 86_400_000
/** Of a log, from the last boot on. */
const mostEvents = 4000

/** The tree of a device, of its own: names, sizes and contents are drawn from its seed. */
export function embeddedTree(persona: Persona): BaseTree {
  const build = new TreeBuilder()
  const { ftp, device } = persona.template
  const released = device ? Date.parse(device.firmwareReleased) : persona.installedAt
  for (const folder of ftp?.folders ?? []) build.dir(fillName(persona, folder), 0o777, { time: persona.installedAt })
  for (const file of ftp?.files ?? []) {
    const path = fillName(persona, file.path)
    const mode = file.locked ? 0o444 : 0o666
    if (file.kind === 'firmware' || file.kind === 'project') {
      const size = persona.number(`file size ${file.path}`, Math.ceil(file.bytes * 0.82), Math.floor(file.bytes * 1.12))
      const built =
        file.kind === 'firmware'
          ? released
          : persona.installedAt + persona.number(`file day ${file.path}`, 2, 300) * day + persona.number(`file hour ${file.path}`, 0, day)
      build.file(path, () => image(persona, file, path, size, built), mode, { size, time: Math.min(built, persona.bootedAt) })
    } else
      build.file(path, (view) => written(view, file, path), mode, {
        time: isLive(file) ? persona.installedAt : file.kind === 'settings' ? persona.installedAt + 3_600_000 : 'boot',
      })
  }
  return build.tree()
}

/** Whether the device writes it as its plant runs. Until a visitor changes it its time is the very moment of the installation, which nothing else has. */
export const isLive = ({ kind, values }: DeviceFile): boolean => kind === 'alarms' || (kind === 'records' && values.length > 0)

/** Fills `#`, `@`, `{site}` and `{firmware}` of a name. */
export function fillName(persona: Persona, pattern: string): string {
  const site = (persona.organisation.domain.split('.')[0] ?? '').replace(/[^a-z0-9]/g, '').slice(0, 8)
  return [...pattern.replaceAll('{site}', site).replaceAll('{firmware}', persona.template.device?.firmware ?? '')]
    .map((sign, at) =>
      sign === '#'
        ? persona.number(`name ${pattern} ${at}`, 0, 9)
        : sign === '@'
          ? 'ABCDEFGHJKLMNPQRSTUVWXYZ'[persona.number(`name ${pattern} ${at}`, 0, 23)]
          : sign,
    )
    .join('')
}

/** An image as a loader would take it: a plate with version and length, then code and tables drawn from the seed, at its end a sum over all. */
function image(persona: Persona, { kind }: DeviceFile, path: string, size: number, built: number): Buffer {
  const { device } = persona.template
  const cipher = createCipheriv('aes-128-ctr', persona.draw(`file key ${path}`, 16), Buffer.alloc(16))
  const bytes = cipher.update(Buffer.alloc(size))
  // Tables and unused flash among the code: whole pages of one byte, pages with few bits set.
  for (let at = 512; at + 256 <= size; at += 256) {
    const what = bytes[at] as number
    if (what < 30) bytes.fill(kind === 'firmware' ? 0xff : 0x00, at, at + 256)
    else if (what < 90) for (let i = at; i < at + 256; i++) bytes[i] = (bytes[i] as number) & 0x0f
  }
  const plate = Buffer.alloc(Math.min(256, size))
  persona.draw(`file magic ${kind}`, 4).copy(plate, 0)
  plate.writeUInt32BE(size, 4)
  plate.writeUInt32BE(Math.floor(built / 1000), 8)
  const lines =
    kind === 'firmware'
      ? [device?.orderNumber, device?.firmware, persona.template.os.distribution]
      : [device?.product, path.slice(path.lastIndexOf('/') + 1), persona.hostname]
  plate.write(lines.map((line) => (line ?? '').slice(0, 60)).join('\0'), 16, 'latin1')
  plate.copy(bytes)
  let sum = 0
  for (let at = 0; at + 4 < size; at++) sum = (sum + (bytes[at] as number)) >>> 0
  if (size >= 4) bytes.writeUInt32BE(sum, size - 4)
  return bytes
}

/** Text that grew over the life of the device, in its own clock; the same until it boots again, or for records until the next day. */
function written({ host, now }: View, { kind, bytes }: DeviceFile, path: string): string {
  const { persona } = host
  const local = (ms: number): string => new Date(ms + host.offsetMinutes * 60_000).toISOString().slice(0, 19).replace('T', ' ')
  const { device, hardware } = persona.template
  if (kind === 'settings')
    return [
      '[Device]',
      `Name=${persona.hostname}`,
      `Type=${device?.product ?? hardware.model}`,
      `SerialNo=${persona.serial}`,
      `Firmware=${device?.firmware ?? ''}`,
      '[Network]',
      `MAC=${persona.mac.toUpperCase()}`,
      'DHCP=0',
      '[Time]',
      `Zone=+${host.offsetMinutes}`,
      `Installed=${local(persona.installedAt).slice(0, 10)}`,
      '',
    ].join('\r\n')
  const lines: string[] = []
  let length = 0
  const put = (line: string): boolean => {
    lines.push(line)
    length += line.length + 2
    return length < bytes
  }
  // Where there is a plant, the device's FTP shows what the plant did instead.
  if (kind === 'alarms') return 'time,alarm,state,priority\r\n'
  if (kind === 'records') {
    put('time,item,value')
    for (
      let at = Math.floor(now / day) * day, nth = 0;
      put(
        `${local(at)},${persona.number(`record item ${path} ${nth % 40}`, 1, 24)},${persona.number(`record ${path} ${Math.floor(at / day)} ${nth % 40}`, 100, 2400) / 10}`,
      );
      nth++
    )
      at -= 600_000
    return `${lines.join('\r\n')}\r\n`
  }
  const events = [
    'power on',
    'self test passed',
    'ethernet link up',
    'program restored from flash',
    'time set',
    'ethernet link down',
    'connection timeout',
    'battery ok',
  ]
  for (let at = persona.bootedAt, nth = 0; at <= now && nth < mostEvents; nth++) {
    lines.push(`${local(at)} ${events[nth < 4 ? nth : persona.number(`log ${path} ${nth}`, 2, events.length - 1)]}`)
    at += nth < 3 ? persona.number(`log gap ${path} ${nth}`, 300, 2500) : persona.number(`log gap ${path} ${nth}`, 600_000, 72_000_000)
  }
  // The newest that fit.
  let from = lines.length
  for (let size = 0; from > 0 && size + (lines[from - 1] as string).length + 2 <= bytes; from--) size += (lines[from - 1] as string).length + 2
  return lines
    .slice(from)
    .map((line) => `${line}\r\n`)
    .join('')
}

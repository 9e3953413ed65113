/** The catalogue of event kinds: what was seen, the shape of its body, who may say it. docs/events.md is printed from it. */
import { z } from 'zod'
import { delayKinds, delayReasons } from './delay.ts'
import { tagRole } from './plant-role.ts'
import { base64, escaped, fileRef, severity, sha256 } from './primitives.ts'
import { mac, tcpClass, yieldReason } from './segment.ts'

const count = z.number().int().min(0)
const port = z.number().int().min(0).max(65535)
const algorithms = z.array(escaped(200)).max(200)
const label = z.object({ zh: z.string().max(100), en: z.string().max(100) })
const headers = z.array(z.tuple([escaped(512), escaped(16384)])).max(200)

const define = <T extends z.ZodType>(kind: { emitter: 'relay' | 'sensor' | 'decoy' | 'core'; value: 'low' | 'normal' | 'high'; summary: string; body: T }) =>
  kind

/** What the relay's interface saw of a connection's first segment: facts, and what is guessed from them. */
export const firstHop = z.object({
  ttl: z.number().int().min(0).max(255).optional(),
  /** Routers between the source and the relay, guessed from the TTL. */
  hops: z.number().int().min(0).max(255).optional(),
  ja4t: z
    .string()
    .max(160)
    .regex(/^[0-9_-]+$/)
    .optional(),
  /** From the first segment to the connection. */
  handshakeMs: z.number().min(0).optional(),
  /** Ethernet address that it came from: the source's own, or its router's. */
  mac: z.string().max(17).optional(),
})
export type FirstHop = z.infer<typeof firstHop>

/** Addresses and ranges `10.1.2.10-10.1.2.99`, at most 256; `count` beside them says how many addresses there were. */
const ranges = z.array(escaped(31)).max(256)

/**
 * `emitter` is who says it; `value` decides what is summarised first when a journal is full; `summary` is one English sentence
 * for the documentation.
 */
export const eventKinds = {
  'connection.opened': define({
    emitter: 'relay',
    value: 'normal',
    summary: 'A client connected to an address and port that a relay answers on.',
    body: z.object({ transport: z.enum(['tcp', 'udp']), observed: firstHop.optional() }),
  }),
  'connection.refused': define({
    emitter: 'relay',
    value: 'normal',
    summary: 'A connection could not be carried to a decoy and was reset like a closed port.',
    body: z.object({ transport: z.enum(['tcp', 'udp']), reason: z.enum(['no-gate', 'no-decoy', 'quota', 'limit']) }),
  }),
  'connection.closed': define({
    emitter: 'relay',
    value: 'normal',
    summary: 'A connection ended.',
    body: z.object({
      by: z.enum(['client', 'decoy', 'relay']),
      how: z.enum(['end', 'reset', 'lost']),
      bytesIn: count,
      bytesOut: count,
      durationMs: z.number().min(0),
    }),
  }),
  'scan.detected': define({
    emitter: 'relay',
    value: 'high',
    summary: 'One source touched many addresses or ports, or connected without speaking.',
    body: z.object({
      type: z.enum(['port', 'address', 'probe']),
      addresses: z.array(escaped(45)).max(256),
      ports: z.array(port).max(1024),
      connections: count,
      silent: count,
      /** Requests for closed ports among them, of which the kernel of the relay told. */
      probes: count.optional(),
      windowMs: z.number().min(0),
    }),
  }),

  'address.claimed': define({
    emitter: 'relay',
    value: 'high',
    summary: 'A relay began to answer for idle addresses, after they were quiet and their probes stayed unanswered.',
    body: z.object({
      segment: escaped(64),
      hosts: z.array(z.object({ address: escaped(15), mac, tcp: tcpClass })).max(256),
      /** Seconds of watching in which nobody was seen there. */
      quietS: count,
    }),
  }),
  'address.refused': define({
    emitter: 'relay',
    value: 'normal',
    summary: 'Addresses that a relay was to be are not claimed, or not yet, and why.',
    body: z.object({ segment: escaped(64), addresses: ranges, count, reason: yieldReason, by: escaped(17).optional() }),
  }),
  'address.released': define({
    emitter: 'relay',
    value: 'high',
    summary: 'A relay let go of addresses: to their owner at his first frame, or because it was told to.',
    body: z.object({
      segment: escaped(64),
      addresses: ranges,
      count,
      reason: yieldReason,
      /** Ethernet address of the owner, and what was seen of him. */
      by: escaped(17).optional(),
      frame: z.enum(['arp', 'arp-probe', 'ip', 'dhcp', 'probe', 'kernel']).optional(),
      /** How long it had been claimed. */
      heldMs: z.number().min(0).optional(),
    }),
  }),
  'segment.halted': define({
    emitter: 'relay',
    value: 'high',
    summary: 'So many claimed addresses were taken by owners that new claims stopped: power that returned, or forged ARP.',
    body: z.object({ segment: escaped(64), giveUps: count, windowMs: z.number().min(0), addresses: ranges }),
  }),
  'segment.resumed': define({
    emitter: 'relay',
    value: 'high',
    summary: 'New claims are made again in a segment where they were stopped.',
    body: z.object({ segment: escaped(64), by: z.enum(['hand', 'quiet']) }),
  }),
  'segment.surveyed': define({
    emitter: 'relay',
    value: 'normal',
    summary: 'A dry run: what a relay would claim in a segment, what not and why, and where it saw somebody.',
    body: z.object({
      segment: escaped(64),
      would: z.object({ addresses: ranges, count }),
      not: z.array(z.object({ reason: yieldReason, addresses: ranges, count })).max(20),
      used: z.object({ addresses: ranges, count }),
    }),
  }),

  'session.opened': define({
    emitter: 'decoy',
    value: 'high',
    summary: 'A decoy began a session with an adversary.',
    body: z.object({ adversary: escaped(128) }),
  }),
  'session.closed': define({
    emitter: 'decoy',
    value: 'high',
    summary: 'A session ended.',
    body: z.object({ reason: escaped(200), durationMs: z.number().min(0) }),
  }),
  'protocol.violated': define({
    emitter: 'decoy',
    value: 'normal',
    summary: 'A client sent what the protocol does not allow.',
    body: z.object({ reason: escaped(200), data: escaped(4096) }),
  }),

  'tls.negotiated': define({
    emitter: 'decoy',
    value: 'normal',
    summary: 'A TLS handshake; the client is described by its hello.',
    body: z.object({
      version: escaped(16),
      cipher: escaped(64),
      serverName: escaped(255).optional(),
      ja3: escaped(64).optional(),
      ja4: escaped(64).optional(),
    }),
  }),
  'ssh.negotiated': define({
    emitter: 'decoy',
    value: 'normal',
    summary: 'An SSH key exchange; the client is described by its version and HASSH.',
    body: z.object({
      clientVersion: escaped(255),
      hassh: escaped(32),
      kex: algorithms,
      hostKey: algorithms,
      cipher: algorithms,
      mac: algorithms,
      compression: algorithms,
    }),
  }),
  'protocol.negotiated': define({
    emitter: 'decoy',
    value: 'normal',
    summary: 'A client of Windows file sharing or remote desktop said what it speaks and who it is; `selected` is what it was given.',
    body: z.object({
      protocol: z.enum(['smb', 'rdp']),
      offered: z.array(escaped(64)).max(64),
      selected: escaped(64),
      client: z.object({
        name: escaped(128).optional(),
        build: escaped(64).optional(),
        /** What SMB1 calls the native operating system and LAN manager. */
        system: escaped(256).optional(),
        /** Keyboard layout as a Windows language identifier: `0x00000804`. */
        keyboard: escaped(16).optional(),
        guid: escaped(36).optional(),
        /** What the first request of RDP names: a user, or where a load balancer is to route it. */
        cookie: escaped(256).optional(),
        channels: z.array(escaped(16)).max(31).optional(),
        screen: escaped(16).optional(),
      }),
    }),
  }),
  'exploit.attempted': define({
    emitter: 'decoy',
    value: 'high',
    summary: 'A client sent what a known exploit or its check sends.',
    body: z.object({
      /** Its usual name: `MS17-010`, `CVE-2019-0708`. */
      vulnerability: escaped(64),
      step: escaped(200),
      data: escaped(4096),
      /** Bytes of the whole message. */
      size: count,
    }),
  }),

  'payload.recognised': define({
    emitter: 'decoy',
    value: 'high',
    summary: 'What a client sent to a port that only listens was named by its bytes; `marks` are openings of known worms and exploits in it.',
    body: z.object({
      protocol: escaped(32),
      port,
      /** What it asks, in a line: `CONFIG SET dir /var/spool/cron`. */
      request: escaped(2048),
      detail: z.object({
        user: escaped(255).optional(),
        password: escaped(255).optional(),
        serverName: escaped(255).optional(),
        version: escaped(255).optional(),
        client: escaped(255).optional(),
        host: escaped(255).optional(),
        ja3: escaped(64).optional(),
        ja4: escaped(64).optional(),
      }),
      marks: z.array(escaped(32)).max(32),
      /** Its first KiB. */
      data: escaped(4096),
    }),
  }),
  'payload.received': define({
    emitter: 'decoy',
    value: 'high',
    summary: 'All that a client sent to a port that only listens, by hash; the first 64 KiB are kept.',
    body: z.object({
      protocol: escaped(32),
      port,
      size: count,
      /** Of all `size` bytes, also of those that were not kept. */
      sha256,
      messages: count,
      marks: z.array(escaped(32)).max(64),
      /** Its first 2 KiB. */
      data: escaped(8192),
      /** The first 64 KiB, where they are more than `data` holds. */
      file: fileRef.optional(),
    }),
  }),

  'login.attempted': define({
    emitter: 'decoy',
    value: 'high',
    summary: 'Credentials were offered to a decoy.',
    body: z.object({
      method: z.enum(['none', 'password', 'keyboard-interactive', 'publickey', 'form', 'basic', 'ftp', 's7-password', 'snmp-community', 'snmp-usm', 'ntlm']),
      user: escaped(4096),
      password: escaped(8192).optional(),
      /** Of a logon by NTLM; `hash` is the line that a password cracker takes: hashcat 5500 of NetNTLMv1, 5600 of NetNTLMv2. */
      ntlm: z
        .object({
          domain: escaped(256),
          workstation: escaped(256),
          version: escaped(32).optional(),
          form: z.enum(['netntlmv1', 'netntlmv2']).optional(),
          hash: escaped(16384).optional(),
        })
        .optional(),
      key: z.object({ type: escaped(64), fingerprint: escaped(128) }).optional(),
      outcome: z.enum(['accepted', 'refused', 'partial']),
      /** Which rule of the decoy's login policy let it in. */
      by: z.enum(['given', 'lure', 'tries']).optional(),
    }),
  }),

  'command.executed': define({
    emitter: 'decoy',
    value: 'high',
    summary: 'A command line was given to a shell or asked for by exec.',
    body: z.object({ mode: z.enum(['shell', 'exec', 'subsystem', 'ftp']), input: escaped(65536), user: escaped(64), directory: escaped(4096) }),
  }),
  'command.finished': define({
    emitter: 'decoy',
    value: 'normal',
    summary: 'A command line ended with an exit code.',
    body: z.object({ exitCode: z.number().int(), durationMs: z.number().min(0) }),
  }),
  'terminal.opened': define({
    emitter: 'decoy',
    value: 'normal',
    summary: 'A terminal was opened.',
    body: z.object({ term: escaped(64), columns: count.max(65535), rows: count.max(65535) }),
  }),
  'terminal.resized': define({
    emitter: 'decoy',
    value: 'low',
    summary: 'The terminal changed size.',
    body: z.object({ columns: count.max(65535), rows: count.max(65535) }),
  }),
  'terminal.data': define({
    emitter: 'decoy',
    value: 'low',
    summary: 'Bytes of a terminal or command, as they passed; output is said before it is sent.',
    body: z.object({ stream: z.enum(['input', 'output', 'error']), data: base64(32768) }),
  }),
  'recording.cut': define({
    emitter: 'decoy',
    value: 'normal',
    summary: 'The recording reached its bound; what follows was not recorded.',
    body: z.object({ bytes: count }),
  }),

  'file.uploaded': define({
    emitter: 'decoy',
    value: 'high',
    summary: 'A client left a file on a decoy.',
    body: z.object({ path: escaped(4096), method: z.enum(['sftp', 'scp', 'http', 'shell', 'ftp', 'umas', 's7comm']), file: fileRef }),
  }),
  'file.downloaded': define({
    emitter: 'decoy',
    value: 'high',
    summary: 'A client took a file from a decoy.',
    body: z.object({ path: escaped(4096), method: z.enum(['sftp', 'scp', 'http', 'ftp']), size: count }),
  }),
  'file.changed': define({
    emitter: 'decoy',
    value: 'normal',
    summary: 'A client created, changed, moved or removed a file of a decoy.',
    body: z.object({
      path: escaped(4096),
      change: z.enum(['created', 'written', 'removed', 'moved', 'mode']),
      to: escaped(4096).optional(),
      method: z.enum(['shell', 'sftp', 'ftp']),
    }),
  }),
  'download.requested': define({
    emitter: 'decoy',
    value: 'high',
    summary: 'A command asked to fetch something from the network; nothing was fetched.',
    body: z.object({ tool: escaped(64), url: escaped(8192) }),
  }),
  'egress.refused': define({
    emitter: 'decoy',
    value: 'normal',
    summary: 'A command tried to reach another host and was refused as the network would.',
    body: z.object({ tool: escaped(64), host: escaped(1024), port: port.optional() }),
  }),
  'forward.requested': define({
    emitter: 'decoy',
    value: 'high',
    summary: 'A client asked to forward a port through a decoy; it was refused.',
    body: z.object({ type: z.enum(['direct-tcpip', 'tcpip-forward', 'streamlocal', 'agent', 'x11']), host: escaped(1024), port }),
  }),

  'http.exchanged': define({
    emitter: 'decoy',
    value: 'high',
    summary: 'A request to a web decoy and the answer it got.',
    body: z.object({
      secure: z.boolean(),
      method: escaped(64),
      target: escaped(8192),
      version: escaped(16),
      headers,
      /** The first bytes of the request's body; `file` names the whole when it was kept as a file. */
      body: escaped(65536),
      bodySize: count,
      file: fileRef.optional(),
      status: z.number().int().min(0).max(999),
      responseHeaders: headers,
      responseSize: count,
      /** The first 16 KiB of an answer that was made for this request, before compression; once a session of those with one `responsePage`. */
      responseBody: escaped(65536).optional(),
      /** SHA-256 of the whole answer, before compression and ranges, where `responseBody` does not hold it: a file of the site, or a longer page. */
      responseSha256: sha256.optional(),
      /** SHA-256 of a page that many requests get, before a token and what was typed are filled in; the session's first exchange with it holds `responseBody`. */
      responsePage: sha256.optional(),
      durationMs: z.number().min(0),
    }),
  }),

  'industrial.requested': define({
    emitter: 'decoy',
    value: 'high',
    summary: 'A client asked something of an industrial device, decoded into what an operator would say, with the bytes both ways.',
    body: z.object({
      protocol: z.enum(['modbus', 'umas', 's7comm', 'iec104', 'snmp', 'hmi']),
      /** What it comes to, whatever the protocol calls it. */
      operation: z.enum([
        'connect',
        'identify',
        'browse',
        'read',
        'write',
        'command',
        'alarm',
        'start',
        'stop',
        'restart',
        'upload',
        'download',
        'delete',
        'authenticate',
        'clock',
        'diagnose',
        'other',
      ]),
      /** The protocol's own name of it, as its specification has it: `Read Holding Registers`. */
      function: escaped(80),
      /** Unit identifier, common address, or rack and slot as rack * 32 + slot. */
      unit: count.optional(),
      /** What was read or written, at most 64 of them; `count` says how many there were. `address` as an engineer writes it: `40101`, `DB10.DBD20`. */
      points: z
        .array(
          z.object({
            address: escaped(64),
            tag: escaped(96).optional(),
            name: label.optional(),
            class: escaped(16).optional(),
            before: z.number().optional(),
            value: z.number().optional(),
            unit: escaped(16).optional(),
          }),
        )
        .max(64),
      count,
      /** `refused` by the device with an error of its protocol, or left unanswered (`ignored`). */
      outcome: z.enum(['done', 'refused', 'ignored']),
      reason: escaped(100).optional(),
      /** The process itself is not what it would have been. */
      changed: z.boolean(),
      request: base64(8192),
      response: base64(8192),
    }),
  }),
  'plant.affected': define({
    emitter: 'decoy',
    value: 'high',
    summary: 'What an adversary wrote had its consequence in the plant: a process that is no longer what it would have been, an alarm, a trip, damage.',
    body: z.object({
      plant: escaped(64),
      consequence: z.enum(['alarm', 'trip', 'interlock', 'damage', 'quality', 'process', 'recovered']),
      id: escaped(96),
      tag: escaped(96),
      name: label.optional(),
      value: z.number(),
      limit: z.number().optional(),
      /** What the undisturbed plant has there at the same time: of a process that left it, or came back to it. */
      otherwise: z.number().optional(),
      unit: escaped(16).optional(),
      /** The write that it is put down to. */
      after: z.object({ tag: escaped(96), value: z.number(), time: z.number(), role: tagRole.optional() }),
      /** What keeps this unit safe and was not as the plant has it: bypassed, or its limit moved, by this adversary. */
      defeated: z
        .array(z.object({ tag: escaped(96), value: z.number(), role: tagRole }))
        .max(16)
        .optional(),
    }),
  }),
  'plant.sampled': define({
    emitter: 'decoy',
    value: 'low',
    summary: 'The plant as the adversary of a session sees it, every few seconds while the session lasts.',
    body: z.object({
      plant: escaped(64),
      branched: z.boolean(),
      values: z.record(z.string().max(96), z.number()),
      /** Alarms that stand, the gravest first; 1 is the highest priority. */
      alarms: z
        .array(z.object({ id: escaped(96), tag: escaped(96), priority: z.number().int().min(1).max(4) }))
        .max(64)
        .optional(),
      /** Tags among the values whose sensor is broken. */
      bad: z.array(escaped(96)).max(256).optional(),
      /** How many tags of the decoy's units are not among the values. */
      omitted: z.number().int().optional(),
    }),
  }),
  'plant.dropped': define({
    emitter: 'sensor',
    value: 'normal',
    summary: "An adversary's branch of a plant was dropped, because too many were kept or it was not seen for long.",
    body: z.object({ plant: escaped(64), adversary: escaped(128) }),
  }),

  'sensor.started': define({
    emitter: 'sensor',
    value: 'high',
    summary: 'A sensor process started.',
    body: z.object({ version: escaped(64), node: escaped(32), host: escaped(255), contained: z.boolean().optional(), containment: escaped(500).optional() }),
  }),
  'sensor.stopped': define({ emitter: 'sensor', value: 'high', summary: 'A sensor process stopped in order.', body: z.object({ reason: escaped(200) }) }),
  'sensor.troubled': define({
    emitter: 'core',
    value: 'high',
    summary:
      'The core found something wrong with a sensor: its identity used twice, its journal gone back, events missing or rejected, silence, a relay that does not see.',
    body: z.object({
      problem: z.enum(['cloned', 'token-reused', 'journal-returned', 'gap', 'silent', 'rejected', 'blind']),
      detail: escaped(1000),
      count,
    }),
  }),
  'delay.began': define({
    emitter: 'sensor',
    value: 'high',
    summary: 'A decoy host began to hold a connection of a source that is to be delayed.',
    body: z.object({ delay: z.string().max(64), kind: z.enum(delayKinds) }),
  }),
  'delay.ended': define({
    emitter: 'sensor',
    value: 'high',
    summary: 'A connection is held no longer: how much time it took from the attacker, and what it cost.',
    body: z.object({
      delay: z.string().max(64),
      kind: z.enum(delayKinds),
      heldMs: z.number().min(0),
      /** Bytes that were let out while it was held. */
      bytesOut: count,
      cpuMs: z.number().min(0),
      reason: z.enum(delayReasons),
    }),
  }),
  'worker.exited': define({
    emitter: 'sensor',
    value: 'high',
    summary: 'A worker of a decoy host ended and was started again.',
    body: z.object({ code: z.number().int().nullable(), signal: escaped(16).nullable() }),
  }),
  'world.dropped': define({
    emitter: 'sensor',
    value: 'normal',
    summary: 'What an adversary had changed on a decoy was dropped, because too much was kept.',
    body: z.object({ adversary: escaped(128), reason: z.enum(['count', 'bytes', 'size']) }),
  }),
  'tunnel.opened': define({
    emitter: 'relay',
    value: 'normal',
    summary: 'A relay connected its tunnel to a decoy host.',
    body: z.object({ gate: escaped(255) }),
  }),
  'tunnel.closed': define({
    emitter: 'relay',
    value: 'normal',
    summary: 'A tunnel between relay and decoy host ended.',
    body: z.object({ gate: escaped(255), reason: escaped(200) }),
  }),
  'journal.summarised': define({
    emitter: 'sensor',
    value: 'high',
    summary: 'The journal was full: low-value events were replaced by their counts.',
    body: z.object({ fromSeq: count, toSeq: count, counts: z.record(z.string().max(64), count) }),
  }),

  'alert.received': define({
    emitter: 'core',
    value: 'high',
    summary: 'Another security tool of the group raised an alert.',
    body: z.object({
      product: escaped(64),
      format: z.enum(['suricata-eve', 'cef']),
      rule: escaped(200),
      title: escaped(1024),
      category: escaped(200),
      severity,
      /** The tool's own id and time, verbatim. */
      originalId: escaped(200),
      originalTime: escaped(100),
      device: escaped(255),
      user: escaped(255).optional(),
      techniques: z.array(escaped(16)).max(20),
      /** The record as it came. */
      raw: escaped(262144),
    }),
  }),
} as const

export type EventKind = keyof typeof eventKinds
export const eventKindNames = Object.keys(eventKinds) as EventKind[]
export type EventBody<K extends EventKind> = z.infer<(typeof eventKinds)[K]['body']>

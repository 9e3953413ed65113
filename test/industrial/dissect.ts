/** What independent dissectors make of the decoys' dialogues: tshark captures the loopback interface and then names every frame that is not as its protocol says. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const quiet = { ...process.env, WIRESHARK_RUN_FROM_BUILD_DIRECTORY: '', WIRESHARK_QUIET: '1' }

export interface Fault {
  frame: number
  /** Transport stream and protocols of the frame. */
  protocols: string
  malformed: boolean
  /** All its expert infos, one of which at least is of level error where it is not malformed. */
  messages: string[]
  info: string
}

export interface Capture {
  file: string
  /** Ends the capture. Resolves when all that was sent is in the file. */
  stop(): Promise<void>
  /** Frames by dissector of the highest protocol that was told. Throws when tshark fails. */
  protocols(): Promise<Map<string, number>>
  /** Frames that are malformed or carry an expert info of level error. Throws when tshark fails. */
  faults(): Promise<Fault[]>
  /** How often each expert info of any level was given about what is said over TCP and UDP. Throws when tshark fails. */
  experts(): Promise<Map<string, number>>
  remove(): void
}

/** Which dissector reads what comes from or goes to a port: `{ 10502: 'mbtcp' }`; `udp/` before the port for datagrams. */
export type DecodeAs = Record<string, string>

/**
 * Captures `filter` on the loopback interface. Throws with a sentence for people when this user may not capture.
 */
export async function capture(filter: string, decodeAs: DecodeAs): Promise<Capture> {
  const folder = mkdtempSync(join(tmpdir(), 'shenlou-capture-'))
  const file = join(folder, 'dialogues.pcapng')
  const child = spawn('dumpcap', ['-q', '-i', 'lo', '-B', '32', '-w', file, '-f', filter], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8')
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (text: string) => {
      said += text
      // It says the file's name once it captures.
      if (/^File: /m.test(said)) resolve()
    })
    child.once('error', reject)
    child.once('exit', () =>
      reject(
        new Error(
          `cannot capture the loopback interface (${said.trim().split('\n')[0]}): run the tests as root, or let this user capture: dpkg-reconfigure wireshark-common, then add it to the group wireshark`,
        ),
      ),
    )
  }).catch((error: unknown) => {
    rmSync(folder, { recursive: true, force: true })
    throw error
  })
  const as = Object.entries(decodeAs).flatMap(([port, protocol]) =>
    port.startsWith('udp/') ? ['-d', `udp.port==${port.slice(4)},${protocol}`] : ['-d', `tcp.port==${port},${protocol}`],
  )
  // Requests and answers of Modbus are told apart by the port alone, which is a preference of its own.
  const modbus = Object.entries(decodeAs).flatMap(([port, protocol]) => (protocol === 'mbtcp' ? ['-o', `mbtcp.tcp.port:${port}`] : []))
  const fields = async (wanted: string[], show: string): Promise<string[][]> => {
    const { stdout } = await execute(
      'tshark',
      // Faults of the machine's own TCP on loopback (a window, a keep-alive) are no faults of what is said.
      ['-r', file, ...as, ...modbus, '-2', '-R', show, '-T', 'fields', '-E', 'separator=/t', '-E', 'aggregator=|', ...wanted.flatMap((field) => ['-e', field])],
      { env: quiet, maxBuffer: 256 * 1024 * 1024 },
    )
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split('\t'))
  }
  return {
    file,
    async stop() {
      if (child.exitCode !== null) return
      // The kernel hands frames over in blocks: the last of them are there a moment after they were sent.
      await new Promise((done) => setTimeout(done, 700))
      child.kill('SIGINT')
      await once(child, 'exit')
    },
    async protocols() {
      const counts = new Map<string, number>()
      for (const [protocols = ''] of await fields(['frame.protocols'], 'frame'))
        for (const name of new Set(protocols.split(':'))) counts.set(name, (counts.get(name) ?? 0) + 1)
      return counts
    },
    async faults() {
      const rows = await fields(
        ['frame.number', 'tcp.stream', 'frame.protocols', '_ws.malformed', '_ws.expert.message', '_ws.col.Info'],
        // Severity 0x00800000 is error.
        '_ws.malformed || _ws.expert.severity >= 0x00800000',
      )
      return rows.map(([frame, stream, protocols, malformed, messages = '', info = '']) => ({
        frame: Number(frame),
        protocols: `${stream} ${protocols}`,
        malformed: malformed !== '',
        messages: messages.split('|'),
        info,
      }))
    },
    async experts() {
      const counts = new Map<string, number>()
      for (const [messages = ''] of await fields(['_ws.expert.message'], '_ws.expert'))
        for (const message of messages.split('|')) if (!ofTcp.test(message)) counts.set(message, (counts.get(message) ?? 0) + 1)
      return counts
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** What the dissector of TCP itself notes: connections beginning and ending, and segments that came again, late, or more than once on a busy machine. */
const ofTcp =
  /^(?:Connection |A new tcp session|This frame (?:initiates|undergoes) the connection closing|This frame is a \(suspected\)|D-SACK Sequence|Duplicate ACK|Previous segment|ACKed segment|ACK to a TCP|TCP |Window is full)/

export const shownFault = ({ frame, protocols, malformed, messages, info }: Fault): string =>
  `frame ${frame} of stream ${protocols}: ${malformed ? 'malformed: ' : ''}${messages.join(', ')} (${info})`

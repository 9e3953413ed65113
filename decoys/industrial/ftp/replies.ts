/** How two servers of devices speak: VxWorks' own, and the small one of BusyBox. Reply codes after RFC 959 section 4.2. */
import type { FtpTemplate } from '@shenlou/contract/ftp'

export interface Replies {
  password: string
  loggedIn: string
  loginFailed: string
  loginNeeded: string
  system: string
  /** Lines of FEAT (RFC 2389); undefined for a server that does not know it. */
  features: readonly string[] | undefined
  extended: boolean
  directory(path: string): string
  changed(path: string): string
  noDirectory(path: string): string
  type(ascii: boolean): string
  passive(numbers: string): string
  port: string
  noData: string
  listing: string
  sending(path: string, size: number): string
  receiving(path: string): string
  complete: string
  aborted: string
  noFile(path: string): string
  refused(path: string): string
  full: string
  deleted(path: string): string
  made(path: string): string
  renameFrom: string
  renamed: string
  restart(at: number): string
  noop: string
  ok: string
  unknown(word: string): string
  syntax(word: string): string
  goodbye: string
  idle: string
  busy: string
}

const vxworks: Replies = {
  password: '331 Password required',
  loggedIn: '230 User logged in',
  loginFailed: '530 Login failed',
  loginNeeded: '530 USER and PASS required',
  system: '215 UNIX Type: L8 Version: VxWorks',
  features: undefined,
  extended: false,
  directory: (path) => `257 Current directory is "${path}"`,
  changed: (path) => `250 Changed directory to "${path}"`,
  noDirectory: () => '501 Directory non existent or syntax error',
  type: (ascii) => `200 Type set to ${ascii ? 'A, ASCII' : 'I, binary'} mode`,
  passive: (numbers) => `227 Entering Passive Mode (${numbers})`,
  port: '200 Port set okay',
  noData: "425 Can't open data connection",
  listing: '150 Opening ASCII mode data connection',
  sending: () => '150 Opening BINARY mode data connection',
  receiving: () => '150 Opening BINARY mode data connection',
  complete: '226 Transfer complete',
  aborted: '426 Data connection error',
  noFile: (path) => `550 File "${path}" not found or permission problem`,
  refused: (path) => `553 Cannot open "${path}"`,
  full: '552 Disk full',
  deleted: () => '250 File deleted successfully',
  made: () => '257 MKD command successful',
  renameFrom: '350 File exists, ready for destination name',
  renamed: '250 RNTO command successful',
  restart: (at) => `350 Restarting at ${at}`,
  noop: '200 NOOP - Do nothing',
  ok: '200 Okay',
  unknown: () => '500 Command not recognized',
  syntax: () => '501 Syntax error in parameters',
  goodbye: '221 Bye...see you later',
  idle: '421 Session timed out',
  busy: '421 Session limit reached, closing control connection',
}

const busybox: Replies = {
  password: '331 Specify password',
  loggedIn: '230 Operation successful',
  loginFailed: '530 Login failed',
  loginNeeded: '530 Login with USER and PASS',
  system: '215 UNIX Type: L8',
  features: ['EPSV', 'PASV', 'REST STREAM', 'MDTM', 'SIZE'],
  extended: true,
  directory: (path) => `257 "${path}"`,
  changed: () => '250 Operation successful',
  noDirectory: () => '550 Error',
  type: () => '200 Operation successful',
  passive: (numbers) => `227 PASV ok (${numbers})`,
  port: '200 Operation successful',
  noData: '425 Use PORT/PASV first',
  listing: '150 Directory listing',
  sending: (path, size) => `150 Opening BINARY connection for ${path} (${size} bytes)`,
  receiving: () => '150 Ok to send data',
  complete: '226 Operation successful',
  aborted: '426 Connection closed',
  noFile: () => '550 Error',
  refused: () => '550 Error',
  full: '451 Error',
  deleted: () => '250 Operation successful',
  made: () => '257 Operation successful',
  renameFrom: '350 Operation successful',
  renamed: '250 Operation successful',
  restart: () => '350 Operation successful',
  noop: '200 Operation successful',
  ok: '200 Operation successful',
  unknown: () => '500 Unknown command',
  syntax: () => '500 Unknown command',
  goodbye: '221 Operation successful',
  idle: '421 Timeout',
  busy: '421 There are too many connected users',
}

export const repliesOf = (style: FtpTemplate['style']): Replies => ({ vxworks, busybox })[style]

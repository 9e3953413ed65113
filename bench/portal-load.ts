/** A load of HTTP requests over kept connections, as a guesser's tool makes them: each connection has its own session of the application. */
import { connect, type Socket } from 'node:net'

const headers = 'Host: www.example.cn\r\nUser-Agent: bench/1\r\nAccept: */*\r\n'

/** A sign-in as a page's form asks for it. */
interface Form {
  cookie: string
  fields: { user: string; password: string; hidden: string }
}

export interface Load {
  /** Answers to what is measured that came whole so far, and sign-in pages that were fetched for it. */
  readonly answers: number
  readonly forms: number
  stop(): Promise<void>
}

/**
 * Asks on `connections` connections until it is stopped. `GET` asks for `/`; `POST` fetches the sign-in page of `/login` once a connection and then tries
 * passwords of many users; `plain POST` sends the like to a server that has no such page.
 */
export function openLoad(port: number, kind: 'GET' | 'POST' | 'plain POST', connections: number): Load {
  let answers = 0
  let serial = 0
  let stopped = false
  let forms = 0
  const page = 'GET /login HTTP/1.1\r\n' + `${headers}\r\n`

  const post = ({ cookie, fields }: Form): string => {
    const body = `${fields.user}=user${serial % 1000}&${fields.password}=hunter-${serial++}${fields.hidden}`
    return `POST /login HTTP/1.1\r\n${headers}${cookie}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  }
  const client = (): Promise<void> =>
    new Promise((resolve) => {
      let form: Form | undefined = kind === 'plain POST' ? { cookie: '', fields: { user: 'user', password: 'password', hidden: '' } } : undefined
      let socket: Socket
      let parts: Buffer[] = []
      let have = 0
      const ask = (): void => {
        if (stopped) socket.destroy()
        else socket.write(kind === 'GET' ? `GET / HTTP/1.1\r\n${headers}\r\n` : form ? post(form) : page, 'latin1')
      }
      const onData = (part: Buffer): void => {
        parts.push(part)
        have += part.length
        const first = parts[0] as Buffer
        const end = first.indexOf('\r\n\r\n')
        if (end < 0) return
        const head = first.latin1Slice(0, end)
        const length = /\r\nContent-Length: (\d+)/.exec(head)
        if (length ? have < end + 4 + Number(length[1]) : part.subarray(-5).toString('latin1') !== '0\r\n\r\n') return
        if (kind === 'POST' && !form) {
          form = formOf(head, Buffer.concat(parts).toString('utf8'))
          forms += 1
        } else answers += 1
        parts = []
        have = 0
        if (head.includes('\r\nConnection: close')) {
          socket.removeAllListeners('close').destroy()
          open()
        } else ask()
      }
      const open = (): void => {
        if (stopped) {
          resolve()
          return
        }
        socket = connect({ port, host: '127.0.0.1', noDelay: true }, ask)
        socket
          .on('data', onData)
          .on('error', () => undefined)
          .on('close', () => resolve())
      }
      open()
      closers.push(() => socket.destroy())
    })
  const closers: (() => void)[] = []
  const clients = Array.from({ length: connections }, client)
  return {
    get answers() {
      return answers
    },
    get forms() {
      return forms
    },
    async stop() {
      stopped = true
      // What was asked is still answered, so that every answer can be held against an event.
      const timer = setTimeout(() => {
        for (const close of closers) close()
      }, 5000)
      await Promise.all(clients)
      clearTimeout(timer)
    },
  }
}

/** Cookie and field names of a page with one form. Throws when there is none. */
function formOf(head: string, page: string): Form {
  const cookie = /\r\nSet-Cookie: ([^;\r]+)/.exec(head)?.[1]
  const attribute = (input: string, name: string): string =>
    new RegExp(`\\s${name}=(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`)
      .exec(input)
      ?.slice(1)
      .find((value) => value !== undefined) ?? ''
  const fields = { user: '', password: '', hidden: '' }
  for (const [input] of page.slice(page.search(/<form/i)).matchAll(/<input\b[^>]*>/gi)) {
    const [name, type] = [attribute(input, 'name'), attribute(input, 'type')]
    if (type === 'password') fields.password = name
    else if (type === 'hidden') fields.hidden += `&${name}=${attribute(input, 'value')}`
    else if (fields.user === '') fields.user = name
  }
  if (fields.user === '' || fields.password === '') throw new Error(`no sign-in form in ${head}`)
  return { cookie: cookie ? `Cookie: ${cookie}\r\n` : '', fields }
}

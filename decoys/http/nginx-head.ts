/**
 * nginx's reading of a request head: the same bytes are taken, refused and ignored as by its own parser, with the stricter rules
 * that came with 1.21.1 (no spaces in targets, no control characters, CONNECT, Content-Length beside Transfer-Encoding).
 */
import type { Fault, Field, Head, HeadParser } from './head.ts'
import { complexPath } from './nginx-path.ts'
import { RawBytes } from './raw-bytes.ts'
import { CR, firstBuffer, isDigit, isLetter, isNameByte, isStrict, largeBuffer, largeBuffers, LF, S, SPACE, uniques, validHost } from './nginx-rules.ts'

class NginxHead implements HeadParser {
  readonly #raw = new RawBytes(firstBuffer + largeBuffer * largeBuffers + 1)
  readonly #strict: boolean
  #state: number = S.start
  #at = 0
  #lineStart = 0
  #used = 0
  #capacity = firstBuffer
  #large = 0
  #started = false
  #methodStart = 0
  #method = ''
  #uriStart = 0
  #uriEnd = 0
  #pathStart = -1
  #hostStart = -1
  #hostEnd = -1
  #major = 0
  #minor = 0
  #version = 0
  #word = 0
  #nameStart = 0
  #nameEnd = 0
  #valueStart = 0
  #valueEnd = 0
  #invalidName = false
  readonly #headers: Field[] = []
  readonly #fields = new Map<string, string>()
  #host = ''
  done = false
  head?: Head
  fault?: Fault

  constructor(strict: boolean) {
    this.#strict = strict
  }

  get size(): number {
    return this.#started ? this.#at : 0
  }

  get raw(): Buffer {
    return this.#raw.view()
  }

  push(bytes: Uint8Array): number {
    const before = this.#raw.size
    this.#raw.append(bytes)
    const view = this.#raw.view()
    const end = view.length
    while (!this.done && this.#at < end) {
      const byte = view[this.#at] as number
      this.#at++
      this.#step(byte)
      if (!this.done && this.#used + this.#at - this.#lineStart === this.#capacity) this.#nextBuffer()
    }
    return this.done ? this.#at - before : bytes.length
  }

  /** A line that does not fit moves to a larger buffer; nginx has four of 8 KiB. */
  #nextBuffer(): void {
    if (this.#at - this.#lineStart >= largeBuffer || this.#large === largeBuffers) {
      if (this.#state <= S.lineEnd) this.#refuse(414, 'request line too long')
      else this.#refuse(400, 'header too long', 494)
      return
    }
    this.#large++
    this.#capacity = largeBuffer
    this.#used = 0
  }

  #refuse(status: number, reason: string, code?: number): undefined {
    this.done = true
    const partial: Partial<Head> = { method: this.#method, headers: this.#headers, fields: this.#fields }
    if (this.#uriEnd > 0) partial.target = this.#raw.text(this.#uriStart, this.#uriEnd)
    if (this.#version > 0) partial.version = this.#version
    this.fault = { status, reason, code, head: partial }
  }

  #endLine(): void {
    this.#used += this.#at - this.#lineStart
    this.#lineStart = this.#at
  }

  #step(c: number): undefined {
    switch (this.#state) {
      case S.start:
        if (c === CR || c === LF) {
          this.#endLine()
          return
        }
        this.#started = true
        if (!((c >= 0x41 && c <= 0x5a) || c === 0x5f || c === 0x2d)) return this.#refuse(400, 'invalid method')
        this.#methodStart = this.#at - 1
        this.#state = S.method
        return
      case S.method:
        if (c === SPACE) {
          this.#method = this.#raw.text(this.#methodStart, this.#at - 1)
          this.#state = S.beforeUri
        } else if (!((c >= 0x41 && c <= 0x5a) || c === 0x5f || c === 0x2d)) this.#refuse(400, 'invalid method')
        return
      case S.beforeUri:
        if (c === 0x2f) {
          this.#uriStart = this.#pathStart = this.#at - 1
          this.#state = S.uri
        } else if (isLetter(c)) {
          this.#uriStart = this.#at - 1
          this.#state = S.schema
        } else if (c !== SPACE) this.#refuse(400, 'invalid request')
        return
      case S.schema:
        if (c === 0x3a) this.#state = S.schemaSlash
        else if (!isLetter(c) && !isDigit(c) && c !== 0x2b && c !== 0x2d && c !== 0x2e) this.#refuse(400, 'invalid request')
        return
      case S.schemaSlash:
      case S.schemaSlashSlash:
        if (c !== 0x2f) return this.#refuse(400, 'invalid request')
        this.#state++
        return
      case S.hostStart:
        this.#hostStart = this.#at - 1
        if (c === 0x5b) {
          this.#state = S.hostLiteral
          return
        }
        this.#state = S.host
        return this.#afterHost(c, true)
      case S.host:
        return this.#afterHost(c, true)
      case S.hostLiteral:
        if (c === 0x5d) this.#state = S.hostEnd
        else if (!isDigit(c) && !isLetter(c) && !":-._~!$&'()*+,;=".includes(String.fromCharCode(c))) this.#refuse(400, 'invalid request')
        return
      case S.hostEnd:
        return this.#afterHost(c, false)
      case S.port:
        if (isDigit(c)) return
        return this.#afterAuthority(c)
      case S.uri:
        if (c === SPACE) {
          this.#uriEnd = this.#at - 1
          this.#state = S.afterUri
        } else if (c === CR || c === LF) {
          this.#uriEnd = this.#at - 1
          this.#major = 0
          this.#minor = 9
          if (c === CR) this.#state = S.lineEnd
          else this.#requestLine()
        } else if (c === 0 || (this.#strict && (c < 0x20 || c === 0x7f))) this.#refuse(400, 'invalid request')
        return
      case S.afterUri:
        if (c === SPACE) return
        if (c === CR || c === LF) {
          this.#minor = 9
          if (c === CR) this.#state = S.lineEnd
          else this.#requestLine()
        } else if (c === 0x48) {
          this.#word = 1
          this.#state = S.http
        } else if (this.#strict) this.#refuse(400, 'invalid request')
        else if (c === 0) this.#refuse(400, 'invalid request')
        else this.#state = S.uri
        return
      case S.http:
        if (c !== 'HTTP/'.charCodeAt(this.#word)) return this.#refuse(400, 'invalid request')
        this.#word++
        if (this.#word === 5) this.#state = S.firstMajor
        return
      case S.firstMajor:
        if (c < 0x31 || c > 0x39) return this.#refuse(400, 'invalid request')
        this.#major = c - 0x30
        if (this.#major > 1) return this.#refuse(505, 'invalid version')
        this.#state = S.major
        return
      case S.major:
        if (c === 0x2e) this.#state = S.firstMinor
        else if (!isDigit(c)) this.#refuse(400, 'invalid request')
        else {
          this.#major = this.#major * 10 + (c - 0x30)
          if (this.#major > 1) this.#refuse(505, 'invalid version')
        }
        return
      case S.firstMinor:
        if (!isDigit(c)) return this.#refuse(400, 'invalid request')
        this.#minor = c - 0x30
        this.#state = S.minor
        return
      case S.minor:
        if (c === CR) this.#state = S.lineEnd
        else if (c === LF) this.#requestLine()
        else if (c === SPACE) this.#state = S.afterVersion
        else if (!isDigit(c) || this.#minor > 99) this.#refuse(400, 'invalid request')
        else this.#minor = this.#minor * 10 + (c - 0x30)
        return
      case S.afterVersion:
        if (c === CR) this.#state = S.lineEnd
        else if (c === LF) this.#requestLine()
        else if (c !== SPACE) this.#refuse(400, 'invalid request')
        return
      case S.lineEnd:
        if (c !== LF) return this.#refuse(400, 'invalid request')
        return this.#requestLine()
      default:
        this.#header(c)
    }
  }

  #afterHost(c: number, inHost: boolean): undefined {
    if (inHost && (isLetter(c) || isDigit(c) || c === 0x2e || c === 0x2d)) return
    this.#hostEnd = this.#at - 1
    if (c === 0x3a) {
      this.#state = S.port
      return
    }
    this.#afterAuthority(c)
  }

  #afterAuthority(c: number): undefined {
    if (c === 0x2f) {
      this.#pathStart = this.#at - 1
      this.#state = S.uri
    } else if (c === 0x3f) {
      this.#pathStart = this.#at - 1
      this.#state = S.uri
    } else if (c === SPACE) {
      this.#pathStart = this.#at - 1
      this.#uriEnd = this.#at - 1
      this.#state = S.afterUri
    } else this.#refuse(400, 'invalid request')
  }

  #requestLine(): undefined {
    this.#version = this.#major * 1000 + this.#minor
    if (this.#version === 9 && this.#method !== 'GET') return this.#refuse(400, 'invalid method in HTTP/0.9 request')
    if (this.#raw.text(this.#uriStart, this.#uriEnd).length === 0) return this.#refuse(400, 'invalid request')
    const target = this.#raw.text(this.#pathStart, this.#uriEnd)
    const parsed = complexPath(target.startsWith('/') ? target : `/${target}`)
    if (parsed === undefined) return this.#refuse(400, 'invalid URI')
    this.#path = parsed.path
    this.#query = parsed.query
    if (this.#hostStart >= 0) {
      const host = validHost(this.#raw.text(this.#hostStart, this.#hostEnd), this.#strict)
      if (host === undefined) return this.#refuse(400, 'invalid host in request line')
      this.#host = host
    }
    this.#endLine()
    if (this.done) return
    if (this.#version === 9) return this.#finish()
    this.#state = S.headerStart
  }
  #path = '/'
  #query = ''

  #header(c: number): undefined {
    switch (this.#state) {
      case S.headerStart:
        this.#nameStart = this.#at - 1
        this.#invalidName = false
        if (c === CR) {
          this.#state = S.headEnd
          return
        }
        if (c === LF) return this.#finish()
        this.#state = S.name
        return this.#nameByte(c, true)
      case S.name:
        if (c === 0x3a) {
          this.#nameEnd = this.#at - 1
          this.#state = S.beforeValue
          return
        }
        if (c === CR || c === LF) {
          this.#nameEnd = this.#valueStart = this.#valueEnd = this.#at - 1
          if (c === CR) this.#state = S.fieldEnd
          else this.#field()
          return
        }
        return this.#nameByte(c, false)
      case S.beforeValue:
        if (c === SPACE) return
        this.#valueStart = this.#valueEnd = this.#at - 1
        if (c === CR) this.#state = S.fieldEnd
        else if (c === LF) this.#field()
        else if (c === 0) this.#refuse(400, 'invalid header line')
        else {
          this.#valueEnd = this.#at
          this.#state = S.value
        }
        return
      case S.value:
        if (c > SPACE) this.#valueEnd = this.#at
        else if (c === CR) this.#state = S.fieldEnd
        else if (c === LF) this.#field()
        else if (c === 0) this.#refuse(400, 'invalid header line')
        else if (c !== SPACE) this.#valueEnd = this.#at
        return
      case S.fieldEnd:
        if (c === LF) this.#field()
        else if (c !== CR) this.#refuse(400, 'invalid header line')
        return
      default:
        if (c === LF) this.#finish()
        else this.#refuse(400, 'invalid header line')
    }
  }

  #nameByte(c: number, first: boolean): undefined {
    if (isNameByte[c] === 1) return
    if (c === 0 || (this.#strict && (c <= SPACE || c === 0x7f || (first && c === 0x3a)))) return this.#refuse(400, 'invalid header line')
    // Underscores and other odd bytes: the line is read and ignored (ignore_invalid_headers).
    this.#invalidName = true
  }

  #field(): undefined {
    this.#state = S.headerStart
    const name = this.#raw.text(this.#nameStart, this.#nameEnd)
    const value = this.#raw.text(this.#valueStart, this.#valueEnd)
    this.#headers.push([name, value])
    this.#endLine()
    if (this.done || this.#invalidName) return
    const key = name.toLowerCase()
    const had = this.#fields.has(key)
    if (!had) this.#fields.set(key, value)
    else if (uniques.has(key)) return this.#refuse(400, `duplicate ${key} header`)
    if (key !== 'host') return
    const host = validHost(value, this.#strict)
    if (host === undefined) this.#refuse(400, 'invalid host header')
    else if (this.#host === '') this.#host = host
  }

  #finish(): undefined {
    const fields = this.#fields
    if (this.#version > 1000 && !fields.has('host')) return this.#refuse(400, 'HTTP/1.1 request without Host')
    let contentLength = -1
    const length = fields.get('content-length')
    if (length !== undefined) {
      if (!/^\d{1,19}$/.test(length) || BigInt(length) > 0x7fffffffffffffffn) return this.#refuse(400, 'invalid Content-Length')
      contentLength = Number(length)
    }
    let chunked = false
    const coding = fields.get('transfer-encoding')
    if (coding !== undefined) {
      if (this.#strict && this.#version < 1001) return this.#refuse(400, 'HTTP/1.0 request with Transfer-Encoding')
      if (coding.toLowerCase() === 'chunked') {
        if (this.#strict && contentLength >= 0) return this.#refuse(400, 'both Content-Length and Transfer-Encoding')
        contentLength = -1
        chunked = true
      } else if (this.#strict || coding.toLowerCase() !== 'identity') return this.#refuse(501, 'unknown Transfer-Encoding')
    }
    if (this.#method === 'TRACE') return this.#refuse(405, 'TRACE method')
    if (this.#strict && this.#method === 'CONNECT') return this.#refuse(405, 'CONNECT method')
    const connection = fields.get('connection')?.toLowerCase() ?? ''
    this.done = true
    this.head = {
      method: this.#method,
      target: this.#raw.text(this.#uriStart, this.#uriEnd),
      path: this.#path,
      query: this.#query,
      version: this.#version,
      headers: this.#headers,
      fields,
      host: this.#host,
      keepAlive: connection.includes('close') ? false : connection.includes('keep-alive') ? this.#version >= 1000 : this.#version > 1000,
      chunked,
      contentLength,
      expectsContinue: this.#version > 1000 && fields.get('expect')?.toLowerCase() === '100-continue',
    }
  }
}

/** A parser of one head, as nginx of the given version (`1.20.1`) reads it. */
export function nginxHead(version: string): HeadParser {
  return new NginxHead(isStrict(version))
}

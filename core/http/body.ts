/** Bodies of requests, bounded before they are read. */
import { doorError } from './errors.ts'

/** Reads at most `limit` bytes as UTF-8. Throws 413 for more, before reading when the length is announced. */
export async function readText(request: Request, limit: number): Promise<string> {
  const announced = Number(request.headers.get('content-length') ?? 0)
  if (announced > limit) throw tooLarge(limit)
  const chunks: Uint8Array[] = []
  let size = 0
  if (request.body) {
    for await (const chunk of request.body) {
      size += chunk.byteLength
      if (size > limit) throw tooLarge(limit)
      chunks.push(chunk)
    }
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Reads a JSON body. Throws 415 for another type, 400 for what is no JSON. An absent body is an empty object. */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  const text = await readText(request, limit)
  if (text === '') return {}
  // A form of another site cannot send this type without asking first.
  if (!/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? '')) throw doorError('body-type')
  try {
    return JSON.parse(text)
  } catch {
    throw doorError('bad-request', 'the body is not valid JSON')
  }
}

const tooLarge = (limit: number) => doorError('body-too-large', `the body is too large: at most ${limit} bytes are taken`)
